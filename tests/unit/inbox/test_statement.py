"""A statement that is compiled once, and executed for a list of rows of any length."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anchorbolt.inbox.rows import MOST, rows
from anchorbolt.inbox.sql import SQLITE, WHOLE
from anchorbolt.inbox.statement import Statement
from sqlalchemy import Connection, bindparam, create_engine, select


@pytest.fixture
def connection() -> Iterator[Connection]:
    """One to an empty SQLite."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize("of_tuples", [False, True], ids=["mappings", "tuples"])
@pytest.mark.parametrize("size", [0, 1, MOST - 1, MOST, MOST + 1, 2 * MOST, 2 * MOST + 3])
def test_it_answers_for_each_row_in_their_order(connection: Connection, size: int, *, of_tuples: bool) -> None:
    """However many there are, also none, every row is answered for once, and its other parameters hold for all."""
    r = rows(SQLITE, {"n": WHOLE, "of": WHOLE})
    statement = Statement(SQLITE, select(r.c.n, r.c.of + bindparam("more", type_=WHOLE())).select_from(r))
    asked = [(n, 100 * n) if of_tuples else {"of": 100 * n, "n": n} for n in range(size)]
    found = statement(connection, {"rows": asked, "more": 7})
    assert [tuple(row) for row in found] == [(n, 100 * n + 7) for n in range(size)]

"""A pooler that no setting tells of is recognised when the database is opened, by a real PgBouncer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from anchorbolt.errors import PoolerError
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.postgresql.database import LIMITS
from sqlalchemy.engine import URL, make_url

from tests.support import pgbouncer
from tests.support.pgbouncer import PgBouncer
from tests.support.postgresql import PostgreSQL

Behind = Callable[[str], URL]


@pytest.fixture
def behind(shared_postgres: PostgreSQL) -> Iterator[Behind]:
    """Starts a PgBouncer in transaction mode, which ignores some parameters: the URL of a database behind it."""
    if pgbouncer.binary() is None:
        missing = "PgBouncer is not installed: apt-get install pgbouncer"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    started: list[PgBouncer] = []

    def start(ignores: str) -> URL:
        started.append(PgBouncer(shared_postgres.port, ignores=ignores))
        return make_url(shared_postgres.new_database()).set(port=started[-1].port)

    yield start
    for pooler in started:
        pooler.stop()


@pytest.mark.parametrize("ignores", ["", ",".join(LIMITS)], ids=["refuses settings", "ignores settings"])
async def test_a_pooler_is_recognised(behind: Behind, ignores: str) -> None:
    """Also where PgBouncer was told to ignore what it had complained about; the message names the setting."""
    database = PostgresqlDatabase(behind(ignores))
    with pytest.raises(PoolerError, match="set DATABASE_LISTEN_URL"):
        await database.open()
    await database.close()


async def test_a_pooler_that_is_told_of_is_used(behind: Behind) -> None:
    """With DATABASE_LISTEN_URL, whatever it says, the database is opened."""
    database = PostgresqlDatabase(behind(""), pooled=True)
    await database.open()
    await database.close()

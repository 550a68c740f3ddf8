"""What PostgreSQL's driver is asked, a round trip each, but for the preparation of a statement that is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement


@contextmanager
def asked() -> Iterator[list[str]]:
    """Notes the first words of each statement, of all connections of this process."""
    seen: list[str] = []

    def noting(ask: Callable[..., Any], text: Callable[..., str]) -> Callable[..., Any]:
        async def note(self: Any, *arguments: Any, **options: Any) -> Any:
            seen.append(" ".join(text(self, *arguments).split()[:2]))
            return await ask(self, *arguments, **options)

        return note

    ways = [(asyncpg.Connection, name, lambda _, text, *__: text) for name in ("execute", "fetch", "fetchrow")]
    ways.append((PreparedStatement, "fetch", lambda self, *_: self.get_query()))
    patches = [mock.patch.object(of, name, noting(getattr(of, name), text)) for of, name, text in ways]
    for patch in patches:
        patch.start()
    try:
        yield seen
    finally:
        for patch in patches:
            patch.stop()

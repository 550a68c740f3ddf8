"""Fills an inbox: tombstones, and deliveries that wait. By SQL of its own, a million rows in seconds."""

from __future__ import annotations

from anchorbolt.inbox.database import Database
from sqlalchemy import text

# More than a pod holds at once, of a second each on a slow disk.
FILL_SECONDS = 300

SERIES = {
    "postgresql": "SELECT n FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n",
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM s WHERE n < :last) SELECT n FROM s",
}
BODY = {"postgresql": "repeat('x', {bytes})", "sqlite": "printf('%.{bytes}c', 'x')"}
CLOCK = {"postgresql": "extract(epoch FROM clock_timestamp())", "sqlite": "clock()"}
# Of the last day, evenly, as a busy inbox has them; none is old enough to be swept.
TOMBSTONES = """
INSERT INTO delivery (key, lane, kind, content_type, received_at, state, attempts, crashes, ended_at)
SELECT 'A1:Ev0' || n, 'C0' || (n % 5000), 'event', 'application/json', {clock} - 86400, '{state}', 1, 0,
    {clock} - 86400 + n * 0.08
FROM ({series}) series
"""
WAITING = """
INSERT INTO delivery (key, lane, kind, content_type, body, received_at, state, attempts, crashes)
SELECT 'A1:EvW{deliveries}-' || n, 'W' || (n % {lanes}), 'event', 'application/json', {body}, {clock}, 'live', 0, 0
FROM ({series}) series
"""
LANES = """
INSERT INTO lane (name, pending, epoch, claimable_at)
SELECT lane, count(*), 0, {clock} - 60 + min(id) / 1e6 FROM delivery WHERE state = 'live' GROUP BY lane
"""


async def add_ended(database: Database, first: int, last: int, state: str = "done") -> None:
    """Deliveries that have ended, numbered from `first` to `last`."""
    words = _words(database.dialect) | {"state": state}
    await _run(database, TOMBSTONES.format(**words), first=first, last=last)
    await _settle(database)


async def set_waiting(database: Database, deliveries: int, lanes: int, body_bytes: int = 1_000) -> None:
    """So many deliveries wait in so many lanes, and nothing else does."""
    await clear(database)
    words = _words(database.dialect)
    body = BODY[database.dialect].format(bytes=body_bytes)
    await _run(
        database, WAITING.format(**words, body=body, lanes=lanes, deliveries=deliveries), first=1, last=deliveries
    )
    await _run(database, LANES.format(**words))
    await _settle(database)


async def clear(database: Database) -> None:
    """Nothing waits."""
    await _run(database, "DELETE FROM lane")
    await _run(database, "DELETE FROM delivery WHERE state = 'live'")


async def size_mib(database: Database) -> float:
    """What the whole database takes on the disk."""
    sql = {
        "postgresql": "SELECT pg_database_size(current_database())",
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    }[database.dialect]
    return float(await database.transact(lambda c: c.execute(text(sql)).scalar_one(), 60)) / 2**20


def _words(dialect: str) -> dict[str, str]:
    return {"series": SERIES[dialect], "clock": CLOCK[dialect]}


async def _run(database: Database, sql: str, **parameters: int) -> None:
    await database.transact(lambda c: c.execute(text(sql), parameters), FILL_SECONDS)


async def _settle(database: Database) -> None:
    """PostgreSQL counts what a table holds within a minute; SQLite never does by itself."""
    if database.shared:
        await _run(database, "ANALYZE delivery, lane")

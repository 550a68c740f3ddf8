"""What an error of PostgreSQL, its driver or the way to it tells: is the row wrong, the moment, or is nobody there.

The codes are SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html).
"""

from __future__ import annotations

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# A plan from before a migration, which the driver keeps for each connection.
STALE = "0A000"
# Deadlock, serialization failure, a lock that did not come: rolled back, and may simply be done again.
TRANSIENT = ("40P01", "40001", "55P03", STALE)
# Writing is not possible: the server is a standby or reads only, or its disk is full.
READ_ONLY, DISK_FULL = "25006", "53100"
# Data, constraint, too large: a row that no repetition stores. Everything else is about the database, not the row. What
# asyncpg itself cannot send, such as a number that is too large, has a code of data too.
REFUSED = ("22", "23", "54")
# What the way to a database raises, and the database itself.
BROKEN = (OSError, TimeoutError, DBAPIError, PoolTimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


def code_of(error: DBAPIError) -> str:
    """The SQLSTATE; empty where the error has none."""
    # SQLAlchemy's translation of a stale plan has none, only what it was made from.
    named = (getattr(of, "sqlstate", None) for of in (error.orig, getattr(error.orig, "__cause__", None)))
    return str(next(filter(None, named), ""))


def is_stale(error: BaseException) -> bool:
    """Whether the connection still has a plan from before a migration."""
    return isinstance(error, DBAPIError) and code_of(error) == STALE


def is_standby(error: BaseException) -> bool:
    """Whether the server refuses writes, as a former primary does: then no connection to it is of use."""
    return isinstance(error, DBAPIError) and code_of(error) == READ_ONLY


def is_refused(error: DBAPIError) -> bool:
    """Whether the database refused a row, rather than was not there, or not what we need it to be."""
    return code_of(error).startswith(REFUSED)


def is_answer(error: BaseException) -> bool:
    """Whether the database is there, and said what is wrong with the row or the moment."""
    return isinstance(error, DBAPIError) and (is_refused(error) or code_of(error) in TRANSIENT)


def advice(error: BaseException, setting: str) -> str:
    """What to do about an error of the database that is not about a row. `setting`: the one that names it."""
    code = code_of(error) if isinstance(error, DBAPIError) else getattr(error, "sqlstate", None)
    if code == READ_ONLY:
        return (
            "it cannot be written to: it is a standby, or default_transaction_read_only is on. Let"
            f" {setting} lead to the primary; with several hosts in it, the one that can be written to is found"
        )
    if code == DISK_FULL:
        return "its disk is full: free some space there"
    return f"look at it, its network and {setting}"

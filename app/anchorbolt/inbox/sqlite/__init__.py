"""SQLite: the inbox of one process, in a file or in memory."""

from anchorbolt.inbox.sqlite.database import SqliteDatabase

__all__ = ["SqliteDatabase"]

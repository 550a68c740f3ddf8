"""PostgreSQL: the inbox that any number of processes share."""

from anchorbolt.inbox.postgresql.database import PostgresqlDatabase

__all__ = ["PostgresqlDatabase"]

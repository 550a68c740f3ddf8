"""PostgreSQL: the inbox that any number of processes share."""

from anchorbolt.inbox.postgresql.address import AddressError, read
from anchorbolt.inbox.postgresql.database import PostgresqlDatabase

__all__ = ["AddressError", "PostgresqlDatabase", "read"]

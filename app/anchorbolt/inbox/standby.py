"""Makes a PostgreSQL transaction that would write nothing wait for the synchronous standby.

PostgreSQL waits for `synchronous_standby_names` at the end of transactions that have written to the write-ahead log,
and of no others (https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION). A transaction that
only reads sees rows that the standby does not have yet: after the primary was restarted, or after somebody cancelled
the wait of the transaction that wrote them. If it tells Slack that such a row is stored and the standby is then
promoted, the row is gone. SQLite has no standby and needs none of this.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, literal_column, select
from sqlalchemy.types import Text

from anchorbolt.inbox.sql import POSTGRESQL

# An empty, transactional message: it belongs to the transaction, and nobody has to decode it.
WRITE_TO_LOG: ColumnElement[str] = literal_column("pg_logical_emit_message(true, 'anchorbolt', '')", Text())


def wait_for_standby(connection: Connection) -> None:
    """Makes the commit of this transaction wait until the standbys have everything that it has seen."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(select(WRITE_TO_LOG))

"""Alembic's entry: runs the migrations on the connection, and in the transaction, that schema.upgrade gives."""

from alembic import context

from anchorbolt.inbox.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table="anchorbolt_version"
)
context.run_migrations()

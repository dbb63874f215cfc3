"""Run by Alembic: migrates over the connection, and inside the transaction, that `migrate.py` hands over."""

from alembic import context

from mcoflow.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
context.run_migrations()

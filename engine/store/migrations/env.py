"""Alembic's entry: runs inside the transaction that engine/store/migrate.py has begun."""

from alembic import context

from engine.store.models import Record

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Record.metadata, render_as_batch=True, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()

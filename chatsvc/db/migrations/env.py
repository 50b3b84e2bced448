"""Runs the migrations on the connection that ``chatsvc.db.migrate`` hands over; there is no other way in."""

from alembic import context

from chatsvc.db.columns import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()

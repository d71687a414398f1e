"""What alembic runs: every migration on the connection that it was handed."""

from alembic import context

from homeport.store.tables.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

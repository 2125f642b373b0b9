"""Alembic's entry point: runs the revisions on the connection that `upgrade` provides."""

from alembic import context

from digest.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()

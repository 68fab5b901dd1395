"""Migrates on the connection that ``registry.upgrade`` gives. An import does nothing: Alembic runs this file."""

from alembic import context

from reconciler.registry.table import VERSIONS

if hasattr(context, "config"):  # Alembic sets it while it runs migrations
    context.configure(connection=context.config.attributes["connection"], version_table=VERSIONS.name)
    with context.begin_transaction():
        context.run_migrations()

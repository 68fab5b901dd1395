"""The versions of the registry's tables, as migrations of Alembic."""

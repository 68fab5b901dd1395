"""Dumps of a tenant's databases, by pg_dump."""

"""What is inside a cluster: marks in its log, the roles and databases of the API, a schema without rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from reconciler.simulator.store import body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from reconciler.simulator.postgres.cluster import Cluster, Connection

SUPERUSER: Final = "neon_superuser"
"""What every role is a member of that the API creates (Neon: manage/roles)."""

_PREPARE: Final = f"""
CREATE ROLE {SUPERUSER} NOLOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS;
GRANT pg_read_all_data, pg_write_all_data, pg_monitor TO {SUPERUSER} WITH ADMIN OPTION;
"""
_TABLES: Final = """
SELECT n.nspname, c.relname, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg_toast%' AND n.nspname NOT LIKE 'pg_temp%'
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.deptype = 'e')
ORDER BY 1, 2
"""


def prepare_cluster(cluster: Cluster) -> None:
    """Makes Neon's own role in a new cluster, which does not run."""
    cluster.start()
    with cluster.connection() as connection:
        connection.execute(_PREPARE)
    cluster.stop()


def mark(cluster: Cluster, name: str) -> None:
    """Writes a name into the log of a running server: where it is now."""
    with cluster.connection() as connection:
        connection.execute("SELECT pg_create_restore_point(%s)", (name,))
        _commit(connection)


def commit(cluster: Cluster) -> None:
    """Commits a transaction that changes nothing, and so writes the log up to this moment to its file."""
    with cluster.connection() as connection:
        _commit(connection)


def _commit(connection: Connection) -> None:
    # A transaction whose log holds nothing but its commit is written later: PostgreSQL waits for none.
    connection.execute("SELECT pg_logical_emit_message(true, 'simulator', '')")


def configure(cluster: Cluster, roles: Iterable[sqlite3.Row], databases: Iterable[sqlite3.Row]) -> None:
    """Creates the roles and databases that the API describes, and sets their passwords and owners."""
    with cluster.connection() as connection:
        for role in roles:
            _configure_role(connection, role["name"], role["password"])
        for database in databases:
            _configure_database(connection, database["name"], body_of(database)["owner_name"])


def _configure_role(connection: Connection, name: str, password: str) -> None:
    role = sql.Identifier(name)
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is None:
        attributes = "CREATE ROLE {} INHERIT CREATEDB CREATEROLE REPLICATION BYPASSRLS IN ROLE {}"
        connection.execute(sql.SQL(attributes).format(role, sql.Identifier(SUPERUSER)))
    if password:
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))


def _configure_database(connection: Connection, name: str, owner: str) -> None:
    database, role = sql.Identifier(name), sql.Identifier(owner)
    query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
    found = connection.execute(query, (name,)).fetchone()
    if found is None:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
        connection.execute(sql.SQL("GRANT ALL ON DATABASE {} TO {}").format(database, sql.Identifier(SUPERUSER)))
    elif found[0] != owner:
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, role))


def drop_database(cluster: Cluster, name: str) -> None:
    """Deletes a database, and ends the sessions that use it."""
    with cluster.connection() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def rename_database(cluster: Cluster, before: str, after: str) -> None:
    """Gives a database another name, and ends the sessions that use it."""
    with cluster.connection() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (before,)
        )
        named = sql.Identifier(before), sql.Identifier(after)
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*named))


def drop_role(cluster: Cluster, name: str) -> None:
    """Deletes a role. What it owns goes to the owner of the database (Neon: manage/roles)."""
    role = sql.Identifier(name)
    with cluster.connection() as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is None:
            return
        for database, owner in _databases(connection):
            with cluster.connection(database) as inside:
                inside.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(role, sql.Identifier(owner)))
                inside.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def _databases(connection: Connection) -> list[tuple[str, str]]:
    """The databases that can be connected to, and their owners."""
    query = "SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datallowconn ORDER BY datname"
    return [(name, owner) for name, owner in connection.execute(query).fetchall()]


def delete_rows(cluster: Cluster) -> None:
    """Leaves a cluster its schema alone: no rows, and every sequence at its start."""
    with cluster.connection() as connection:
        names = [name for name, _ in _databases(connection)]
    for name in names:
        with cluster.connection(name) as connection:
            _delete_rows(connection)


def _delete_rows(connection: Connection) -> None:
    connection.execute("SET session_replication_role = replica")  # no trigger of the schema runs
    kinds: dict[str, list[sql.Identifier]] = {kind: [] for kind in "rpSm"}
    for schema, name, kind in connection.execute(_TABLES).fetchall():
        kinds[kind].append(sql.Identifier(schema, name))
    tables = [*kinds["r"], *kinds["p"]]
    if tables:
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(tables)))
    for sequence in kinds["S"]:
        connection.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sequence))
    for view in kinds["m"]:
        connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {} WITH NO DATA").format(view))
    connection.execute("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")

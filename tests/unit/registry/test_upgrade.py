"""Tables of an earlier version: upgraded in place, on SQLite and PostgreSQL, with every row as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from reconciler.environment import Environment
from reconciler.errors import RegistryError
from reconciler.live.registered import Lease, Placement, Record, Registered, RowState
from reconciler.registry.connect import open_registry
from reconciler.registry.table import HEAD, METADATA, TENANTS, TENANTS_SINCE, VERSIONS
from reconciler.registry.upgrade import SCRIPTS, upgrade
from tests.harness.builders import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.registry.store import Registry

BEFORE = """
CREATE TABLE neon_reconciler_tenants (
    fleet VARCHAR(63) NOT NULL, tenant VARCHAR(128) NOT NULL, project_id VARCHAR(60), organization VARCHAR(63),
    claimed_by VARCHAR(64) NOT NULL, claimed_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (fleet, tenant));
CREATE TABLE neon_reconciler_revisions (
    fleet VARCHAR(63) NOT NULL, tenant VARCHAR(128) NOT NULL, revision BIGINT NOT NULL,
    accepted_by VARCHAR(64) NOT NULL, accepted_at TIMESTAMP NOT NULL, PRIMARY KEY (fleet, tenant));
CREATE TABLE neon_reconciler_leases (
    fleet VARCHAR(63) NOT NULL, part VARCHAR(24) NOT NULL, token BIGINT NOT NULL, held_by VARCHAR(64),
    since TIMESTAMP, renewed_at TIMESTAMP, PRIMARY KEY (fleet, part));
INSERT INTO neon_reconciler_tenants VALUES
    ('prod', 'acme', 'cool-river-1', 'free', 'run1', '2026-11-21 12:00:00.000000', '2026-11-21 12:00:00.000000'),
    ('prod', 'birch', NULL, NULL, 'run2', '2026-11-21 12:00:00.000000', '2026-11-21 12:00:00.000000');
INSERT INTO neon_reconciler_revisions VALUES ('prod', 'acme', 7, 'run1', '2026-11-21 12:00:00.000000');
INSERT INTO neon_reconciler_leases VALUES ('prod', '', 41, NULL, NULL, NULL)
"""
"""What the program made before its tables had versions."""


def alembic_on(connection: sa.Connection | None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", SCRIPTS)
    config.set_main_option("version_locations", f"{SCRIPTS}/versions")
    config.set_main_option("path_separator", "newline")
    return config


@pytest.fixture
def old(request: pytest.FixtureRequest, address: str) -> Iterator[str]:
    """The address of a database with tables of that time, of its own."""
    name = f"registry_{uuid4().hex[:8]}"
    engine = sa.create_engine(
        address.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    own = address
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        own = str(sa.make_url(address).set(database=name).render_as_string(hide_password=False))
    made = sa.create_engine(own.replace("postgresql://", "postgresql+psycopg://"))
    with made.begin() as connection:
        for statement in BEFORE.split(";"):
            connection.exec_driver_sql(statement)
    yield own
    made.dispose()
    engine.dispose()


@pytest.fixture
def opened(old: str) -> Iterator[Callable[[], Registry]]:
    found = []

    def another() -> Registry:
        found.append(open_registry(old, Environment({}), fleet="prod"))
        return found[-1]

    yield another
    for registry in found:
        registry.close()


def test_a_plan_reads_the_old_tables_and_changes_nothing(opened: Callable[[], Registry]) -> None:
    registry = opened()
    rows = registry.rows()
    assert (rows["acme"].project_id, rows["acme"].organization, rows["birch"].project_id) == (
        "cool-river-1",
        "free",
        None,
    )
    assert registry.revisions() == {"acme": 7}
    assert registry.tenants() == []
    with registry._engine.connect() as connection:
        assert not sa.inspect(connection).has_table(VERSIONS.name)


def test_a_write_upgrades_them_and_keeps_every_row(opened: Callable[[], Registry]) -> None:
    registry = opened()
    before = registry.rows()
    registry.prepare()
    assert registry.rows() == before
    assert {name: row.record.state for name, row in registry.rows().items()} == {
        "acme": RowState.READY,
        "birch": RowState.SETTING_UP,
    }
    assert registry.revisions() == {"acme": 7}
    assert registry.lease("all", "run9", NOON, lapsed_before=NOON) == Lease("all", "run9", 42, NOON, NOON)
    record = Record(tier="pro", region="aws-us-east-2", host="ep-1.neon.test", project_created_at=NOON)
    registry.place(Placement("acme", "cool-river-1", "paid", record), "run3", NOON)
    (acme, _) = registry.tenants()
    assert (acme.tier, acme.project_created_at) == ("pro", NOON)
    assert acme.revision == 7


def test_tables_without_connection_strings_get_empty_columns(old: str, opened: Callable[[], Registry]) -> None:
    engine = sa.create_engine(old.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        command.upgrade(alembic_on(connection), "0002")
        connection.exec_driver_sql("UPDATE neon_reconciler_tenants SET tier = 'pro' WHERE tenant = 'acme'")
        assert "pooled_string" not in {
            column["name"] for column in sa.inspect(connection).get_columns(TENANTS.name)
        }
    engine.dispose()
    registry = opened()
    before = {name: (row.project_id, row.claimed_at) for name, row in registry.rows().items()}
    assert not registry.kept_connections()
    assert not registry.tenants_with_strings()
    registry.prepare()
    acme, birch = registry.tenants()
    assert {row.tenant: (row.project_id, row.claimed_at) for row in (acme, birch)} == before
    assert (acme.tier, acme.state, acme.connection_string) == ("pro", RowState.READY, None)


def test_tables_that_lack_only_other_tables_are_read_as_new_ones(old: str, opened: Callable[[], Registry]) -> None:
    """After an upgrade of the program, before its first write: also by a role that may only read."""
    engine = sa.create_engine(old.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        command.upgrade(alembic_on(connection), TENANTS_SINCE)
        found = {column["name"] for column in sa.inspect(connection).get_columns(TENANTS.name)}
        assert found == set(TENANTS.c.keys())
    engine.dispose()
    registry = opened()
    registry.forget("acme", "cool-river-1", NOON)
    assert list(registry.rows()) == ["birch"]
    assert [row.tenant for row in registry.tenants()] == ["acme", "birch"]
    assert registry.version() == TENANTS_SINCE


def test_of_many_that_start_at_once_one_upgrades(opened: Callable[[], Registry]) -> None:
    registries = [opened() for _ in range(6)]
    with ThreadPoolExecutor(len(registries)) as pool:
        list(pool.map(lambda registry: registry.prepare(), registries))
    assert list(registries[0].rows()) == ["acme", "birch"]


def test_tables_of_a_newer_version_are_left_alone(opened: Callable[[], Registry]) -> None:
    registry = opened()
    registry.prepare()
    with registry._engine.begin() as connection:
        connection.execute(VERSIONS.update().values(version_num="9999"))
    with pytest.raises(RegistryError, match="newer version of reconciler"):
        registry.prepare()


def test_upgraded_tables_have_the_columns_that_the_program_uses(opened: Callable[[], Registry]) -> None:
    registry = opened()
    registry.prepare()
    columns = {name: {*table.columns.keys()} for name, table in METADATA.tables.items()}
    assert {name: {*found} for name, found in tables_of(registry).items()} == columns


def test_new_tables_are_those_that_all_migrations_make(opened: Callable[[], Registry]) -> None:
    registry = opened()
    METADATA.drop_all(registry._engine)
    with registry._engine.begin() as connection:
        upgrade(connection)
    migrated = tables_of(registry)
    METADATA.drop_all(registry._engine)
    registry.prepare()
    assert tables_of(registry) == migrated
    assert registry.version() == HEAD


def tables_of(registry: Registry) -> dict[str, dict[str, object]]:
    """What the database says of each column."""
    with registry._engine.connect() as connection:
        tables = sa.inspect(connection)
        return {
            table: {
                column["name"]: (
                    str(column["type"].compile(connection.dialect)),
                    column["nullable"],
                    column["default"],
                    column["name"] in tables.get_pk_constraint(table)["constrained_columns"],
                )
                for column in tables.get_columns(table)
            }
            for table in tables.get_table_names()
        }


def test_the_newest_version_is_the_one_that_the_program_expects() -> None:
    assert ScriptDirectory.from_config(alembic_on(None)).get_current_head() == HEAD


class TestADeletedProject:
    def test_its_row_stays_to_be_shown_and_is_no_row_of_a_tenant(self, opened: Callable[[], Registry]) -> None:
        registry = opened()
        registry.prepare()
        registry.forget("acme", "cool-river-1", NOON)
        assert list(registry.rows()) == ["birch"]
        acme = registry.tenants()[0]
        assert (acme.project_id, acme.state) == ("cool-river-1", RowState.DELETED)

    def test_its_name_can_be_claimed_placed_and_corrected_again(self, opened: Callable[[], Registry]) -> None:
        registry = opened()
        registry.prepare()
        second = Placement("acme", "still-moon-2", "free")
        registry.forget("acme", "cool-river-1", NOON)
        assert registry.claim("acme", "run5", NOON) is None
        assert registry.rows()["acme"] == Registered(None, None, "run5", NOON)
        registry.place(second, "run5", NOON)
        registry.forget("acme", "still-moon-2", NOON)
        assert registry.correct([Placement("acme", "cool-river-3", "free")], {}, "run6", NOON) == []
        assert registry.rows() == {
            "acme": Registered("cool-river-3", "free", "run6", NOON),
            "birch": registry.rows()["birch"],
        }

    def test_an_earlier_name_of_another_tenant_takes_its_place(self, opened: Callable[[], Registry]) -> None:
        registry = opened()
        registry.prepare()
        registry.forget("acme", "cool-river-1", NOON)
        registry.rename("birch", "acme", registry.rows()["birch"])
        assert list(registry.rows()) == ["acme"]

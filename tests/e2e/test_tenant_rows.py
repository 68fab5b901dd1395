"""Tenants that the platform's database declares: each row is checked as a file is, and causes no reduction."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.desired.tier import EnvReference
from reconciler.environment import Environment
from reconciler.errors import InvalidInputError, MissingKeyError, RegistryError
from reconciler.registry.tenant_rows import read_rows
from tests.harness.registry_database import postgresql, required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(15)

COLUMNS: Final = 'name as tenant, tier, plan as \\"labels.plan\\", version as revision'
QUERY: Final = f'select {COLUMNS}, gib as \\"quota.data_transfer\\" from users'  # noqa: S608 - a test's own
URL: Final = EnvReference("TENANTS_URL")
TABLE: Final = "create table users (name text, tier text, plan text, version integer, gib text)"


def execute(shell: Shell, *statements: str) -> None:
    with closing(sqlite3.connect(shell.folder / "users.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def git(shell: Shell, *args: str) -> None:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    subprocess.run(["git", *who, *args], cwd=shell.folder, check=True, capture_output=True)


def commit(shell: Shell) -> None:
    git(shell, "add", "tiers.yaml", "tenants")
    git(shell, "commit", "--quiet", "--no-gpg-sign", "--allow-empty", "-m", "x")


@pytest.fixture
def fleet(shell: Shell) -> Shell:
    """A fleet of two rows and one file, in git; the database is not."""
    required()
    sources = f"""\
tenants:
  - files: "tenants/*.yaml"
  - sql:
      url: ${{TENANTS_URL}}
      query: "{QUERY}"
"""
    shell.write("tiers.yaml", (shell.folder / "tiers.yaml").read_text() + sources)
    shell.environ["TENANTS_URL"] = f"sqlite:///{shell.folder / 'users.db'}"
    execute(
        shell,
        TABLE,
        "insert into users values ('user_1', 'free', 'trial', 1, null), ('user_2', 'pro', null, 1, '80GiB')",
    )
    shell.tenant("acme", "tier: pro")
    git(shell, "init", "--quiet")
    commit(shell)
    return shell


class TestRows:
    def test_are_tenants_like_those_of_files(self, fleet: Shell) -> None:
        ended = fleet.simulated("plan", "--label", "plan=trial")
        assert "1 to create" in ended.out, ended.err
        fleet.applied()
        assert {row["name"] for row in fleet.stored.rows("projects")} == {
            "myapp-acme",
            "myapp-user_1",
            "myapp-user_2",
        }
        quotas = {row["name"]: row["body"]["settings"]["quota"] for row in fleet.stored.rows("projects")}
        assert quotas["myapp-user_2"]["data_transfer_bytes"] == 80 * 2**30
        assert fleet.simulated("plan", "--detailed-exitcode").code == 0

    def test_are_overridden_field_by_field_by_files(self, fleet: Shell) -> None:
        fleet.write("tenants/user_1.yaml", "tenant: user_1\noverrides: {quota: {data_transfer: 1GiB}}\n")
        ended = fleet.simulated("explain", "user_1", "--format", "json")
        found = {value["path"]: value for value in ended.document["values"]}
        assert found["quota.data_transfer_bytes"]["stated_in"] == "override"
        assert (found["tier"]["value"], found["tier"]["location"]) == ("free", None)

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ("'user_3', 'gold', null, null, null", "tenants[1].sql[user_3]:3:30: tier 'gold' does not exist"),
            ("'user_3', 'free', null, null, '5 apples'", "tenants[1].sql[user_3]:3:"),
            ("'user_1', 'pro', null, null, null", "duplicate tenant 'user_1'"),
            ("null, 'pro', null, null, null", "tenants[1].sql:3:1: the row names no tenant"),
            ("'USER_2', 'pro', null, null, null", "differs in case only"),
        ],
    )
    def test_that_are_not_valid_are_named_and_end_the_run(self, fleet: Shell, row: str, told: str) -> None:
        execute(fleet, f"insert into users values ({row})")  # noqa: S608 - the test's own
        ended = fleet.simulated("plan")
        assert ended.code == 3
        assert told in " ".join(ended.err.split())

    def test_of_another_tenant_do_not_stop_a_sign_up(self, fleet: Shell) -> None:
        execute(fleet, "insert into users values ('user_3', 'gold', null, null, null)")
        assert fleet.simulated("converge", "user_1").code == 0

    def test_are_not_read_where_no_database_is_needed(self, fleet: Shell) -> None:
        del fleet.environ["TENANTS_URL"]
        fleet.write("tenants/user_1.yaml", "tenant: user_1\noverrides: {quota: {data_transfer: 1GiB}}\n")
        ended = fleet.run("validate")
        assert ended.code == 0, ended.out
        assert "this command reads no database" in " ".join(ended.out.split())
        assert "overrides a row of a database" in " ".join(ended.out.split())
        assert fleet.run("fmt", "--check").code in {0, 2}
        gone = fleet.simulated("plan")
        assert (gone.code, "$TENANTS_URL is not set" in gone.err) == (4, True)


class TestARow:
    """It is not in git: what it asked for before is unknown."""

    def test_is_the_cause_of_no_reduction_and_no_move(self, fleet: Shell) -> None:
        fleet.applied()
        commit(fleet)
        execute(fleet, "update users set gib = '60GiB' where name = 'user_2'")
        ended = fleet.simulated("apply", "--yes")
        assert "lowering-needs-a-cause" in ended.out, ended.out
        execute(fleet, "update users set gib = null, tier = 'pro', version = 2 where name = 'user_1'")
        assert "move-needs-a-cause" in fleet.simulated("plan", "--tenant", "user_1").out
        allowed = fleet.simulated("apply", "--yes", "--allow", "lowering", "--allow", "transfers=1")
        assert allowed.code == 0, allowed.out + allowed.err
        assert fleet.simulated("plan", "--detailed-exitcode").code == 0

    def test_that_is_missing_deletes_nothing(self, fleet: Shell) -> None:
        fleet.applied()
        commit(fleet)
        execute(fleet, "delete from users")
        ended = fleet.simulated("apply", "--yes")
        assert ended.code == 0, ended.out
        assert "the query returns no row" in " ".join(ended.err.split())
        assert len(fleet.stored.rows("projects")) == 3
        pruned = fleet.simulated("apply", "--yes", "--prune")
        assert (pruned.code, "tenants of a database" in pruned.err) == (3, True)

    def test_of_an_earlier_version_is_refused(self, fleet: Shell) -> None:
        registry = "registry: {url: 'sqlite:///registry.db'}\n"
        fleet.write("tiers.yaml", (fleet.folder / "tiers.yaml").read_text() + registry)
        commit(fleet)
        commit(fleet)
        fleet.applied()
        execute(fleet, "update users set version = 0, gib = '90GiB' where name = 'user_2'")
        assert "stale-revision" in fleet.simulated("plan").out


class TestAPullRequest:
    def test_cannot_change_the_query_or_the_address(self, fleet: Shell) -> None:
        prices = (fleet.folder / "tiers.yaml").read_text()
        for change in (
            ("from users", "from passwords"),
            ("TENANTS_URL", "REGISTRY_URL"),
            ("TENANTS_URL", "AWS_SECRET"),
        ):
            fleet.write("tiers.yaml", prices.replace(*change))
            fleet.environ |= {"REGISTRY_URL": "sqlite:///other.db", "AWS_SECRET": "s3cret"}
            for words in (("plan", "--base", "HEAD"), ("converge", "acme", "--base", "HEAD")):
                ended = fleet.simulated(*words)
                assert ended.code in {3, 5}, ended.out
                told = " ".join(ended.err.split())
                assert "at the base" in told or "not permitted" in told
                assert "s3cret" not in ended.err + ended.out
        assert not (fleet.folder / "other.db").exists()


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The same rows in SQLite and in PostgreSQL."""
    sqlalchemy = required()
    file = tmp_path_factory.mktemp("rows") / "users.db"
    with postgresql() as address:
        found = {"sqlite": f"sqlite:///{file}", "postgresql": address}
        for url in found.values():
            engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
            with engine.begin() as connection:
                for statement in (TABLE, "insert into users values ('a', 'free', '{\"x\": \"y\"}', 1, null)"):
                    connection.exec_driver_sql(statement)
            engine.dispose()
        yield found


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
class TestADatabase:
    def test_gives_its_rows_by_column(self, databases: dict[str, str], kind: str) -> None:
        environ = Environment({"TENANTS_URL": databases[kind]})
        rows = read_rows(URL, "select name as tenant, version, 1.5 as cu, gib, 'a:b %s' as t from users", environ)
        assert [{**row, "cu": float(str(row["cu"]))} for row in rows] == [
            {"tenant": "a", "version": 1, "cu": 1.5, "gib": None, "t": "a:b %s"}
        ]

    @pytest.mark.parametrize(
        "query",
        [
            "delete from users returning name as tenant",
            "select 1; delete from users",
            "select 1; commit; delete from users",
            "insert into users (name) values ('b')",
            "drop table users",
        ],
    )
    def test_is_never_written(self, databases: dict[str, str], kind: str, query: str) -> None:
        environ = Environment({"TENANTS_URL": databases[kind]})
        with pytest.raises((RegistryError, InvalidInputError)):
            read_rows(URL, query, environ)
        assert read_rows(URL, "select count(*) as n from users", environ) == [{"n": 1}]

    def test_tells_of_a_bad_query_without_the_address(self, databases: dict[str, str], kind: str) -> None:
        environ = Environment({"TENANTS_URL": databases[kind]})
        with pytest.raises(RegistryError, match="cannot be read") as raised:
            read_rows(URL, "select nonsense from users", environ)
        assert "nonsense" in str(raised.value)
        assert databases[kind] not in str(raised.value)


def test_a_query_leaves_nothing_in_the_session_of_a_pooler(databases: dict[str, str]) -> None:
    """Also one that fails half-way: the next one that gets the session finds no statement of its name."""
    environ = Environment({"TENANTS_URL": databases["postgresql"]})
    assert read_rows(URL, "select name from pg_prepared_statements", environ) == []


@pytest.mark.parametrize("query", ["set timezone to 'utc'", ""])
def test_a_query_without_rows_is_no_query_of_tenants(databases: dict[str, str], query: str) -> None:
    with pytest.raises(InvalidInputError, match="returns no rows"):
        read_rows(URL, query, Environment({"TENANTS_URL": databases["postgresql"]}))


def test_types_of_postgresql_become_keys_of_tenants(shell: Shell, databases: dict[str, str]) -> None:
    query = (
        "select 'a-' || uuid '00000000-0000-4000-8000-000000000001' as tenant, 'pro' as tier, "
        "jsonb_build_object('team', 'eu') as labels, true as protect, 7::numeric as revision, "
        "array['v1', 'v2'] as snapshots, jsonb_build_object('max_cu', 0.5) as compute, null as reason"
    )
    shell.write(
        "tiers.yaml",
        (shell.folder / "tiers.yaml").read_text()
        + f"tenants:\n  - sql:\n      url: ${{TENANTS_URL}}\n      query: >-\n        {query}\n",
    )
    shell.environ["TENANTS_URL"] = databases["postgresql"]
    ended = shell.simulated("explain", "a-00000000-0000-4000-8000-000000000001", "--format", "json")
    assert ended.code == 0, ended.err
    found = {value["path"]: value["value"] for value in ended.document["values"]}
    assert (found["compute.max_cu"], found["snapshots.v2"]) == (0.5, "present")
    assert "1 to create" in shell.simulated("plan", "--label", "team=eu", "--depth", "list").out


def test_an_address_that_is_not_there_is_no_new_file(tmp_path: pytest.TempPathFactory) -> None:
    required()
    with pytest.raises(MissingKeyError):
        read_rows(URL, "select 1", Environment({}))
    with pytest.raises(InvalidInputError, match="does not exist"):
        read_rows(URL, "select 1", Environment({"TENANTS_URL": f"sqlite:///{tmp_path}/none.db"}))
    with pytest.raises(InvalidInputError, match="two columns"):
        read_rows(URL, "select 1 as a, 2 as a", Environment({"TENANTS_URL": f"sqlite:///{_empty(tmp_path)}"}))


def _empty(folder: object) -> str:
    with closing(sqlite3.connect(f"{folder}/empty.db")):
        return f"{folder}/empty.db"

"""Connection strings in the registry: written, read, compared and removed from the command line."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.harness.lived import lived
from tests.harness.registry_database import required
from tests.harness.shell import TIERS
from tests.harness.stored import Stored
from tests.harness.wire import failing

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

pytestmark = pytest.mark.drawn(12)

KEEPS = "registry: {url: 'sqlite:///unused.db', connection_strings: encrypted, key: '${REGISTRY_KEY}'}\n"
KEEPS_NONE = "registry: {url: 'sqlite:///unused.db'}\n"
OTHERS_TOKEN = "gAAAAABnb3QtYS10b2tlbi1vZi10aGlzLWtleQ=="  # noqa: S105 - no key made it


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Acme and birch, in a fleet whose registry keeps connection strings."""
    required()
    shell.write("tiers.yaml", TIERS + KEEPS)
    shell.tenant("acme", "tier: pro\ndev_branches: [preview]")
    shell.tenant("birch")
    shell.applied()
    return shell


def kept(shell: Shell, name: str = "acme") -> Ended:
    """What the registry has."""
    return shell.simulated("connections", name, "--from-registry", "--reveal")


def live(shell: Shell, name: str = "acme") -> str:
    """What Neon returns."""
    ended = shell.simulated("connections", name, "--reveal")
    assert ended.code == 0, ended.err
    return ended.out


def registry(shell: Shell, command: str, *words: str) -> Ended:
    return shell.run("registry", command, "--simulator", "sim.db", *words)


def changes(shell: Shell, *words: str) -> dict[str, str]:
    """What verify finds, by tenant."""
    ended = registry(shell, "verify", "--format", "json", *words)
    found: dict[str, str] = {row["tenant"]: row["message"] for row in ended.document["changes"]}
    assert ended.code == (2 if found else 0), ended.err
    return found


def stored(shell: Shell, statement: str, *values: Any) -> None:
    """Somebody changes the table."""
    with closing(sqlite3.connect(shell.folder / "sim.registry.db")) as database, database:
        query = f"UPDATE neon_reconciler_tenants SET {statement} WHERE tenant = 'acme'"  # noqa: S608
        database.execute(query, values)


def test_an_apply_writes_the_string_of_each_new_project_encrypted(fleet: Shell) -> None:
    assert [kept(fleet, name).out for name in ("acme", "birch")] == [
        live(fleet, name) for name in ("acme", "birch")
    ]
    database = (fleet.folder / "sim.registry.db").read_bytes()
    for row in Stored.at(fleet.folder / "sim.db").rows("roles"):
        assert row["password"].encode() not in database
    shown = registry(fleet, "show", "acme")
    assert "connection string kept, encrypted" in shown.out
    (row,) = registry(fleet, "show", "acme", "--format", "json").document["tenants"]
    assert row["connection_string"] == "kept"
    assert "postgresql://" not in shown.out + json.dumps(row)
    assert changes(fleet, "--passwords") == {}


def test_every_sink_takes_what_the_registry_keeps_and_neon_is_not_called(fleet: Shell) -> None:
    expected = live(fleet)
    fleet.act = failing(AssertionError("Neon is called"), carried_out=False)
    code = "import os; open('environment', 'w').write(os.environ['DATABASE_URL'])"
    words = ("acme", "--from-registry", "--dotenv", ".env", "--connections-to", "lines")
    assert fleet.simulated("connections", *words, "--", sys.executable, "-c", code).code == 0
    assert (fleet.folder / "environment").read_text() + "\n" == expected
    assert expected.strip() in (fleet.folder / ".env").read_text()
    assert json.loads((fleet.folder / "lines").read_text())["pooled"] + "\n" == expected


class TestRotate:
    def test_the_registry_gets_the_new_string_also_beside_another_sink(self, fleet: Shell) -> None:
        before = live(fleet)
        words = ("rotate", "acme", "--role", "neondb_owner", "--yes")
        ended = fleet.simulated(*words, "--connections-to", "lines")
        assert ended.code == 0, ended.err
        assert "the registry keeps the connection strings of this role: it gets the new ones" in " ".join(
            ended.out.split()
        )
        assert kept(fleet).out == live(fleet) != before
        assert fleet.simulated(*words, "--to-registry", "--format", "json").code == 0
        assert kept(fleet).out == live(fleet)
        assert changes(fleet, "--passwords") == {}

    def test_of_another_branch_is_no_string_of_the_registry(self, fleet: Shell) -> None:
        before = kept(fleet).out
        words = ("rotate", "acme", "--role", "neondb_owner", "--branch", "preview", "--yes")
        refused = fleet.simulated(*words, "--to-registry")
        assert refused.code == 3
        assert "the registry keeps no connection string of this role and branch" in refused.err
        assert "name another sink" in refused.err
        assert fleet.simulated(*words, "--connections-to", "lines").code == 0
        assert kept(fleet).out == before
        assert changes(fleet, "--passwords") == {}


class TestVerify:
    def test_a_password_that_somebody_reset_elsewhere_is_found_by_asking_neon(self, fleet: Shell) -> None:
        account = Stored.at(fleet.folder / "sim.db")
        for row in account.rows("roles"):
            account.replace("roles", "password", row["password"], f"{row['password']}0")
        assert changes(fleet) == {}
        assert changes(fleet, "--passwords") == dict.fromkeys(
            ("acme", "birch"), "connection string: no longer works: Neon returns another one"
        )
        assert registry(fleet, "rebuild", "--passwords").code == 0
        assert changes(fleet, "--passwords") == {}
        assert kept(fleet).out == live(fleet)

    @pytest.mark.parametrize(
        ("statement", "message"),
        [
            ("pooled_string = NULL, direct_string = NULL", "missing"),
            (f"direct_string = '{OTHERS_TOKEN}'", "no key of the environment decrypts it"),
            (
                "strings_due_since = '2028-01-01 00:00:00'",
                "due since 2028-01-01 00:00:00 UTC: a run was about to write it",
            ),
        ],
    )
    def test_it_says_what_is_wrong_and_a_rebuild_mends_it(
        self, fleet: Shell, statement: str, message: str
    ) -> None:
        stored(fleet, statement)
        assert changes(fleet) == {"acme": f"connection string: {message}"}
        rebuilt = registry(fleet, "rebuild")
        assert rebuilt.code == 0, rebuilt.err
        assert "1 row changed" in rebuilt.out
        assert changes(fleet, "--passwords") == {}

    def test_a_string_that_leads_to_another_host(self, fleet: Shell) -> None:
        with closing(sqlite3.connect(fleet.folder / "sim.registry.db")) as database:
            query = "SELECT direct_string FROM neon_reconciler_tenants WHERE tenant = 'birch'"
            (token,) = database.execute(query).fetchone()
        stored(fleet, "direct_string = ?", token)
        own, other = (urlsplit(live(fleet, name)).hostname for name in ("acme", "birch"))
        assert changes(fleet) == {
            "acme": f"connection string: contains host {str(other).replace('-pooler', '')}, but the "
            f"compute of the project is {str(own).replace('-pooler', '')}"
        }

    def test_a_string_that_leads_to_another_host_is_handed_to_nobody(self, fleet: Shell) -> None:
        with closing(sqlite3.connect(fleet.folder / "sim.registry.db")) as database:
            query = "SELECT pooled_string, direct_string FROM neon_reconciler_tenants WHERE tenant = 'birch'"
            tokens = database.execute(query).fetchone()
        stored(fleet, "pooled_string = ?, direct_string = ?", *tokens)
        ended = kept(fleet)
        assert (ended.code, ended.out) == (1, "")
        assert "has another host than the row" in " ".join(ended.err.split())
        assert fleet.simulated("connections", "acme", "--to-registry").code == 0
        assert kept(fleet).out == live(fleet)

    def test_what_cannot_be_read_is_told_and_the_others_are_mended(self, fleet: Shell) -> None:
        with closing(sqlite3.connect(fleet.folder / "sim.registry.db")) as database, database:
            database.execute("UPDATE neon_reconciler_tenants SET direct_string = NULL")
        account = Stored.at(fleet.folder / "sim.db")
        for branch in account.branches(account.project_ids()["myapp-acme"]).values():
            account.remove("roles", branch_id=branch["id"])
        rebuilt = registry(fleet, "rebuild")
        assert "Rows not changed" in rebuilt.out
        assert "connection string: missing; it could not be read" in " ".join(rebuilt.out.split())
        assert kept(fleet, "birch").out == live(fleet, "birch")

    def test_rows_that_were_exchanged_are_mended_as_the_conflict_says(self, fleet: Shell) -> None:
        ids = fleet.stored.project_ids()
        stored(fleet, "project_id = 'other'")
        with closing(sqlite3.connect(fleet.folder / "sim.registry.db")) as database, database:
            change = "UPDATE neon_reconciler_tenants SET project_id = ? WHERE tenant = ?"
            database.executemany(change, [(ids["myapp-acme"], "birch"), (ids["myapp-birch"], "acme")])
        refused = registry(fleet, "rebuild")
        assert refused.code == 5
        assert "add the project_id of the tenant's own project" in " ".join(refused.out.split())
        fleet.tenant("acme", f"tier: pro\nproject_id: {ids['myapp-acme']}\ndev_branches: [preview]")
        fleet.tenant("birch", f"tier: free\nproject_id: {ids['myapp-birch']}")
        assert registry(fleet, "rebuild").code == 0
        assert changes(fleet, "--passwords") == {}


def test_strings_of_a_fleet_that_keeps_none_any_more_are_removed_by_a_rebuild(fleet: Shell) -> None:
    fleet.write("tiers.yaml", TIERS + KEEPS_NONE)
    removed = "connection string: removed: tiers.yaml asks for none"
    assert changes(fleet) == dict.fromkeys(("acme", "birch"), removed)
    assert registry(fleet, "rebuild").code == 0
    assert changes(fleet) == {}
    with closing(sqlite3.connect(fleet.folder / "sim.registry.db")) as database:
        query = "SELECT DISTINCT pooled_string, direct_string FROM neon_reconciler_tenants"
        assert database.execute(query).fetchall() == [(None, None)]


def test_an_existing_fleet_gets_them_by_a_rebuild_or_for_single_tenants(fleet: Shell) -> None:
    stored(fleet, "pooled_string = NULL, direct_string = NULL")
    missing = kept(fleet)
    assert missing.code == 1
    assert "the registry keeps no connection string of tenant acme" in missing.err
    assert "`reconciler connections acme --to-registry` writes it" in missing.err
    ended = fleet.simulated("connections", "acme", "birch", "--to-registry")
    assert (ended.code, ended.out, ended.err) == (0, "", "wrote 2 connection strings to the registry\n")
    assert kept(fleet).out == live(fleet)


class TestRefused:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("--to-registry", "--from-registry"), "exclude each other"),
            (("--to-registry", "--role", "neondb_owner"), "leave out --branch, --database and --role"),
            (("--from-registry", "--reveal", "--branch", "preview"), "leave out --branch, --database and --role"),
            (("--from-registry",), "name a sink"),
        ],
    )
    def test_what_no_registry_keeps(self, fleet: Shell, words: tuple[str, ...], message: str) -> None:
        ended = fleet.simulated("connections", "acme", *words)
        assert (ended.code, ended.out) == (3, "")
        assert message in ended.err

    @pytest.mark.parametrize("words", [("--to-registry",), ("--from-registry", "--reveal")])
    @pytest.mark.parametrize(
        ("tiers", "message"),
        [
            (TIERS, "tiers.yaml names no registry"),
            (TIERS + KEEPS_NONE, "the registry keeps no connection strings"),
        ],
    )
    def test_where_no_strings_are_kept(
        self, fleet: Shell, words: tuple[str, ...], tiers: str, message: str
    ) -> None:
        fleet.write("tiers.yaml", tiers)
        ended = fleet.simulated("connections", "acme", *words)
        assert (ended.code, ended.out) == (3, "")
        assert message in ended.err
        assert "hint: add " in ended.err

    @pytest.mark.parametrize(
        ("section", "message"),
        [
            (
                "{url: 'sqlite:///r.db', connection_strings: encrypted}",
                "tiers.yaml:29:55: encrypted connection strings need a key",
            ),
            ("{url: 'sqlite:///r.db', key: '${REGISTRY_KEY}'}", "the key encrypts nothing"),
            ("{url: 'sqlite:///r.db', connection_strings: plain}", "one of none, encrypted"),
            ("{url: 'sqlite:///r.db', connection_strings: encrypted, key: c2VjcmV0}", "must not be written"),
        ],
    )
    def test_a_section_that_makes_no_sense(self, fleet: Shell, section: str, message: str) -> None:
        fleet.write("tiers.yaml", f"{TIERS}registry: {section}\n")
        ended = fleet.run("validate")
        assert ended.code == 3
        assert message in " ".join(ended.out.split())
        assert "c2VjcmV0" not in ended.out + ended.err

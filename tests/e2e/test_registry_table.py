"""The registry as a platform's table: what each row says, and how it follows a tenant's life."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.lived import lived
from tests.harness.registry_database import required
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Acme, in a fleet with a registry."""
    required()
    shell.write("tiers.yaml", TIERS + "registry: {url: 'sqlite:///unused.db'}\n")
    shell.tenant("acme")
    assert shell.simulated("converge", "acme", "--connections-to", "strings").code == 0
    return shell


def registry(shell: Shell, command: str, *args: str) -> Ended:
    return shell.run("registry", command, "--simulator", "sim.db", *args)


def rows(shell: Shell, *names: str) -> dict[str, dict[str, Any]]:
    """What ``registry show`` says, by tenant."""
    ended = registry(shell, "show", *names, "--format", "json")
    assert ended.code == 0, ended.err
    return {row["tenant"]: row for row in ended.document["tenants"]}


def stored(shell: Shell, statement: str) -> None:
    """Somebody changes the table."""
    with closing(sqlite3.connect(shell.folder / "sim.registry.db")) as database, database:
        database.execute(statement)


def test_a_row_says_where_a_new_project_is_and_how_to_connect_without_a_password(fleet: Shell) -> None:
    row = rows(fleet)["acme"]
    line = json.loads((fleet.folder / "strings").read_text(encoding="utf-8"))
    same = ("project_id", "organization", "host", "pooled_host", "database", "role")
    assert {name: row[name] for name in same} == {name: line[name] for name in same}
    assert (row["tier"], row["state"], row["region"]) == ("free", "ready", "aws-us-east-2")
    assert row["project_created_at"] <= row["updated_at"]
    password = line["direct"].partition("@")[0].rpartition(":")[2]
    assert password.encode() not in (fleet.folder / "sim.registry.db").read_bytes()
    shown = registry(fleet, "show")
    assert f"project {row['project_id']} in free, tier free" in shown.out
    assert "The registry has 1 row." in shown.out
    assert "0 of 1 row of the registry." in registry(fleet, "show", "other").out


def test_it_follows_an_upgrade_a_suspension_and_a_deletion(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: pro")
    fleet.applied()
    assert [rows(fleet)["acme"][name] for name in ("tier", "organization", "state")] == ["pro", "paid", "ready"]
    fleet.tenant("acme", "tier: pro\nstate: suspended\nreason: payment is overdue")
    fleet.applied("--allow", "lowering")
    assert rows(fleet)["acme"]["state"] == "suspended"
    fleet.tenant("acme", "tier: pro\nstate: absent")
    fleet.applied("--allow", "lowering", "--allow", "deletes=1")
    deleted = rows(fleet)["acme"]
    assert deleted["state"] == "deleted"
    (recorded,) = (line for line in fleet.journal if line["line"] == "deletion")
    assert deleted["recoverable_until"][:19] == recorded["recoverable_until"][:19]
    way = f"recover: {deleted['project_id']} brings it back until"
    assert way in registry(fleet, "show").out
    assert registry(fleet, "verify").code == 0
    fleet.tenant("acme")
    fleet.applied()
    again = [rows(fleet)["acme"][name] for name in ("tier", "state", "recoverable_until")]
    assert again == ["free", "ready", None]


def test_verify_finds_what_differs_and_changes_nothing(fleet: Shell) -> None:
    ended = registry(fleet, "verify")
    assert (ended.code, ended.out) == (0, "Every row agrees with live; the registry has 1 row.\n")
    stored(fleet, "UPDATE neon_reconciler_tenants SET tier = 'pro', host = NULL")
    ended = registry(fleet, "verify", "--format", "json")
    assert ended.code == 2
    (change,) = ended.document["changes"]
    host = json.loads((fleet.folder / "strings").read_text(encoding="utf-8"))["host"]
    assert change == {"tenant": "acme", "message": f"updated: tier pro -> free, host unknown -> {host}"}
    assert registry(fleet, "verify").code == 2
    assert "1 row changed" in registry(fleet, "rebuild").out
    assert registry(fleet, "verify").code == 0


def test_show_takes_patterns_and_reads_a_table_that_does_not_exist(fleet: Shell) -> None:
    fleet.tenant("bob")
    fleet.applied()
    assert list(rows(fleet, "b*")) == ["bob"]
    (fleet.folder / "sim.registry.db").unlink()
    assert rows(fleet) == {}

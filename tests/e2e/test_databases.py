"""Declared roles and databases on the command line, from a sign-up to a deletion that is accepted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.lived import lived
from tests.harness.repository import git

if TYPE_CHECKING:
    from tests.harness.shell import Shell

OF_TIER = "    roles: [app, reporting]\n    databases: [{name: app, owner: app}]\n"
ACME = """tier: pro
roles: [analyst]
databases: [{name: analytics, owner: analyst}]
dev_branches: [{name: preview, roles: [tester], databases: [{name: scratch, owner: tester}]}]
"""
FEWER = """tier: pro
roles: []
databases: []
dev_branches: [{name: preview, roles: [tester], databases: [{name: scratch, owner: tester}]}]
"""
ACCEPTED = "accept: {deletion: [databases.analytics, roles.analyst]}\n"


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """A tier with roles and a database, and acme with more."""
    tiers = shell.folder / "tiers.yaml"
    tiers.write_text(tiers.read_text() + OF_TIER)
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    shell.tenant("acme", ACME)
    commit(shell)
    shell.applied("--base", "none")
    return shell


def commit(shell: Shell) -> None:
    git(shell.folder, "add", "--all", "tiers.yaml", "tenants", ".gitignore")
    git(shell.folder, "commit", "--quiet", "--message", "x")


def actions(shell: Shell, *words: str) -> list[tuple[str, str, Any]]:
    """Kind, branch and name of each planned action."""
    planned = json.loads(shell.simulated("plan", "--format", "json", *words).out)["tenants"]
    found: list[dict[str, Any]] = [action for tenant in planned for action in tenant["actions"]]
    return [(one["kind"], one["branch"], one.get("role") or one.get("database")) for one in found]


def test_a_sign_up_gets_the_roles_and_databases_of_its_tier_and_its_own(fleet: Shell) -> None:
    assert fleet.simulated("plan", "--detailed-exitcode", "--base", "none").code == 0
    for role, database, branch in (
        ("app", "app", "main"),
        ("reporting", "app", "main"),
        ("analyst", "analytics", "main"),
        ("tester", "scratch", "preview"),
        ("analyst", "analytics", "preview"),
    ):
        words = ("--role", role, "--database", database, "--branch", branch, "--reveal")
        ended = fleet.simulated("connections", "acme", *words)
        assert ended.code == 0, ended.err
        assert f"//{role}:npg_" in ended.out
        assert f"/{database}?" in ended.out


def test_no_output_of_the_run_that_creates_a_role_shows_a_password(shell: Shell) -> None:
    shell.tenant("acme", f"{ACME}")
    for words in (("--format", "json"), ()):
        ended = shell.simulated("apply", "--yes", "--journal", "run.jsonl", *words)
        assert ended.code == 0, ended.err
        assert "npg_" not in ended.out + ended.err + (shell.folder / "run.jsonl").read_text()


def test_what_the_files_remove_stays_until_it_is_accepted(fleet: Shell) -> None:
    fleet.tenant("acme", FEWER)
    refused = fleet.simulated("plan", "--base", "HEAD")
    assert "accept: {deletion: [databases.analytics, roles.analyst]}" in " ".join(refused.out.split())
    assert not actions(fleet, "--base", "HEAD")
    fleet.tenant("acme", FEWER + ACCEPTED)
    assert actions(fleet, "--base", "HEAD") == [
        ("delete_database", "main", "analytics"),
        ("delete_role", "main", "analyst"),
    ]
    applied = fleet.simulated("apply", "--yes", "--base", "HEAD", "--journal", "second.jsonl")
    assert applied.code == 0, applied.err
    assert not actions(fleet, "--base", "HEAD")


def test_drift_names_what_is_missing_and_only_databases_is_a_part(fleet: Shell) -> None:
    tiers = fleet.folder / "tiers.yaml"
    tiers.write_text(tiers.read_text().replace("[app, reporting]", "[app, reporting, support]"))
    ended = fleet.simulated("drift", "--base", "none")
    assert "no live role support on branch main; the files declare one" in ended.out
    assert actions(fleet, "--only", "databases", "--base", "none") == [("create_role", "main", "support")]
    assert not actions(fleet, "--only", "dev_branches", "--base", "none")


def test_a_mistake_ends_validate_with_its_place(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: pro\ndatabases: [{name: a, owner: reportin}]\n")
    ended = fleet.run("validate")
    assert ended.code == 3
    assert (
        "tenants/acme.yaml:3:30: role 'reportin' is not declared\n  hint: did you mean 'reporting'?" in ended.out
    )

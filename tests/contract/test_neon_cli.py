"""Neon's own command line finds in the simulator the Neon that it was written for."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from reconciler.model.compute import Compute
from reconciler.simulator.clock import timestamp
from reconciler.simulator.faults import AnswerWith
from reconciler.simulator.seed import BranchSeed, ProjectSeed, Seeded
from tests.contract.clients import CLI, Cli, joined_cli, package, run_node, served
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.client("CLI"), pytest.mark.drawn(1)]

DAY_SECONDS = 86_400.0
HOUR_SECONDS = 3600.0


def yesterday() -> float:
    """Time that may be skipped without getting ahead of the clock that the command line looks at."""
    return time.time() - DAY_SECONDS  # noqa: TID251 - it does look at it


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The command line with the key of a user, and an account without projects."""
    package(CLI)
    with served(tmp_path, clock_source=yesterday) as neon:
        yield Cli(neon, tmp_path)


def seeded(cli: Cli, *others: BranchSeed, **members: Any) -> tuple[Seeded, Cli]:
    """A project of long ago, and the commands that are about it."""
    moment = cli.neon.simulator.clock.now() - 2 * HOUR_SECONDS
    seed = ProjectSeed("acme", branches=others, created_at=moment, **members)
    project = cli.neon.simulator.add_project("paid", seed)
    return project, cli.about(project.project_id)


def hour_ago(cli: Cli) -> str:
    return timestamp(cli.neon.simulator.clock.now() - HOUR_SECONDS)


def names(things: list[dict[str, Any]]) -> list[str]:
    """Their names, in alphabetical order."""
    return sorted(thing["name"] for thing in things)


def stored_branches(cli: Cli, project: Seeded) -> dict[str, Any]:
    """The branches that the simulator has, by name."""
    return Stored.of(cli.neon.simulator).branches(project.project_id)


def sizes(document: dict[str, Any]) -> tuple[float, float]:
    return document["autoscaling_limit_min_cu"], document["autoscaling_limit_max_cu"]


def test_joined_to_one_file_it_is_the_published_one(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CI": "1"}
    said = [run_node(file, "--help", environ=environ, cwd=tmp_path) for file in (package(CLI), joined_cli())]
    assert [(ended.returncode, ended.stdout, ended.stderr) for ended in said] == [
        (0, said[0].stdout, said[0].stderr)
    ] * 2
    assert "projects" in said[0].stdout + said[0].stderr


def test_a_user_and_the_organizations_around_him(cli: Cli) -> None:
    assert cli("me")["email"] == "simulator@neon.test"
    organizations = {each["name"]: each["id"] for each in cli("orgs", "list")}
    assert organizations == cli.neon.simulator.organization_ids


def test_a_project_from_its_creation_to_its_recovery(cli: Cli) -> None:
    where = ("--org-id", cli.neon.paid)
    what = ("--cu", "0.5-2", "--database", "shop", "--role", "app", "--pg-version", "16")
    created = cli("projects", "create", "--name", "acme", "--set-context", *where, *what)
    project_id = created["project"]["id"]
    assert created["project"]["pg_version"] == 16
    uri = urlsplit(created["connection_uris"][0]["connection_uri"])
    assert (uri.username, uri.path) == ("app", "/shop")
    assert [each["id"] for each in cli("projects", "list", *where)] == [project_id]
    shown = cli("projects", "get", project_id)
    assert (shown["name"], *sizes(shown["default_endpoint_settings"])) == ("acme", 0.5, 2)
    operations = {each["action"]: each["status"] for each in cli("operations", "list")}
    assert operations == {"create_timeline": "finished", "start_compute": "finished"}
    (before,) = cli("api", f"/projects/{project_id}/endpoints")["endpoints"]
    changed = cli("projects", "update", project_id, "--name", "acme-2", "--cu", "1")
    assert (changed["name"], *sizes(changed["default_endpoint_settings"])) == ("acme-2", 1, 1)
    (compute,) = cli("api", f"/projects/{project_id}/endpoints")["endpoints"]
    assert sizes(compute) == sizes(before)  # Neon: new defaults do not reach a compute that exists
    assert cli("projects", "delete", project_id)["name"] == "acme-2"
    assert cli("projects", "list", *where) == []
    (deleted,) = cli("projects", "list", "--recoverable-only", *where)
    assert deleted["id"] == project_id
    assert deleted["recoverable_until"] > deleted["deleted_at"]
    assert cli("projects", "recover", project_id)["id"] == project_id
    assert names(cli("projects", "list", *where)) == ["acme-2"]


def test_the_key_of_an_organization_lists_its_projects_page_by_page_and_what_is_shared(cli: Cli) -> None:
    keys = cli.neon.simulator.organization_keys
    for number in range(101):
        cli.neon.simulator.add_project("free", ProjectSeed(f"tenant-{number:03}"))
    listed = cli.with_key(keys["free"])("projects", "list")
    assert names(listed["projects"]) == [f"tenant-{number:03}" for number in range(101)]
    assert listed["shared_with_you"] == []
    assert [line for line, _ in cli.neon.answered()] == ["GET /projects"] * 2 + ["GET /projects/shared"]
    assert cli.with_key(keys["paid"])("projects", "list")["projects"] == []


def test_a_branch_from_its_creation_to_its_deletion(cli: Cli) -> None:
    project, acme = seeded(cli)
    made = acme("branches", "create", "--name", "dev", "--cu", "0.25-1", "--suspend-timeout", "600")
    assert made["branch"]["parent_id"] == project.branch_id
    assert (*sizes(made["endpoints"][0]), made["endpoints"][0]["suspend_timeout_seconds"]) == (0.25, 1, 600)
    assert urlsplit(made["connection_uris"][0]["connection_uri"]).hostname == made["endpoints"][0]["host"]
    assert acme("branches", "rename", "dev", "feature")["name"] == "feature"
    ends = timestamp(cli.neon.simulator.clock.now() + DAY_SECONDS)
    assert acme("branches", "set-expiration", "feature", "--expires-at", ends)["expires_at"] == ends
    assert acme("branches", "get", "feature")["expires_at"] == ends
    assert "expires_at" not in acme("branches", "set-expiration", "feature")
    reader = acme("branches", "add-compute", "feature", "--cu", "1")
    # The command line takes the branch's name for that of the compute, and --name with it.
    assert (reader["type"], reader["name"], *sizes(reader)) == ("read_only", "feature", 1, 1)
    schema = acme("branches", "create", "--name", "schema", "--schema-only")["branch"]
    assert schema["init_source"] == "schema-only"
    bare = acme("branches", "create", "--name", "bare", "--parent", "feature", "--no-compute")
    assert bare["parent_id"] == made["branch"]["id"]
    assert names(acme("branches", "list")) == ["bare", "feature", "main", "schema"]
    assert acme("branches", "delete", "bare")["id"] == bare["id"]
    assert acme("branches", "set-default", "feature")["default"]
    stored = stored_branches(cli, project)
    assert {name: row["is_default"] for name, row in stored.items()} == {"feature": 1, "main": 0, "schema": 0}


def test_a_branch_goes_back_to_its_parent_and_to_its_own_past(cli: Cli) -> None:
    project, acme = seeded(cli, BranchSeed("dev"))
    (dev,) = project.branch_ids
    acme("databases", "create", "--name", "scratch", "--branch", "dev")
    assert acme("branches", "reset", "dev", "--parent")["last_reset_at"]
    assert names(acme("databases", "list", "--branch", "dev")) == ["neondb"]
    acme("databases", "create", "--name", "scratch", "--branch", "dev")
    assert acme("branches", "restore", "dev", "^parent")["parent_id"] == project.branch_id
    assert names(acme("databases", "list", "--branch", "dev")) == ["neondb"]
    child = acme("branches", "create", "--name", "child", "--parent", "main", "--no-compute")
    earlier = hour_ago(cli)
    restored = acme("branches", "restore", "main", f"^self@{earlier}", "--preserve-under-name", "main-before")
    assert restored["restored_branch"]["id"] == project.branch_id
    assert restored["restored_branch"]["parent_timestamp"] == earlier
    assert restored["backup_branch"]["name"] == "main-before"
    stored = stored_branches(cli, project)
    kept = restored["backup_branch"]["id"]
    assert stored["main"]["parent_id"] == kept
    assert {name: stored[name]["parent_id"] for name in ("dev", "child")} == {"dev": kept, "child": kept}
    assert stored["dev"]["id"] == dev
    assert stored["child"]["id"] == child["id"]


def test_connection_strings_lead_to_the_compute_that_writes(cli: Cli) -> None:
    project, acme = seeded(cli)
    direct = urlsplit(acme.text("connection-string").strip())
    pooled = urlsplit(acme.text("connection-string", "main", "--pooled").strip())
    assert (direct.username, direct.path) == ("neondb_owner", "/neondb")
    assert direct.hostname is not None
    assert direct.hostname.split(".")[0] == project.endpoint_id
    assert pooled.hostname == direct.hostname.replace(project.endpoint_id, f"{project.endpoint_id}-pooler")
    query = {"role_name": "neondb_owner", "database_name": "neondb", "pooled": "true"}
    options = [word for name, value in query.items() for word in ("--query", f"{name}={value}")]
    answered = cli("api", f"/projects/{project.project_id}/connection_uri", *options)
    assert urlsplit(answered["uri"]) == pooled


def test_roles_and_databases_come_and_go(cli: Cli) -> None:
    _, acme = seeded(cli)
    assert acme("databases", "create", "--name", "shop")["owner_name"] == "neondb_owner"
    password = acme("roles", "create", "--name", "app")["password"]
    assert names(acme("roles", "list")) == ["app", "neondb_owner"]
    assert names(acme("databases", "list", "--branch", "main")) == ["neondb", "shop"]
    assert "Multiple roles found" in acme.refused("connection-string", "--database-name", "shop")
    strings = acme("connection-string", "--database-name", "shop", "--role-name", "app", "--extended")
    assert (strings["role"], strings["password"], strings["database"]) == ("app", password, "shop")
    assert acme("databases", "delete", "shop")["name"] == "shop"
    assert acme("roles", "delete", "app")["name"] == "app"
    assert acme("roles", "delete", "app") is None
    assert names(acme("roles", "list")) == ["neondb_owner"]
    assert names(acme("databases", "list")) == ["neondb"]


def test_a_snapshot_from_its_taking_to_its_deletion(cli: Cli) -> None:
    project, acme = seeded(cli, endpoint_compute=Compute(0.5, 2))
    earlier, ends = hour_ago(cli), timestamp(cli.neon.simulator.clock.now() + DAY_SECONDS)
    taken = acme("snapshots", "create", "--name", "v1", "--timestamp", earlier, "--expires-at", ends)
    assert taken["source_branch_id"] == project.branch_id
    assert (taken["timestamp"], taken["expires_at"]) == (earlier, ends)
    assert acme("snapshots", "get", "v1")["id"] == taken["id"]
    assert acme("snapshots", "update", "v1", "--name", "v1.0")["name"] == "v1.0"
    assert names(acme("snapshots", "list")) == ["v1.0"]
    look = acme("snapshots", "restore", "v1.0", "--name", "look")
    assert look["restored_branch"]["restored_from"] == taken["id"]
    assert {each["action"] for each in look["operations"]} == {"create_timeline", "start_compute"}
    assert acme("snapshots", "finalize", "look", "--name", "before")
    stored = stored_branches(cli, project)
    assert stored["main"]["id"] == look["restored_branch"]["id"]
    assert stored["before"]["id"] == project.branch_id
    second = acme("snapshots", "restore", "v1.0", "--target-branch", "main", "--finalize")["restored_branch"]
    assert second["default"]
    assert names(acme("branches", "list")) == ["before", "main", "main (old)"]
    compute = Stored.of(cli.neon.simulator).row("endpoints", branch_id=second["id"])
    assert compute["id"] == project.endpoint_id
    assert acme("snapshots", "delete", "v1.0")["id"] == taken["id"]
    assert acme("snapshots", "list") == []


def test_what_the_description_does_not_have_yet_is_refused_and_nothing_happens(cli: Cli) -> None:
    _, acme = seeded(cli)
    acme("snapshots", "create", "--name", "v1")
    ends = timestamp(cli.neon.simulator.clock.now() + DAY_SECONDS)
    assert "unknown field `slug`" in acme.refused("snapshots", "create", "--slug", "v2")
    assert "unknown field `expires_at`" in acme.refused("snapshots", "update", "v1", "--expires-at", ends)
    assert "unknown field `expires_at`" in acme.refused("snapshots", "update", "v1", "--clear-expiration")
    excused = [each.exchange.operation for each in cli.neon.excused]
    assert excused == ["createSnapshot", "updateSnapshot", "updateSnapshot"]
    (only,) = acme("snapshots", "list")
    assert "expires_at" not in only


def test_a_refusal_is_one_line_and_exit_1(cli: Cli) -> None:
    _, acme = seeded(cli, BranchSeed("dev"))
    assert cli.refused("projects", "get", "no-such-12345678") == "project not found"
    assert "rejected the API key" in cli.with_key("no-such-key").refused("me")
    assert cli.refused("projects", "list").startswith("org_id is required")
    assert acme.refused("branches", "rename", "dev", "main") == "branch already exists"
    assert acme.refused("branches", "delete", "main") == "cannot delete the default branch"
    assert acme.refused("snapshots", "create", "--branch", "dev").endswith("root branches")
    assert "schedule" in acme.refused("snapshots", "schedule", "set", "--frequency", "daily", "--hour", "3")
    assert "20" in acme.refused("branches", "create", "--name", "large", "--cu", "20")
    statuses = [status for _, status in cli.neon.answered() if status != 200]
    assert statuses == [404, 401, 400, 409, 422, 422, 403, 400]


def test_a_locked_project_is_waited_for(cli: Cli) -> None:
    _, acme = seeded(cli, BranchSeed("dev"))
    cli.neon.simulator.faults.add(AnswerWith(423, "project is locked"), "PATCH")
    ended = acme.run("branches", "rename", "dev", "feature")
    assert (ended.returncode, ended.stderr) == (0, "INFO: Resource is locked. Waiting 3000ms before retrying...\n")
    assert [status for line, status in cli.neon.answered() if line.startswith("PATCH ")] == [423, 200]

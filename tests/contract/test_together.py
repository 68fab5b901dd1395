"""Two tools on one account: what somebody changes with Neon's own command line, drift names and apply repairs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.clients import CLI, Cli, package, served
from tests.harness.processes import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.client("CLI beside reconciler")]

APPLY = ("apply", "--yes", "--journal", "journal.jsonl")
FLEET = (
    {"tenant": "acme", "tier": "free", "snapshots": ["v1"], "dev_branches": ["dev"]},
    {"tenant": "birch", "tier": "free", "dev_branches": [{"name": "preview", "compute": {"max_cu": 1}}]},
    {"tenant": "cedar", "tier": "pro", "snapshots": ["v1", "v2"], "dev_branches": ["dev", "staging"]},
    {"tenant": "dahlia", "tier": "pro"},
)


@dataclass(frozen=True, slots=True)
class Both:
    """The reconciler and the command line, each in a folder of its own, before one account."""

    place: Place
    cli: Cli

    def drift(self) -> tuple[int, dict[str, list[str]]]:
        """How drift ends, and which actions would repair what it found, by tenant."""
        ended = self.place.run("drift", "--format", "json")
        tenants = json.loads(ended.stdout)["tenants"]
        return ended.returncode, {each["tenant"]: kinds(each["actions"]) for each in tenants if each["actions"]}

    def apply(self, *args: str) -> CompletedProcess[str]:
        """An apply that has to succeed."""
        ended = self.place.run(*APPLY, *args)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return ended

    def projects(self) -> dict[str, str]:
        """The id of each project, by its name, as the command line sees them."""
        ids = (self.cli.neon.free, self.cli.neon.paid)
        listed = [each for org_id in ids for each in self.cli("projects", "list", "--org-id", org_id)]
        return {project["name"]: project["id"] for project in listed}


def names(things: list[dict[str, Any]]) -> list[str]:
    return sorted(thing["name"] for thing in things)


def kinds(actions: list[dict[str, Any]]) -> list[str]:
    return sorted(action["kind"] for action in actions)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    """A fleet's files, and an account without projects."""
    package(CLI)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    place = Place(ours)
    (ours / "fleet.ndjson").write_text("\n".join(map(json.dumps, FLEET)), encoding="utf-8")
    with served(tmp_path) as neon:
        simulator = neon.simulator
        place.environ |= {"NEON_API_HOST": neon.url, "PERSONAL_API_KEY": simulator.personal_key}
        for name, org_id in simulator.organization_ids.items():
            place.environ[f"NEON_{name.upper()}_ORG_ID"] = org_id
            place.environ[f"{name.upper()}_ORG_API_KEY"] = simulator.organization_keys[name]
        yield Both(place, Cli(neon, theirs))


def test_what_the_command_line_changes_is_named_by_drift_and_repaired_by_apply(both: Both) -> None:
    both.apply("--expect-empty")
    assert both.drift() == (0, {})
    projects = both.projects()
    assert sorted(projects) == ["myapp-acme", "myapp-birch", "myapp-cedar", "myapp-dahlia"]
    acme, birch = (both.cli.about(projects[name]) for name in ("myapp-acme", "myapp-birch"))

    acme("branches", "delete", "dev")
    acme("snapshots", "delete", "v1")
    birch("branches", "rename", "preview", "johns-test")
    both.cli("projects", "update", projects["myapp-cedar"], "--name", "cedar-production", "--cu", "0.5-1")
    endpoints = f"/projects/{projects['myapp-dahlia']}/endpoints"
    (compute,) = both.cli("api", endpoints)["endpoints"]
    smaller = ("--method", "PATCH", "--field", "endpoint.autoscaling_limit_max_cu=1")
    both.cli("api", f"{endpoints}/{compute['id']}", *smaller)

    assert both.drift() == (
        2,
        {
            "acme": ["create_branch", "create_snapshot"],
            "birch": ["patch_branch"],
            "cedar": ["patch_project"],
            "dahlia": ["patch_endpoint"],
        },
    )
    both.apply()

    assert both.projects() == projects
    assert names(acme("branches", "list")) == ["dev", "main"]
    assert names(acme("snapshots", "list")) == ["v1"]
    assert names(birch("branches", "list")) == ["main", "preview"]
    defaults = both.cli("projects", "get", projects["myapp-cedar"])["default_endpoint_settings"]
    assert defaults["autoscaling_limit_max_cu"] == 4
    assert both.cli("api", endpoints)["endpoints"][0]["autoscaling_limit_max_cu"] == 4
    assert both.drift() == (0, {})

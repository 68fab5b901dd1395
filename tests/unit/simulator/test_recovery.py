"""Branches that come back after their deletion (Neon: preview)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.seed import BranchSeed, ProjectSeed
from reconciler.simulator.types import Limits, Organization
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from tests.unit.simulator.account import Account

DAY_SECONDS: Final = 86_400
SOFT: Final = Behaviour(soft_deletion=True)


class Project:
    """A project with the branches that are to be deleted."""

    def __init__(self, neon: Account, *branches: BranchSeed) -> None:
        self.seeded = neon.simulator.add_project("free", ProjectSeed("acme", branches=branches))
        self.path = f"/projects/{self.seeded.project_id}"
        self.branches = [f"{self.path}/branches/{branch_id}" for branch_id in self.seeded.branch_ids]


def test_a_deleted_branch_comes_back_with_its_computes_which_are_idle() -> None:
    with account(behaviour=SOFT) as neon:
        project = Project(neon, BranchSeed("dev", annotations={"a": "b"}))
        (dev,) = project.branches
        (compute,) = neon.get(f"{dev}/endpoints")["endpoints"]
        (role,) = neon.get(f"{dev}/roles")["roles"]
        neon.done("DELETE", dev)
        neon.wait(6 * DAY_SECONDS)
        recovered = neon.done("POST", f"{dev}/recover")
        assert recovered["branch"]["name"] == "dev"
        (after,) = recovered["endpoints"]
        assert (after["id"], after["host"], after["current_state"]) == (compute["id"], compute["host"], "idle")
        assert neon.get(f"{dev}/endpoints")["endpoints"] == [after]
        assert neon.get(f"{dev}/roles")["roles"] == [role]
        assert neon.get(dev)["annotation"]["value"] == {"a": "b"}
        listed = neon.get(f"{project.path}/branches?include_deleted=true")["branches"]
        assert all("recovery" not in branch for branch in listed)
        assert neon.refused("POST", f"{dev}/recover")[0] == 404


def test_a_compute_that_was_deleted_before_its_branch_does_not_come_back() -> None:
    with account(behaviour=SOFT) as neon:
        (dev,) = Project(neon, BranchSeed("dev")).branches
        (compute,) = neon.get(f"{dev}/endpoints")["endpoints"]
        neon.done("DELETE", f"{dev.partition('/branches')[0]}/endpoints/{compute['id']}")
        neon.done("DELETE", dev)
        assert neon.done("POST", f"{dev}/recover")["endpoints"] == []


def test_an_expired_branch_comes_back_for_good() -> None:
    with account(behaviour=SOFT) as neon:
        (brief,) = Project(neon, BranchSeed("brief", expires_at=DEMO_EPOCH_SECONDS + 600)).branches
        (compute,) = neon.get(f"{brief}/endpoints")["endpoints"]
        compute_path = f"{brief.partition('/branches')[0]}/endpoints/{compute['id']}"
        neon.wait(600)
        assert neon.refused("GET", compute_path)[0] == 404
        branch = neon.done("POST", f"{brief}/recover")["branch"]
        assert not branch.keys() & {"expires_at", "ttl_interval_seconds"}
        neon.wait(60 * DAY_SECONDS)
        assert neon.get(brief)["branch"]["name"] == "brief"
        assert neon.get(compute_path)["endpoint"]["id"] == compute["id"]


@pytest.mark.parametrize(
    ("behaviour", "query", "days"),
    [(SOFT, "?hard_delete=true", 0), (SOFT, "", 7), (Behaviour(), "", 0)],
    ids=["deleted for good", "too late", "not offered"],
)
def test_what_cannot_be_recovered_is_not_found(behaviour: Behaviour, query: str, days: float) -> None:
    with account(behaviour=behaviour) as neon:
        (dev,) = Project(neon, BranchSeed("dev")).branches
        neon.done("DELETE", f"{dev}{query}")
        neon.wait(days * DAY_SECONDS)
        assert neon.refused("POST", f"{dev}/recover")[0] == 404


def test_a_branch_that_is_there_is_nothing_to_recover() -> None:
    with account(behaviour=SOFT) as neon:
        (dev,) = Project(neon, BranchSeed("dev")).branches
        assert neon.refused("POST", f"{dev}/recover")[0] == 404


def test_a_branch_whose_name_was_taken_meanwhile_stays_deleted() -> None:
    with account(behaviour=SOFT) as neon:
        project = Project(neon, BranchSeed("dev"))
        (dev,) = project.branches
        neon.done("DELETE", dev)
        neon.simulator.add_branch(project.seeded.project_id, BranchSeed("dev"))
        assert neon.refused("POST", f"{dev}/recover") == (409, "branch already exists")


@pytest.mark.parametrize(
    ("behaviour", "limits", "code"),
    [
        (SOFT, Limits(branches=2), "BRANCHES_LIMIT_EXCEEDED"),
        (Behaviour(soft_deletion=True, root_branches=2), Limits(), "ROOT_BRANCHES_LIMIT_EXCEEDED"),
    ],
)
def test_a_branch_comes_back_only_where_there_is_room(behaviour: Behaviour, limits: Limits, code: str) -> None:
    with account(behaviour=behaviour, organizations=(Organization("free", limits),)) as neon:
        project = Project(neon, BranchSeed("root", schema_only=True))
        (root,) = project.branches
        neon.done("DELETE", root)
        neon.simulator.add_branch(project.seeded.project_id, BranchSeed("other", schema_only=True))
        response = neon.ask("POST", f"{root}/recover")
        assert (response.status_code, response.json()["code"]) == (422, code)


def parent_deleted(neon: Account, parent: str) -> None:
    neon.done("DELETE", parent)


def parent_expiring(neon: Account, parent: str) -> None:
    neon.done("PATCH", parent, {"branch": {"expires_at": "2026-12-01T00:00:00Z"}})


@pytest.mark.parametrize("happens", [parent_deleted, parent_expiring])
def test_a_branch_comes_back_only_below_a_parent_that_stays(happens: Any) -> None:
    with account(behaviour=SOFT) as neon:
        parent, child = Project(neon, BranchSeed("dev"), BranchSeed("child", parent="dev")).branches
        neon.done("DELETE", child)
        happens(neon, parent)
        assert neon.refused("POST", f"{child}/recover")[0] == 422


def test_a_deleted_child_goes_with_the_state_that_is_kept_of_its_parent() -> None:
    with account(behaviour=SOFT, organizations=(Organization("free"),)) as neon:
        project = Project(neon, BranchSeed("dev"), BranchSeed("child", parent="dev"))
        dev, child = project.branches
        neon.done("DELETE", child)
        body = {"source_branch_id": project.seeded.branch_id, "preserve_under_name": "kept"}
        neon.done("POST", f"{dev}/restore", body)
        kept = {branch["name"]: branch["id"] for branch in neon.get(f"{project.path}/branches")["branches"]}[
            "kept"
        ]
        assert neon.done("POST", f"{child}/recover")["branch"]["parent_id"] == kept


def test_a_recovery_waits_for_running_operations() -> None:
    with account(behaviour=SOFT) as neon:
        (dev,) = Project(neon, BranchSeed("dev")).branches
        neon.ask("DELETE", dev)
        assert neon.refused("POST", f"{dev}/recover")[0] == 423

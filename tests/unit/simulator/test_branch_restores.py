"""Branches that go back: to their parent, to another branch, to their own past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, timestamp
from reconciler.simulator.restore_points import position
from reconciler.simulator.seed import BranchSeed, ProjectSeed
from reconciler.simulator.types import Limits, Organization
from tests.harness.stored import Stored
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.unit.simulator.account import Account

DAY_SECONDS: Final = 86_400
TEN_DAYS_AGO: Final = DEMO_EPOCH_SECONDS - 10 * DAY_SECONDS


def in_days(days: float) -> str:
    return timestamp(DEMO_EPOCH_SECONDS + days * DAY_SECONDS)


class Project:
    """A project that is ten days old, with a restore window of a day and the branch ``dev``."""

    def __init__(self, neon: Account, *branches: BranchSeed, **members: Any) -> None:
        seed = ProjectSeed("acme", created_at=TEN_DAYS_AGO, branches=branches or (BranchSeed("dev"),), **members)
        self.neon, self.seeded = neon, neon.simulator.add_project("free", seed)
        self.path = f"/projects/{self.seeded.project_id}/branches"
        self.main, self.dev = self.seeded.branch_id, self.seeded.branch_ids[0]

    def restore(self, branch_id: str, source_id: str, **members: Any) -> Any:
        body = {"source_branch_id": source_id, **members}
        return self.neon.done("POST", f"{self.path}/{branch_id}/restore", body)

    def refused(self, branch_id: str, source_id: str, **members: Any) -> int:
        body = {"source_branch_id": source_id, **members}
        return self.neon.refused("POST", f"{self.path}/{branch_id}/restore", body)[0]

    def branch(self, branch_id: str) -> Any:
        return self.neon.get(f"{self.path}/{branch_id}")["branch"]

    def named(self, name: str) -> Any:
        (found,) = [each for each in self.neon.get(self.path)["branches"] if each["name"] == name]
        return found


def unlimited(**behaviour: Any) -> AbstractContextManager[Account]:
    return account(behaviour=Behaviour(**behaviour), organizations=(Organization("free"),))


def test_a_reset_gives_a_branch_the_head_of_its_parent_and_says_so() -> None:
    with unlimited() as neon:
        project = Project(neon, BranchSeed("dev", annotations={"a": "b"}), storage_bytes=5)
        neon.done("POST", f"/projects/{project.seeded.project_id}/endpoints/{project.seeded.endpoint_id}/start")
        before = neon.get(f"{project.path}/{project.dev}/endpoints")
        neon.wait(60)
        moment = timestamp(neon.simulator.clock.now())
        reset = neon.ask(
            "POST", f"{project.path}/{project.dev}/restore", {"source_branch_id": project.main}
        ).json()
        branch = reset["branch"]
        assert (branch["id"], branch["name"]) == (project.dev, "dev")
        assert (branch["current_state"], branch["pending_state"]) == ("resetting", "ready")
        assert branch["last_reset_at"] == branch["parent_timestamp"] == moment
        assert reset["operations"][0]["action"] == "create_timeline"
        neon.wait(1)
        assert project.branch(project.dev)["current_state"] == "ready"
        assert neon.get(f"{project.path}/{project.dev}")["annotation"]["value"] == {"a": "b"}
        after = neon.get(f"{project.path}/{project.dev}/endpoints")
        assert [each["id"] for each in after["endpoints"]] == [each["id"] for each in before["endpoints"]]


def test_a_restore_from_another_branch_takes_its_contents_and_makes_it_the_parent() -> None:
    with unlimited() as neon:
        project = Project(neon, BranchSeed("dev"), BranchSeed("other", schema_only=True), storage_bytes=5)
        other = project.seeded.branch_ids[1]
        Stored.of(neon.simulator).change(
            "databases", {"branch_id": other}, {"name": "elsewhere"}, name="elsewhere"
        )
        branch = project.restore(project.dev, other)["branch"]
        assert (branch["parent_id"], branch["logical_size"]) == (other, 0)
        (database,) = neon.get(f"{project.path}/{project.dev}/databases")["databases"]
        assert (database["name"], database["branch_id"]) == ("elsewhere", project.dev)


def test_active_computes_are_restarted_by_a_restore() -> None:
    with unlimited() as neon:
        project = Project(neon)
        (compute,) = neon.get(f"{project.path}/{project.dev}/endpoints")["endpoints"]
        neon.done("POST", f"/projects/{project.seeded.project_id}/endpoints/{compute['id']}/start")
        works = project.restore(project.dev, project.main)["operations"]
        assert [work["action"] for work in works] == ["create_timeline", "suspend_compute", "start_compute"]
        assert {work["endpoint_id"] for work in works[1:]} == {compute["id"]}


@pytest.mark.parametrize(
    "point",
    [{"source_timestamp": in_days(-0.5)}, {"source_lsn": position(DEMO_EPOCH_SECONDS - DAY_SECONDS / 2)}],
)
def test_a_branch_goes_back_to_its_own_past_and_its_children_stay_with_what_it_was(point: dict[str, str]) -> None:
    with unlimited() as neon:
        project = Project(neon)
        branch = project.restore(project.main, project.main, preserve_under_name="before", **point)["branch"]
        kept = project.named("before")
        assert (branch["id"], branch["name"], branch["default"]) == (project.main, "main", True)
        assert (branch["parent_id"], branch["parent_timestamp"]) == (kept["id"], in_days(-0.5))
        assert (kept["default"], "parent_id" in kept) == (False, False)
        assert project.branch(project.dev)["parent_id"] == kept["id"]
        assert neon.get(f"{project.path}/{kept['id']}/endpoints")["endpoints"] == []
        assert [role["name"] for role in neon.get(f"{project.path}/{kept['id']}/roles")["roles"]] == [
            "neondb_owner"
        ]


def test_a_branch_is_restored_from_its_own_child() -> None:
    with unlimited() as neon:
        project = Project(neon)
        branch = project.restore(project.main, project.dev, preserve_under_name="before")["branch"]
        assert branch["parent_id"] == project.dev
        assert project.branch(project.dev)["parent_id"] == project.named("before")["id"]


def test_the_history_of_a_branch_begins_anew_and_the_old_one_stays_with_what_was_kept() -> None:
    with unlimited() as neon:
        project = Project(neon)
        project.restore(project.main, project.main, source_timestamp=in_days(-0.5), preserve_under_name="before")
        kept = project.named("before")["id"]
        second = {"source_timestamp": in_days(-0.7), "preserve_under_name": "again"}
        assert project.refused(project.main, project.main, **second) == 400
        project.restore(project.main, kept, source_timestamp=in_days(-0.7))


@pytest.mark.parametrize(("detaches", "status"), [(False, 422), (True, 200)])
def test_a_branch_set_back_to_its_own_past_is_a_root_or_not(detaches: bool, status: int) -> None:
    with unlimited(own_past_detaches=detaches) as neon:
        project = Project(neon)
        point = {"source_timestamp": in_days(-0.5), "preserve_under_name": "before"}
        branch = project.restore(project.main, project.main, **point)["branch"]
        assert ("parent_id" in branch) is not detaches
        assert neon.ask("POST", f"{project.path}/{project.main}/snapshot").status_code == status


def test_a_kept_root_needs_a_place_where_the_branch_stays_one() -> None:
    with unlimited(own_past_detaches=True, root_branches=1) as neon:
        project = Project(neon)
        point = {"source_timestamp": in_days(-0.5), "preserve_under_name": "before"}
        assert project.refused(project.main, project.main, **point) == 422
    with unlimited(root_branches=1) as neon:
        project = Project(neon)
        project.restore(project.main, project.main, **point)


@pytest.mark.parametrize(
    ("which", "source", "members", "status"),
    [
        ("main", "main", {"source_timestamp": in_days(-0.5)}, 400),
        ("main", "main", {"preserve_under_name": "kept"}, 400),
        ("dev", "dev", {"source_timestamp": in_days(0)}, 400),
        ("main", "dev", {}, 400),
        ("dev", "main", {"source_timestamp": in_days(-2)}, 400),
        ("dev", "main", {"source_timestamp": in_days(1)}, 400),
        ("dev", "main", {"source_lsn": position(TEN_DAYS_AGO)}, 400),
        ("dev", "main", {"source_lsn": "?"}, 400),
        ("dev", "main", {"source_lsn": position(DEMO_EPOCH_SECONDS), "source_timestamp": in_days(0)}, 400),
        ("dev", "main", {"preserve_under_name": " "}, 400),
        ("dev", "main", {"preserve_under_name": "main"}, 409),
        ("dev", "nowhere", {}, 404),
        ("nowhere", "main", {}, 404),
    ],
)
def test_a_restore_that_cannot_be_is_refused_and_changes_nothing(
    which: str, source: str, members: dict[str, Any], status: int
) -> None:
    with unlimited() as neon:
        project = Project(neon)
        ids = {"main": project.main, "dev": project.dev, "nowhere": "br-nowhere-1"}
        before = neon.get(project.path)
        assert project.refused(ids[which], ids[source], **members) == status
        assert neon.get(project.path) == before


def test_a_protected_branch_is_not_restored() -> None:
    with unlimited() as neon:
        project = Project(neon, BranchSeed("dev", protected=True))
        assert project.refused(project.dev, project.main) == 422
        neon.done("PATCH", f"{project.path}/{project.dev}", {"branch": {"protected": False}})
        project.restore(project.dev, project.main)


def test_a_branch_that_expires_has_its_whole_time_again_after_a_reset() -> None:
    with unlimited() as neon:
        project = Project(neon, BranchSeed("dev"), BranchSeed("other"))
        neon.done("PATCH", f"{project.path}/{project.dev}", {"branch": {"expires_at": in_days(3)}})
        neon.wait(2 * DAY_SECONDS)
        ttl = project.branch(project.dev)["ttl_interval_seconds"]
        project.restore(project.dev, project.seeded.branch_ids[1])
        assert project.branch(project.dev)["expires_at"] == in_days(3)
        moment = neon.simulator.clock.now()
        branch = project.restore(project.dev, project.branch(project.dev)["parent_id"])["branch"]
        assert (branch["expires_at"], branch["ttl_interval_seconds"]) == (timestamp(moment + ttl), ttl)
        neon.wait(DAY_SECONDS + 60)
        assert project.branch(project.dev)["name"] == "dev"
        neon.wait(2 * DAY_SECONDS)
        assert neon.refused("GET", f"{project.path}/{project.dev}")[0] == 404


def test_no_branch_becomes_the_child_of_one_that_expires() -> None:
    with unlimited() as neon:
        project = Project(
            neon, BranchSeed("dev"), BranchSeed("brief", expires_at=DEMO_EPOCH_SECONDS + DAY_SECONDS)
        )
        assert project.refused(project.dev, project.seeded.branch_ids[1]) == 422


def test_a_kept_state_needs_a_place_among_the_branches() -> None:
    with account(organizations=(Organization("free", Limits(branches=2)),)) as neon:
        project = Project(neon)
        assert project.refused(project.dev, project.main, preserve_under_name="kept") == 422
        project.restore(project.dev, project.main)


def test_restores_of_branches_wait_for_running_operations() -> None:
    with unlimited() as neon:
        project = Project(neon)
        neon.ask("POST", f"{project.path}/{project.dev}/restore", {"source_branch_id": project.main})
        assert project.refused(project.dev, project.main) == 423

"""What a restored snapshot makes: a branch to look at, or one in the place of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, timestamp
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Limits, Organization
from tests.harness.stored import Stored
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.unit.simulator.account import Account

DAY_SECONDS: Final = 86_400
FINALIZED: Final = {"finalize_restore": True}
ANNOTATIONS: Final = {"tenant": "acme"}


class Restored:
    """A project with a protected default branch, a child and a snapshot; all that happens to it."""

    def __init__(self, neon: Account, **members: Any) -> None:
        members.setdefault("snapshots", (SnapshotSeed("nightly"),))
        seed = ProjectSeed(
            "acme",
            annotations=ANNOTATIONS,
            created_at=DEMO_EPOCH_SECONDS - DAY_SECONDS,
            storage_bytes=7,
            **members,
        )
        self.seeded = neon.simulator.add_project("free", seed)
        self.neon = neon
        self.path = f"/projects/{self.seeded.project_id}"
        self.restore = f"{self.path}/snapshots/{self.seeded.snapshot_ids[0]}/restore"

    def branches(self, query: str = "") -> dict[str, dict[str, Any]]:
        return {branch["name"]: branch for branch in self.neon.get(f"{self.path}/branches{query}")["branches"]}

    def preview(self, **members: Any) -> str:
        """Make a branch of the snapshot to look at; the answer is its path."""
        made = self.neon.done("POST", self.restore, {"name": "look", **members})
        return f"{self.path}/branches/{made['branch']['id']}"


def unlimited(**behaviour: Any) -> AbstractContextManager[Account]:
    return account(behaviour=Behaviour(**behaviour), organizations=(Organization("free"),))


def test_a_snapshot_is_restored_to_a_root_branch_beside_with_a_compute_of_its_own() -> None:
    with unlimited() as neon:
        project = Restored(neon, protected=True)
        made = neon.done("POST", project.restore, {"name": "look"})
        branch, (compute,) = made["branch"], made["endpoints"]
        assert (branch["restore_status"], branch["restored_from"]) == ("restored", project.seeded.snapshot_ids[0])
        assert (branch["name"], branch["default"], branch["protected"]) == ("look", False, False)
        assert branch["logical_size"] == 7
        assert "parent_id" not in branch
        assert compute["branch_id"] == branch["id"] != project.seeded.branch_id
        assert [operation["action"] for operation in made["operations"]] == ["create_timeline", "start_compute"]
        assert project.branches()["main"]["id"] == project.seeded.branch_id
        uri = f"{project.path}/connection_uri?database_name=neondb&role_name=neondb_owner"
        assert compute["host"] in neon.get(f"{uri}&branch_id={branch['id']}")["uri"]


def test_a_restore_without_a_body_calls_the_branch_by_its_id() -> None:
    with unlimited() as neon:
        branch = neon.done("POST", Restored(neon).restore)["branch"]
        assert branch["name"] == branch["id"]


def test_the_name_can_still_be_in_the_query() -> None:
    with unlimited() as neon:
        project = Restored(neon)
        assert neon.done("POST", f"{project.restore}?name=old-way")["branch"]["name"] == "old-way"
        assert neon.done("POST", f"{project.restore}?name=a", {"name": "b"})["branch"]["name"] == "b"


def test_a_finalized_restore_takes_the_place_of_the_branch_and_keeps_it_as_old() -> None:
    with unlimited() as neon:
        project = Restored(neon, protected=True, branches=(BranchSeed("dev"),))
        uri = f"{project.path}/connection_uri?database_name=neondb&role_name=neondb_owner"
        before = neon.get(uri)
        made = neon.done("POST", project.restore, FINALIZED)
        main, old, dev = (project.branches()[name] for name in ("main", "main (old)", "dev"))
        assert main["id"] == made["branch"]["id"] != project.seeded.branch_id == old["id"]
        assert (main["default"], main["protected"], main["restore_status"]) == (True, True, "finalized")
        assert (old["default"], old["protected"]) == (False, False)
        assert main["restored_as"] == dev["parent_id"] == old["id"]
        assert [compute["id"] for compute in made["endpoints"]] == [project.seeded.endpoint_id]
        assert neon.get(uri) == before
        assert neon.get(f"{project.path}/branches/{old['id']}/endpoints")["endpoints"] == []
        (snapshot,) = neon.get(f"{project.path}/snapshots")["snapshots"]
        assert snapshot["source_branch_id"] == old["id"]


def test_a_restore_without_a_target_hits_the_old_branch_the_second_time() -> None:
    with unlimited() as neon:
        project = Restored(neon)
        first = neon.done("POST", project.restore, FINALIZED)["branch"]
        neon.done("POST", project.restore, FINALIZED)
        assert project.branches()["main"]["id"] == first["id"]
        assert project.branches().keys() == {"main", "main (old)", "main (old) (old)"}


def test_a_target_takes_the_restore_and_a_second_old_branch_has_another_name() -> None:
    with unlimited() as neon:
        project = Restored(neon)
        neon.done("POST", project.restore, FINALIZED)
        main = project.branches()["main"]["id"]
        neon.done("POST", project.restore, {**FINALIZED, "target_branch_id": main})
        assert project.branches().keys() == {"main", "main (old)", "main 2 (old)"}
        assert project.branches()["main 2 (old)"]["id"] == main


@pytest.mark.parametrize(("keeps", "annotations"), [(False, {}), (True, ANNOTATIONS)])
def test_annotations_come_along_or_not(keeps: bool, annotations: dict[str, str]) -> None:
    with unlimited(restore_keeps_annotations=keeps) as neon:
        project = Restored(neon)
        branch_id = neon.done("POST", project.restore, FINALIZED)["branch"]["id"]
        annotation = neon.get(f"{project.path}/branches/{branch_id}")["annotation"]
        assert (annotation["value"], annotation["object"]["id"]) == (annotations, branch_id)
        old = neon.get(f"{project.path}/branches/{project.seeded.branch_id}")["annotation"]
        assert old["value"] == ANNOTATIONS


def test_a_preview_is_finalized_with_the_computes_of_the_branch_it_replaces() -> None:
    with unlimited() as neon:
        project = Restored(neon, active=True)
        preview = project.preview()
        own = neon.get(f"{preview}/endpoints")["endpoints"][0]["id"]
        works = neon.done("POST", f"{preview}/finalize_restore", {"name": "main-before"})["operations"]
        done = [(work["action"], work["endpoint_id"]) for work in works]
        moved = project.seeded.endpoint_id
        assert done == [("suspend_compute", own), ("suspend_compute", moved), ("start_compute", moved)]
        assert project.branches().keys() == {"main", "main-before"}
        main = neon.get(preview)["branch"]
        assert (main["name"], main["default"], main["restore_status"]) == ("main", True, "finalized")
        assert [compute["id"] for compute in neon.get(f"{preview}/endpoints")["endpoints"]] == [moved]
        assert neon.refused("GET", f"{project.path}/endpoints/{own}")[0] == 404


def test_a_preview_keeps_its_compute_where_the_replaced_branch_has_none() -> None:
    with unlimited() as neon:
        project = Restored(neon, branches=(BranchSeed("bare", with_compute=False),))
        preview = project.preview(target_branch_id=project.seeded.branch_ids[0])
        (own,) = neon.get(f"{preview}/endpoints")["endpoints"]
        neon.done("POST", f"{preview}/finalize_restore")
        assert project.branches().keys() == {"main", "bare", "bare (old)"}
        assert [compute["id"] for compute in neon.get(f"{preview}/endpoints")["endpoints"]] == [own["id"]]


def test_only_an_unfinished_restore_can_be_finalized() -> None:
    with unlimited() as neon:
        project = Restored(neon)
        main = f"{project.path}/branches/{project.seeded.branch_id}"
        assert neon.refused("POST", f"{main}/finalize_restore")[0] == 422
        preview = project.preview()
        assert neon.refused("POST", f"{preview}/finalize_restore", {"name": "look"})[0] == 409
        neon.done("POST", f"{preview}/finalize_restore")
        assert neon.refused("POST", f"{preview}/finalize_restore")[0] == 422
        assert neon.refused("POST", f"{project.path}/branches/br-nowhere-1/finalize_restore")[0] == 404


def test_a_preview_that_expires_or_whose_target_is_gone_replaces_nothing() -> None:
    with unlimited() as neon:
        project = Restored(neon, branches=(BranchSeed("dev"),))
        dev = project.seeded.branch_ids[0]
        preview = project.preview(target_branch_id=dev)
        expiry = timestamp(DEMO_EPOCH_SECONDS + DAY_SECONDS)
        neon.done("PATCH", preview, {"branch": {"expires_at": expiry}})
        assert neon.refused("POST", f"{preview}/finalize_restore")[0] == 422
        neon.done("PATCH", preview, {"branch": {"expires_at": None}})
        neon.done("DELETE", f"{project.path}/branches/{dev}")
        assert neon.refused("POST", f"{preview}/finalize_restore")[0] == 422


def test_a_preview_that_was_made_the_default_stays_it() -> None:
    with unlimited() as neon:
        project = Restored(neon)
        preview = project.preview()
        neon.done("POST", f"{preview}/set_as_default")
        neon.done("POST", f"{preview}/finalize_restore")
        assert [name for name, branch in project.branches().items() if branch["default"]] == ["main"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "main"}, 409),
        ({"target_branch_id": "br-nowhere-1"}, 404),
        ({"name": " "}, 400),
        ({"name": "x" * 257}, 400),
        ({"assign_computes": True}, 400),
        ({"finalize_restore": "yes"}, 400),
    ],
)
def test_a_restore_that_cannot_be_is_refused_and_makes_nothing(body: dict[str, Any], status: int) -> None:
    organizations = (Organization("free"),)
    with account(organizations=organizations, refusals_allowed=True) as neon:
        project = Restored(neon)
        assert neon.refused("POST", project.restore, body)[0] == status
        assert project.branches().keys() == {"main"}


def test_a_restore_of_an_unknown_snapshot_or_to_a_branch_that_is_gone_is_not_found() -> None:
    with unlimited() as neon:
        project = Restored(neon, branches=(BranchSeed("dev", schema_only=True),))
        assert neon.refused("POST", f"{project.path}/snapshots/snap-nowhere-1/restore")[0] == 404
        dev = project.seeded.branch_ids[0]
        taken = neon.done("POST", f"{project.path}/branches/{dev}/snapshot")["snapshot"]["id"]
        neon.done("DELETE", f"{project.path}/branches/{dev}")
        assert neon.refused("POST", f"{project.path}/snapshots/{taken}/restore")[0] == 404
        neon.done(
            "POST", f"{project.path}/snapshots/{taken}/restore", {"target_branch_id": project.seeded.branch_id}
        )


def test_restores_wait_for_running_operations_and_lock_the_project() -> None:
    with unlimited() as neon:
        project = Restored(neon)
        preview = neon.ask("POST", project.restore).json()["branch"]["id"]
        assert neon.refused("POST", project.restore)[0] == 423
        assert neon.refused("POST", f"{project.path}/branches/{preview}/finalize_restore")[0] == 423


def test_old_branches_use_up_the_root_branches_of_a_project() -> None:
    with unlimited(root_branches=2) as neon:
        project = Restored(neon)
        neon.done("POST", project.restore, FINALIZED)
        response = neon.ask("POST", project.restore)
        assert (response.status_code, response.json()["code"]) == (422, "ROOT_BRANCHES_LIMIT_EXCEEDED")
        neon.done("DELETE", f"{project.path}/branches/{project.branches()['main (old)']['id']}")
        target = {"target_branch_id": project.branches()["main"]["id"]}
        neon.done("POST", project.restore, target)


def test_a_restored_branch_needs_a_place_among_the_branches() -> None:
    with account(organizations=(Organization("free", Limits(branches=1)),)) as neon:
        response = neon.ask("POST", Restored(neon).restore, FINALIZED)
        assert (response.status_code, response.json()["code"]) == (422, "BRANCHES_LIMIT_EXCEEDED")


def test_a_snapshot_holds_what_its_branch_held_when_it_was_taken() -> None:
    with unlimited() as neon:
        project = Restored(neon)
        Stored.of(neon.simulator).remove("databases", branch_id=project.seeded.branch_id)
        made = neon.done("POST", project.restore)["branch"]["id"]
        (database,) = neon.get(f"{project.path}/branches/{made}/databases")["databases"]
        assert (database["name"], database["branch_id"]) == ("neondb", made)


def test_a_branch_of_a_snapshot_has_no_past_to_go_back_to() -> None:
    with unlimited() as neon:
        project = Restored(neon)
        branch_id = neon.done("POST", project.restore, FINALIZED)["branch"]["id"]
        neon.wait(60)
        path, moment = f"{project.path}/branches/{branch_id}", timestamp(DEMO_EPOCH_SECONDS + 30)
        assert [each["name"] for each in neon.get(path)["branch"]["restricted_actions"]] == ["restore"]
        itself = {"source_branch_id": branch_id, "source_timestamp": moment, "preserve_under_name": "kept"}
        assert neon.refused("POST", f"{path}/restore", itself)[0] == 422
        child = {"branch": {"parent_timestamp": moment}}
        assert neon.refused("POST", f"{project.path}/branches", child)[0] == 422
        assert neon.refused("POST", f"{path}/snapshot?timestamp={moment}")[0] == 422
        neon.done("POST", f"{path}/snapshot")


def test_a_branch_of_a_snapshot_that_is_reset_to_another_is_an_ordinary_one() -> None:
    with unlimited() as neon:
        project = Restored(neon)
        preview = project.preview()
        neon.done("POST", f"{preview}/restore", {"source_branch_id": project.seeded.branch_id})
        branch = neon.get(preview)["branch"]
        assert not branch.keys() & {"restore_status", "restored_from", "restored_as", "restricted_actions"}
        assert neon.refused("POST", f"{preview}/finalize_restore")[0] == 422


def test_a_child_of_a_restored_branch_cannot_be_reset_for_a_day() -> None:
    with unlimited() as neon:
        project = Restored(neon, restored=True)
        dev = neon.simulator.add_branch(project.seeded.project_id, BranchSeed("dev"))
        path, body = f"{project.path}/branches/{dev}/restore", {"source_branch_id": project.seeded.branch_id}
        assert neon.refused("POST", path, body)[0] == 422
        neon.wait(DAY_SECONDS)
        neon.done("POST", path, body)

"""Projects as a restore leaves them, and what the simulator's own pages do about snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, timestamp
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from typing import Any

    from tests.unit.simulator.account import Account

DAY_SECONDS = 86_400
OURS = {"managed-by": "neon-reconciler", "tenant": "acme"}


def by_name(neon: Account, path: str) -> dict[str, dict[str, Any]]:
    return {branch["name"]: branch for branch in neon.get(f"{path}/branches")["branches"]}


def test_a_restored_project_has_a_new_default_branch_and_keeps_the_old_one() -> None:
    with account() as neon:
        seed = ProjectSeed(
            "acme",
            annotations=OURS,
            protected=True,
            storage_bytes=123,
            created_at=DEMO_EPOCH_SECONDS - DAY_SECONDS,
            branches=(BranchSeed("dev"),),
            snapshots=(SnapshotSeed("nightly"),),
            restored=True,
        )
        project = neon.simulator.add_project("free", seed)
        path = f"/projects/{project.project_id}"
        found = by_name(neon, path)
        main, old = found["main"], found["main (old)"]
        assert (main["id"], old["id"]) == (project.branch_id, project.old_branch_id)
        assert (main["default"], main["protected"], main["logical_size"]) == (True, True, 123)
        assert (old["default"], old["protected"]) == (False, False)
        assert main["restored_from"] == project.snapshot_ids[0]
        assert main["restored_as"] == old["id"]
        assert "parent_id" not in main
        assert "parent_id" not in old
        assert found["dev"]["parent_id"] == old["id"]
        annotations = neon.get(f"{path}/branches")["annotations"]
        assert {branch_id: each["value"] for branch_id, each in annotations.items()} == {old["id"]: OURS}
        assert [s["source_branch_id"] for s in neon.get(f"{path}/snapshots")["snapshots"]] == [old["id"]]


def test_computes_and_connection_strings_move_to_the_restored_branch() -> None:
    with account() as neon:
        project = neon.simulator.add_project("free", ProjectSeed("acme"))
        path = f"/projects/{project.project_id}"
        uri = f"{path}/connection_uri?database_name=neondb&role_name=neondb_owner"
        before = neon.get(uri)
        branch_id = neon.simulator.restore(project.project_id)
        assert neon.get(uri) == before
        (compute,) = neon.get(f"{path}/endpoints")["endpoints"]
        assert (compute["id"], compute["branch_id"]) == (project.endpoint_id, branch_id)
        assert neon.get(f"{path}/branches/{project.branch_id}/endpoints")["endpoints"] == []


def test_restoring_again_leaves_another_old_branch() -> None:
    with account() as neon:
        project = neon.simulator.add_project("free", ProjectSeed("acme", restored=True))
        neon.simulator.restore(project.project_id)
        assert by_name(neon, f"/projects/{project.project_id}").keys() == {"main", "main (old)", "main 2 (old)"}


def test_seeded_snapshots_are_as_described_whatever_the_limit() -> None:
    with account() as neon:
        created_at = DEMO_EPOCH_SECONDS - 3 * DAY_SECONDS
        seeds = (
            SnapshotSeed("old", created_at, expires_at=DEMO_EPOCH_SECONDS + DAY_SECONDS),
            SnapshotSeed("nightly", created_at + 60, manual=False),
            SnapshotSeed("now"),
        )
        seed = ProjectSeed("acme", created_at=created_at, storage_bytes=5, snapshots=seeds)
        project = neon.simulator.add_project("free", seed)
        now, nightly, old = neon.get(f"/projects/{project.project_id}/snapshots")["snapshots"]
        assert tuple(snapshot["id"] for snapshot in (old, nightly, now)) == project.snapshot_ids
        assert (old["name"], old["manual"], old["full_size"]) == ("old", True, 5)
        assert (old["created_at"], old["timestamp"]) == (timestamp(created_at), timestamp(created_at))
        assert old["expires_at"] == timestamp(DEMO_EPOCH_SECONDS + DAY_SECONDS)
        assert not nightly["manual"]
        assert now["created_at"] == timestamp(DEMO_EPOCH_SECONDS)


def test_a_snapshot_of_a_schedule_does_not_count() -> None:
    with account() as neon:
        project = neon.simulator.add_project("free", ProjectSeed("acme"))
        neon.simulator.add_snapshot(project.project_id, SnapshotSeed("nightly", manual=False))
        neon.done("POST", f"/projects/{project.project_id}/branches/{project.branch_id}/snapshot?name=mine")
        found = neon.get(f"/projects/{project.project_id}/snapshots")["snapshots"]
        assert {snapshot["name"]: snapshot["manual"] for snapshot in found} == {"nightly": False, "mine": True}


def test_the_simulators_own_pages_take_a_snapshot_and_restore_it() -> None:
    with account() as neon:
        project = neon.simulator.add_project("free", ProjectSeed("acme"))
        own = f"http://neon.test/_simulator/projects/{project.project_id}"
        expires_at = timestamp(DEMO_EPOCH_SECONDS + DAY_SECONDS)
        snapshot_id = neon.done("POST", f"{own}/snapshots", {"name": "by-hand", "expires_at": expires_at})["id"]
        path = f"/projects/{project.project_id}"
        (snapshot,) = neon.get(f"{path}/snapshots")["snapshots"]
        assert (snapshot["id"], snapshot["expires_at"]) == (snapshot_id, expires_at)
        branch_id = neon.done("POST", f"{own}/restore")["id"]
        main = by_name(neon, path)["main"]
        assert (main["id"], main["restored_from"]) == (branch_id, snapshot_id)

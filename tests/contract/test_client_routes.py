"""Every call that the client can make is an operation of the official description, and so is its answer."""

from __future__ import annotations

import asyncio
import inspect
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.desired.naming import Search
from reconciler.live.consumption import Span
from reconciler.model.compute import Compute
from reconciler.model.database import Database
from reconciler.neon.client import Neon
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from tests.contract import installed as official
from tests.harness.account import AS_DOCUMENTED, World, world

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = "/api/v2"
ANNOTATIONS = {"managed-by": "tests"}
EXPIRY = datetime.fromtimestamp(DEMO_EPOCH_SECONDS, UTC) + timedelta(days=7)


class Traced:
    """A client that notes which of its methods were used."""

    def __init__(self, neon: Neon) -> None:
        self._neon = neon
        self.used: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., object]:
        self.used.add(name)
        method: Callable[..., object] = getattr(self._neon, name)
        return method


async def use_everything(neon: Neon) -> None:
    """A tenant's life, from sign-up to deletion."""
    created = await neon.create_project("free", {"name": "acme", "compute.max_cu": 1.0}, ANNOTATIONS)
    id_ = created.project.id
    await neon.wait("free", id_, created.operations)
    await neon.wait("free", id_, (await neon.update_project("free", id_, {"name": "acme-2"})).operations)
    await neon.projects("free")
    await neon.page("free", "")
    await neon.named("free", "acme-2")
    await neon.searched("free", Search("acme", ("acme-2", "acme-3")))
    await neon.require_transfer_key(("free", "paid"))
    await neon.transfer_projects("free", "paid", [id_])
    await asyncio.sleep(AS_DOCUMENTED.transfer_lag_seconds)
    await neon.project("paid", id_)
    await neon.branches("paid", id_)
    for endpoint in await neon.endpoints("paid", id_):
        patched = await neon.update_endpoint("paid", id_, endpoint.id, {"compute.max_cu": 4.0})
        await neon.wait("paid", id_, patched.operations)
    replica = await neon.create_replica(
        "paid", id_, created.branch_id, name="reports", compute=Compute(0.25, 1, 300)
    )
    await neon.wait("paid", id_, replica.operations)
    await neon.wait("paid", id_, await neon.delete_endpoint("paid", id_, replica.endpoint.id))
    await neon.connection("paid", id_, "neondb", "neondb_owner")
    midnight = EXPIRY.replace(hour=0, minute=0, second=0) - timedelta(days=7)
    await neon.consumption("paid", [id_], Span(midnight - timedelta(days=1), midnight, "daily"))
    reset = await neon.reset_password("paid", id_, created.branch_id, "neondb_owner")
    await neon.wait("paid", id_, [*reset.operations, *await neon.running_operations("paid", id_)])
    await use_roles_and_databases(neon, id_, created.branch_id)
    await use_branches_and_snapshots(neon, id_, created.branch_id)
    await neon.delete_project("paid", id_)
    for deleted in await neon.deleted_projects("paid"):
        await neon.recover_project("paid", deleted.project.id)


async def use_roles_and_databases(neon: Neon, id_: str, branch_id: str) -> None:
    """A role with a database, which another role gets; both are taken away again."""
    branch, app = ("paid", id_, branch_id), Database("app", "app")
    await neon.wait("paid", id_, await neon.create_role(*branch, "app"))
    await neon.wait("paid", id_, await neon.create_database(*branch, app))
    assert await neon.roles(*branch) == ("app", "neondb_owner")
    assert app in await neon.databases(*branch)
    await neon.wait("paid", id_, await neon.update_database(*branch, Database("app", "neondb_owner")))
    await neon.wait("paid", id_, await neon.delete_database(*branch, "app"))
    await neon.wait("paid", id_, await neon.delete_role(*branch, "app"))
    assert not await neon.delete_role(*branch, "app")


async def use_branches_and_snapshots(neon: Neon, id_: str, root_id: str) -> None:
    """What is made below a project of the paid organization, and taken away again."""
    made = await neon.create_branch(
        "paid",
        id_,
        name="dev",
        parent_id=root_id,
        at=None,
        expires_at=EXPIRY,
        schema_only=False,
        with_compute=True,
        compute=Compute(max_cu=0.5),
        annotations=ANNOTATIONS,
    )
    await neon.wait("paid", id_, made.operations)
    patched = await neon.update_branch("paid", id_, made.branch.id, name="dev-2", expires_at=EXPIRY)
    await neon.wait("paid", id_, patched.operations)
    reset = await neon.reset_branch("paid", id_, made.branch.id, parent_id=root_id)
    await neon.wait("paid", id_, reset.operations)
    restored = await neon.restore_branch("paid", id_, made.branch.id, source_id=root_id, at=None, keep_as=None)
    await neon.wait("paid", id_, restored.operations)
    for endpoint in await neon.endpoints("paid", id_):
        await neon.wait("paid", id_, await neon.suspend_endpoint("paid", id_, endpoint.id))
    await neon.wait("paid", id_, await neon.delete_branch("paid", id_, made.branch.id))
    await neon.restore_window_changes("paid", id_, since=EXPIRY - timedelta(days=9))
    await neon.deletions("paid", id_, since=EXPIRY - timedelta(days=9))
    await neon.operations_since("paid", id_, since=EXPIRY - timedelta(days=9))
    taken = await neon.create_snapshot("paid", id_, root_id, name="v1", at=None, expires_at=EXPIRY)
    await neon.wait("paid", id_, taken.operations)
    await restore(neon, id_, root_id, taken.snapshot.id)
    for snapshot in await neon.snapshots("paid", id_):
        await neon.wait("paid", id_, await neon.delete_snapshot("paid", id_, snapshot.id))


async def restore(neon: Neon, id_: str, root_id: str, snapshot_id: str) -> None:
    """The default branch is replaced by a snapshot, of which a preview is made first."""
    preview = await neon.restore_snapshot("paid", id_, snapshot_id, target_id=root_id, preview_name="preview")
    await neon.wait("paid", id_, preview.operations)
    await neon.wait("paid", id_, await neon.finalize_restore("paid", id_, preview.branch.id, keep_as="replaced"))


def exercised() -> tuple[World, set[str]]:
    used: set[str] = set()

    async def main(neon: Neon) -> None:
        traced = Traced(neon)
        await use_everything(traced)  # type: ignore[arg-type]
        used.update(traced.used)

    with world() as exercise:
        exercise.using(main)
    return exercise, used


def test_every_call_of_the_client_is_an_operation_that_is_declared() -> None:
    official.required()
    exercise, used = exercised()
    calls = {name for name, _ in inspect.getmembers(Neon, inspect.iscoroutinefunction)}
    assert used == {name for name in calls if not name.startswith("_")}
    assert None not in {exchange.operation for exchange in exercise.judge.exchanges}
    assert {exchange.status for exchange in exercise.judge.exchanges} <= {200, 201, 202, 204}


def test_the_transfer_of_the_guide_does_not_exist_and_ours_does() -> None:
    description = official.required()
    assert description.find("PATCH", f"{BASE}/projects/quiet-lake-1/transfer") is None
    found = description.find("POST", f"{BASE}/organizations/org-free-1/projects/transfer")
    assert found is not None
    operation, values = found
    assert (operation.name, values) == ("transferProjectsFromOrgToOrg", {"source_org_id": "org-free-1"})

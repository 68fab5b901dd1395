"""The client on a whole Neon: a project's life, long lists, and the account's real rate limit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from reconciler.desired.selection import Depth
from reconciler.errors import (
    ApiError,
    ConflictError,
    ExitCode,
    NotFoundError,
    OperationFailedError,
    UnknownOutcomeError,
    WrongOrganizationError,
)
from reconciler.model.annotations import Purpose, branch_annotations, creation_annotations
from reconciler.model.compute import Compute
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.neon import branch_calls
from reconciler.neon.client import Neon, connect
from reconciler.neon.observe import observe
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.ownership import annotated_tenant
from reconciler.simulator.behaviour import Behaviour, ForeignProject, Patch
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.faults import DropAfter, FailOperations, HideProjects
from reconciler.simulator.gateway import Latency
from reconciler.simulator.seed import BranchSeed, ProjectSeed
from tests.harness.account import API, world
from tests.harness.builders import a_fleet, a_tenant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.live.project import LiveSnapshot
    from reconciler.model.values import Value
    from reconciler.simulator.simulator import Simulator

T = TypeVar("T")

INSTANT = Latency()
MOST_CONVENIENT = Behaviour(
    quota_patch=Patch.MERGE,
    compute_patch=Patch.MERGE,
    foreign_project=ForeignProject.NOT_FOUND,
    create_shows_settings=True,
    snapshot_limit_code=True,
    deletion_count_lag_seconds=0,
    transfer_lag_seconds=0,
    transfer_checks_settings=False,
    transfer_keeps_quota=True,
    snapshots_count_as_branches=False,
    background_work_every_seconds=None,
)
"""What is not documented, answered as a client likes it best: these tests are about the documented rest."""
VALUES: dict[str, Value] = {
    "name": "myapp-acme",
    "region": "aws-us-east-2",
    "pg_version": 17,
    "database": "neondb",
    "role": "neondb_owner",
    "branch": "main",
    "quota.active_time_seconds": 360_000,
    "quota.compute_time_seconds": 0,
    "quota.written_data_bytes": 0,
    "quota.data_transfer_bytes": 5_368_709_120,
    "quota.logical_size_bytes": 536_870_912,
    "compute.min_cu": 0.25,
    "compute.max_cu": 2.0,
    "compute.suspend_timeout_seconds": 300,
    "restore_window_seconds": 86_400,
}
EXPIRY = datetime.fromtimestamp(DEMO_EPOCH_SECONDS, UTC) + timedelta(days=7)
ANNOTATIONS = creation_annotations(fleet="prod", tenant="acme", run="r1")


def on_a_simulator(work: Callable[[Simulator, Neon], Awaitable[T]], latency: Latency = INSTANT) -> T:
    """Do some work with a simulator and a client of it, on virtual time."""

    with world(latency=latency, behaviour=MOST_CONVENIENT) as account:
        return account.using(lambda neon: work(account.simulator, neon))


def test_a_project_from_its_creation_to_its_deletion() -> None:
    async def work(_simulator: Simulator, neon: Neon) -> None:
        made = await neon.create_project("free", VALUES, ANNOTATIONS)
        project_id = made.project.id
        assert made.connection is not None
        assert made.endpoint_id is not None
        await neon.wait("free", project_id, made.operations)
        (found,) = await neon.named("free", "myapp-acme")
        assert (found.id, found.organization) == (project_id, "free")
        (branch,) = await neon.branches("free", project_id)
        assert (branch.id, branch.name, dict(branch.annotations)) == (made.branch_id, "main", ANNOTATIONS)

        await neon.transfer_projects("free", "paid", [project_id])
        with pytest.raises(NotFoundError):
            await neon.project("free", project_id)
        more: dict[str, Value] = {
            "compute.max_cu": 4.0,
            "compute.min_cu": 0.5,
            "compute.suspend_timeout_seconds": 60,
        }
        patched = await neon.update_project("paid", project_id, {**more, "quota.logical_size_bytes": 0})
        await neon.wait("paid", project_id, patched.operations)
        assert patched.project.compute == Compute(0.5, 4, 60)
        resized = await neon.update_endpoint("paid", project_id, made.endpoint_id, more)
        await neon.wait("paid", project_id, resized.operations)
        (endpoint,) = await neon.endpoints("paid", project_id)
        assert endpoint.compute == Compute(0.5, 4, 60)
        project = await neon.project("paid", project_id)
        assert project.quota == Quota(active_time_seconds=360_000, data_transfer_bytes=5_368_709_120)

        connection = await neon.connection("paid", project_id, "neondb", "neondb_owner")
        assert connection.pooled_host == connection.host.replace(".", "-pooler.", 1)
        assert connection.host in connection.direct.reveal()
        await neon.delete_project("paid", project_id)
        await neon.delete_project("paid", project_id)
        assert await neon.named("paid", "myapp-acme") == ()

    on_a_simulator(work)


def test_a_branch_from_its_creation_to_its_deletion() -> None:
    note = branch_annotations(fleet="prod", tenant="acme", run="r1", branch="dev", purpose=Purpose.DEV_BRANCH)

    async def work(_simulator: Simulator, neon: Neon) -> None:
        project = await neon.create_project("paid", VALUES, ANNOTATIONS)
        id_ = project.project.id
        await neon.wait("paid", id_, project.operations)
        made = await neon.create_branch(
            "paid",
            id_,
            name="dev",
            parent_id=project.branch_id,
            at=None,
            expires_at=EXPIRY,
            schema_only=False,
            with_compute=True,
            compute=Compute(0.25, 0.5, 60),
            annotations=note,
        )
        await neon.wait("paid", id_, made.operations)
        found = {branch.name: branch for branch in await neon.branches("paid", id_)}["dev"]
        assert (found.id, found.parent_id, found.expires_at) == (made.branch.id, project.branch_id, EXPIRY)
        assert found.annotations == made.branch.annotations == note
        computes = {endpoint.id: endpoint for endpoint in await neon.endpoints("paid", id_)}
        assert made.endpoint_id is not None
        assert computes[made.endpoint_id].compute == Compute(0.25, 0.5, 60)

        patched = await neon.update_branch("paid", id_, found.id, name="dev-2")
        assert (patched.branch.name, patched.branch.expires_at) == ("dev-2", EXPIRY), "the expiry stays"
        await neon.wait("paid", id_, patched.operations)
        await neon.wait("paid", id_, await neon.delete_branch("paid", id_, found.id))
        assert await neon.delete_branch("paid", id_, found.id) == ()
        assert [branch.id for branch in await neon.branches("paid", id_)] == [project.branch_id]

    on_a_simulator(work)


def test_a_branch_of_a_name_that_is_taken_is_a_conflict() -> None:
    async def work(_simulator: Simulator, neon: Neon) -> None:
        project = await neon.create_project("paid", VALUES, ANNOTATIONS)
        await neon.wait("paid", project.project.id, project.operations)
        with pytest.raises(ConflictError):
            await neon.create_branch(
                "paid",
                project.project.id,
                name="main",
                parent_id=project.branch_id,
                at=None,
                expires_at=None,
                schema_only=False,
                with_compute=False,
                compute=None,
                annotations={},
            )

    on_a_simulator(work)


def test_snapshots_are_taken_listed_and_deleted_one_at_a_time_where_there_is_room_for_one() -> None:
    async def work(_simulator: Simulator, neon: Neon) -> None:
        project = await neon.create_project("free", VALUES, ANNOTATIONS)
        id_ = project.project.id
        await neon.wait("free", id_, project.operations)

        async def take(name: str) -> LiveSnapshot:
            made = await neon.create_snapshot(
                "free", id_, project.branch_id, name=name, at=None, expires_at=EXPIRY
            )
            await neon.wait("free", id_, made.operations)
            return made.snapshot

        first = await take("v1")
        assert (first.source_branch_id, first.expires_at, first.manual) == (project.branch_id, EXPIRY, True)
        assert await neon.snapshots("free", id_) == (first,)
        with pytest.raises(ApiError) as caught:
            await take("v2")
        assert (caught.value.status, caught.value.code) == (422, "SNAPSHOTS_LIMIT_EXCEEDED")
        await neon.wait("free", id_, await neon.delete_snapshot("free", id_, first.id))
        assert await neon.delete_snapshot("free", id_, first.id) == ()
        second = await take("v2")
        assert await neon.snapshots("free", id_) == (second,)

    on_a_simulator(work)


def test_a_write_to_a_locked_project_waits_its_turn() -> None:
    async def work(simulator: Simulator, neon: Neon) -> None:
        made = await neon.create_project("free", VALUES, ANNOTATIONS)
        await neon.update_project("free", made.project.id, {"quota.active_time_seconds": 1})
        assert 423 in [exchange.status for exchange in simulator.requests]

    on_a_simulator(work)


def test_a_create_whose_answer_is_lost_is_sent_once_and_found_by_name_and_run() -> None:
    async def work(simulator: Simulator, neon: Neon) -> None:
        simulator.faults.add(DropAfter(), method="POST", path="/projects")
        with pytest.raises(UnknownOutcomeError):
            await neon.create_project("free", VALUES, ANNOTATIONS)
        assert [exchange.method for exchange in simulator.requests] == ["POST"]
        (found,) = await neon.named("free", "myapp-acme")
        (branch,) = await neon.branches("free", found.id)
        assert branch.annotations["run"] == "r1"

    on_a_simulator(work)


def test_operations_that_fail_are_told() -> None:
    async def work(simulator: Simulator, neon: Neon) -> None:
        simulator.faults.add(FailOperations(), method="POST", path="/projects")
        made = await neon.create_project("free", VALUES, ANNOTATIONS)
        with pytest.raises(OperationFailedError):
            await neon.wait("free", made.project.id, made.operations)

    on_a_simulator(work)


def test_a_long_list_is_seen_whole_although_neon_hides_some_of_it() -> None:
    async def work(simulator: Simulator, neon: Neon) -> None:
        seeded = simulator.seed_fleet("free", 500, name="myapp-t{number}")
        hidden = tuple(one.project_id for one in seeded[10:15])
        simulator.faults.add(HideProjects(hidden), method="GET", path="/projects", times=None)
        desired = a_fleet(*(a_tenant(f"t{number}") for number in range(1, 501)))
        live = await observe(neon, desired, PlanRequirements(depth=Depth.LIST))
        assert (len(live.projects), live.unknown, live.listed) == (500, (), {"free": 500, "paid": 0})

    on_a_simulator(work)


def test_what_a_create_leaves_says_whose_it_is() -> None:
    async def work(_simulator: Simulator, neon: Neon) -> None:
        made = await neon.create_project("free", VALUES, ANNOTATIONS)
        await neon.wait("free", made.project.id, made.operations)
        (project,) = (await observe(neon, a_fleet(a_tenant()), PlanRequirements())).projects
        assert annotated_tenant(project, "prod") == "acme"

    on_a_simulator(work)


@pytest.mark.parametrize("latency", [INSTANT, Latency(0.02, 0.4)])
def test_the_rate_limit_of_the_account_is_never_hit_by_one_client(latency: Latency) -> None:
    async def work(simulator: Simulator, neon: Neon) -> list[int | None]:
        seeded = simulator.seed_fleet("free", 10)

        async def read(number: int) -> Any:
            project_id = seeded[number % 10].project_id
            kinds = (neon.project, neon.branches, neon.endpoints)
            return await kinds[number % 3]("free", project_id)

        await asyncio.gather(*(read(number) for number in range(900)))
        return [exchange.status for exchange in simulator.requests]

    assert set(on_a_simulator(work, latency)) == {200}


def test_a_key_that_opens_another_organization_is_named() -> None:
    with world() as account:
        access = account.access
        swapped = replace(
            access,
            organizations={
                "free": replace(access.organizations["free"], key=access.organizations["paid"].key),
                "paid": access.organizations["paid"],
            },
        )

        async def listing() -> None:
            async with connect(swapped, API, via=account.via) as neon:
                await neon.projects("free")

        with pytest.raises(WrongOrganizationError, match=r"PAID_ORG_API_KEY has no access to") as caught:
            account.run(listing())
        assert caught.value.exit_code is ExitCode.DENIED


def test_the_walk_over_branches_ends_although_every_page_leads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branch_calls, "BRANCHES_PER_PAGE", 2)
    with world() as neon_world:
        seeded = neon_world.simulator.add_project(
            "paid", ProjectSeed("acme", branches=[BranchSeed(name) for name in "abc"])
        )
        found = neon_world.using(lambda neon: neon.branches("paid", seeded.project_id))
        assert sorted(branch.name for branch in found) == ["a", "b", "c", "main"]
        assert len(neon_world.calls()) == 3

"""Late turns of whole fleets: lists that many share, orphans, second projects, adoptions, and signals."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from reconciler.apply.stop import StopSignal
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.annotations import creation_annotations
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.answer import FAULT_HEADER
from reconciler.simulator.behaviour import Behaviour, ListOrder
from reconciler.simulator.seed import BranchSeed, ProjectSeed
from tests.harness.builders import (
    DAY,
    FREE_COMPUTE,
    FREE_QUOTA,
    FREE_TIER,
    HOUR,
    PRO_COMPUTE,
    PRO_QUOTA,
    PRO_TIER,
    a_fleet,
    a_tenant,
)
from tests.harness.runs import World, now, virtually
from tests.harness.simulated import simulated_compute, simulated_quota
from tests.harness.wire import Act, Passing, also_before, answered, answering, where
from tests.unit.apply.late import (
    FREE,
    LARGER,
    LATE,
    PRO,
    RAISED,
    nothing,
    renamed,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Tier
    from reconciler.plan.outcome import Report


class TestAList:
    """One page tells of up to 400 projects."""

    NAMES: Final = tuple(f"t{number}" for number in range(8))

    def run(self, folder: Path, behaviour: Behaviour, *, tiers: tuple[Tier, ...]) -> tuple[World, Report, str]:
        async def main() -> tuple[World, Report, str]:
            world = World.open(folder, behaviour)
            world.seed(a_fleet(*map(a_tenant, self.NAMES), tiers=tiers))
            wanted = a_fleet(*(a_tenant(name, "pro") for name in self.NAMES), tiers=tiers)
            allowed = Permissions(lowering=True, counts={"disruptive": len(self.NAMES)})
            async with world.client() as neon:
                fleet = Fleet(wanted, neon, now=now)
                planned = await fleet.plan(Request(permissions=allowed))
                assert planned.plan.refusals == ()
                ids = {tenant.tenant: tenant.project.id for tenant in planned.plan.tenants if tenant.project}
                await asyncio.sleep(LATE)
                await neon.update_project("free", ids["t3"], {"quota.active_time_seconds": 3600})
                world.forget()
                report = await fleet.apply(planned, RunOptions(journal=folder / "j"))
            return world, report, ids["t3"]

        return virtually(main())

    def test_is_read_once_for_tenants_that_move_together(self, tmp_path: Path) -> None:
        world, report, changed = self.run(tmp_path, Behaviour(rate_limit=None), tiers=(FREE_TIER, PRO_TIER))
        assert [o.tenant for o in report.outcomes if o.result is not Result.APPLIED] == ["t3"]
        reads = [exchange.path for exchange in world.simulator.requests if exchange.method == "GET"]
        assert [path for path in reads if "/operations" not in path][:3] == [
            "/users/me/organizations",
            "/projects",
            f"/projects/{changed}",
        ]

    def test_that_shows_no_quotas_clears_nobody_whose_quota_is_sent(self, tmp_path: Path) -> None:
        blind = Behaviour(rate_limit=None, list_shows_quota=False)
        _, report, _ = self.run(tmp_path, blind, tiers=(replace(FREE_TIER, quota=None), PRO_TIER))
        skipped = {o.tenant: o.actions[0].message for o in report.outcomes if o.result is not Result.APPLIED}
        assert skipped == {"t3": "changed since the plan was made: quota.active_time_seconds"}

    def test_is_read_once_for_all_who_ask_while_it_is_on_its_way(self, tmp_path: Path) -> None:
        async def slow(passing: Passing) -> httpx.Response:
            await asyncio.sleep(1)
            return await answered(passing)

        async def main() -> list[str]:
            world = World.open(tmp_path, Behaviour(rate_limit=None))
            world.seed(a_fleet(*map(a_tenant, self.NAMES)))
            wanted = a_fleet(*(a_tenant(name, "pro") for name in self.NAMES))
            allowed = Permissions(counts={"disruptive": len(self.NAMES)})
            async with world.client(where(lambda passing: passing.path == "/projects", slow)) as neon:
                fleet = Fleet(wanted, neon, now=now)
                planned = await fleet.plan(Request(permissions=allowed))
                await asyncio.sleep(LATE)
                world.forget()
                await fleet.apply(planned, RunOptions(journal=tmp_path / "j"))
            lists = (each for each in world.simulator.requests if each.line == "GET /projects")
            return [each.query["org_id"] for each in lists]

        before, after = virtually(main())  # where they were, and where they have moved to
        assert before != after

    def test_serves_tenants_that_have_nothing_in_common(self, tmp_path: Path) -> None:
        async def main() -> None:
            world = World.open(tmp_path)
            before = a_fleet(*(a_tenant(name, "pro") for name in self.NAMES))
            world.seed(before)
            async with world.client() as neon:
                after = a_fleet(*(a_tenant(name, "pro") for name in self.NAMES), tiers=(RAISED,))
                fleet = Fleet(after, neon, now=now)
                planned = await fleet.plan(Request(base=before))
                await asyncio.sleep(LATE)
                world.forget()
                report = await fleet.apply(planned, RunOptions(journal=tmp_path / "j"))
            assert {outcome.result for outcome in report.outcomes} == {Result.APPLIED}
            reads = [exchange.path for exchange in world.simulator.requests if exchange.method == "GET"]
            assert [path for path in reads if path.endswith("/projects")] == ["/projects"]
            assert len([path for path in reads if "/operations" not in path]) == 2, "one before the first patch"

        virtually(main())


class TestAPage:
    """Of a list of several pages: tenants take their turns in its order, and those of a page share a call."""

    NAMES: Final = tuple(f"t{number:02}" for number in range(60))
    PER_PAGE: Final = 20

    @pytest.fixture(autouse=True)
    def _short_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("neon.project_lists", "plan.list_pages"):
            monkeypatch.setattr(f"reconciler.{module}.PROJECTS_PER_PAGE", self.PER_PAGE)

    def reads(self, folder: Path, behaviour: Behaviour, act: Act = answered) -> tuple[list[str], Report, str]:
        """What a run reads that changes a quota of every tenant, after somebody changed one in the console."""

        async def main() -> tuple[list[str], Report, str]:
            world = World.open(folder, behaviour)
            before = a_fleet(*map(a_tenant, self.NAMES))
            world.seed(before)
            tier = replace(FREE_TIER, quota=replace(FREE_QUOTA, data_transfer_bytes=6 * 2**30))
            late = False
            async with world.client(where(lambda _: late, act)) as neon:
                fleet = Fleet(a_fleet(*map(a_tenant, self.NAMES), tiers=(tier, PRO_TIER)), neon, now=now)
                planned = await fleet.plan(Request(base=before))
                ids = {tenant.tenant: tenant.project.id for tenant in planned.plan.tenants if tenant.project}
                await asyncio.sleep(LATE)
                await neon.update_project("free", ids["t33"], {"quota.active_time_seconds": 3600})
                world.forget()
                late = True
                report = await fleet.apply(planned, RunOptions(journal=folder / "j"))
            paths = [exchange.path for exchange in world.simulator.requests if exchange.method == "GET"]
            return paths, report, ids["t33"]

        return virtually(main())

    def test_is_read_for_all_tenants_on_it(self, tmp_path: Path) -> None:
        paths, report, changed = self.reads(tmp_path, Behaviour(rate_limit=None))
        assert paths.count("/projects") == len(self.NAMES) / self.PER_PAGE
        singles = {path for path in paths if path.startswith("/projects/") and "/operations" not in path}
        assert len(singles) == 2, "the changed one, and one before the first patch"
        assert f"/projects/{changed}" in singles
        assert [o.tenant for o in report.outcomes if o.result is not Result.APPLIED] == ["t33"]

    def test_that_has_other_projects_by_now_clears_nobody_who_left_it(self, tmp_path: Path) -> None:
        moving = Behaviour(rate_limit=None, list_order=ListOrder.CHANGED)
        _, report, _ = self.reads(tmp_path, moving)
        assert [o.tenant for o in report.outcomes if o.result is not Result.APPLIED] == ["t33"]

    def test_whose_cursor_no_longer_holds_is_asked_for_once(self, tmp_path: Path) -> None:
        asked: list[str] = []

        def refused(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.params.get("cursor", ""))
            return httpx.Response(400, json={"code": "", "message": "unknown cursor"}, headers={FAULT_HEADER: "x"})

        lists = where(lambda passing: passing.path == "/projects", answering(refused))
        _, report, _ = self.reads(tmp_path, Behaviour(rate_limit=None), lists)
        assert len(asked) == len(set(asked)) == len(self.NAMES) / self.PER_PAGE
        assert [o.tenant for o in report.outcomes if o.result is not Result.APPLIED] == ["t33"]


class TestPruning:
    ORPHAN: Final = ProjectSeed(
        "myapp-gone",
        quota=simulated_quota(PRO_QUOTA),
        compute=simulated_compute(PRO_COMPUTE),
        restore_window_seconds=7 * DAY,
    )

    @pytest.mark.parametrize(
        ("meddling", "left"), [(nothing, []), (renamed, ["kept"])], ids=["nothing", "renamed"]
    )
    def test_an_orphan_goes_as_long_as_it_is_one(self, tmp_path: Path, meddling: Any, left: list[str]) -> None:
        async def main() -> None:
            world = World.open(tmp_path)
            world.seed(PRO)
            before = a_fleet(a_tenant("acme", "pro"), a_tenant("gone", "pro"))
            world.seed(a_fleet(a_tenant("gone", "pro")))
            await asyncio.sleep(30 * DAY)
            async with world.client() as neon:
                fleet = Fleet(PRO, neon, now=now)
                request = Request(base=before, permissions=Permissions(prune=True, counts={"deletes": 1}))
                planned = await fleet.plan(request)
                ((plan),) = planned.plan.tenants
                await asyncio.sleep(LATE)
                assert plan.project
                await meddling(neon, plan.project)
                await fleet.apply(planned, RunOptions(journal=tmp_path / "j"))
            assert [p.name for p in (await world.observe(PRO)).projects if p.name != "myapp-acme"] == left

        virtually(main())


MANY = [f"t{number:02}" for number in range(60)]


@pytest.mark.parametrize(
    ("before", "after", "last"),
    [
        pytest.param(a_fleet(*map(a_tenant, MANY)), a_fleet(*(a_tenant(n, "pro") for n in MANY)), 2, id="a move"),
        pytest.param(a_fleet(), a_fleet(*map(a_tenant, MANY)), 3, id="creates"),
        pytest.param(FREE, LARGER, 1, id="the compute of one"),
    ],
)
def test_after_a_signal_nobody_else_is_looked_at(
    tmp_path: Path, before: DesiredState, after: DesiredState, last: int
) -> None:
    stop = StopSignal()
    calls_of_run: list[str] = []

    def note(passing: Passing) -> bool:
        calls_of_run.extend(passing.request.method for _ in armed)
        return len(calls_of_run) == last

    armed: list[bool] = []

    async def main() -> Report:
        world = World.open(tmp_path)
        world.seed(before)
        async with world.client(where(note, also_before(lambda: stop.signal("SIGTERM")))) as neon:
            fleet = Fleet(after, neon, now=now)
            allowed = Permissions(expect_empty=True, counts={"creates": 99, "transfers": 99, "disruptive": 99})
            planned = await fleet.plan(Request(base=before, permissions=allowed))
            await asyncio.sleep(LATE)
            armed.append(True)
            return await fleet.apply(planned, RunOptions(journal=tmp_path / "j", stop=stop))

    report = virtually(main())
    assert len(calls_of_run) == last
    for outcome in report.outcomes:
        assert {(a.result, a.message) for a in outcome.actions} == {
            (Result.SKIPPED, "the run was stopped: by SIGTERM")
        }


class TestASecondProject:
    @pytest.mark.parametrize(
        ("used", "result"), [(False, Result.APPLIED), (True, Result.SKIPPED)], ids=["nothing", "used"]
    )
    def test_goes_as_long_as_it_holds_nothing(self, tmp_path: Path, used: bool, result: Result) -> None:
        async def main() -> None:
            world = World.open(tmp_path)
            ids = []
            for run in ("r1", "r2"):
                notes = creation_annotations(fleet="prod", tenant="acme", run=run)
                seed = ProjectSeed(
                    "myapp-acme",
                    quota=simulated_quota(FREE_QUOTA),
                    compute=simulated_compute(FREE_COMPUTE),
                    annotations=notes,
                )
                ids.append(world.simulator.add_project("free", seed).project_id)
                await asyncio.sleep(2)
            await asyncio.sleep(3 * HOUR)
            async with world.client() as neon:
                fleet = Fleet(FREE, neon, now=now)
                planned = await fleet.plan(Request(base=FREE, dead_runs=frozenset({"r2"})))
                assert [action.kind for action in planned.plan.actions] == ["delete_duplicate"]
                await asyncio.sleep(LATE)
                if used:
                    world.simulator.add_branch(ids[1], BranchSeed("dev"))
                report = await fleet.apply(planned, RunOptions(journal=tmp_path / "j"))
            ((action,),) = [outcome.actions for outcome in report.outcomes]
            assert action.result is result, action.message
            left = {project.id for project in (await world.observe(FREE)).projects}
            assert left == ({*ids} if used else {ids[0]})

        virtually(main())


class TestAnAdoption:
    @pytest.mark.parametrize(
        ("meddling", "result"),
        [(nothing, Result.APPLIED), (renamed, Result.SKIPPED)],
        ids=["nothing", "renamed"],
    )
    def test_marks_the_project_as_long_as_its_name_is_the_tenants(
        self, tmp_path: Path, meddling: Any, result: Result
    ) -> None:
        async def main() -> None:
            world = World.open(tmp_path)
            found = ProjectSeed(
                "myapp-acme", quota=simulated_quota(FREE_QUOTA), compute=simulated_compute(FREE_COMPUTE)
            )
            world.simulator.add_project("free", found)
            async with world.client() as neon:
                fleet = Fleet(FREE, neon, now=now)
                planned = await fleet.plan()
                ((plan),) = planned.plan.tenants
                assert [action.kind for action in plan.actions] == ["adopt_project"]
                assert plan.project
                await asyncio.sleep(LATE)
                await meddling(neon, plan.project)
                report = await fleet.apply(planned, RunOptions(journal=tmp_path / "j"))
            assert [outcome.result for outcome in report.outcomes] == [result]

        virtually(main())

"""Two applies of one fleet at once: one project per tenant afterwards, as long as lists show it within settle."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from reconciler.plan.outcome import Result
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.faults import AnswerWith, DropAfter, DropBefore
from reconciler.simulator.gateway import Latency
from reconciler.simulator.seed import ProjectSeed
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import World, virtually

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from tests.harness.runs import Applied

FLEET = a_fleet(*(a_tenant(f"t{number}") for number in range(6)))
LAGGING = Behaviour(rate_limit=None, list_lag_seconds=8.0)
SLOW = Latency(0.05, 0.9)


async def later(world: World, seconds: float, desired: DesiredState = FLEET) -> Applied:
    await asyncio.sleep(seconds)
    return await world.apply(desired)


@pytest.mark.drawn(5)
@pytest.mark.parametrize("seed", range(12))
def test_two_applies_at_once_end_with_one_project_per_tenant(tmp_path: Path, seed: int) -> None:
    random = Random(seed)  # noqa: S311

    async def main() -> None:
        world = World.open(tmp_path, LAGGING, SLOW)
        if seed % 3 == 0:
            world.simulator.faults.add(DropAfter(), "POST", "/projects", first=random.randrange(1, 6), times=2)
        await asyncio.gather(*(later(world, random.uniform(0, 12)) for _ in range(2 + seed % 2)))
        await asyncio.sleep(LAGGING.list_lag_seconds)
        assert len(await world.converged(FLEET)) == len(FLEET.tenants)

    virtually(main())


def test_the_run_that_came_second_removes_its_own_project_and_names_the_first(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, LAGGING)
        first, second = await asyncio.gather(later(world, 0), later(world, 2))
        assert set(first.results().values()) == {Result.APPLIED}
        assert set(second.results().values()) == {Result.FAILED}
        live = await world.live(FLEET)
        for outcome in second.report.outcomes:
            assert outcome.project_id == live[f"myapp-{outcome.tenant}"].id
            assert f"another run created project {outcome.project_id} in free first" in second.message(
                outcome.tenant
            )
        assert second.connections == {}
        assert second.report.stopped is None

    virtually(main())


def test_a_run_whose_create_was_lost_does_not_take_a_rivals_project_for_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, LAGGING)
        one = a_fleet(a_tenant("acme"))
        world.simulator.faults.add(DropBefore(), "POST", "/projects")
        lost, rival = await asyncio.gather(later(world, 0, one), later(world, 1, one))
        assert rival.results() == {"acme": Result.APPLIED}
        assert lost.results() == {"acme": Result.FAILED}
        assert "no project of this run was found" in lost.message("acme")
        assert await world.converged(one) == {"myapp-acme"}

    virtually(main())


def test_a_rival_that_is_gone_when_it_is_looked_at_does_not_hide_a_runs_own_project(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        one = a_fleet(a_tenant("acme", "pro"))
        plan = await world.plan(one)
        rival = world.simulator.add_project("free", ProjectSeed("myapp-acme"))
        await asyncio.sleep(1)
        world.simulator.faults.add(DropAfter(), "POST", "/projects")
        world.simulator.faults.add(AnswerWith(404), "GET", f"/projects/{rival.project_id}/branches")
        lost = await world.apply(one, plan=plan, just_observed=True)
        assert f"another run created project {rival.project_id} in free first" in lost.message("acme")

    virtually(main())


def test_runs_whose_projects_are_of_the_same_second_agree_on_the_first(tmp_path: Path) -> None:
    async def main() -> None:
        one = a_fleet(a_tenant("acme"))
        for trial in range(10):
            world = World.open(tmp_path, replace(LAGGING, list_lag_seconds=10.0))
            await asyncio.sleep(1 - asyncio.get_running_loop().time() % 1)
            runs = await asyncio.gather(later(world, 0.1, one), later(world, 0.9, one))
            results = sorted(run.result("acme").value for run in runs)
            assert results == ["applied", "failed"], f"trial {trial}"

    virtually(main())


def test_a_project_that_is_not_the_first_is_renamed_before_it_is_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, LAGGING)
        one = a_fleet(a_tenant("acme"))
        await asyncio.gather(later(world, 0, one), later(world, 2, one))
        own = [exchange for exchange in world.writes() if exchange.request_id.startswith("run2-")]
        kinds = [(exchange.method, exchange.status) for exchange in own]
        assert kinds == [("POST", 201), ("PATCH", 200), ("DELETE", 200)]
        resize = ("PATCH", 200)
        others = [(exchange.method, exchange.status) for exchange in world.writes() if exchange not in own]
        assert others == [("POST", 201), resize]
        rename = own[1]
        assert rename.body == {"project": {"name": "myapp-acme-duplicate-run2"}}

    virtually(main())

"""A second project is looked at once more right before it is deleted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.live.state import RunState, RunStatus
from reconciler.model.annotations import creation_annotations
from reconciler.model.values import replace
from reconciler.plan.actions.project import DeleteDuplicate
from reconciler.plan.outcome import Result
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.faults import AnswerAfter, AnswerWith
from reconciler.simulator.seed import (
    BranchSeed,
    ProjectSeed,
    SnapshotSeed,
)
from tests.harness.builders import FREE_COMPUTE, FREE_QUOTA, a_fleet, a_tenant, make_plan
from tests.harness.runs import World, now, virtually
from tests.harness.simulated import simulated_compute, simulated_quota
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.plan.plan import Plan
    from tests.harness.runs import Applied

FLEET: Final = a_fleet(a_tenant("acme"))


def seeded(world: World, run: str, name: str = "myapp-acme", **fields: Any) -> str:
    """A project of acme's as a run has left it."""
    notes = creation_annotations(fleet="prod", tenant="acme", run=run)
    seed = ProjectSeed(
        name,
        quota=simulated_quota(FREE_QUOTA),
        compute=simulated_compute(FREE_COMPUTE),
        annotations=notes,
        **fields,
    )
    return world.simulator.add_project("free", seed).project_id


async def a_pair(world: World) -> tuple[Plan, str, str]:
    """Made two seconds apart, hours ago; the plan to delete the second."""
    first = seeded(world, "r1")
    await asyncio.sleep(2)
    second = seeded(world, "r2")
    await asyncio.sleep(3 * 3600)
    live = replace(
        await world.observe(FLEET), run_statuses={"r2": RunStatus(RunState.DEAD, "it is said", frozenset())}
    )
    plan = make_plan(FLEET, live, now=now())
    assert [action.kind for action in plan.actions] == ["delete_duplicate"]
    return plan, first, second


async def told(world: World) -> None:
    """Waits until Neon tells everything that was consumed so far."""
    await asyncio.sleep(world.simulator.world.behaviour.counters_lag_seconds)


def live_ids(world: World) -> set[str]:
    return {row["id"] for row in Stored.of(world.simulator).rows("projects")}


def test_the_second_goes_and_the_journal_holds_the_proof(tmp_path: Path) -> None:
    async def main() -> tuple[Applied, str, str, set[str]]:
        world = World.open(tmp_path)
        plan, first, second = await a_pair(world)
        applied = await world.apply(FLEET, plan=plan)
        assert await world.converged(FLEET) == {"myapp-acme"}
        return applied, first, second, live_ids(world)

    applied, first, second, live = virtually(main())
    assert applied.results() == {"acme": Result.APPLIED}
    assert live == {first}
    assert applied.report.outcomes[0].project_id == first
    (action,) = applied.plan.actions
    assert isinstance(action, DeleteDuplicate)
    intent = next(line for line in applied.journal if line["line"] == "intent")
    assert (intent["kind"], intent["project_ids"]) == ("delete_duplicate", [second])
    assert all(sentence in intent["reason"] for sentence in action.proof)
    record = next(line for line in applied.journal if line["line"] == "deletion")
    assert (record["project_id"], record["tenant"], record["organization"]) == (second, "acme", "free")


def _used(world: World, _first: str, second: str) -> None:
    world.simulator.set_usage(second, data_transfer_bytes=1)


def _branched(world: World, _first: str, second: str) -> None:
    world.simulator.add_branch(second, BranchSeed("dev"))


def _snapshotted(world: World, _first: str, second: str) -> None:
    world.simulator.add_snapshot(second, SnapshotSeed("s"))


def _first_deleted(world: World, first: str, _second: str) -> None:
    stored = Stored.of(world.simulator)
    stored.change("projects", first, deleted_at=stored.now)


def _renamed(world: World, _first: str, second: str) -> None:
    Stored.of(world.simulator).rename_project(second, "myapp-acme-keep")


MEANWHILE: Final[dict[str, tuple[Callable[[World, str, str], None], str]]] = {
    "used": (_used, "data transfer counter"),
    "branched": (_branched, "it has 2 branches"),
    "saved": (_snapshotted, "it has 1 snapshot"),
    "left alone": (_first_deleted, "which was created first, has been deleted since the plan was made"),
    "renamed": (_renamed, "it is now named 'myapp-acme-keep' in free"),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_nothing_is_deleted_where_something_has_happened_since_the_plan(tmp_path: Path, what: str) -> None:
    act, words = MEANWHILE[what]

    async def main() -> tuple[Applied, str, set[str]]:
        world = World.open(tmp_path)
        plan, first, second = await a_pair(world)
        act(world, first, second)
        await told(world)
        return await world.apply(FLEET, plan=plan), second, live_ids(world)

    applied, second, live = virtually(main())
    assert applied.results() == {"acme": Result.SKIPPED}
    assert words in applied.message("acme")
    assert second in live
    assert not [line for line in applied.journal if line["line"] == "intent"]


def test_nothing_is_deleted_whose_compute_ran_although_no_counter_tells_of_it_yet(tmp_path: Path) -> None:
    async def main() -> tuple[Applied, str, set[str]]:
        world = World.open(tmp_path)
        plan, _, second = await a_pair(world)
        Stored.of(world.simulator).connect(second)
        await asyncio.sleep(600)
        return await world.apply(FLEET, plan=plan), second, live_ids(world)

    applied, second, live = virtually(main())
    assert applied.results() == {"acme": Result.SKIPPED}
    assert "it was active at" in applied.message("acme")
    assert second in live


def test_nothing_is_deleted_where_it_cannot_be_looked_at(tmp_path: Path) -> None:
    async def main() -> tuple[Applied, str, set[str]]:
        world = World.open(tmp_path)
        plan, _, second = await a_pair(world)
        world.simulator.faults.add(AnswerWith(400), "GET", f"/projects/{second}/snapshots")
        return await world.apply(FLEET, plan=plan), second, live_ids(world)

    applied, second, live = virtually(main())
    assert applied.results() == {"acme": Result.FAILED}
    assert second in live


def test_one_that_is_gone_by_then_is_told_as_gone(tmp_path: Path) -> None:
    async def main() -> Applied:
        world = World.open(tmp_path)
        plan, _, second = await a_pair(world)
        stored = Stored.of(world.simulator)
        stored.change("projects", second, deleted_at=stored.now)
        return await world.apply(FLEET, plan=plan)

    applied = virtually(main())
    (outcome,) = applied.report.outcomes[0].actions
    assert (outcome.result, outcome.message) == (Result.APPLIED, "it was gone already")


def test_a_lost_answer_is_looked_up(tmp_path: Path) -> None:
    async def main() -> tuple[Applied, str, set[str]]:
        world = World.open(tmp_path)
        plan, first, second = await a_pair(world)
        world.simulator.faults.add(AnswerAfter(504), "DELETE", f"/projects/{second}")
        return await world.apply(FLEET, plan=plan), first, live_ids(world)

    applied, first, live = virtually(main())
    assert applied.results() == {"acme": Result.APPLIED}
    assert live == {first}


def test_a_marked_duplicate_goes_after_its_tenants_own_changes(tmp_path: Path) -> None:
    async def main() -> tuple[Applied, list[str], set[str], str]:
        world = World.open(tmp_path)
        first = seeded(world, "r1")
        await asyncio.sleep(2)
        seeded(world, "r2", "myapp-acme-duplicate-r2")
        await asyncio.sleep(3 * 3600)
        pro = a_fleet(a_tenant("acme", "pro"))
        live = replace(
            await world.observe(pro), run_statuses={"r2": RunStatus(RunState.DEAD, "it is said", frozenset())}
        )
        applied = await world.apply(pro, plan=make_plan(pro, live, now=now()))
        return applied, [action.kind for action in applied.plan.actions], live_ids(world), first

    applied, kinds, live, first = virtually(main())
    assert kinds[0] == "transfer_project"
    assert kinds[-1] == "delete_duplicate"
    assert applied.results() == {"acme": Result.APPLIED}
    assert live == {first}


async def doomed_at(world: World, times: int) -> list[bool]:
    """Every ten minutes: whether a plan would delete the second project, whose run is known to be dead."""
    doomed = []
    for _ in range(times):
        await asyncio.sleep(600)
        live = replace(
            await world.observe(FLEET), run_statuses={"r2": RunStatus(RunState.DEAD, "it is said", frozenset())}
        )
        doomed.append(not make_plan(FLEET, live, now=now()).empty)
    return doomed


@pytest.mark.parametrize("used_after", [90, 400])
def test_no_lag_of_the_counters_lets_a_used_project_go(tmp_path: Path, used_after: int) -> None:
    """Whenever somebody looks, although Neon tells of the use an hour late."""

    async def main() -> list[bool]:
        world = World.open(tmp_path, Behaviour(rate_limit=None, counters_lag_seconds=3600))
        seeded(world, "r1")
        await asyncio.sleep(2)
        second = seeded(world, "r2")
        await asyncio.sleep(used_after)
        world.simulator.set_usage(second, data_transfer_bytes=1)
        return await doomed_at(world, 10)

    assert not any(virtually(main()))


def test_a_project_that_nobody_uses_goes_once_the_counters_tell(tmp_path: Path) -> None:
    async def main() -> list[bool]:
        world = World.open(tmp_path, Behaviour(rate_limit=None, counters_lag_seconds=3600))
        seeded(world, "r1")
        await asyncio.sleep(2)
        seeded(world, "r2")
        return await doomed_at(world, 8)

    assert virtually(main()) == [False] * 6 + [True] * 2

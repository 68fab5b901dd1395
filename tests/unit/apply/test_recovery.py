"""Deleting and recovering projects for real: the call, its record, lost answers, and what comes in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.plan.outcome import Result
from reconciler.simulator.faults import CommitLater, Delay, DropBefore
from reconciler.simulator.seed import ProjectSeed
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import World, virtually
from tests.harness.wire import Killed, at, failing, first, killed

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from tests.harness.runs import Applied

HERE = a_fleet(a_tenant("acme"))
GONE = a_fleet(a_tenant("acme", absent=True))


async def deleted(world: World) -> str:
    """The id of the tenant's project, which this fleet has made and then deleted."""
    world.seed(HERE)
    applied = await world.apply(GONE)
    project_id = applied.report.outcomes[0].project_id
    assert project_id is not None
    world.forget()
    return project_id


def back(project_id: str) -> DesiredState:
    return a_fleet(a_tenant("acme", recover=project_id))


def recoveries(world: World) -> list[int | None]:
    return [exchange.status for exchange in world.writes() if exchange.path.endswith("/recover")]


def test_a_deletion_leaves_a_record_in_the_journal_and_in_the_report(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(HERE)
        applied: Applied = await world.apply(GONE, run="run9")
        (outcome,) = applied.report.outcomes
        record = outcome.deletion
        assert record is not None
        assert (record.project_id, record.request_id) == (outcome.project_id, "run9-1")
        assert record.recoverable_until - record.at == timedelta(days=7)
        (line,) = [line for line in applied.journal if line["line"] == "deletion"]
        assert (line["tenant"], line["project_id"], line["request_id"]) == ("acme", record.project_id, "run9-1")
        assert (line["name"], line["organization"], line["reason"]) == ("myapp-acme", "free", "state: absent")
        assert datetime.fromisoformat(line["deleted_at"]) == record.at
        assert datetime.fromisoformat(line["recoverable_until"]) == record.recoverable_until
        (sent,) = world.writes()
        assert (sent.method, sent.request_id) == ("DELETE", "run9-1")

    virtually(main())


def test_a_deleted_project_comes_back_whole_and_the_line_may_stay_in_the_file(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project_id = await deleted(world)
        applied = await world.apply(back(project_id))
        assert applied.results() == {"acme": Result.APPLIED}
        assert recoveries(world) == [200]
        assert (await world.plan(back(project_id))).empty
        assert (await world.plan(HERE)).empty
        assert (await world.live(HERE))["myapp-acme"].id == project_id

    virtually(main())


def test_what_differs_once_it_is_back_is_planned_by_the_next_run(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project_id = await deleted(world)
        paying = a_fleet(a_tenant("acme", "pro", recover=project_id))
        first, second = await world.apply(paying), await world.apply(paying)
        assert [action.kind for action in first.plan.actions] == ["recover_project"]
        assert "transfer_project" in [action.kind for action in second.plan.actions]
        assert (await world.plan(paying)).empty

    virtually(main())


def test_a_name_that_is_added_again_gets_an_empty_project(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project_id = await deleted(world)
        applied = await world.apply(HERE)
        assert recoveries(world) == []
        assert (await world.live(HERE))["myapp-acme"].id != project_id
        assert f"recover: {project_id}" in applied.plan.notes[0].message

    virtually(main())


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_lost_answer_is_settled_by_looking(tmp_path: Path, carried_out: bool) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project_id = await deleted(world)
        lost = failing(httpx.ReadError("lost"), carried_out=carried_out)
        applied = await world.apply(
            back(project_id), act=first(lambda passing: passing.path.endswith("/recover"), lost)
        )
        assert applied.results() == {"acme": Result.APPLIED}
        assert len(recoveries(world)) == 1
        assert (await world.plan(HERE)).empty

    virtually(main())


def test_a_tenant_that_got_a_new_project_meanwhile_is_left_with_that_one(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project_id = await deleted(world)
        plan = await world.plan(back(project_id))
        world.simulator.add_project("paid", ProjectSeed("myapp-acme"))
        applied = await world.apply(back(project_id), plan=plan)
        assert applied.results() == {"acme": Result.SKIPPED}
        assert "has appeared in paid since the plan was made" in applied.message("acme")
        assert recoveries(world) == []

    virtually(main())


@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
def test_a_run_that_dies_at_any_call_of_a_recovery_is_repaired_by_the_next(
    tmp_path: Path, carried_out: bool
) -> None:
    async def main() -> int:
        exchange = 1
        while True:
            world = World.open(tmp_path / str(exchange))
            project_id = await deleted(world)
            try:
                await world.apply(back(project_id), act=at(exchange, killed(carried_out=carried_out)))
            except Killed:
                await world.apply(back(project_id))
                assert (await world.live(HERE))["myapp-acme"].id == project_id
                assert await world.converged(HERE) == {"myapp-acme"}
                exchange += 1
            else:
                return exchange

    assert virtually(main()) > 5


def test_a_project_that_was_gone_before_the_call_leaves_no_record_of_this_run(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(HERE)
        plan = await world.plan(GONE)
        await world.apply(GONE)
        applied = await world.apply(GONE, plan=plan)
        (outcome,) = applied.report.outcomes
        assert (outcome.result, outcome.deletion) == (Result.APPLIED, None)
        assert outcome.actions[0].message == "it was gone already"
        assert [line for line in applied.journal if line["line"] == "deletion"] == []
        assert "it was gone already" in [line["message"] for line in applied.journal if line["line"] == "outcome"]

    virtually(main())


def carried_out_between_look_and_repeat(world: World, method: str, path: str) -> None:
    """The first call's answer is lost; it is carried out once live state was looked at, and before the repeat."""
    world.simulator.faults.add(CommitLater(0.5), method, path)
    world.simulator.faults.add(Delay(1.0), "GET", "/projects/*")


def test_a_deletion_that_was_carried_out_after_the_look_is_this_runs_and_recorded(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(HERE)
        plan = await world.plan(GONE)
        carried_out_between_look_and_repeat(world, "DELETE", "/projects/*")
        applied = await world.apply(GONE, plan=plan, run="run9")
        assert [exchange.status for exchange in world.writes()] == [None, 404]
        (outcome,) = applied.report.outcomes
        assert outcome.result is Result.APPLIED
        assert outcome.deletion is not None
        assert outcome.deletion.request_id == outcome.actions[0].request_id == "run9-1"
        assert outcome.actions[0].message == ""
        (record,) = [line for line in applied.journal if line["line"] == "deletion"]
        assert record["request_id"] == "run9-1"
        of_the_first = [line for line in applied.journal if line.get("request_id") == "run9-1"]
        assert [line.get("result") for line in of_the_first] == [None, "unknown", "applied", None]

    virtually(main())


def test_a_recovery_that_was_carried_out_after_the_look_is_not_reported_as_failed(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project_id = await deleted(world)
        plan = await world.plan(back(project_id))
        world.forget()
        carried_out_between_look_and_repeat(world, "POST", "*/recover")
        applied = await world.apply(back(project_id), plan=plan)
        assert recoveries(world) == [None, 404]
        assert applied.results() == {"acme": Result.APPLIED}
        assert (await world.live(HERE))["myapp-acme"].id == project_id

    virtually(main())


def test_a_recovery_that_is_refused_although_its_answer_was_lost_stays_a_failure(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project_id = await deleted(world)
        plan = await world.plan(back(project_id))
        world.simulator.clock.advance(8 * 86_400)
        world.simulator.faults.add(DropBefore(), "POST", "*/recover")
        applied = await world.apply(back(project_id), plan=plan)
        assert applied.results() == {"acme": Result.FAILED}
        assert "404" in applied.message("acme")

    virtually(main())


def test_a_recovery_that_comes_too_late_fails_and_creates_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project_id = await deleted(world)
        plan = await world.plan(back(project_id))
        world.simulator.clock.advance(8 * 86_400)
        applied = await world.apply(back(project_id), plan=plan)
        assert applied.results() == {"acme": Result.FAILED}
        assert [exchange.method for exchange in world.writes()] == ["POST"]
        planned_after = await world.plan(back(project_id))
        assert (planned_after.tenants, len(planned_after.conflicts)) == ((), 1)

    virtually(main())

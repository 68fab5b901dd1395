"""Calls on branches and snapshots whose answers are lost: live state decides, and nothing comes to be twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.plan.outcome import Result
from reconciler.simulator.faults import AnswerWith, DropAfter, DropBefore
from tests.harness.builders import a_fleet
from tests.harness.effects import CARRIED_OUT, NOT_CARRIED_OUT
from tests.harness.runs import COUNTED_AT_ONCE, World, now, virtually
from tests.unit.apply.plans import (
    a_plan,
    branch_names,
    branched,
    discard,
    drop,
    make,
    mend,
    outcome,
    route,
    seeded,
    seen,
    snapshot_names,
    snapshotted,
    take,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.plan.plan import Plan
    from tests.harness.runs import Applied

APPLIED, FAILED, SKIPPED = Result.APPLIED, Result.FAILED, Result.SKIPPED

CALLS = {
    "create_branch": ("POST", "/projects/*/branches"),
    "patch_branch": ("PATCH", "/projects/*/branches/*"),
    "delete_branch": ("DELETE", "/projects/*/branches/*"),
    "create_snapshot": ("POST", "/projects/*/branches/*/snapshot"),
    "delete_snapshot": ("DELETE", "/projects/*/snapshots/*"),
}
BEFORE_IT = 1
"""Looks at the snapshots right before one of them gives way."""
EMPTY = {
    "branches": AnswerWith(200, text='{"branches": []}'),
    "snapshots": AnswerWith(200, text='{"snapshots": []}'),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A world with one plan that makes each of the five calls once."""

    world: World
    plan: Plan

    @classmethod
    async def set(cls, folder: Path) -> Scene:
        """The account before the run."""
        world = World.open(folder, COUNTED_AT_ONCE)
        project = await seeded(world)
        (v1,) = await snapshotted(world, project, "v1")
        old = branched(world, project, "old")
        branched(world, project, "renamed by hand")
        plan = a_plan(
            await seen(world),
            drop("old", old),
            mend("renamed by hand", rename_to="dev"),
            make("feature", parent="dev"),
            discard("v1", v1),
            take("v2"),
        )
        return cls(world, plan)

    async def apply(self) -> Applied:
        """One run."""
        return await self.world.apply(a_fleet(), plan=self.plan)

    def sent(self, call: str) -> int:
        """How often the call went out."""
        return [route(exchange.line) for exchange in self.world.writes()].count(" ".join(CALLS[call]))

    async def finished(self) -> bool:
        """Whether the account is as the plan wants it."""
        names = await branch_names(self.world), await snapshot_names(self.world)
        return names == (["dev", "feature"], ["v2"])


@pytest.mark.drawn(8)
@pytest.mark.parametrize("how", CARRIED_OUT)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_was_carried_out_is_found_and_never_sent_again(tmp_path: Path, call: str, how: str) -> None:
    async def main() -> None:
        scene = await Scene.set(tmp_path)
        scene.world.simulator.faults.add(CARRIED_OUT[how], *CALLS[call])
        run = await scene.apply()
        assert set(outcome(run)) == {APPLIED}
        assert scene.sent(call) == 1
        assert await scene.finished()
        lost = [line["request_id"] for line in run.journal if line.get("result") == "unknown"]
        found = [line["request_id"] for line in run.journal if line.get("result") == "applied"]
        assert len(lost) == 1
        assert lost[0] in found

    virtually(main())


@pytest.mark.drawn(6)
@pytest.mark.parametrize("how", NOT_CARRIED_OUT)
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_was_not_carried_out_is_sent_once_more(tmp_path: Path, call: str, how: str) -> None:
    async def main() -> None:
        scene = await Scene.set(tmp_path)
        scene.world.simulator.faults.add(NOT_CARRIED_OUT[how], *CALLS[call])
        run = await scene.apply()
        assert set(outcome(run)) == {APPLIED}
        assert scene.sent(call) == 2
        assert await scene.finished()
        reasons = [line["reason"] for line in run.journal if line["line"] == "intent" and line["kind"] == call]
        assert len(reasons) == 2
        assert "sent again" in reasons[1]

    virtually(main())


@pytest.mark.parametrize("call", CALLS)
def test_a_call_whose_answers_stay_lost_fails_after_the_second(tmp_path: Path, call: str) -> None:
    async def main() -> None:
        scene = await Scene.set(tmp_path)
        scene.world.simulator.faults.add(DropBefore(), *CALLS[call], times=None)
        run = await scene.apply()
        assert FAILED in outcome(run)
        assert scene.sent(call) == 2

    virtually(main())


@pytest.mark.parametrize(
    ("call", "look", "first"), [("create_branch", "branches", 1), ("create_snapshot", "snapshots", BEFORE_IT + 1)]
)
def test_a_creation_that_cannot_be_looked_up_is_not_sent_again(
    tmp_path: Path, call: str, look: str, first: int
) -> None:
    async def main() -> None:
        scene = await Scene.set(tmp_path)
        scene.world.simulator.faults.add(DropAfter(), *CALLS[call])
        scene.world.simulator.faults.add(AnswerWith(500), "GET", f"/projects/*/{look}", first=first, times=None)
        assert FAILED in outcome(await scene.apply())
        assert scene.sent(call) == 1

    virtually(main())


def test_a_branch_that_shows_late_is_refused_a_second_time_and_found_then(tmp_path: Path) -> None:
    async def main() -> None:
        scene = await Scene.set(tmp_path)
        scene.world.simulator.faults.add(DropAfter(), *CALLS["create_branch"])
        scene.world.simulator.faults.add(EMPTY["branches"], "GET", "/projects/*/branches")
        assert set(outcome(await scene.apply())) == {APPLIED}
        statuses = [e.status for e in scene.world.writes() if e.path.endswith("/branches")]
        assert [status for status in statuses if status != 423] == [None, 409]
        assert await scene.finished()

    virtually(main())


def test_a_snapshot_that_shows_within_the_settle_time_is_not_taken_again(tmp_path: Path) -> None:
    async def main() -> None:
        scene = await Scene.set(tmp_path)
        scene.world.simulator.faults.add(DropAfter(), *CALLS["create_snapshot"])
        scene.world.simulator.faults.add(EMPTY["snapshots"], "GET", "/projects/*/snapshots", first=BEFORE_IT + 1)
        assert set(outcome(await scene.apply())) == {APPLIED}
        assert scene.sent("create_snapshot") == 1
        assert await scene.finished()

    virtually(main())


def test_a_snapshot_of_that_name_from_before_the_call_is_not_taken_for_the_lost_one(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world, "pro")
        await snapshotted(world, project, "v2")
        world.simulator.faults.add(DropBefore(), *CALLS["create_snapshot"])
        run = await world.apply(a_fleet(), plan=a_plan(project, take("v2")))
        assert outcome(run) == [APPLIED]
        first, second = (exchange.at for exchange in world.writes())
        assert second - first >= 10
        assert await snapshot_names(world) == ["v2", "v2"]

    virtually(main())


def test_a_lost_snapshot_that_is_found_with_another_expiry_is_a_failure(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world, "pro")
        await snapshotted(world, project, "v2", seconds_apart=5)
        world.simulator.faults.add(DropBefore(), *CALLS["create_snapshot"])
        run = await world.apply(a_fleet(), plan=a_plan(project, take("v2", expires_at=now() + timedelta(days=1))))
        assert outcome(run) == [FAILED]
        assert "expires_at is not set, requested 2026-11-24T09:00:05Z" in run.message("acme")

    virtually(main())


def test_a_lost_branch_of_another_run_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        branched(world, project, "dev", run="another")
        world.simulator.faults.add(DropBefore(), *CALLS["create_branch"])
        run = await world.apply(a_fleet(), plan=a_plan(project, make("dev")))
        assert outcome(run) == [APPLIED]
        assert [exchange.status for exchange in world.writes()] == [None, 409]

    virtually(main())


def test_a_branch_that_was_found_can_be_built_upon(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        world.simulator.faults.add(DropAfter(), *CALLS["create_branch"])
        plan = a_plan(
            project, make("staging"), make("dev", parent="staging", expires_at=now() + timedelta(days=1))
        )
        assert outcome(await world.apply(a_fleet(), plan=plan)) == [APPLIED, APPLIED]
        assert await branch_names(world) == ["staging", "dev"]

    virtually(main())

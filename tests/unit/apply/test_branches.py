"""Branches on a simulated Neon: which calls go out, what they carry, and what their answers mean."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.annotations import Purpose
from reconciler.model.compute import Compute
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.change import FieldChange
from reconciler.plan.outcome import Result
from reconciler.simulator.behaviour import SuspendTimeout
from reconciler.simulator.faults import AnswerWith, DropAfter, DropBefore
from tests.harness.builders import FREE_COMPUTE, a_fleet, a_tenant
from tests.harness.runs import UNHURRIED, World, now, virtually
from tests.unit.apply.plans import (
    COMMON,
    a_plan,
    branch_names,
    branched,
    calls,
    drop,
    make,
    mend,
    outcome,
    reset,
    seeded,
    seen,
    with_actions,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan
    from tests.harness.runs import Applied

FLEET = a_fleet(a_tenant())
APPLIED, FAILED, SKIPPED = Result.APPLIED, Result.FAILED, Result.SKIPPED


async def applied(world: World, plan: Plan) -> Applied:
    return await world.apply(FLEET, plan=plan, run="run7")


def test_a_new_branch_carries_its_compute_its_expiry_and_whose_it_is(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        expires_at = now() + timedelta(days=3)
        run = await applied(world, a_plan(project, make(expires_at=expires_at, compute=Compute(0.25, 1, 300))))
        assert outcome(run) == [APPLIED]
        assert calls(world) == ["POST /projects/*/branches dev"]
        after = await seen(world)
        main_branch, dev = sorted(after.branches or (), key=lambda branch: branch.name == "dev")
        assert dev.parent_id == main_branch.id
        assert dev.expires_at == expires_at.replace(microsecond=0)
        assert dev.annotations == {
            "managed-by": "neon-reconciler",
            "fleet": "prod",
            "tenant": "acme",
            "run": "run7",
            "branch": "dev",
            "purpose": "dev_branch",
        }
        computes = {endpoint.branch_id: endpoint.compute for endpoint in after.endpoints or ()}
        assert computes == {main_branch.id: FREE_COMPUTE, dev.id: Compute(0.25, 1, 300)}

    virtually(main())


@pytest.mark.parametrize("stated", [300, 600])
def test_a_new_compute_is_made_without_the_suspend_timeout_that_it_has_by_default(
    tmp_path: Path, stated: int
) -> None:
    """Some of Neon's plans refuse every suspend timeout, the default included."""

    async def main() -> None:
        world = World.open(tmp_path, replace(UNHURRIED, suspend_timeout=SuspendTimeout.REFUSED))
        project = await seeded(world)
        run = await applied(world, a_plan(project, make(compute=Compute(0.25, 1, stated))))
        assert outcome(run) == [APPLIED if stated == FREE_COMPUTE.suspend_timeout_seconds else FAILED]

    virtually(main())


def test_a_new_compute_states_a_suspend_timeout_that_is_no_longer_the_projects_default(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world, "pro")
        longer = PatchProject(**COMMON, changes=(FieldChange("compute.suspend_timeout_seconds", 300, 600),))
        plan = a_plan(
            project, longer, make("kept", compute=Compute(0.25, 1, 300)), make(compute=Compute(1, 2, 600))
        )
        assert set(outcome(await applied(world, plan))) == {APPLIED}
        after = await seen(world)
        names = {branch.id: branch.name for branch in after.branches or ()}
        computes = {names[endpoint.branch_id]: endpoint.compute for endpoint in after.endpoints or ()}
        assert (computes["kept"], computes["dev"]) == (Compute(0.25, 1, 300), Compute(1, 2, 600))

    virtually(main())


def test_a_snapshot_kept_as_a_branch_has_no_compute(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        plan = a_plan(project, make("v1", purpose=Purpose.SNAPSHOT, with_compute=False))
        assert outcome(await applied(world, plan)) == [APPLIED]
        after = await seen(world)
        assert len(after.branches or ()) == 2
        assert len(after.endpoints or ()) == 1

    virtually(main())


def test_a_branch_starts_from_its_moment_or_holds_a_schema_alone(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        await asyncio.sleep(3600)
        plan = a_plan(project, make("restored", at=now() - timedelta(minutes=30)), make("bare", schema_only=True))
        assert outcome(await applied(world, plan)) == [APPLIED, APPLIED]
        restored, bare = (json.loads(exchange.content)["branch"] for exchange in world.writes())
        assert restored["parent_timestamp"] == "2026-11-23T09:30:00Z"
        assert "init_source" not in restored
        assert bare["init_source"] == "schema-only"
        assert "parent_timestamp" not in bare

    virtually(main())


def test_a_branch_can_start_from_one_that_was_made_just_before_and_have_its_compute_patched(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        plan = a_plan(project, make("staging"), make("dev", parent="staging"))
        assert outcome(await applied(world, plan)) == [APPLIED, APPLIED]
        parents = {branch.name: branch.parent_id for branch in (await seen(world)).branches or ()}
        ids = {branch.name: branch.id for branch in (await seen(world)).branches or ()}
        assert (parents["staging"], parents["dev"]) == (ids["main"], ids["staging"])

    virtually(main())


def test_operations_of_a_branch_are_waited_for_before_the_next_write_and_at_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        await applied(world, a_plan(project, make("staging"), make("dev")))
        assert [exchange.status for exchange in world.writes()] == [201, 201]
        first, last = (world.simulator.requests.index(write) for write in world.writes())
        polls = [at for at, e in enumerate(world.simulator.requests) if "/operations" in e.path]
        assert polls
        assert any(first < at < last for at in polls)
        assert max(polls) > last

    virtually(main())


def test_a_branch_is_patched_deleted_and_made_in_the_order_of_the_plan(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        branched(world, project, "renamed by hand")
        old = branched(world, project, "old")
        bigger = FieldChange("compute.max_cu", 2, 1)
        resize = PatchEndpoint(
            **COMMON,
            branch="renamed by hand",
            changes=(bigger,),
            companions=(("compute.min_cu", 0.25), ("compute.suspend_timeout_seconds", 300)),
        )
        plan = a_plan(
            await seen(world),
            make("new", parent="dev"),
            mend("renamed by hand", rename_to="dev"),
            resize,
            drop("old", old),
        )
        assert outcome(await applied(world, plan)) == [APPLIED] * 4
        assert calls(world) == [
            "DELETE /projects/*/branches/*",
            "PATCH /projects/*/endpoints/*",
            "PATCH /projects/*/branches/* dev",
            "POST /projects/*/branches new",
        ]
        assert await branch_names(world) == ["dev", "new"]

    virtually(main())


def test_an_expiry_is_patched_to_the_second(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        branched(world, await seeded(world), "dev")
        until = now() + timedelta(days=2)
        plan = a_plan(await seen(world), mend(expires_at=until))
        assert outcome(await applied(world, plan)) == [APPLIED]
        (dev,) = (branch for branch in (await seen(world)).branches or () if branch.name == "dev")
        assert dev.expires_at == until.replace(microsecond=0)

    virtually(main())


def test_a_branch_that_is_gone_counts_as_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        old = branched(world, project, "old")
        plan = a_plan(await seen(world), drop("old", old))
        assert outcome(await applied(world, plan)) == [APPLIED]
        assert outcome(await applied(world, plan)) == [APPLIED]
        never = a_plan(project, drop("never", "br-never-00000000"))
        assert outcome(await applied(world, never)) == [APPLIED]

    virtually(main())


def test_an_answer_that_shows_another_branch_is_a_failure_that_names_the_difference(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        until = now() + timedelta(days=3)
        branch_id = branched(world, project, "somewhere else")
        async with world.client() as neon:
            (other,) = (b for b in await neon.branches("free", project.id) if b.id == branch_id)
        answer = {
            "branch": {
                "id": other.id,
                "project_id": project.id,
                "name": "dev",
                "parent_id": other.id,
                "default": False,
                "protected": False,
                "created_at": "2026-11-23T09:00:00Z",
            },
            "endpoints": [],
            "operations": [],
        }
        fault = AnswerWith(201, text=json.dumps(answer))
        world.simulator.faults.add(fault, "POST", "/projects/*/branches")
        run = await applied(world, a_plan(project, make(expires_at=until), make("later")))
        assert outcome(run) == [FAILED, SKIPPED]
        assert f"parent is {other.id}, requested {project.branches[0].id}" in run.message("acme")  # type: ignore[index]
        assert "expires_at is not set, requested 2026-11-26T09:00:0" in run.message("acme")

    virtually(main())


def test_a_refused_branch_fails_alone_and_what_follows_is_skipped(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        for number in range(9):
            branched(world, project, f"by-hand-{number}")
        run = await applied(world, a_plan(project, make("one too many"), make("another")))
        assert outcome(run) == [FAILED, SKIPPED]
        assert "422" in run.message("acme")

    virtually(main())


def test_a_parent_that_was_not_seen_is_a_clear_failure_and_nothing_is_sent(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        run = await applied(world, a_plan(await seeded(world), make(parent="nowhere")))
        assert outcome(run) == [FAILED]
        assert "no branch 'nowhere'" in run.message("acme")
        assert calls(world) == []

    virtually(main())


async def meets(world: World, plan: Plan, name: str = "dev", **fields: Any) -> Applied:
    """Applies the plan after somebody has made a branch of that name."""
    branched(world, await seen(world), name, **fields)
    world.forget()
    return await applied(world, plan)


def test_a_branch_that_another_run_of_this_fleet_has_made_meanwhile_counts_as_made(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        moment = project.created_at
        run = await meets(world, a_plan(project, make(at=moment), make("next", parent="dev")), run="another")
        assert outcome(run) == [APPLIED, APPLIED]
        assert calls(world) == ["POST /projects/*/branches dev", "POST /projects/*/branches next"]
        assert await branch_names(world) == ["dev", "next"]

    virtually(main())


def test_a_branch_made_by_hand_counts_where_it_is_as_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        run = await meets(world, a_plan(project, make(compute=FREE_COMPUTE)), annotations={})
        assert outcome(run) == [APPLIED]

    virtually(main())


def unlike(project: LiveProject) -> dict[str, Plan]:
    """What the branch that ``meets`` makes by hand is not."""
    return {
        "another expiry": a_plan(project, make(expires_at=now() + timedelta(days=1))),
        "another size": a_plan(project, make(compute=Compute(0.25, 1, 300))),
        "a moment that cannot be seen": a_plan(project, make(at=project.created_at)),
        "a schema alone": a_plan(project, make(schema_only=True)),
    }


def test_a_branch_made_by_hand_that_may_be_another_one_is_a_clear_failure(tmp_path: Path) -> None:
    async def main() -> None:
        for number in range(4):
            world = World.open(tmp_path / str(number))
            how, plan = list(unlike(await seeded(world)).items())[number]
            run = await meets(world, plan, annotations={})
            assert outcome(run) == [FAILED], how
            assert "409" in run.message("acme")
            assert (
                run.report.outcomes[0].actions[0].hint
                == "run again: the next run makes a new plan with the branch that has the name"
            )
            assert len(world.writes()) == 1

    virtually(main())


def test_a_taken_name_that_cannot_be_looked_up_is_told_as_taken(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        plan = a_plan(await seeded(world), make())
        branched(world, await seen(world), "dev")
        world.simulator.faults.add(AnswerWith(500), "GET", "/projects/*/branches", times=None)
        run = await applied(world, plan)
        assert outcome(run) == [FAILED]
        assert "409" in run.message("acme")

    virtually(main())


def test_a_branch_of_another_tenant_or_fleet_does_not_count_as_ours(tmp_path: Path) -> None:
    async def main() -> None:
        for stated in ({"tenant": "bravo"}, {"fleet": "staging"}, {"purpose": Purpose.SNAPSHOT}):
            world = World.open(tmp_path / repr(stated))
            project = await seeded(world)
            run = await meets(world, a_plan(project, make(at=project.created_at)), stated=stated)
            assert outcome(run) == [FAILED], stated

    virtually(main())


def test_a_branch_made_for_another_purpose_does_not_count_though_it_is_as_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        for number, (asked, found) in enumerate(permutations(Purpose, 2)):
            world = World.open(tmp_path / str(number))
            project = await seeded(world)
            plan = a_plan(project, make(compute=FREE_COMPUTE, purpose=asked))
            run = await meets(world, plan, stated={"purpose": found})
            assert outcome(run) == [FAILED], asked
            assert "409" in run.message("acme")

    virtually(main())


def test_a_name_that_is_taken_ends_the_renaming_of_a_branch(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        branched(world, project, "renamed by hand")
        plan = a_plan(await seen(world), mend("renamed by hand", rename_to="dev"))
        run = await meets(world, plan, annotations={})
        assert outcome(run) == [FAILED]
        assert "409" in run.message("acme")

    virtually(main())


def test_a_branch_deleted_before_a_move_is_not_there_to_start_from_after_it(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        kept = branched(world, await seeded(world), "kept")
        plan = with_actions(
            await world.plan(a_fleet(a_tenant(tier="pro")), only=["organization"]),
            await seen(world),
            drop("kept", kept, purpose=Purpose.SNAPSHOT, before_transfer=True),
            make("dev", parent="kept"),
        )
        run = await applied(world, plan)
        assert outcome(run) == [APPLIED, APPLIED, FAILED]
        assert "no branch 'kept'" in run.message("acme")

    virtually(main())


def test_branches_of_a_new_tenant_come_after_the_check_for_rivals(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        plan = with_actions(await world.plan(FLEET), None, make("dev"), make("feature", parent="dev"))
        world.forget()
        run = await applied(world, plan)
        assert outcome(run) == [APPLIED] * 3
        lines = [e.line.split("/")[-1] for e in world.simulator.requests if "/operations" not in e.path]
        assert (lines[:5], lines[6:]) == (["projects"] * 5, ["branches"] * 2)
        resized = "PATCH /projects/*/endpoints/*"
        assert calls(world)[1:] == [resized, "POST /projects/*/branches dev", "POST /projects/*/branches feature"]

    virtually(main())


RESET = ("POST", "/projects/*/branches/*/restore")


def test_a_reset_gives_the_branch_the_state_of_its_parent_and_waits_for_it(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        branch_id = branched(world, project, "dev")
        await asyncio.sleep(3600)
        run = await applied(world, a_plan(await seen(world), reset(branch_id)))
        assert outcome(run) == [APPLIED]
        assert calls(world) == ["POST /projects/*/branches/*/restore"]
        assert project.default_branch
        assert world.writes()[0].body == {"source_branch_id": project.default_branch.id}
        (dev,) = [branch for branch in (await seen(world)).branches or () if not branch.default]
        assert dev.id == branch_id
        assert dev.reset_at is not None

    virtually(main())


def test_an_earlier_reset_is_no_evidence_of_a_lost_one(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        branch_id = branched(world, await seeded(world), "dev")
        await applied(world, a_plan(await seen(world), reset(branch_id)))
        await asyncio.sleep(3600)
        project = await seen(world)
        known = next(branch.reset_at for branch in project.branches or () if branch.id == branch_id)
        world.simulator.faults.add(DropBefore(), *RESET, times=None)
        run = await applied(world, a_plan(project, reset(branch_id, last_reset_at=known)))
        assert outcome(run) == [FAILED]

    virtually(main())


@pytest.mark.parametrize(("effect", "sent"), [(DropAfter(), 1), (DropBefore(), 2)], ids=["after", "before"])
def test_a_reset_whose_answer_is_lost_is_not_repeated(
    tmp_path: Path, effect: DropAfter | DropBefore, sent: int
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        branch_id = branched(world, project, "dev")
        await asyncio.sleep(3600)
        world.simulator.faults.add(effect, *RESET, times=1)
        run = await applied(world, a_plan(await seen(world), reset(branch_id)))
        assert outcome(run) == [APPLIED]
        done = [line for line in run.journal if line.get("result") == "applied"]
        assert len(done) == 1
        assert sum("restore" in call for call in calls(world)) == sent

    virtually(main())

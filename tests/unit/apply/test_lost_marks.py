"""New projects whose annotations Neon does not keep: the run that creates them finds out, and marks them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from reconciler.desired.tenant import DevBranch
from reconciler.model.values import replace
from reconciler.plan.adoption import MARK
from reconciler.plan.outcome import Result
from tests.harness.builders import FREE, PAID, a_fleet, a_tenant
from tests.harness.runs import SIZED_AT_ONCE, World, virtually
from tests.harness.wire import Killed, Passing, answering, first, killed

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.plan.plan import Plan
    from tests.harness.runs import Applied

LOSES: Final = dataclasses.replace(SIZED_AT_ONCE, creation_keeps_annotations=False)
NAMES: Final = ("acme", "bluebird", "cedar")
THREE: Final = a_fleet(*map(a_tenant, NAMES))


def of_branches(world: World, method: str) -> int:
    """How many calls read the branches of a project, or created one."""
    return sum(each.method == method and each.path.endswith("/branches") for each in world.simulator.requests)


def marks(passing: Passing) -> bool:
    return passing.request.method == "POST" and passing.path.endswith("/branches")


def of_marks(plan: Plan) -> int:
    """The reads that a plan counts beside those that follow operations and look for projects."""
    return plan.budget.reads - plan.budget.polls - plan.budget.searches


def done(applied: Applied) -> bool:
    return set(applied.results().values()) == {Result.APPLIED}


def test_each_is_marked_in_the_same_run_and_one_is_read(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, LOSES)
        assert done(await world.apply(THREE))
        assert (of_branches(world, "GET"), of_branches(world, "POST")) == (1, len(NAMES))
        assert (await world.plan(THREE)).empty

    virtually(main())


def test_one_is_read_and_none_marked_where_neon_keeps_them(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, SIZED_AT_ONCE)
        applied = await world.apply(THREE)
        assert done(applied)
        assert (of_branches(world, "GET"), of_branches(world, "POST")) == (1, 0)
        assert of_marks(applied.plan) == 1
        assert (await world.plan(THREE)).empty

    virtually(main())


def test_none_is_read_once_the_annotations_of_an_earlier_one_were_observed(tmp_path: Path) -> None:
    more = a_fleet(*THREE.tenants.values(), a_tenant("dogwood"))

    async def main() -> None:
        world = World.open(tmp_path, SIZED_AT_ONCE)
        world.seed(THREE)
        applied = await world.apply(more)
        assert done(applied)
        assert of_branches(world, "GET") == len(NAMES), "those of the observation"
        assert of_marks(applied.plan) == 0

    virtually(main())


def test_one_with_a_branch_of_its_own_needs_no_mark(tmp_path: Path) -> None:
    branched = a_fleet(a_tenant("acme", dev_branches=(DevBranch("dev"),)))

    async def main() -> None:
        world = World.open(tmp_path, LOSES)
        assert done(await world.apply(branched))
        assert (of_branches(world, "GET"), of_branches(world, "POST")) == (0, 1)
        assert (await world.plan(branched)).empty

    virtually(main())


def test_a_sign_up_makes_no_further_call(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, LOSES)
        assert done(await world.apply(THREE, just_observed=True))
        assert (of_branches(world, "GET"), of_branches(world, "POST")) == (0, 0)

    virtually(main())


def test_none_is_marked_where_the_limit_leaves_no_room(tmp_path: Path) -> None:
    tight = [replace(each, limits=replace(each.limits, branches=1)) for each in (FREE, PAID)]
    fleet = a_fleet(*map(a_tenant, NAMES), organizations=tuple(tight))

    async def main() -> None:
        world = World.open(tmp_path, LOSES)
        assert done(await world.apply(fleet))
        assert of_branches(world, "POST") == 0
        assert (await world.plan(fleet)).empty

    virtually(main())


def test_one_that_cannot_be_marked_is_a_failure(tmp_path: Path) -> None:
    def refusal(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"code": "", "message": "not now"}, request=request)

    async def main() -> None:
        world = World.open(tmp_path, LOSES)
        applied = await world.apply(THREE, act=first(marks, answering(refusal)))
        assert sorted(result.value for result in applied.results().values()) == ["applied", "applied", "failed"]
        again = await world.apply(THREE)
        assert done(again)
        assert (await world.plan(THREE)).empty

    virtually(main())


@pytest.mark.parametrize("carried_out", [False, True])
def test_the_next_run_marks_one_whose_run_died_before(tmp_path: Path, carried_out: bool) -> None:
    fleet = a_fleet(a_tenant("acme"))

    async def main() -> None:
        world = World.open(tmp_path, LOSES)
        with pytest.raises(Killed):
            await world.apply(fleet, act=first(marks, killed(carried_out=carried_out)))
        left = [action.kind for action in (await world.plan(fleet)).actions]
        assert left == ([] if carried_out else ["adopt_project"])
        await world.apply(fleet)
        (project,) = (await world.live(fleet)).values()
        assert sorted(project.branch_names.values()) == ["main", MARK]
        assert (await world.plan(fleet)).empty

    virtually(main())

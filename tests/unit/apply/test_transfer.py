"""The call that tenants share: refused, split, lost, half carried out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import DevBranch
from reconciler.plan.outcome import Result
from reconciler.simulator.faults import AnswerWith, DropAfter, DropBefore
from tests.harness.builders import HISTORY_MAY_GO, a_fleet, a_tenant
from tests.harness.runs import MOVED_AT_ONCE, UNHURRIED, World, virtually
from tests.property.rows import Rows

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.plan.plan import Plan
    from reconciler.simulator.behaviour import Behaviour

TRANSFER = "/organizations/*/projects/transfer"
ALL_OR_NOTHING = replace(MOVED_AT_ONCE, transfer_atomic=True)
ONE_BY_ONE = replace(MOVED_AT_ONCE, transfer_atomic=False)


async def an_upgrade(folder: Path, count: int, behaviour: Behaviour = ONE_BY_ONE) -> tuple[World, Plan, list[str]]:
    """An account with free tenants, the plan that moves them all to paid, and their project ids."""
    names = [f"t{number:03}" for number in range(count)]
    world = World.open(folder, behaviour)
    world.seed(a_fleet(*map(a_tenant, names)))
    plan = await world.plan(a_fleet(*(a_tenant(name, "pro") for name in names)), only=["organization"])
    world.forget()
    return world, plan, [tenant.project.id for tenant in plan.tenants if tenant.project]


async def moved(world: World) -> set[str]:
    """Ids of the projects that are in organization paid."""
    live = await world.live(a_fleet())
    return {project.id for project in live.values() if project.organization == "paid"}


def calls(world: World) -> list[int]:
    """How many projects each transfer call carried."""
    return [len(exchange.body["project_ids"]) for exchange in world.writes()]  # type: ignore[index, call-overload, arg-type]


@pytest.mark.parametrize("behaviour", [ALL_OR_NOTHING, ONE_BY_ONE])
def test_culprits_that_the_answer_names_fail_alone(tmp_path: Path, behaviour: Behaviour) -> None:
    async def main() -> None:
        world, plan, ids = await an_upgrade(tmp_path, 8, behaviour)
        world.block(ids[2])
        world.block(ids[5])
        applied = await world.apply(a_fleet(), plan=plan)
        assert await moved(world) == set(ids) - {ids[2], ids[5]}
        failed = [name for name, result in applied.results().items() if result is Result.FAILED]
        assert failed == ["t002", "t005"]
        assert "is connected to github" in applied.message("t002")

    virtually(main())


def test_a_culprit_that_no_answer_names_is_found_by_halving(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, ids = await an_upgrade(tmp_path, 16)
        world.simulator.faults.add(
            AnswerWith(406, text='{"limits": []}'), "POST", TRANSFER, times=None, body_contains=ids[11]
        )
        applied = await world.apply(a_fleet(), plan=plan)
        assert await moved(world) == set(ids) - {ids[11]}
        assert [name for name, result in applied.results().items() if result is Result.FAILED] == ["t011"]
        assert calls(world) == [16, 8, 8, 4, 2, 2, 1, 1, 4]

    virtually(main())


def test_a_destination_that_takes_nobody_is_not_asked_for_ever(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, _ids = await an_upgrade(tmp_path, 60)
        world.simulator.faults.add(AnswerWith(406, text='{"limits": []}'), "POST", TRANSFER, times=None)
        applied = await world.apply(a_fleet(), plan=plan)
        assert await moved(world) == set()
        assert applied.report.count(Result.APPLIED) == 0
        assert len(calls(world)) <= 41

    virtually(main())


def test_a_project_that_was_deleted_meanwhile_fails_alone(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, ids = await an_upgrade(tmp_path, 5)
        async with world.client() as neon:
            await neon.delete_project("free", ids[1])
        world.forget()
        applied = await world.apply(a_fleet(), plan=plan)
        assert await moved(world) == set(ids) - {ids[1]}
        assert [name for name, result in applied.results().items() if result is Result.FAILED] == ["t001"]
        assert calls(world) == [5, 4]

    virtually(main())


def test_a_project_that_somebody_has_moved_already_counts_as_moved(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, ids = await an_upgrade(tmp_path, 5)
        async with world.client() as neon:
            await neon.transfer_projects("free", "paid", ids[:2])
        world.forget()
        applied = await world.apply(a_fleet(), plan=plan)
        assert await moved(world) == set(ids)
        assert set(applied.results().values()) == {Result.APPLIED}
        assert calls(world) == [5, 3]

    virtually(main())


def test_a_lost_answer_is_settled_by_looking_where_the_projects_are(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, ids = await an_upgrade(tmp_path, 5)
        world.simulator.faults.add(DropAfter(), "POST", TRANSFER)
        applied = await world.apply(a_fleet(), plan=plan)
        assert await moved(world) == set(ids)
        assert set(applied.results().values()) == {Result.APPLIED}
        assert calls(world) == [5]

    virtually(main())


def test_a_call_that_was_lost_on_its_way_is_sent_once_more(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, ids = await an_upgrade(tmp_path, 5)
        world.simulator.faults.add(DropBefore(), "POST", TRANSFER)
        applied = await world.apply(a_fleet(), plan=plan)
        assert await moved(world) == set(ids)
        assert set(applied.results().values()) == {Result.APPLIED}
        assert calls(world) == [5, 5]
        assert "sent again" in [line for line in applied.journal if line["line"] == "intent"][1]["reason"]

    virtually(main())


def test_a_call_that_is_lost_twice_fails_and_is_not_sent_a_third_time(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, _ids = await an_upgrade(tmp_path, 5)
        world.simulator.faults.add(DropBefore(), "POST", TRANSFER, times=None)
        applied = await world.apply(a_fleet(), plan=plan)
        assert set(applied.results().values()) == {Result.FAILED}
        assert calls(world) == [5, 5]

    virtually(main())


def test_a_refusal_that_cannot_be_read_is_asked_for_once_more(tmp_path: Path) -> None:
    """It may have named a limit. The journal calls no answer lost that came."""

    async def main() -> None:
        world, plan, ids = await an_upgrade(tmp_path, 5)
        world.simulator.faults.add(AnswerWith(406, text='{"limi'), "POST", TRANSFER)
        applied = await world.apply(a_fleet(), plan=plan)
        assert await moved(world) == set(ids)
        assert calls(world) == [5, 5]
        reasons = [line["reason"] for line in applied.journal if line["line"] == "intent"]
        assert reasons[1] == "sent again: live state shows that the first call was not carried out"

    virtually(main())


def test_a_destination_whose_refusals_can_never_be_read_is_not_asked_for_ever(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, _ids = await an_upgrade(tmp_path, 60)
        world.simulator.faults.add(AnswerWith(406, text="<html>"), "POST", TRANSFER, times=None)
        applied = await world.apply(a_fleet(), plan=plan)
        assert applied.report.count(Result.APPLIED) == 0
        assert len(calls(world)) <= 2 * 41

    virtually(main())


def test_where_many_were_lost_the_organizations_are_listed_instead(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, ids = await an_upgrade(tmp_path, 50)
        world.simulator.faults.add(DropAfter(), "POST", TRANSFER)
        await world.apply(a_fleet(), plan=plan)
        reads = [exchange.path for exchange in world.simulator.requests if exchange.method == "GET"]
        alone = [path for path in reads if path != "/projects"]
        assert len(alone) == 1  # tells whether a transfer keeps the quota
        assert await moved(world) == set(ids)

    virtually(main())


def test_a_key_that_may_not_transfer_is_no_reason_to_split(tmp_path: Path) -> None:
    async def main() -> None:
        world, plan, _ids = await an_upgrade(tmp_path, 5)
        world.simulator.faults.add(AnswerWith(403, "not an admin"), "POST", TRANSFER, times=None)
        applied = await world.apply(a_fleet(), plan=plan)
        assert set(applied.results().values()) == {Result.FAILED}
        assert calls(world) == [5]

    virtually(main())


def test_nothing_is_taken_from_a_tenant_whose_downgrade_is_refused(tmp_path: Path) -> None:
    """Neon does not document whether a project can be transferred to the organization with the lower limits."""
    branches = (DevBranch("feature"), DevBranch("old"))
    before = a_fleet(a_tenant("acme", "pro", dev_branches=branches))
    after = a_fleet(a_tenant("acme", accept=HISTORY_MAY_GO, dev_branches=branches[:1]))

    async def main() -> None:
        world = World.open(tmp_path, replace(UNHURRIED, transfers_refused_to=("free",)))
        await world.apply(before)
        before_it = Rows.of(world.simulator)
        applied = await world.apply(after)
        assert applied.results() == {"acme": Result.FAILED}
        assert "subscription_type" in applied.message("acme")
        assert Rows.of(world.simulator) == before_it

    virtually(main())

"""Every kind of write whose answer is lost in every way: settled by live state, and no create is sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.plan.outcome import Result
from reconciler.simulator.faults import DropAfter, DropBefore
from tests.faults.test_interruption import AFTER, BEFORE
from tests.harness.effects import CARRIED_OUT, NOT_CARRIED_OUT
from tests.harness.runs import World, virtually

if TYPE_CHECKING:
    from pathlib import Path


CREATE = ("POST", "/projects")
TRANSFER = ("POST", "/organizations/*/projects/transfer")
PATCH = ("PATCH", "/projects/*")
PATCH_ENDPOINT = ("PATCH", "/projects/*/endpoints/*")
DELETE = ("DELETE", "/projects/*")
REFUSED = (TRANSFER, 2)
"""The first transfer of the tenant that moves down: it is refused twice, for its window and for its compute.
Without the reason, a refusal tells no more than no answer does: the transfer is sent again."""
EFFECTS = {**CARRIED_OUT, **NOT_CARRIED_OUT}
WRITES = 13
"""Of a run in which no answer is lost: two of them are the refused transfers, each of which is sent again once
what is beyond the limit is reduced, and the last one resizes the compute of the new project."""


async def apply_once(folder: Path, call: tuple[str, str], nth: int, how: str) -> World:
    """Applies with that fault; every tenant but a lost new one must come through at once."""
    world = World.open(folder)
    world.seed(BEFORE)
    fault = world.simulator.faults.add(EFFECTS[how], *call, first=nth)
    applied = await world.apply(AFTER)
    assert world.simulator.faults.struck(fault) == 1
    lost = {"new"} if call == CREATE and how in NOT_CARRIED_OUT else set()
    failed = {tenant for tenant, result in applied.results().items() if result is not Result.APPLIED}
    assert failed == lost, applied.report
    return world


async def converge(world: World) -> None:
    """One more run at most, and all is well."""
    await world.apply(AFTER)
    assert len(await world.converged(AFTER)) == 4


@pytest.mark.drawn(8, ci=32, each=("how", "call"))
@pytest.mark.parametrize("how", EFFECTS)
@pytest.mark.parametrize(
    ("call", "nth"),
    [
        (CREATE, 1),
        (TRANSFER, 1),
        REFUSED,
        (TRANSFER, 4),
        (PATCH, 1),
        (PATCH, 2),
        (PATCH, 5),
        (PATCH_ENDPOINT, 1),
        (DELETE, 1),
    ],
)
def test_a_lost_answer_costs_a_look_but_no_tenant(
    tmp_path: Path, call: tuple[str, str], nth: int, how: str
) -> None:
    async def main() -> None:
        world = await apply_once(tmp_path, call, nth, how)
        sent_again = (how in NOT_CARRIED_OUT and call != CREATE) or (call, nth) == REFUSED
        not_resized = how in NOT_CARRIED_OUT and call == CREATE
        # nobody knows the operations of a call whose answer was lost: the next write may meet them
        sent = [exchange for exchange in world.writes() if exchange.status != 423]
        assert len(sent) == WRITES + sent_again - not_resized
        await converge(world)

    virtually(main())


@pytest.mark.parametrize("call", [PATCH, DELETE, TRANSFER])
def test_a_write_whose_answers_stay_lost_fails_after_the_second(tmp_path: Path, call: tuple[str, str]) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(BEFORE)
        fault = world.simulator.faults.add(DropBefore(), *call, times=None)
        applied = await world.apply(AFTER)
        struck_tenants = {tenant for tenant, result in applied.results().items() if result is Result.FAILED}
        assert struck_tenants
        old_quotas = 2 if call == PATCH else 0  # of the tenant that has moved: it is left with the one it had
        assert world.simulator.faults.struck(fault) == 2 * len(struck_tenants) + old_quotas
        world.simulator.faults.clear()
        await converge(world)

    virtually(main())


def test_a_lost_create_is_found_by_the_annotation_of_its_run(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(BEFORE)
        world.simulator.faults.add(DropAfter(), *CREATE)
        applied = await world.apply(AFTER)
        (new,) = (outcome for outcome in applied.report.outcomes if outcome.tenant == "new")
        assert new.project_id == (await world.live(AFTER))["myapp-new"].id
        found = [line for line in applied.journal if line["line"] == "outcome"]
        assert f"project {new.project_id}" in [line["message"] for line in found]

    virtually(main())


def test_a_create_that_never_arrived_is_reported_as_unknown(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(BEFORE)
        world.simulator.faults.add(DropBefore(), *CREATE)
        applied = await world.apply(AFTER)
        assert "no project of this run was found within 10 s" in applied.message("new")
        await converge(world)

    virtually(main())

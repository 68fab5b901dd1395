"""Organizations that seem to have changed places: a wrong id or key moves nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ExitCode, WrongOrganizationError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.swapped_organizations import require_unswapped_organizations
from reconciler.simulator.seed import ProjectSeed
from tests.harness.account import API, world
from tests.harness.builders import (
    DAY,
    FREE_COMPUTE,
    FREE_QUOTA,
    PRO_COMPUTE,
    PRO_QUOTA,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
)
from tests.harness.simulated import simulated_compute, simulated_quota

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState

PAYING = [f"p{i}" for i in range(5)]
FREE_ONES = [f"f{i}" for i in range(5)]
FLEET = a_fleet(*(a_tenant(n, "pro") for n in PAYING), *map(a_tenant, FREE_ONES))
IN_PLACE = [*map(a_pro_project, PAYING), *map(a_project, FREE_ONES)]
SWAPPED = a_view(*map(a_project, PAYING), *map(a_pro_project, FREE_ONES))
ONE_WAY = a_view(*map(a_project, [*PAYING, *FREE_ONES]))


def stopped(
    live: LiveState,
    history: History = History(FLEET),
    *,
    files: DesiredState = FLEET,
    permissions: Permissions = Permissions(),
) -> bool:
    try:
        require_unswapped_organizations(files, live, history, permissions)
    except WrongOrganizationError as error:
        return error.exit_code is ExitCode.DENIED and "are ids or keys swapped?" in str(error)
    return False


def test_most_tenants_of_an_organization_elsewhere_are_a_wrong_id_or_key() -> None:
    assert stopped(SWAPPED)
    assert stopped(ONE_WAY)
    assert not stopped(a_view(*IN_PLACE))


def test_of_a_few_tenants_all_have_to_be_where_the_others_belong() -> None:
    """A fleet in its first week."""
    names = ["p0", "f0", "f1"]
    few = a_fleet(*(FLEET.tenants[name] for name in names))
    swapped = [a_project("p0"), a_pro_project("f0"), a_pro_project("f1")]
    assert stopped(a_view(*swapped), History(few), files=few)
    assert stopped(a_view(*swapped), History(), files=few)
    assert not stopped(a_view(*swapped[:2], a_project("f1")), History(few), files=few)
    assert not stopped(a_view(*swapped[:2]), History(few), files=few)
    free = a_fleet(*map(a_tenant, ("f0", "f1", "f2")))
    assert not stopped(a_view(*map(a_pro_project, ("f0", "f1", "f2"))), History(free), files=free)


def test_a_few_or_the_lesser_part_are_drift() -> None:
    four = a_view(*map(a_project, PAYING[:4]), a_pro_project("p4"))
    assert not stopped(four)
    many = a_fleet(*(a_tenant(f"t{i}", "pro") for i in range(10)))
    half = a_view(*(a_project(f"t{i}") for i in range(5)), *(a_pro_project(f"t{i}") for i in range(5, 10)))
    assert not stopped(half, History(many), files=many)


def test_tenants_whom_a_commit_moves_are_no_sign() -> None:
    before = a_fleet(*map(a_tenant, [*PAYING, *FREE_ONES]))
    assert not stopped(ONE_WAY, History(before))
    assert not stopped(ONE_WAY, History(named=frozenset(PAYING)))


def test_without_a_base_only_a_swap_of_two_is_one() -> None:
    assert not stopped(ONE_WAY, History())
    assert stopped(SWAPPED, History())


def test_a_person_may_count_what_was_moved_by_hand() -> None:
    assert not stopped(SWAPPED, permissions=Permissions(counts={"transfers": 10}))
    assert stopped(SWAPPED, permissions=Permissions(counts={"transfers": 9}))


def test_swapped_ids_and_keys_end_a_run_before_any_write(tmp_path: Path) -> None:
    with world() as simulated:
        for name in PAYING:
            seed = ProjectSeed(
                f"myapp-{name}",
                quota=simulated_quota(PRO_QUOTA),
                compute=simulated_compute(PRO_COMPUTE),
                restore_window_seconds=7 * DAY,
            )
            simulated.simulator.add_project("paid", seed)
        for name in FREE_ONES:
            seed = ProjectSeed(
                f"myapp-{name}",
                quota=simulated_quota(FREE_QUOTA),
                compute=simulated_compute(FREE_COMPUTE),
                restore_window_seconds=DAY,
            )
            simulated.simulator.add_project("free", seed)
        known = simulated.environ
        swapped = {
            **known,
            "NEON_FREE_ORG_ID": known["NEON_PAID_ORG_ID"],
            "NEON_PAID_ORG_ID": known["NEON_FREE_ORG_ID"],
            "FREE_ORG_API_KEY": known["PAID_ORG_API_KEY"],
            "PAID_ORG_API_KEY": known["FREE_ORG_API_KEY"],
        }

        async def apply() -> None:
            async with Fleet.connect(FLEET, environ=swapped, host=API.host, via=simulated.via) as fleet:
                planned = await fleet.plan(Request(base=FLEET))
                await fleet.apply(planned, RunOptions(id="r1", journal=tmp_path / "journal.jsonl"))

        with pytest.raises(WrongOrganizationError, match="are ids or keys swapped"):
            simulated.run(apply())
        assert simulated.writes() == []

"""A quota that stays the same when its project moves: no patch of the plan sends it after the transfer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.desired.selection import Depth
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.simulator.behaviour import Behaviour, Patch
from reconciler.simulator.faults import AnswerWith
from reconciler.simulator.types import Organization
from tests.harness.builders import (
    FREE,
    FREE_COMPUTE,
    FREE_QUOTA,
    FREE_TIER,
    PAID,
    PAID_LIMITS,
    PRO_QUOTA,
    PRO_TIER,
    an_organization,
)
from tests.harness.simulated import simulated_compute, simulated_limits, simulated_quota
from tests.unit.test_moves import SIMULATED, account, fleet, messages, results

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Tier
    from reconciler.model.quota import Quota
    from tests.unit.test_moves import Account

TENANTS: Final = ("acme", "bluebird", "cedar")
ORGANIZATIONS: Final = (FREE, PAID, an_organization("other", PAID_LIMITS))
TIERS: Final = (FREE_TIER, PRO_TIER, replace(PRO_TIER, name="other", organization="other"))


@contextmanager
def moving(
    folder: Path, behaviour: Behaviour, tiers: tuple[Tier, ...] = TIERS
) -> Iterator[tuple[Account, DesiredState, DesiredState]]:
    """Three tenants, and the files before and after a move that changes nothing else."""
    before, after = (fleet(tier, *TENANTS, tiers=tiers, organizations=ORGANIZATIONS) for tier in ("pro", "other"))
    other = Organization("other", simulated_limits(PAID_LIMITS))
    with account(folder, *SIMULATED, other, behaviour=behaviour) as here:
        for name in TENANTS:
            here.project(name)
        yield here, before, after


@contextmanager
def upgrading(folder: Path) -> Iterator[tuple[Account, DesiredState, DesiredState]]:
    """Three tenants, and the files before and after a move that changes the quota, which Neon removes with it."""
    before, after = (fleet(tier, *TENANTS) for tier in ("free", "pro"))
    with account(folder, behaviour=Behaviour(transfer_keeps_quota=False)) as here:
        for name in TENANTS:
            here.project(name, "free", quota=simulated_quota(FREE_QUOTA), compute=simulated_compute(FREE_COMPUTE))
        yield here, before, after


def quotas(here: Account, before: DesiredState, after: DesiredState) -> dict[str, Quota | None]:
    """Of the projects that are to change."""
    plans = here.plan(before, after).plan.tenants
    return {tenant.tenant: tenant.project.quota for tenant in plans if tenant.project is not None}


@pytest.mark.parametrize(
    ("keeps", "shows", "sent"), [(True, True, 0), (False, True, len(TENANTS)), (True, False, len(TENANTS))]
)
def test_is_the_same_after_the_transfer_whether_neon_keeps_it(
    tmp_path: Path, keeps: bool, shows: bool, sent: int
) -> None:
    behaviour = Behaviour(transfer_keeps_quota=keeps, get_shows_settings=shows)
    with moving(tmp_path, behaviour) as (here, before, after):
        planned = here.plan(before, after).plan
        report = here.apply(before, after)
        patches = [call for call in here.neon.writes() if call.startswith("PATCH")]
        assert here.plan(before, after, depth=Depth.DEEP).plan.empty
    assert set(results(report).values()) == {Result.APPLIED}, messages(report)
    assert len(patches) == sent
    assert planned.budget is not None
    assert planned.budget.writes == 1 + len(TENANTS)


@pytest.mark.parametrize("patches", list(Patch))
def test_is_not_removed_again_by_the_next_patch_of_the_tenant(tmp_path: Path, patches: Patch) -> None:
    *others, last = TIERS
    tiers = (*others, replace(last, settings={"block_vpc_connections": True}))
    with moving(tmp_path, Behaviour(settings_patch=patches), tiers) as (here, before, after):
        report = here.apply(before, after)
        assert here.plan(before, after, depth=Depth.DEEP).plan.empty
    assert set(results(report).values()) == {Result.APPLIED}, messages(report)


def test_is_read_once_for_a_shared_transfer_where_neon_keeps_it(tmp_path: Path) -> None:
    behaviour = Behaviour(transfer_keeps_quota=True, transfer_lag_seconds=0)
    with moving(tmp_path, behaviour) as (here, before, after):
        here.apply(before, after)
        calls = here.neon.calls()
    (transfer,) = (place for place, call in enumerate(calls) if call.endswith("/transfer"))
    assert [call.rpartition("/")[0] for call in calls[transfer + 1 :]] == ["GET /projects"]


def test_that_cannot_be_sent_again_fails_the_tenant(tmp_path: Path) -> None:
    with moving(tmp_path, Behaviour(transfer_keeps_quota=False)) as (here, before, after):
        here.neon.simulator.faults.add(AnswerWith(400, message="not now"), "PATCH")
        report = here.apply(before, after)
    assert sorted(results(report).values(), key=str) == [Result.APPLIED, Result.APPLIED, Result.FAILED]
    assert "not now" in messages(report)


def test_stays_as_it_was_where_the_patch_after_an_upgrade_fails(tmp_path: Path) -> None:
    """A tenant without limits could not be told from one that somebody has made unlimited."""
    with upgrading(tmp_path) as (here, before, after):
        earlier = quotas(here, before, after)
        new_one = str(PRO_QUOTA.data_transfer_bytes)
        here.neon.simulator.faults.add(
            AnswerWith(400, message="not now"), "PATCH", body_contains=new_one, times=None
        )
        report = here.apply(before, after)
        later = quotas(here, before, after)
        here.neon.simulator.faults.clear()
        here.apply(before, after)
        assert here.plan(before, after, depth=Depth.DEEP).plan.empty
    assert set(results(report).values()) == {Result.FAILED}, messages(report)
    assert len(later) == len(TENANTS)
    assert later == earlier


def test_is_sent_by_the_next_run_where_one_died_right_after_the_transfer(tmp_path: Path) -> None:
    """Nothing but the move shows that nobody has made the tenants unlimited."""
    with moving(tmp_path, Behaviour(transfer_keeps_quota=False)) as (here, before, after):
        here.dying(before, after, "POST", 1, carried_out=True)
        report = here.apply(before, after)
        assert here.plan(before, after, depth=Depth.DEEP).plan.empty
    assert set(results(report).values()) == {Result.APPLIED}, messages(report)
    assert len(results(report)) == len(TENANTS)

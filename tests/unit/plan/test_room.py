"""Whether a project fits into the organization that it moves to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tier import AtLimit, SnapshotMethod, SnapshotPolicy
from reconciler.live.project import LiveSnapshot
from reconciler.model.annotations import Purpose
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.change import FieldChange
from reconciler.plan.guards.context import TenantContext, Verdict
from reconciler.plan.guards.room import no_room_below
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule, TenantPlan
from tests.harness.builders import (
    FREE_COMPUTE,
    FREE_LIMITS,
    FREE_TIER,
    HERE,
    NOON,
    PAID,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_tenant,
    a_view,
    an_endpoint,
    an_organization,
)
from tests.unit.plan.test_dependents import delete, move, remove

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action

TIGHT = an_organization("free", replace(FREE_LIMITS, branches=2, snapshots=1))
POLICY = SnapshotPolicy(AtLimit.REFUSE, SnapshotMethod.API)
LARGE = Compute(1, 8, 300)


def verdict(
    project: LiveProject,
    *others: Action,
    destination: str = "free",
    policy: SnapshotPolicy = POLICY,
) -> Verdict | None:
    """On the move of the project to an organization that allows two branches and one snapshot."""
    tiers = tuple(replace(tier, snapshots=policy) for tier in (FREE_TIER, PRO_TIER))
    desired = a_fleet(a_tenant(), tiers=tiers, organizations=(TIGHT, PAID))
    moving = move("paid", destination)
    context = TenantContext(
        TenantPlan("acme", project, (*others, moving)), desired, a_view(project), Permissions()
    )
    return no_room_below(moving, context)


def holding(*branches: str, snapshots: tuple[LiveSnapshot, ...] = ()) -> LiveProject:
    others = [a_branch(id=f"br-{name}", name=name, default=False, parent_id="br-p-acme") for name in branches]
    return a_pro_project(
        branches=(a_branch(), *others), endpoints=(an_endpoint(compute=FREE_COMPUTE),), snapshots=snapshots
    )


def a_snapshot(name: str, *, manual: bool = True) -> LiveSnapshot:
    return LiveSnapshot(f"snap-{name}", name, "br-p-acme", NOON, manual=manual)


TWO = (a_snapshot("v1"), a_snapshot("v2"))


def test_what_fits_moves() -> None:
    assert verdict(holding("a", snapshots=TWO[:1])) is None


def test_more_branches_than_allowed_do_not_move() -> None:
    found = verdict(holding("a", "b"))
    assert found is not None
    assert found.rule is Rule.BRANCH_LIMIT
    assert "3 would remain: 'main', 'a', 'b'" in found.message


def test_branches_that_go_before_the_move_do_not_count() -> None:
    assert verdict(holding("a", "b"), delete("b")) is None


def test_branches_that_are_replaced_after_the_move_do() -> None:
    assert verdict(holding("a", "b"), delete("b", Purpose.SNAPSHOT)) is not None
    assert verdict(holding("a", "b"), delete("b", Purpose.SNAPSHOT, early=True)) is None


def test_more_snapshots_than_allowed_do_not_move() -> None:
    found = verdict(holding(snapshots=TWO))
    assert found is not None
    assert found.rule is Rule.SNAPSHOT_LIMIT
    assert "2 would remain: 'v1', 'v2'" in found.message


def test_snapshots_of_a_schedule_do_not_count() -> None:
    assert verdict(holding(snapshots=(*TWO[:1], a_snapshot("nightly", manual=False)))) is None


def test_only_snapshots_that_go_before_the_move_make_room() -> None:
    assert verdict(holding(snapshots=TWO), remove("v1", early=True)) is None
    assert verdict(holding(snapshots=TWO), remove("v1")) is not None


@pytest.mark.parametrize(
    ("at_limit", "method", "helps"),
    [
        (AtLimit.REFUSE, SnapshotMethod.API, True),
        (AtLimit.REPLACE_OLDEST, SnapshotMethod.API, False),
        (AtLimit.REFUSE, SnapshotMethod.BRANCH, False),
    ],
)
def test_letting_the_oldest_give_way_is_advised_where_it_would_help(
    at_limit: AtLimit, method: SnapshotMethod, helps: bool
) -> None:
    found = verdict(holding(snapshots=TWO), policy=SnapshotPolicy(at_limit, method))
    assert found is not None
    assert ("replace_oldest" in found.remedy) is helps


class TestComputes:
    """A compute of branch dev that the destination does not allow."""

    project = replace(
        holding("dev"),
        endpoints=(
            an_endpoint(compute=FREE_COMPUTE),
            an_endpoint(id="ep-dev", branch_id="br-dev", compute=LARGE),
        ),
    )

    def test_one_that_no_file_sizes_stands_in_the_way(self) -> None:
        found = verdict(self.project)
        assert found is not None
        assert found.rule is Rule.ORGANIZATION_LIMIT
        assert "ep-dev" in found.message

    def test_one_that_is_lowered_before_the_move_does_not(self) -> None:
        assert verdict(self.project, lower("dev", early=True)) is None
        assert verdict(self.project, lower("dev", early=False)) is not None
        assert verdict(self.project, lower("main", early=True)) is not None

    def test_nor_one_of_a_branch_that_goes_before_it(self) -> None:
        assert verdict(self.project, delete("dev")) is None


def lower(branch: str, *, early: bool) -> PatchEndpoint:
    change = FieldChange("compute.max_cu", 8, 2)
    return PatchEndpoint(
        tenant="acme", reason="", source=HERE, changes=(change,), branch=branch, before_transfer=early
    )


def test_only_a_move_to_a_known_organization_is_judged() -> None:
    crowded = holding("a", "b", "c", snapshots=TWO)
    assert verdict(crowded, destination="elsewhere") is None
    desired = a_fleet(a_tenant(), organizations=(TIGHT, PAID))
    other = delete("a")
    planned = TenantPlan("acme", crowded, (other, move("paid", "free")))
    context = TenantContext(planned, desired, a_view(crowded), Permissions())
    assert no_room_below(other, context) is None

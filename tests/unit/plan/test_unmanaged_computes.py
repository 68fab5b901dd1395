"""Nobody calls a tenant in sync that cannot connect, or whose computes go beyond the organization's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.tenant import DevBranch, Overrides
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.compute import Compute
from reconciler.model.quota import Consumption
from reconciler.model.values import JsonText, replace
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_COMPUTE,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    HOUR,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.plan.plan import Plan

TUNED = replace(FREE_COMPUTE, pg_settings=JsonText.of({"work_mem": "8MB"}))
MAIN = an_endpoint()
DEV = a_branch(id="br-dev", name="dev", default=False, parent_id="br-p-acme")


def replica(max_cu: float, **fields: Any) -> LiveEndpoint:
    return an_endpoint(id="ep-replica", kind="read_only", compute=Compute(max_cu, max_cu, 300), **fields)


def planned(project: LiveProject, **tenant: Any) -> Plan:
    return make_plan(a_fleet(a_tenant(**tenant)), a_view(project))


class TestATenantThatCannotConnect:
    @pytest.mark.parametrize(
        ("endpoints", "told"),
        [
            ((), "the default branch 'main' has no read-write compute"),
            ((replica(1),), "the default branch 'main' has no read-write compute"),
            ((replace(MAIN, disabled=True),), "the compute of the default branch 'main' is disabled"),
        ],
    )
    def test_is_reported(self, endpoints: tuple[LiveEndpoint, ...], told: str) -> None:
        (refusal,) = planned(a_project(endpoints=endpoints)).refusals
        assert refusal.rule is Rule.CANNOT_CONNECT
        assert told in refusal.message
        assert not refusal.asked_for, "no commit did that"

    def test_is_reported_for_a_branch_that_somebody_renamed(self) -> None:
        """Its compute is missing before the plan gives it its name back, and after."""
        marks = branch_annotations(fleet="prod", tenant="acme", run="r0", branch="qa", purpose=Purpose.DEV_BRANCH)
        project = a_project(branches=(a_branch(), replace(DEV, annotations=marks)), endpoints=(MAIN,))
        plan = planned(project, dev_branches=(DevBranch("qa", compute=Compute(max_cu=1)),))
        assert "branch 'dev' has no read-write compute" in next(
            refusal.message for refusal in plan.refusals if refusal.rule is Rule.CANNOT_CONNECT
        )

    def test_is_reported_where_its_tier_sizes_no_compute_at_all(self) -> None:
        bare = a_fleet(a_tenant(), tiers=(replace(FREE_TIER, compute=None),))
        assert [r.rule for r in make_plan(bare, a_view(a_project(endpoints=()))).refusals] == [Rule.CANNOT_CONNECT]

    def test_is_not_claimed_where_computes_were_not_read(self) -> None:
        plan = planned(a_project(endpoints=None))
        assert not plan.refusals
        assert (plan.coverage.computes_checked, plan.coverage.computes_total) == (0, 1)

    def test_has_no_default_branch(self) -> None:
        (refusal,) = planned(a_project(branches=(a_branch(default=False),))).refusals
        assert "no default branch" in refusal.message

    def test_is_told_of_a_branch_whose_compute_the_file_sizes_too_and_of_no_other(self) -> None:
        project = a_project(branches=(a_branch(), DEV))
        (refusal,) = planned(project, dev_branches=(DevBranch("dev", compute=FREE_COMPUTE),)).refusals
        assert refusal.message.startswith("branch 'dev' has no read-write compute")
        assert not planned(project, dev_branches=(DevBranch("dev"),)).refusals


class TestAQuotaThatIsUsedUp:
    USED = replace(a_project(), consumption=Consumption(100 * HOUR, 0, 0, 0))

    def test_suspends_the_project(self) -> None:
        (refusal,) = planned(self.USED).refusals
        assert refusal.rule is Rule.CANNOT_CONNECT
        assert "quota.active_time is used up: 100h of 100h: Neon has suspended the project" in refusal.message

    def test_is_no_matter_where_the_files_raise_it(self) -> None:
        raised = planned(self.USED, overrides=Overrides(quota={"active_time_seconds": 101 * HOUR}))
        assert not raised.refusals
        assert [action.kind for action in raised.actions] == ["patch_project"]

    def test_is_no_matter_where_it_is_unlimited_or_limits_a_size(self) -> None:
        much = replace(a_project(), consumption=Consumption(1, 900 * HOUR, 900 * GIB, 0))
        assert not planned(much).refusals

    def test_is_what_the_files_want_of_a_tenant_that_they_switch_off(self) -> None:
        off = replace(self.USED, quota=replace(FREE_QUOTA, active_time_seconds=1))
        assert not planned(off, overrides=Overrides(quota={"active_time_seconds": 1})).refusals

    def test_is_counted_as_not_looked_at_where_nobody_asked(self) -> None:
        assert planned(a_project(consumption=None)).coverage.used_checked == 0
        assert planned(a_project()).coverage.used_checked == 1


class TestComputesThatNoFileSizes:
    @pytest.mark.parametrize(
        ("endpoint", "told"),
        [
            (replica(8), "read replica ep-replica of branch 'main' has max_cu 8, but organization free allows"),
            (
                an_endpoint(id="ep-dev", branch_id="br-dev", compute=Compute(0.25, 16, 300)),
                "compute ep-dev of branch 'dev' has max_cu 16, but organization free allows at most 2",
            ),
            (
                an_endpoint(id="ep-dev", branch_id="br-dev", compute=Compute(0.25, 1, 60)),
                "compute ep-dev of branch 'dev' has suspend_timeout_seconds 1m, but organization free",
            ),
        ],
    )
    def test_beyond_the_limits_of_the_organization_are_reported(self, endpoint: LiveEndpoint, told: str) -> None:
        plan = planned(a_project(branches=(a_branch(), DEV), endpoints=(MAIN, endpoint)))
        assert {refusal.rule for refusal in plan.refusals} == {Rule.BEYOND_LIMITS}
        assert any(told in refusal.message for refusal in plan.refusals)
        assert not any(refusal.asked_for for refusal in plan.refusals)

    def test_within_them_are_counted_and_named_as_not_compared(self) -> None:
        endpoints = (MAIN, replica(2), an_endpoint(id="ep-dev", branch_id="br-dev", compute=TUNED))
        branches = (a_branch(), replace(DEV, protected=True))
        plan = planned(a_project(branches=branches, endpoints=endpoints))
        assert not plan.refusals
        seen = plan.coverage
        assert (seen.replicas, seen.other_computes, seen.tuned_computes, seen.protected_branches) == (1, 1, 1, 1)

    def test_are_left_to_the_move_where_there_is_one(self) -> None:
        plan = planned(a_pro_project(endpoints=(MAIN, replica(8))))
        assert Rule.BEYOND_LIMITS not in {refusal.rule for refusal in plan.refusals}


def test_a_project_in_no_file_is_counted_whatever_it_is_called() -> None:
    strangers = [a_project(f"x{n}", name=f"legacy {n}", details=False) for n in range(58)]
    fleet = a_fleet(a_tenant(), held_back=frozenset({"broken"}))
    view = a_view(a_project(), a_project("broken"), *strangers)
    assert make_plan(fleet, view).coverage.in_no_file == 58
    assert make_plan(fleet, a_view(*strangers, listed=False)).coverage.in_no_file == 0, "no list says that"

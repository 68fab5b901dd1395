"""Read replicas: known by their names; created, resized, and deleted where a commit asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.selection import Depth, Reach
from reconciler.desired.tenant import Overrides
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.actions.compute import CreateReplica, DeleteReplica, PatchEndpoint
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.change import Origin
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE,
    FREE_COMPUTE,
    FREE_LIMITS,
    FREE_TIER,
    PAID,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.plan.plan import Plan


def declaring(names: dict[str, Compute] | None, **fields: Any) -> DesiredState:
    return a_fleet(a_tenant(overrides=Overrides(replicas=names), **fields))


def in_bare_tier(names: dict[str, Compute]) -> DesiredState:
    """A tenant of a tier that leaves sizes to Neon."""
    tier = replace(FREE_TIER, compute=None)
    return a_fleet(a_tenant(overrides=Overrides(replicas=names)), tiers=(tier,))


def a_replica(name: str, compute: Compute = FREE_COMPUTE, **fields: Any) -> LiveEndpoint:
    return an_endpoint(compute=compute, **{"id": f"ep-{name}", "kind": "read_only", "name": name, **fields})


def with_replicas(*endpoints: LiveEndpoint, **fields: Any) -> LiveProject:
    return a_project(endpoints=(an_endpoint(), *endpoints), **fields)


def planned(
    now: DesiredState,
    project: LiveProject,
    before: DesiredState | None,
    permissions: Permissions = Permissions(),
) -> Plan:
    live, past = a_view(project), History(before)
    return guarded_plan(now, live, permissions, history=past)


NONE = declaring(None)
EMPTY = declaring({})
REPORTS = declaring({"reports": Compute()})


class TestCreation:
    def test_a_declared_one_gets_the_size_of_the_compute_where_it_states_none(self) -> None:
        plan = planned(declaring({"reports": Compute(max_cu=1.0)}), with_replicas(), NONE)
        [create] = plan.actions
        assert isinstance(create, CreateReplica)
        assert (create.branch, create.replica) == ("main", "reports")
        assert create.compute == replace(FREE_COMPUTE, max_cu=1.0)
        assert [change.origin for change in create.changes] == [Origin.CONFIG]

    def test_one_that_exists_is_not_created_again(self) -> None:
        assert not any(planned(REPORTS, with_replicas(a_replica("reports")), NONE).actions)

    def test_the_tenants_own_are_added_to_those_of_its_tier(self) -> None:
        tier = replace(PRO_TIER, replicas={"reports": Compute(max_cu=1.0), "search": Compute()})
        tenant = a_tenant(
            tier="pro", overrides=Overrides(replicas={"reports": Compute(min_cu=0.5), "own": Compute()})
        )
        found = a_fleet(tenant, tiers=(tier,)).settings(tenant).replicas
        assert found is not None
        assert list(found) == ["reports", "search", "own"]
        assert (found["reports"].min_cu, found["reports"].max_cu) == (0.5, 1.0)

    def test_a_suspended_tenant_gets_none(self) -> None:
        now = declaring({"reports": Compute()}, suspended=True, reason="payment is overdue")
        plan = planned(now, with_replicas(), NONE)
        assert not any(isinstance(action, CreateReplica) for action in plan.actions)

    def test_one_without_a_name_may_be_it(self) -> None:
        plan = planned(REPORTS, with_replicas(a_replica("", id="ep-1")), NONE)
        [refusal] = plan.refusals
        assert refusal.rule is Rule.CANNOT_BE_DONE
        assert "ep-1 has no name" in refusal.message

    def test_the_limit_of_the_organization_counts_undeclared_ones(self) -> None:
        limited = replace(FREE, limits=replace(FREE_LIMITS, replicas=1))
        now = a_fleet(
            a_tenant(overrides=Overrides(replicas={"reports": Compute()})), organizations=(limited, PAID)
        )
        [refusal] = planned(now, with_replicas(a_replica("by hand")), NONE).refusals
        assert refusal.rule is Rule.CANNOT_BE_DONE
        assert "allows 1 read replicas" in refusal.message

    def test_a_default_size_that_the_organization_does_not_allow_is_refused(self) -> None:
        large = with_replicas(compute=Compute(0.5, 4, 300))
        declared = {"reports": Compute()}
        plan = planned(in_bare_tier(declared), large, None)
        _, refusal = plan.refusals
        assert not any(plan.actions)
        assert refusal.rule is Rule.ORGANIZATION_LIMIT
        assert "project's default" in refusal.message
        assert "would be 4 CU" in refusal.message
        sized = planned(in_bare_tier({"reports": Compute(max_cu=1.0, min_cu=0.25)}), large, None)
        assert [type(action) for action in sized.actions] == [CreateReplica]
        lowered = planned(in_bare_tier(declared), large, None, Permissions(lowering=True))
        assert [type(action) for action in lowered.actions] == [PatchProject, CreateReplica]

    def test_one_of_the_new_tiers_size_waits_for_a_transfer_that_is_refused(self) -> None:
        before, now = (
            a_fleet(a_tenant(tier=tier, overrides=Overrides(replicas={"reports": Compute()}), protect=True))
            for tier in ("free", "pro")
        )
        larger = an_endpoint(compute=Compute(0.25, 16, 300))
        plan = planned(now, a_project(endpoints=(larger,)), before)
        assert not any(plan.actions)
        assert {refusal.rule for refusal in plan.refusals} == {Rule.PROTECTED}

    def test_a_deletion_makes_room(self) -> None:
        limited = replace(FREE, limits=replace(FREE_LIMITS, replicas=1))
        new, old = (
            a_fleet(a_tenant(overrides=Overrides(replicas={name: Compute()})), organizations=(limited, PAID))
            for name in ("new", "old")
        )
        plan = planned(new, with_replicas(a_replica("old")), old)
        assert [type(action) for action in plan.actions] == [DeleteReplica, CreateReplica]


class TestSizes:
    def test_a_difference_is_patched_by_name(self) -> None:
        project = with_replicas(
            a_replica("reports", Compute(0.25, 1.0, 300)), a_replica("other", Compute(2, 2, 300))
        )
        [patch] = planned(declaring({"reports": Compute(max_cu=2.0)}), project, REPORTS).actions
        assert isinstance(patch, PatchEndpoint)
        assert (patch.branch, patch.replica) == ("main", "reports")
        assert [(change.path, change.before, change.after) for change in patch.changes] == [
            ("compute.max_cu", 1.0, 2.0)
        ]

    def test_of_two_with_one_name_the_first_by_id_is_meant(self) -> None:
        project = with_replicas(
            a_replica("reports", id="ep-b"), a_replica("reports", Compute(0.25, 1, 300), id="ep-a")
        )
        [patch] = planned(REPORTS, project, REPORTS).actions
        assert isinstance(patch, PatchEndpoint)
        assert {change.before for change in patch.changes} == {1}

    def test_a_reduction_needs_a_cause(self) -> None:
        project = with_replicas(a_replica("reports", Compute(0.25, 2.0, 300)))
        smaller = declaring({"reports": Compute(max_cu=1.0)})
        assert not any(planned(smaller, project, smaller).actions)
        [patch] = planned(smaller, project, declaring({"reports": Compute(max_cu=2.0)})).actions
        assert patch.lowering


class TestDeletion:
    def test_a_commit_that_no_longer_declares_it_deletes_it(self) -> None:
        [delete] = planned(EMPTY, with_replicas(a_replica("reports")), REPORTS).actions
        assert isinstance(delete, DeleteReplica)
        assert (delete.endpoint_id, delete.lowering) == ("ep-reports", True)

    @pytest.mark.parametrize("before", [None, EMPTY, NONE], ids=["no base", "an empty list", "unmanaged"])
    def test_one_that_no_file_declared_is_left_alone(self, before: DesiredState | None) -> None:
        plan = planned(EMPTY, with_replicas(a_replica("by hand")), before)
        assert (list(plan.actions), plan.refusals) == ([], ())

    def test_where_the_key_goes_it_is_no_longer_managed(self) -> None:
        plan = planned(NONE, with_replicas(a_replica("reports")), REPORTS)
        assert list(plan.actions) == []
        assert [one.path for one in plan.unmanaged] == ["compute.replicas.reports"]

    def test_a_protected_tenant_keeps_it(self) -> None:
        plan = planned(declaring({}, protect=True), with_replicas(a_replica("reports")), REPORTS)
        assert list(plan.actions) == []
        assert [refusal.rule for refusal in plan.refusals] == [Rule.PROTECTED]

    def test_neon_deletes_no_compute_of_a_protected_branch(self) -> None:
        project = with_replicas(a_replica("reports"), branches=(a_branch("p-acme", protected=True),))
        [refusal] = planned(EMPTY, project, REPORTS).refusals
        assert refusal.rule is Rule.CANNOT_BE_DONE
        assert "branch 'main' is protected" in refusal.message


class TestReads:
    @pytest.mark.parametrize(
        ("now", "before", "read"),
        [
            (REPORTS, REPORTS, ("p-acme",)),
            (EMPTY, REPORTS, ("p-acme",)),
            (EMPTY, EMPTY, ()),
            (NONE, NONE, ()),
        ],
        ids=["declared", "no longer declared", "none wanted", "not managed"],
    )
    def test_only_where_one_is_declared_or_was(
        self, now: DesiredState, before: DesiredState, read: tuple[str, ...]
    ) -> None:
        asked = PlanRequirements(depth=Depth.DECLARED, reach=Reach(small_fleet=0), history=History(before))
        assert asked.details(now, a_view(a_project(details=False))).endpoints == read


def test_a_downgrade_counts_those_that_remain() -> None:
    limited = replace(FREE, limits=replace(FREE_LIMITS, replicas=1))
    before, now = (a_fleet(a_tenant(tier=tier), organizations=(limited, PAID)) for tier in ("pro", "free"))
    project = with_replicas(a_replica("a"), a_replica("b"), organization="paid")
    plan = planned(now, project, before)
    assert any("allows 1 read replicas per project, but 2 would remain" in one.message for one in plan.refusals)

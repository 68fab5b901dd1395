"""Causes: what the files ask for, where they came from, and in which direction they moved."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.policy import DriftPolicy
from reconciler.desired.tenant import DevBranch, Overrides
from reconciler.files.load import load
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan import declared_fields
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.actions.project import CreateProject, DeleteProject, TransferProject
from reconciler.plan.change import Origin
from reconciler.plan.concerns.reductions import reduced
from reconciler.plan.concerns.snapshot_limits import AT_LIMIT
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    DAY,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    HISTORY_MAY_GO,
    PRO_COMPUTE,
    PRO_QUOTA,
    PRO_TIER,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
    make_plan,
)
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.state import LiveState
    from reconciler.plan.concerns.concern import Fields
    from reconciler.plan.plan import Plan

TRANSFER = "quota.data_transfer_bytes"
ENOUGH = Permissions(counts=dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000))


def plan_of(
    desired: DesiredState, live: LiveState, history: History, permissions: Permissions = Permissions()
) -> Plan:
    return guarded_plan(desired, live, permissions, history=history)


def origins(desired: DesiredState, live: LiveState, history: History) -> dict[str, Origin]:
    plan = make_plan(desired, live, history=history)
    return {change.path: change.origin for action in plan.actions for change in action.changes}


def granting(gib: int) -> Tenant:
    """A free tenant whose file grants so much transfer."""
    return a_tenant(overrides=Overrides(quota={"data_transfer_bytes": gib * GIB}))


def given(gib: int) -> LiveState:
    return a_view(a_project(quota=replace(FREE_QUOTA, data_transfer_bytes=gib * GIB)))


class TestInHistory:
    """What the files said at the base and where the two parted, against what they say now."""

    @pytest.mark.parametrize(
        ("base", "fork", "now", "origin"),
        [
            (8, 8, 6, Origin.CONFIG),
            (6, 6, 6, Origin.DRIFT),
            (8, 6, 6, Origin.BASE_AHEAD),
            (8, 9, 6, Origin.CONFIG),
            (6, 9, 6, Origin.DRIFT),
        ],
    )
    def test_a_field_is_asked_for_where_the_files_left_both(
        self, base: int, fork: int, now: int, origin: Origin
    ) -> None:
        history = History(a_fleet(granting(base)), a_fleet(granting(fork)))
        assert origins(a_fleet(granting(now)), given(100), history) == {TRANSFER: origin}

    def test_files_that_are_older_than_the_base_do_nothing_at_all(self) -> None:
        """Neither up nor down, nor by creating, deleting or moving."""
        base = a_fleet(granting(8), a_tenant("gone"), a_tenant("kept"), a_tenant("mover"))
        old = a_fleet(
            granting(6),
            a_tenant("gone", absent=True),
            a_tenant("back"),
            a_tenant("kept"),
            a_tenant("mover", "pro"),
        )
        live = a_view(*given(4).projects, a_project("gone"), a_project("kept"), a_project("mover"))
        plan = plan_of(old, live, History(base, old), ENOUGH)
        assert plan.empty
        assert {refusal.rule for refusal in plan.refusals} == {Rule.BASE_AHEAD}
        kinds = {type(action) for refusal in plan.refusals for action in refusal.actions}
        assert {CreateProject, DeleteProject, TransferProject} <= kinds

    @pytest.mark.parametrize("newer", [6, 10])
    def test_nor_does_an_edit_of_one_of_them_by_a_command(self, newer: int) -> None:
        """The edit is the cause of its own change. What the base has changed since stays, more or less."""
        old, base = a_fleet(granting(8)), a_fleet(granting(newer))
        history = History(base, old).before_edit("acme", old)
        edited = a_fleet(replace(granting(8), suspended=True))
        plan = guarded_plan(edited, given(newer), history=history)
        sent = {change.path: change.after for action in plan.actions for change in action.changes}
        assert sent["quota.active_time_seconds"] == 1
        assert sent[TRANSFER] == 1
        labelled = a_fleet(replace(granting(8), labels={"seen": "yes"}))
        assert plan_of(labelled, given(newer), history, Permissions(lowering=True)).empty

    def test_a_permission_to_lower_is_none_for_files_that_are_older(self) -> None:
        old = a_fleet(granting(6))
        plan = plan_of(old, given(8), History(a_fleet(granting(8)), old), Permissions(lowering=True))
        assert plan.empty

    def test_a_commit_that_raises_a_limit_lowers_nobody_who_was_given_more(self) -> None:
        names = [f"t{i:02}" for i in range(60)]
        boosted = replace(FREE_QUOTA, data_transfer_bytes=100 * GIB)
        six = replace(FREE_TIER, quota=replace(FREE_QUOTA, data_transfer_bytes=6 * GIB))
        files = a_fleet(*map(a_tenant, names), tiers=(six, PRO_TIER))
        live = a_view(*(a_project(name, quota=boosted) for name in names))
        plan = plan_of(files, live, History(a_fleet(*map(a_tenant, names))))
        assert plan.empty
        assert len(plan.refusals) == 60

    def test_what_git_does_not_hold_is_unknown(self) -> None:
        history = History(a_fleet(granting(8)), uncommitted=frozenset({"acme"}))
        assert origins(a_fleet(granting(6)), given(8), history) == {TRANSFER: Origin.UNKNOWN}
        assert plan_of(a_fleet(granting(6)), given(8), history).empty

    def test_a_tenant_that_was_broken_in_either_commit_is_unknown(self) -> None:
        broken, whole = a_fleet(held_back=frozenset({"acme"})), a_fleet(granting(8))
        for history in (History(broken), History(whole, broken), History(broken, whole)):
            assert origins(a_fleet(granting(6)), given(8), history) == {TRANSFER: Origin.UNKNOWN}


class TestInValue:
    @pytest.mark.parametrize(
        ("base", "now", "taken"), [(5, 6, False), (5, 5, False), (8, 6, True), (100, 6, True)]
    )
    def test_a_limit_that_support_gave_is_lowered_only_by_files_that_lower_it(
        self, base: int, now: int, taken: bool
    ) -> None:
        plan = plan_of(a_fleet(granting(now)), given(100), History(a_fleet(granting(base))))
        assert not plan.empty if taken else plan.empty
        assert [r.rule for r in plan.refusals] == ([] if taken else [Rule.LOWERING_NEEDS_A_CAUSE])

    def test_it_is_lowered_where_both_commits_had_more(self) -> None:
        raised_from_the_base = History(a_fleet(granting(5)), a_fleet(granting(8)))
        assert plan_of(a_fleet(granting(6)), given(100), raised_from_the_base).empty

    @pytest.mark.parametrize(
        ("before", "now", "taken"),
        [
            ({}, {TRANSFER: 5}, True),
            ({TRANSFER: 5}, {}, True),
            ({TRANSFER: 0}, {TRANSFER: 5}, True),
            ({TRANSFER: 5}, {TRANSFER: 0}, False),
            ({"compute.max_cu": 2}, {"compute.max_cu": 1}, True),
            ({"compute.max_cu": 1}, {"compute.max_cu": 2}, False),
            ({"compute.suspend_timeout_seconds": -1}, {"compute.suspend_timeout_seconds": 600}, True),
            ({"compute.suspend_timeout_seconds": 300}, {"compute.suspend_timeout_seconds": -1}, False),
            ({"compute.suspend_timeout_seconds": 300}, {"compute.suspend_timeout_seconds": 600}, False),
            ({"restore_window_seconds": DAY}, {"restore_window_seconds": 60}, True),
            ({"restore_window_seconds": 60}, {"restore_window_seconds": DAY}, False),
            ({"dev_branches.a.compute.max_cu": 2}, {"dev_branches.a.compute.max_cu": 1}, True),
            ({"dev_branches.a.compute.max_cu": 1}, {"dev_branches.a.compute.max_cu": 2}, False),
            ({"dev_branches.compute.v2.compute.max_cu": 1}, {"dev_branches.compute.v2.compute.max_cu": 2}, False),
            ({"dev_branches.a.expires_at": "2031"}, {"dev_branches.a.expires_at": "2030"}, True),
            ({"dev_branches.a.expires_at": "2030"}, {"dev_branches.a.expires_at": "2031"}, False),
            ({"dev_branches.a.expires_at": "2030"}, {}, False),
            ({}, {"dev_branches.a.expires_at": "2030"}, True),
            ({"settings.allowed_ips": "a"}, {"settings.allowed_ips": "b"}, True),
            ({"organization": "paid"}, {"organization": "free"}, True),
            ({"x": 1}, {"x": 1}, False),
        ],
    )
    def test_each_field_has_a_direction_or_counts_as_changed(
        self, before: Fields, now: Fields, taken: bool
    ) -> None:
        ((path, _),) = (before or now).items()
        assert reduced(path, before, now) is taken

    def test_an_expiry_is_caused_by_the_expiry_and_not_by_the_size_of_the_branch(self) -> None:
        def fleet(max_cu: float) -> DesiredState:
            return a_fleet(a_tenant(dev_branches=(DevBranch("dev", compute=Compute(max_cu=max_cu)),)))

        before, now = fleet(1), fleet(2)
        fields = [declared_fields.fields(each, each.tenants["acme"]) for each in (before, now)]
        assert {p for p in fields[1] if fields[0].get(p) != fields[1][p]} == {"dev_branches.dev.compute.max_cu"}


class TestProtectedFromDrift:
    """Nobody asked: what is always on stays on, and whom the allow list lets in does not change."""

    live = a_view(
        a_pro_project(
            compute=Compute(0.5, 4, -1),
            endpoints=(an_endpoint(compute=Compute(0.5, 4, -1)),),
            settings={"allowed_ips": {"ips": ["203.0.113.7"]}},
        )
    )
    open_to_all = replace(PRO_TIER, settings={"allowed_ips": {"ips": []}})

    @pytest.mark.parametrize("protect", [True, False])
    def test_always_on_and_the_allow_list_are_left_alone(self, protect: bool) -> None:
        fleet = a_fleet(a_tenant(tier="pro", protect=protect), tiers=(FREE_TIER, self.open_to_all))
        assert plan_of(fleet, self.live, History(fleet)).empty
        assert not plan_of(fleet, self.live, History(fleet), Permissions(lowering=True)).empty is not protect


class TestMoves:
    @pytest.mark.parametrize(("tier", "project"), [("pro", a_project()), ("free", a_pro_project())])
    def test_a_transfer_by_hand_is_reported_in_both_directions(self, tier: str, project: object) -> None:
        fleet = a_fleet(a_tenant(tier=tier, accept=HISTORY_MAY_GO))
        assert plan_of(fleet, a_view(project), History(fleet)).empty  # type: ignore[arg-type]

    def test_where_nobody_knows_the_history_what_gives_goes_ahead(self) -> None:
        fleet, live = a_fleet(a_tenant(tier="pro")), a_view(a_project())
        assert not plan_of(fleet, live, History()).empty

    def test_of_a_file_that_git_does_not_hold_it_waits(self) -> None:
        fleet, live = a_fleet(a_tenant(tier="pro")), a_view(a_project())
        (refusal,) = plan_of(fleet, live, History(fleet, uncommitted=frozenset({"acme"}))).refusals
        assert refusal.rule is Rule.MOVE_NEEDS_A_CAUSE
        assert not refusal.asked_for


class TestADocument:
    """What a program hands over for one tenant is no commit: it asks for what gives, and takes nothing."""

    @staticmethod
    def by_document(files: DesiredState) -> History:
        return History(files=files, documents=frozenset({"acme"}))

    def test_gives(self) -> None:
        desired, files = a_fleet(a_tenant(tier="pro")), a_fleet(a_tenant())
        plan = plan_of(desired, a_view(a_project()), self.by_document(files))
        assert [action.kind for action in plan.actions] == ["transfer_project", "patch_endpoint", "patch_project"]

    def test_a_document_reduces_nothing(self) -> None:
        desired, files = a_fleet(a_tenant(accept=HISTORY_MAY_GO)), a_fleet(a_tenant(tier="pro"))
        plan = plan_of(desired, a_view(a_pro_project()), self.by_document(files))
        assert plan.empty
        assert [refusal.rule for refusal in plan.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]

    def test_creates(self) -> None:
        desired = a_fleet(a_tenant(dev_branches=(DevBranch("dev"),)))
        plan = plan_of(desired, a_view(), self.by_document(a_fleet()))
        assert [type(action) for action in plan.actions] == [CreateProject, CreateBranch]


class TestATierChange:
    """What a tier gives and takes is one thing: it goes, or waits, as a whole."""

    scale = replace(
        PRO_TIER,
        name="scale",
        quota=replace(PRO_QUOTA, data_transfer_bytes=GIB),
        compute=replace(PRO_COMPUTE, max_cu=8),
    )
    fleet = a_fleet(a_tenant(tier="scale"), tiers=(FREE_TIER, PRO_TIER, scale))
    pro = a_fleet(a_tenant(tier="pro"), tiers=(FREE_TIER, PRO_TIER, scale))
    live = a_view(a_pro_project())

    def test_by_a_commit_all_of_it_goes(self) -> None:
        plan = plan_of(self.fleet, self.live, History(self.pro))
        assert not plan.refusals
        assert {c.path for a in plan.actions for c in a.changes} == {TRANSFER, "compute.max_cu"}

    @pytest.mark.parametrize(
        "files", [pro, a_fleet(tiers=(FREE_TIER, PRO_TIER, scale))], ids=["in a file", "in none"]
    )
    def test_a_document_with_another_tier_waits_as_a_whole(self, files: DesiredState) -> None:
        history = History(files=files, documents=frozenset({"acme"}))
        plan = plan_of(self.fleet, self.live, history)
        assert plan.empty
        held = {c.path for r in plan.refusals for a in r.actions for c in a.changes}
        assert held == {TRANSFER, "compute.max_cu"}
        assert not plan_of(self.fleet, self.live, history, Permissions(lowering=True)).refusals

    def test_a_drift_policy_holds_no_part_of_it_back(self) -> None:
        reporting = replace(self.fleet, policy=replace(self.fleet.policy, drift={"compute": DriftPolicy.REPORT}))
        assert not plan_of(reporting, self.live, History(self.pro)).refusals

    def test_what_support_gave_on_top_stays_and_the_rest_goes(self) -> None:
        boosted = a_view(a_project(quota=replace(FREE_QUOTA, data_transfer_bytes=100 * GIB)))
        plan = plan_of(a_fleet(a_tenant(tier="pro")), boosted, History(a_fleet(a_tenant())))
        assert any(isinstance(action, TransferProject) for action in plan.actions)
        assert [c.path for r in plan.refusals for a in r.actions for c in a.changes] == [TRANSFER]


def test_the_price_list_of_the_repository_is_a_ladder() -> None:
    """Each step up takes nothing from a tenant, whatever it has. What goes at a limit is no value of a project."""
    fleet = load(ROOT).desired
    assert fleet is not None
    everything = (DevBranch("dev"), DevBranch("sized", compute=Compute(0.25, 1, 300)))
    steps = [
        declared_fields.fields(fleet, a_tenant(tier=tier, dev_branches=everything))
        for tier in ("free", "pro", "scale")
    ]
    no_values = ("organization", AT_LIMIT)
    for lower, higher in pairwise(steps):
        taken = [path for path in lower if reduced(path, lower, higher) and path not in no_values]
        assert taken == []

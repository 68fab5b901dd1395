"""Development branches: what is created, mended, deleted and left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.tenant import DevBranch
from reconciler.desired.tier import DevBranchPolicy
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.baseline import Baseline
from reconciler.plan.change import Origin, Risk
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    DAY,
    FREE,
    FREE_LIMITS,
    FREE_TIER,
    HISTORY_MAY_GO,
    NOON,
    PAID,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    an_organization,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan

DEV = DevBranch("dev")


def ours(
    name: str, declared: str | None = None, purpose: Purpose = Purpose.DEV_BRANCH, **fields: Any
) -> LiveBranch:
    """A child of main that was created here as ``declared``."""
    notes = branch_annotations(fleet="prod", tenant="acme", run="r0", branch=declared or name, purpose=purpose)
    given = {"annotations": notes, "parent_id": "br-p-acme", **fields}
    return a_branch(id=f"br-{name}", name=name, default=False, **given)


def by_hand(name: str, **fields: Any) -> LiveBranch:
    return a_branch(id=f"br-{name}", name=name, default=False, parent_id="br-p-acme", annotations={}, **fields)


def live(*branches: LiveBranch, **fields: Any) -> LiveProject:
    computes = (an_endpoint(id=f"ep-{branch.name}", branch_id=branch.id) for branch in branches)
    return a_project(**{"branches": (a_branch(), *branches), "endpoints": (an_endpoint(), *computes), **fields})


def plan(*declared: DevBranch, project: LiveProject | None = None, **given: Any) -> Plan:
    return make_plan(a_fleet(a_tenant(dev_branches=declared)), a_view(*([project] if project else [])), **given)


def actions(*declared: DevBranch, project: LiveProject, **given: Any) -> list[Action]:
    return list(plan(*declared, project=project, **given).actions)


def test_a_declared_branch_is_created_from_the_default_one() -> None:
    (create,) = actions(DEV, project=live())
    assert isinstance(create, CreateBranch)
    assert (create.branch, create.parent, create.purpose, create.with_compute) == (
        "dev",
        "main",
        Purpose.DEV_BRANCH,
        True,
    )
    assert create.risk is Risk.SAFE


def test_a_new_tenant_gets_its_branches_after_its_project_by_the_same_code() -> None:
    create, branch = plan(DEV).actions
    assert isinstance(create, CreateProject)
    assert isinstance(branch, CreateBranch)
    assert branch.parent == "main"


def test_parents_come_before_their_children_whatever_the_order_of_the_file() -> None:
    found = actions(DevBranch("b", parent="a"), DevBranch("c", parent="b"), DevBranch("a"), project=live())
    assert [(a.branch, a.parent) for a in found if isinstance(a, CreateBranch)] == [
        ("a", "main"),
        ("b", "a"),
        ("c", "b"),
    ]


def unmade(plan: Plan) -> str:
    """Why the only refusal says that Neon would not do what the files ask for."""
    (refusal,) = plan.refusals
    assert refusal.rule is Rule.CANNOT_BE_DONE
    assert refusal.actions
    return refusal.message


def test_a_parent_that_does_not_exist_is_refused_and_nothing_is_created() -> None:
    found = plan(DevBranch("b", parent="gone"), project=live())
    assert found.empty
    assert "'gone' does not exist" in unmade(found)


def test_a_branchs_compute_is_the_tiers_over_the_projects_unless_the_file_says_otherwise() -> None:
    tier = replace(FREE_TIER, dev_branches=DevBranchPolicy(max=5, compute=Compute(max_cu=1)))
    fleet = a_fleet(
        a_tenant(dev_branches=(DevBranch("a"), DevBranch("b", compute=Compute(max_cu=0.25)))), tiers=(tier,)
    )
    first, second = make_plan(fleet, a_view(live())).actions
    assert isinstance(first, CreateBranch)
    assert isinstance(second, CreateBranch)
    assert first.compute == Compute(0.25, 1, 300)
    assert second.compute == Compute(0.25, 0.25, 300)


def test_a_size_that_does_not_fit_the_projects_default_is_refused() -> None:
    bare = replace(FREE_TIER, compute=None)
    fleet = a_fleet(a_tenant(dev_branches=(DevBranch("b", compute=Compute(min_cu=2)),)), tiers=(bare,))
    for project in ([], [live(compute=Compute(0.25, 1, 300))]):
        assert "Neon has no compute that scales from 2 to" in unmade(make_plan(fleet, a_view(*project)))
    found = make_plan(fleet, a_view(live(compute=Compute(0.25, 2, 300))))
    assert not found.refusals
    assert [action.kind for action in found.actions] == ["create_branch"]


def test_the_compute_of_a_live_declared_branch_is_sized() -> None:
    branch = DevBranch("dev", compute=Compute(max_cu=1))
    endpoint = an_endpoint(compute=Compute(0.25, 2, 300), id="ep-dev", branch_id="br-dev")
    project = live(ours("dev"), endpoints=(an_endpoint(), endpoint))
    (patch,) = actions(branch, project=project)
    assert isinstance(patch, PatchEndpoint)
    assert patch.branch == "dev"
    assert [(c.path, c.after) for c in patch.changes] == [("compute.max_cu", 1)]
    plain = a_project(branches=project.branches, endpoints=project.endpoints)
    assert not actions(DEV, project=plain), "where neither file nor tier sizes it, it is left alone"


def test_an_undeclared_branch_of_ours_is_deleted_and_nobody_elses() -> None:
    (delete,) = actions(project=live(ours("old-feature"), by_hand("somebodys")))
    assert isinstance(delete, DeleteBranch)
    assert (delete.branch, delete.branch_id) == ("old-feature", "br-old-feature")
    assert delete.risk is Risk.DESTRUCTIVE
    assert delete.lowering


def test_branches_that_the_file_does_not_manage_are_left_alone() -> None:
    assert make_plan(a_fleet(a_tenant()), a_view(live(ours("x")))).empty


def test_children_are_deleted_before_their_parents() -> None:
    project = live(ours("a"), ours("b", parent_id="br-a"), ours("c", parent_id="br-b"))
    assert [a.branch for a in actions(project=project) if isinstance(a, DeleteBranch)] == ["c", "b", "a"]


def test_what_cannot_be_deleted_is_refused() -> None:
    guarded = plan(project=live(ours("p", protected=True), ours("q")))
    assert [a.branch for a in guarded.actions if isinstance(a, DeleteBranch)] == ["q"]
    assert "protected in Neon" in unmade(guarded)
    child = replace(by_hand("child"), parent_id="br-q")
    with_child = plan(project=live(ours("q"), child))
    assert with_child.empty
    assert "it has the child branch 'child'" in unmade(with_child)


def test_a_branch_that_was_made_by_hand_under_the_declared_name_is_the_one() -> None:
    assert not actions(DEV, project=live(by_hand("dev")))


class TestAnExpiryOfANamesake:
    """A commit declares a branch with an expiry, and somebody has made one of that name: Neon would delete it."""

    ENDING = DevBranch("dev", expires_at=NOON + timedelta(days=1))
    BEFORE = History(a_fleet(a_tenant(dev_branches=())))

    def test_is_not_set(self) -> None:
        found = plan(self.ENDING, project=live(by_hand("dev")), history=self.BEFORE)
        assert found.empty
        (refusal,) = found.refusals
        assert refusal.rule is Rule.CANNOT_BE_DONE
        assert "no run created it: the expiry would delete it" in refusal.message

    def test_may_be_later_than_its_own(self) -> None:
        soon = by_hand("dev", expires_at=NOON + timedelta(hours=1))
        assert [one.kind for one in actions(self.ENDING, project=live(soon), history=self.BEFORE)] == [
            "patch_branch"
        ]

    def test_is_set_where_a_run_created_the_branch_or_what_a_restore_put_aside(self) -> None:
        put_aside = live(by_hand("dev"), ours("dev (old)", declared="dev", parent_id=None))
        for project in (live(ours("dev")), put_aside):
            found = actions(self.ENDING, project=project, history=self.BEFORE)
            assert [one.kind for one in found] == ["patch_branch"]

    def test_is_set_where_a_commit_adds_it_to_a_declared_branch(self) -> None:
        declared = History(a_fleet(a_tenant(dev_branches=(DEV,))))
        found = actions(self.ENDING, project=live(by_hand("dev")), history=declared)
        assert [one.kind for one in found] == ["patch_branch"]


def test_a_branch_that_was_renamed_by_hand_gets_its_name_back() -> None:
    (patch,) = actions(DEV, project=live(ours("dev-2", declared="dev")))
    assert isinstance(patch, PatchBranch)
    assert (patch.branch, patch.rename_to) == ("dev-2", "dev")


def test_a_branch_that_was_renamed_to_another_declared_name_stands_for_that_one() -> None:
    found = actions(DEV, DevBranch("qa"), project=live(ours("qa", declared="dev")))
    assert [(a.kind, a.branch) for a in found if isinstance(a, CreateBranch | PatchBranch)] == [
        ("create_branch", "dev")
    ]


def test_what_a_restore_leaves_is_never_touched() -> None:
    """Neon: the restored branch has no annotation, the replaced one keeps ours under its name with (old)."""
    restored = live(by_hand("dev"), ours("dev (old)", declared="dev", parent_id=None))
    assert not actions(DEV, project=restored)
    assert not actions(project=restored)


def test_expiry_is_compared_with_expiry_to_the_second() -> None:
    until = NOON + timedelta(days=3)
    branch = DevBranch("dev", expires_at=until)
    assert not actions(branch, project=live(ours("dev", expires_at=until + timedelta(microseconds=5))))
    (patch,) = actions(branch, project=live(ours("dev", expires_at=until + timedelta(days=1))))
    assert isinstance(patch, PatchBranch)
    assert patch.expires_at == until
    assert patch.lowering, "its data goes sooner"
    (later,) = actions(branch, project=live(ours("dev", expires_at=until - timedelta(days=1))))
    assert later.risk is Risk.SAFE


def test_a_branch_whose_expiry_has_passed_is_neither_created_nor_deleted_while_neon_does_it() -> None:
    past = NOON - timedelta(seconds=1)
    gone = DevBranch("dev", expires_at=past)
    assert not actions(gone, project=live())
    assert not actions(gone, project=live(ours("dev", expires_at=past)))
    (delete,) = actions(gone, project=live(ours("dev")))
    assert isinstance(delete, DeleteBranch), "live it has no expiry: nobody else would delete it"


def test_the_plan_depends_on_now_at_the_expiry_only() -> None:
    branch = DevBranch("dev", expires_at=NOON)
    before = actions(branch, project=live(), now=NOON - timedelta(seconds=1))
    assert before == actions(branch, project=live(), now=NOON - timedelta(days=29))
    assert not actions(branch, project=live(), now=NOON)


def test_a_moment_outside_the_restore_window_is_refused() -> None:
    early = plan(DevBranch("dev", at=NOON - timedelta(seconds=DAY + 1)), project=live())
    assert early.empty
    assert "is before the start of the restore window" in unmade(early)
    late = plan(DevBranch("dev", at=NOON + timedelta(seconds=1)), project=live())
    assert "is in the future" in unmade(late)
    assert actions(DevBranch("dev", at=NOON - timedelta(seconds=DAY)), project=live())


def test_a_restore_window_of_any_length_can_be_reckoned_with() -> None:
    endless = replace(FREE_TIER, restore_window_seconds=2**62)
    old = DevBranch("dev", at=NOON - timedelta(seconds=DAY))
    desired = a_fleet(a_tenant(dev_branches=(old,)), tiers=(endless,))
    kept = live(restore_window_seconds=2**62)
    (create,) = make_plan(desired, a_view(kept)).actions
    assert isinstance(create, CreateBranch)


def test_a_parent_that_this_plan_creates_has_no_earlier_moment() -> None:
    child = DevBranch("child", parent="dev", at=NOON - timedelta(hours=1))
    plan = make_plan(a_fleet(a_tenant(dev_branches=(DEV, child))), a_view(live()))
    assert [action.branch for action in plan.actions if isinstance(action, CreateBranch)] == ["dev"]
    assert "is before the creation of its parent branch 'dev'" in unmade(plan)


@pytest.mark.parametrize(
    "branch",
    [
        DevBranch("dev", parent="gone"),
        DevBranch("dev", at=NOON - timedelta(days=9)),
        DevBranch("dev", expires_at=NOON + timedelta(days=31)),
        DevBranch("main"),
    ],
)
def test_what_is_declared_and_cannot_be_was_asked_for_where_a_commit_asked_for_it(branch: DevBranch) -> None:
    desired, view = a_fleet(a_tenant(dev_branches=(branch,))), a_view(live())
    assert unmade(asked := make_plan(desired, view, base=a_fleet(a_tenant(dev_branches=()))))
    assert asked.refusals[0].asked_for
    assert unmade(drifted := make_plan(desired, view, base=desired))
    assert not drifted.refusals[0].asked_for


def test_the_default_branch_is_no_development_branch() -> None:
    found = plan(DevBranch("main", compute=Compute(max_cu=1)), project=live())
    assert "the default branch has this name" in unmade(found)
    assert not [a for a in found.actions if isinstance(a, CreateBranch | PatchBranch | DeleteBranch)]


def test_no_more_branches_than_the_organization_allows() -> None:
    tight = an_organization("free", replace(FREE_LIMITS, branches=3))
    tenant = a_tenant(dev_branches=(DevBranch("a"), DevBranch("b"), DevBranch("c")))
    found = make_plan(a_fleet(tenant, organizations=(tight, PAID)), a_view(live(ours("old"), by_hand("x"))))
    assert [(type(a).__name__, a.branch) for a in found.actions if isinstance(a, DeleteBranch | CreateBranch)] == [
        ("DeleteBranch", "old"),
        ("CreateBranch", "a"),
    ]
    assert [(r.rule, len(r.actions)) for r in found.refusals] == [(Rule.BRANCH_LIMIT, 1), (Rule.BRANCH_LIMIT, 1)]


def test_a_renamed_branch_is_kept_when_its_declaration_goes() -> None:
    found = plan(project=live(ours("keep-me", declared="dev")))
    assert found.empty
    assert "somebody renamed it" in found.notes[0].message


def test_a_root_branch_is_not_deleted() -> None:
    found = plan(project=live(ours("schema", parent_id=None)))
    assert found.empty
    assert "root branch" in unmade(found)


class TestAnExpiryThatTheFileDoesNotState:
    """Whether a commit took it from the file, or it only stands live."""

    LIVE = a_view(live(ours("dev", expires_at=NOON + timedelta(days=1))))
    STATED = a_fleet(a_tenant(dev_branches=(DevBranch("dev", expires_at=NOON + timedelta(days=1)),)))

    def guarded(self, history: History, policy: Policy = Policy(), *more: DevBranch) -> Plan:
        files = a_fleet(a_tenant(dev_branches=(DEV, *more)), policy=policy)
        return guarded_plan(files, self.LIVE, history=history)

    def test_an_expiry_that_a_commit_removed_is_removed(self) -> None:
        (patch,) = self.guarded(History(self.STATED)).actions
        assert isinstance(patch, PatchBranch)
        assert patch.expires_no_more
        assert [(c.before, c.after, c.origin) for c in patch.changes] == [
            ("2030-05-05T12:00:00Z", None, Origin.CONFIG)
        ]
        assert patch.risk is Risk.SAFE
        assert not patch.lowering

    @pytest.mark.parametrize("history", [History(), History(a_fleet(a_tenant(dev_branches=(DEV,))))])
    def test_an_expiry_that_is_only_live_is_reported(self, history: History) -> None:
        found = self.guarded(history)
        assert found.empty
        (refusal,) = found.refusals
        assert refusal.rule is Rule.DRIFT_POLICY
        assert not refusal.asked_for
        assert "it has an expiry" in refusal.message

    def test_stays_where_the_files_are_older_than_the_base(self) -> None:
        found = self.guarded(History(self.STATED, a_fleet(a_tenant(dev_branches=(DEV,)))))
        assert found.empty
        assert [refusal.rule for refusal in found.refusals] == [Rule.BASE_AHEAD]

    def test_is_removed_where_drift_policy_says_so(self) -> None:
        repair = Policy(drift={"dev_branches": DriftPolicy.REPAIR})
        (patch,) = self.guarded(History(a_fleet(a_tenant(dev_branches=(DEV,)))), repair).actions
        assert isinstance(patch, PatchBranch)
        assert patch.expires_no_more

    def test_keeps_the_branch_from_having_children_for_as_long_as_it_stands(self) -> None:
        child = DevBranch("child", parent="dev")
        asked = self.guarded(History(self.STATED), Policy(), child)
        assert [action.kind for action in asked.actions] == ["patch_branch", "create_branch"]
        drift = self.guarded(History(a_fleet(a_tenant(dev_branches=(DEV,)))), Policy(), child)
        assert drift.empty
        assert {action.kind for refusal in drift.refusals for action in refusal.actions} == {
            "patch_branch",
            "create_branch",
        }


@pytest.mark.parametrize("given", [None, NOON + timedelta(days=30)])
def test_a_passed_expiry_deletes_no_branch_that_somebody_lets_live_on(given: datetime | None) -> None:
    fleet = a_fleet(a_tenant(dev_branches=(DevBranch("dev", expires_at=NOON),)))
    view = a_view(live(ours("dev", expires_at=given)))
    found = guarded_plan(fleet, view, base=fleet)
    assert found.empty
    assert [refusal.rule for refusal in found.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]
    assert not any(refusal.asked_for for refusal in found.refusals)


def test_a_passed_expiry_deletes_the_branch_once_a_commit_leaves_it_out() -> None:
    base = a_fleet(a_tenant(dev_branches=(DevBranch("dev", expires_at=NOON),)))
    fleet, view = a_fleet(a_tenant(dev_branches=())), a_view(live(ours("dev")))
    plan = guarded_plan(fleet, view, base=base)
    assert [action.kind for action in plan.actions] == ["delete_branch"]


@pytest.mark.parametrize("until", [None, NOON + timedelta(days=30)])
def test_it_is_none_where_a_commit_that_was_tried_is_ahead_with_another_one(until: datetime | None) -> None:
    fleet = a_fleet(a_tenant(dev_branches=(DevBranch("dev", expires_at=NOON),)))
    ahead = a_fleet(a_tenant(dev_branches=(DevBranch("dev", expires_at=until),)))
    history, view = History(fleet, tried={"acme": (Baseline(ahead, fleet),)}), a_view(live(ours("dev")))
    found = guarded_plan(fleet, view, history=history)
    assert found.empty
    assert [refusal.rule for refusal in found.refusals] == [Rule.BASE_AHEAD]


@pytest.mark.parametrize("expires_at", [None, NOON + timedelta(days=1)])
def test_an_expiry_in_the_past_that_is_new_needs_a_cause(expires_at: datetime | None) -> None:
    """Else a document could delete a branch by an expiry where it may not by leaving the branch out."""
    fleet = a_fleet(a_tenant(dev_branches=(DevBranch("dev", expires_at=NOON),)))
    view = a_view(live(ours("dev", expires_at=expires_at)))
    plan = guarded_plan(fleet, view)
    assert plan.empty
    assert [refusal.rule for refusal in plan.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]
    base = a_fleet(a_tenant(dev_branches=(DEV,)))
    asked = guarded_plan(fleet, view, base=base)
    assert [action.kind for action in asked.actions] == ["delete_branch"]


def test_no_more_branches_than_the_tier_allows() -> None:
    tier = replace(FREE_TIER, dev_branches=DevBranchPolicy(max=1))
    expiring = tuple(DevBranch(name, expires_at=NOON + timedelta(days=1)) for name in "ab")
    fleet = a_fleet(a_tenant(dev_branches=expiring), tiers=(tier,))
    found = make_plan(fleet, a_view(live()))
    assert [a.branch for a in found.actions if isinstance(a, CreateBranch)] == ["a"]
    assert "tier free allows 1" in found.refusals[0].message


def test_a_run_that_does_not_move_a_project_keeps_to_the_limits_where_it_is() -> None:
    tight = an_organization("paid", replace(FREE_LIMITS, branches=2))
    fleet = a_fleet(a_tenant(dev_branches=(DEV, DevBranch("qa"))), organizations=(FREE, tight))
    found = make_plan(fleet, a_view(a_pro_project()), only=("dev_branches",))
    assert [a.kind for a in found.actions] == ["create_branch"]
    assert "organization paid allows 2" in found.refusals[0].message


class TestOrigin:
    def origins(
        self, before: tuple[DevBranch, ...] | None, after: tuple[DevBranch, ...], *lives: LiveBranch
    ) -> set[Origin]:
        base = a_fleet(a_tenant(dev_branches=before))
        found = make_plan(a_fleet(a_tenant(dev_branches=after)), a_view(live(*lives)), base=base)
        return {change.origin for action in found.actions for change in action.changes}

    def test_a_branch_that_a_commit_removed(self) -> None:
        assert self.origins((DEV,), (), ours("dev")) == {Origin.CONFIG}

    def test_a_branch_that_no_commit_knows(self) -> None:
        assert self.origins((), (), ours("dev")) == {Origin.DRIFT}

    def test_a_file_that_begins_to_manage_branches(self) -> None:
        assert self.origins(None, (), ours("dev")) == {Origin.CONFIG}

    def test_what_comes_with_a_creation(self) -> None:
        fleet = a_fleet(a_tenant(dev_branches=(DEV,)))
        _, branch = make_plan(fleet, a_view(), base=fleet).actions
        assert {change.origin for change in branch.changes} == {Origin.CONFIG}

    def test_a_branch_that_somebody_deleted(self) -> None:
        assert self.origins((DEV,), (DEV,)) == {Origin.DRIFT}


def test_a_deletion_without_a_cause_waits_alone() -> None:
    fleet, view = a_fleet(a_tenant(dev_branches=(DEV,))), a_view(live(ours("old")))
    held = guarded_plan(fleet, view)
    assert [type(action).__name__ for action in held.actions] == ["CreateBranch"]
    assert [r.rule for r in held.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]


def test_an_upgrade_creates_branches_last() -> None:
    fleet = a_fleet(a_tenant(tier="pro", dev_branches=(DEV,)))
    found = make_plan(fleet, a_view(live(ours("old"))))
    assert [action.kind for action in found.actions] == [
        "transfer_project",
        "delete_branch",
        "patch_endpoint",
        "patch_project",
        "create_branch",
    ]


def test_a_downgrade_deletes_undeclared_branches_and_is_refused_if_too_many_remain() -> None:
    several = [by_hand(f"b{i}") for i in range(9)]
    crowded = a_pro_project(branches=(a_branch(), ours("old"), *several))
    fleet = a_fleet(a_tenant(dev_branches=(), accept=HISTORY_MAY_GO), tiers=(FREE_TIER, PRO_TIER))
    found = guarded_plan(fleet, a_view(crowded), Permissions(lowering=True))
    assert [action.kind for action in found.actions][:2] == ["transfer_project", "delete_branch"]
    more = a_pro_project(branches=(a_branch(), ours("old"), *several, by_hand("one too many")))
    refused = guarded_plan(fleet, a_view(more), Permissions(lowering=True))
    assert refused.empty
    assert refused.refusals[0].rule is Rule.BRANCH_LIMIT
    assert "11 would remain" in refused.refusals[0].message


class TestAnExpiryThatNeonMovedByAReset:
    """A reset from its parent gives a branch its whole time again (Neon: ttl_interval_seconds)."""

    UNTIL = NOON + timedelta(days=1)
    MOVED = NOON + timedelta(days=2)
    STATED = DevBranch("dev", expires_at=UNTIL)
    BASE = a_fleet(a_tenant(dev_branches=(STATED,)))

    def reset(self, **fields: Any) -> LiveBranch:
        given = {"reset_at": NOON - timedelta(days=1), "lifetime_seconds": 3 * DAY, "expires_at": self.MOVED}
        return ours("dev", **{**given, **fields})

    @pytest.mark.parametrize("base", [BASE, None], ids=["a base", "none"])
    def test_is_left_and_told(self, base: Any) -> None:
        view, history = a_view(live(self.reset())), History(base)
        judged = guarded_plan(self.BASE, view, history=history)
        assert judged.empty
        assert not judged.refusals
        assert "'dev' was reset and expires at 2030-05-06T12:00:00Z" in judged.notes[-1].message

    def test_moves_where_a_commit_asks_for_another(self) -> None:
        later = DevBranch("dev", expires_at=NOON + timedelta(days=5))
        (patch,) = actions(later, project=live(self.reset()), base=self.BASE)
        assert isinstance(patch, PatchBranch)
        assert patch.expires_at == later.expires_at

    def test_keeps_the_branch_when_the_time_of_the_file_has_passed(self) -> None:
        view = live(self.reset())
        assert not actions(self.STATED, project=view, base=self.BASE, now=self.UNTIL)

    def test_is_no_excuse_for_one_that_somebody_moved(self) -> None:
        view, history = a_view(live(self.reset(expires_at=NOON + timedelta(days=9)))), History(self.BASE)
        judged = guarded_plan(self.BASE, view, history=history)
        assert [refusal.rule for refusal in judged.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]

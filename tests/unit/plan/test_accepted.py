"""What a file accepts is for one reduction, and spent by it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.tenant import Accepted, Overrides, Reduction
from reconciler.model.values import replace
from reconciler.plan.baseline import Baseline
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    DAY,
    FREE_TIER,
    HOUR,
    NOON,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    make_plan,
)

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Acceptance
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

DOWN = (Reduction("pro", "free"),)
WEEK_TO_DAY = (Reduction("7d", "1d"),)
LOWERING = Permissions(lowering=True)
PAID = a_pro_project()


def losing(acceptance: Acceptance) -> Accepted:
    return Accepted(history_loss=acceptance)


def plan_of(
    desired: DesiredState,
    project: LiveProject,
    history: History,
    permissions: Permissions = Permissions(),
    now: datetime | None = NOON,
) -> Plan:
    live = a_view(project)
    plan = make_plan(desired, live, history=history)
    return guard(plan, desired, live, permissions, history=history, now=now)


def is_refused(plan: Plan) -> bool:
    return Rule.DOWNGRADE_PROOF in {refusal.rule for refusal in plan.refusals}


def free(acceptance: Acceptance = False, **fields: Any) -> DesiredState:
    return a_fleet(a_tenant(accept=losing(acceptance), **fields))


def pro(acceptance: Acceptance = False) -> DesiredState:
    return a_fleet(a_tenant(tier="pro", accept=losing(acceptance)))


@pytest.mark.parametrize("acceptance", [True, DOWN, WEEK_TO_DAY, (Reduction("168h", "24h"),), NOON.date()])
class TestWhatComesWithTheReduction:
    def test_covers_it(self, acceptance: Acceptance) -> None:
        plan = plan_of(free(acceptance), PAID, History(pro()))
        assert not plan.refusals
        assert "transfer_project" in [action.kind for action in plan.actions]

    def test_or_in_a_later_commit_as_long_as_the_tenant_is_owed(self, acceptance: Acceptance) -> None:
        history = History(free(acceptance), owed={"acme": Baseline(pro())})
        assert not plan_of(free(acceptance), PAID, history).refusals


@pytest.mark.parametrize("acceptance", [DOWN, WEEK_TO_DAY])
class TestWhatTheBaseHasAlready:
    """A customer went down, paid again, and goes down once more: the line of the first time stands in the file."""

    def test_covers_nothing(self, acceptance: Acceptance) -> None:
        assert is_refused(plan_of(free(acceptance), PAID, History(pro(acceptance))))

    def test_nor_what_the_fork_has(self, acceptance: Acceptance) -> None:
        assert is_refused(plan_of(free(acceptance), PAID, History(pro(), pro(acceptance))))

    def test_nor_drift_that_a_person_permits_to_be_lowered(self, acceptance: Acceptance) -> None:
        plan = plan_of(free(acceptance), PAID, History(free(acceptance)), LOWERING)
        assert is_refused(plan)

    def test_is_said_to_be_spent_and_told_what_to_write_instead(self, acceptance: Acceptance) -> None:
        plan = plan_of(free(acceptance), PAID, History(pro(acceptance)))
        assert [note.message for note in plan.notes] == ["accept has been used, remove it: history_loss"]
        instead = "7d -> 1d" if acceptance == DOWN else "pro -> free"
        assert f"accept: {{history_loss: {instead}}}" in plan.refusals[0].remedy

    def test_is_not_called_spent_where_the_base_was_guessed(self, acceptance: Acceptance) -> None:
        history = History(free(acceptance), guessed=True)
        assert not plan_of(free(acceptance), a_project(), history).notes

    def test_is_not_called_spent_while_it_is_in_use(self, acceptance: Acceptance) -> None:
        assert not plan_of(free(acceptance), PAID, History(pro())).notes


class TestTrueThatTheBaseHasAlready:
    """Older files have it: it goes with a change of tier, and with nothing else."""

    def test_covers_a_change_of_tier_that_a_commit_asks_for(self) -> None:
        plan = plan_of(free(True), PAID, History(pro(True)))
        assert not plan.refusals
        assert not plan.notes

    def test_covers_no_other_change_of_a_commit(self) -> None:
        shorter = free(True, overrides=Overrides(restore_window_seconds=HOUR))
        assert is_refused(plan_of(shorter, a_project(), History(free(True))))
        lowered = (replace(FREE_TIER, restore_window_seconds=HOUR), PRO_TIER)
        files = a_fleet(a_tenant(accept=losing(True)), tiers=lowered)
        assert is_refused(plan_of(files, a_project(), History(free(True))))

    def test_covers_no_drift_that_a_person_permits_to_be_lowered(self) -> None:
        assert is_refused(plan_of(free(True), PAID, History(free(True)), LOWERING))

    def test_is_said_to_stand(self) -> None:
        plan = plan_of(free(True), a_project(), History(free(True)))
        (note,) = plan.notes
        assert note.message.startswith("accept names no reduction and would also cover the next change of tier")


class TestAName:
    @pytest.mark.parametrize(
        "acceptance",
        [
            (Reduction("scale", "free"),),
            (Reduction("pro", "scale"),),
            (Reduction("7d", "2d"),),
            (Reduction("6d", "1d"),),
        ],
    )
    def test_of_something_else_covers_nothing(self, acceptance: Acceptance) -> None:
        assert is_refused(plan_of(free(acceptance), PAID, History(pro())))

    def test_of_one_reduction_does_not_cover_a_greater_one(self) -> None:
        shorter = free(WEEK_TO_DAY, overrides=Overrides(restore_window_seconds=HOUR))
        assert is_refused(plan_of(shorter, PAID, History(pro())))

    def test_covers_one_of_several_that_are_listed(self) -> None:
        assert not plan_of(free((*DOWN, *WEEK_TO_DAY)), PAID, History(pro())).refusals

    @pytest.mark.parametrize("acceptance", [DOWN, WEEK_TO_DAY, True])
    def test_counts_without_a_base_where_a_person_permits_it(self, acceptance: Acceptance) -> None:
        assert not plan_of(free(acceptance), PAID, History(), LOWERING).refusals
        given = replace(PAID, restore_window_seconds=14 * DAY)
        assert is_refused(plan_of(free(acceptance), given, History(), LOWERING)) is (acceptance is not True)

    def test_true_does_not_count_without_a_base_where_a_policy_repairs(self) -> None:
        policy = Policy(drift={"restore_window": DriftPolicy.REPAIR})
        fleet = replace(free(True), policy=policy)
        assert is_refused(plan_of(fleet, a_project(restore_window_seconds=7 * DAY), History()))


class TestADay:
    @pytest.mark.parametrize(("days", "refused"), [(-1, True), (0, False), (1, False)])
    def test_counts_until_it_is_over_in_utc_whatever_the_base_has(self, days: int, refused: bool) -> None:
        until = NOON.date() + timedelta(days=days)
        plan = plan_of(free(until), PAID, History(pro(until)))
        assert is_refused(plan) is refused
        assert bool(plan.notes) is refused

    def test_counts_for_nothing_where_nobody_tells_the_time(self) -> None:
        assert is_refused(plan_of(free(date.max), PAID, History(pro()), now=None))


class TestTheLineToWrite:
    used = replace(
        a_pro_project(branches=(a_branch(logical_size_bytes=2**30),)),
        consumption=replace(a_pro_project().consumption, active_time_seconds=10**6),  # type: ignore[type-var]
    )

    def test_names_the_tiers_where_the_tier_changes(self) -> None:
        (refusal,) = plan_of(free(), self.used, History(pro())).refusals
        assert (
            "add accept: {history_loss: pro -> free, suspension: pro -> free, full_branches: pro -> free} to"
            in refusal.remedy
        )

    def test_names_the_values_where_it_does_not(self) -> None:
        tiers = (FREE_TIER, PRO_TIER, replace(PRO_TIER, name="lite", restore_window_seconds=DAY))
        before = a_fleet(a_tenant(tier="pro"), tiers=tiers)
        shorter = a_fleet(a_tenant(tier="pro", overrides=Overrides(restore_window_seconds=3 * DAY)), tiers=tiers)
        (refusal,) = plan_of(shorter, PAID, History(before)).refusals
        assert "add accept: {history_loss: 7d -> 3d} to its file" in refusal.remedy

    def test_holds_what_the_file_accepts_already(self) -> None:
        fleet = a_fleet(a_tenant(accept=Accepted(suspension=DOWN)))
        (refusal,) = plan_of(fleet, self.used, History(pro())).refusals
        assert "history_loss: pro -> free, suspension: pro -> free, full_branches" in refusal.remedy

    def test_is_a_day_where_base_and_fork_have_all_else(self) -> None:
        history = History(pro(DOWN), pro(WEEK_TO_DAY))
        (refusal,) = plan_of(free(DOWN), PAID, history).refusals
        assert "add accept: {history_loss: 2030-05-04} to its file" in refusal.remedy


def test_a_document_is_written_for_what_it_asks_for() -> None:
    history = History(files=pro(True), documents=frozenset({"acme"}))
    assert not plan_of(free(True), PAID, history, LOWERING).refusals
    assert is_refused(plan_of(free(), PAID, history, LOWERING))

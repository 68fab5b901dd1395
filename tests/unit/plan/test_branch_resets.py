"""A number that grows resets a branch to its parent, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.tenant import DevBranch
from reconciler.model.moments import rfc3339
from reconciler.model.values import replace
from reconciler.plan.actions.branch import ResetBranch
from reconciler.plan.baseline import Baseline
from reconciler.plan.change import Origin, Risk
from reconciler.plan.history import History
from reconciler.plan.plan import Rule
from reconciler.plan.resets import asked
from tests.harness.builders import NOON, a_fleet, a_tenant, a_view, guarded_plan, make_plan
from tests.unit.plan.test_branches import by_hand, live, ours

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveBranch
    from reconciler.plan.plan import Plan

BEFORE = NOON - timedelta(days=1)
COMMITTED = NOON - timedelta(hours=1)
KEY = ("acme", "dev")


def files(reset: int, **fields: Any) -> DesiredState:
    return a_fleet(a_tenant(dev_branches=(DevBranch("dev", reset=reset),), **fields))


def plan(
    before: int,
    now: int,
    branch: LiveBranch | None = None,
    *others: LiveBranch,
    raised: datetime | None = COMMITTED,
    **given: Any,
) -> Plan:
    project = live(branch or ours("dev", created_at=BEFORE), *others)
    times = {} if raised is None else {KEY: raised}
    return make_plan(files(now), a_view(project), **{"raised": times, "base": files(before), **given})


def test_a_number_that_grew_since_the_base_resets_the_branch() -> None:
    (reset,) = plan(2, 3).actions
    assert isinstance(reset, ResetBranch)
    assert (reset.branch, reset.branch_id, reset.parent) == ("dev", "br-dev", "main")
    assert reset.risk is Risk.DESTRUCTIVE
    assert reset.lowering
    assert [(c.path, c.before, c.after, c.origin) for c in reset.changes] == [
        ("dev_branches.dev.reset", 2, 3, Origin.CONFIG)
    ]


@pytest.mark.parametrize(("before", "now"), [(3, 3), (3, 2), (3, 0), (0, 0)])
def test_a_number_that_did_not_grow_asks_for_nothing(before: int, now: int) -> None:
    found = plan(before, now)
    assert found.empty
    assert not found.refusals
    assert not found.notes


def test_a_branch_that_was_reset_after_the_commit_is_done_and_that_is_said() -> None:
    branch = ours("dev", created_at=BEFORE, reset_at=COMMITTED + timedelta(minutes=5))
    found = plan(2, 3, branch)
    assert found.empty
    (note,) = found.notes
    assert f"after the commit that raises reset to 3, dated {rfc3339(COMMITTED)}" in note.message
    assert "this counts as the reset; `reconciler branch reset acme dev` resets it once more" in note.message


def test_a_branch_that_was_reset_before_the_commit_is_reset_again() -> None:
    branch = ours("dev", created_at=BEFORE, reset_at=COMMITTED - timedelta(minutes=5))
    (reset,) = plan(2, 3, branch).actions
    assert isinstance(reset, ResetBranch)
    assert reset.last_reset_at == branch.reset_at


def test_a_branch_that_was_created_after_the_commit_is_done_and_that_is_said() -> None:
    """A commit of a machine whose clock is behind Neon's looks older than the branch."""
    found = plan(2, 3, ours("dev", created_at=COMMITTED + timedelta(minutes=5)))
    assert found.empty
    assert "this counts as the reset" in found.notes[0].message


def test_a_reset_within_a_minute_before_the_commit_counts_and_is_said() -> None:
    found = plan(2, 3, ours("dev", created_at=BEFORE, reset_at=COMMITTED - timedelta(seconds=30)))
    assert found.empty
    assert "this counts as the reset" in found.notes[0].message


def test_a_branch_that_the_base_does_not_declare_is_new_and_not_reset() -> None:
    project = live(by_hand("dev", created_at=BEFORE))
    found = make_plan(files(3), a_view(project), raised={KEY: COMMITTED}, base=a_fleet(a_tenant(dev_branches=())))
    assert found.empty
    assert not found.refusals


def test_without_earlier_files_nothing_is_reset() -> None:
    found = plan(2, 3, history=History())
    assert found.empty
    assert not found.refusals


def test_a_document_is_not_a_commit_and_resets_nothing() -> None:
    document = History(files(2), files=files(2), documents=frozenset({"acme"}), committed=frozenset({"acme"}))
    assert plan(2, 3, history=document).empty
    assert not list(asked(files(3), document, files(3).tenants.values()))


def test_files_older_than_the_base_reset_nothing() -> None:
    assert plan(0, 2, history=History(files(3), fork=files(1))).empty
    (reset,) = plan(0, 4, history=History(files(3), fork=files(1))).actions
    assert reset.changes[0].before == 3


def test_a_commit_that_was_tried_does_not_ask_twice() -> None:
    tried = History(files(2), tried={"acme": (Baseline(files(3)),)})
    done = ours("dev", created_at=BEFORE, reset_at=COMMITTED + timedelta(minutes=1))
    assert plan(0, 3, done, history=tried).empty
    assert not plan(0, 3, history=tried).empty


@pytest.mark.parametrize(
    ("ahead", "asks"),
    [(files(5), False), (files(3), False), (a_fleet(a_tenant(dev_branches=())), False), (files(2), True)],
    ids=["more", "the same", "without the branch", "less"],
)
def test_a_commit_that_was_tried_and_is_ahead_counts(ahead: DesiredState, asks: bool) -> None:
    history = History(files(1), tried={"acme": (Baseline(ahead, files(1)),)})
    assert plan(0, 3, history=history).empty != asks
    assert bool(list(asked(files(3), history, files(3).tenants.values()))) == asks


@pytest.mark.parametrize(
    ("raised", "word", "remedy"),
    [
        (
            None,
            "does not show which commit",
            "run where git holds the whole history, or use `reconciler branch reset`",
        ),
        (
            NOON + timedelta(hours=1),
            "in the future",
            "raise the number once more, in a commit where the clock is right",
        ),
    ],
    ids=["unknown", "future"],
)
def test_a_commit_whose_time_is_not_known_is_refused(raised: datetime | None, word: str, remedy: str) -> None:
    found = plan(2, 3, raised=raised)
    (refusal,) = found.refusals
    assert found.empty
    assert refusal.rule is Rule.CANNOT_BE_DONE
    assert word in refusal.message
    assert refusal.remedy == remedy


@pytest.mark.parametrize(
    ("branch", "others", "word"),
    [
        (ours("dev", created_at=BEFORE, protected=True), (), "protected"),
        (ours("dev", created_at=BEFORE, parent_id=None), (), "no parent"),
        (ours("dev", created_at=BEFORE), (replace(by_hand("x"), parent_id="br-dev"),), "child"),
    ],
    ids=["protected", "root", "parent"],
)
def test_what_neon_cannot_reset_is_refused(branch: LiveBranch, others: tuple[LiveBranch, ...], word: str) -> None:
    project = live(branch, *others)
    found = make_plan(files(3), a_view(project), raised={KEY: COMMITTED}, base=files(2))
    (refusal,) = found.refusals
    assert found.empty
    assert word in refusal.message


@pytest.mark.parametrize("aside", ["main (old)", "main 2 (old, before restore to 2026-02-01T00:00:00Z)"])
def test_a_parent_that_a_restore_put_aside_is_replaced_by_the_branch_in_its_place(aside: str) -> None:
    branch = ours("dev", created_at=BEFORE, parent_id="br-aside")
    (reset,) = plan(2, 3, branch, replace(by_hand(aside), id="br-aside")).actions
    assert isinstance(reset, ResetBranch)
    assert (reset.parent, reset.replaced_parent) == ("main", aside)


def test_nothing_replaces_a_branch_of_another_name_that_a_restore_put_aside() -> None:
    branch = ours("dev", created_at=BEFORE, parent_id="br-aside")
    found = plan(2, 3, branch, replace(by_hand("earlier (old)"), id="br-aside"))
    (refusal,) = found.refusals
    assert found.empty
    assert "keeps a state that a restore replaced" in refusal.message


def test_protection_holds_a_reset_back() -> None:
    protected, project = files(3, protect=True), live(ours("dev", created_at=BEFORE))
    view = a_view(project)
    judged = guarded_plan(protected, view, raised={KEY: COMMITTED}, base=files(2))
    assert judged.empty
    assert [refusal.rule for refusal in judged.refusals] == [Rule.PROTECTED]


def test_only_branches_whose_number_grew_are_looked_up() -> None:
    now = files(3)
    assert list(asked(now, History(files(2)), now.tenants.values())) == [KEY]
    assert not list(asked(now, History(files(3)), now.tenants.values()))

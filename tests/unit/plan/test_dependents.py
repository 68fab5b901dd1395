"""What waits for what is held back: snapshots for room, parents for children, branches for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.annotations import Purpose
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch
from reconciler.plan.actions.project import TransferProject
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.change import FieldChange
from reconciler.plan.guards.context import TenantContext, Verdict
from reconciler.plan.guards.dependents import with_dependents
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule, TenantPlan
from tests.harness.builders import (
    FREE_LIMITS,
    HERE,
    PAID,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_organization,
)

if TYPE_CHECKING:
    from reconciler.plan.action import Action

BECAUSE = Verdict(Rule.LOWERING_NEEDS_A_CAUSE, "nobody asked for it", "ask for it")
ROOMY = 10


def about(path: str, before: str, after: str) -> dict[str, Any]:
    """What every action of tenant acme has, with one change."""
    return {"tenant": "acme", "reason": "", "source": HERE, "changes": (FieldChange(path, before, after),)}


def create(branch: str, parent: str = "main", purpose: Purpose = Purpose.DEV_BRANCH) -> CreateBranch:
    stated = about(f"dev_branches.{branch}", "absent", "present")
    return CreateBranch(**stated, branch=branch, parent=parent, purpose=purpose)


def delete(branch: str, purpose: Purpose = Purpose.DEV_BRANCH, *, early: bool = False) -> DeleteBranch:
    stated = about(f"dev_branches.{branch}", "present", "absent")
    return DeleteBranch(**stated, branch=branch, branch_id=f"br-{branch}", purpose=purpose, before_transfer=early)


def take(snapshot: str) -> CreateSnapshot:
    return CreateSnapshot(**about(f"snapshots.{snapshot}", "absent", "present"), snapshot=snapshot, branch="main")


def remove(snapshot: str, *, early: bool = False) -> DeleteSnapshot:
    stated = about(f"snapshots.{snapshot}", "present", "absent")
    return DeleteSnapshot(**stated, snapshot=snapshot, snapshot_id=f"snap-{snapshot}", before_transfer=early)


def rename(branch: str, to: str) -> PatchBranch:
    return PatchBranch(**about(f"dev_branches.{to}.name", branch, to), branch=branch)


def move(origin: str, destination: str) -> TransferProject:
    stated = about("organization", origin, destination)
    return TransferProject(**stated, origin=origin, destination=destination, downgrade=False)


def waiting(
    *actions: Action, held: Action, children: dict[str, str] | None = None, limit: int | None = ROOMY
) -> list[Action]:
    """What waits beside ``held``. The project has a branch for each child and parent; ``free`` allows so many."""
    parents = children or {}
    deleted = {action.branch for action in actions if isinstance(action, DeleteBranch)}
    branches = [
        a_branch(id=f"br-{name}", name=name, default=False, parent_id=f"br-{parents.get(name, 'p-acme')}")
        for name in sorted({*parents, *parents.values(), *deleted})
    ]
    project = a_project(branches=(a_branch(), *branches))
    free = an_organization("free", replace(FREE_LIMITS, branches=limit))
    context = TenantContext(
        TenantPlan("acme", project, actions),
        a_fleet(a_tenant(), organizations=(free, PAID)),
        a_view(project),
        Permissions(),
    )
    found = with_dependents({held: {held.changes[0]: BECAUSE}}, context)
    assert {verdict for changes in found.values() for verdict in changes.values()} == {BECAUSE}, (
        "for the same reason"
    )
    return [action for action in found if action is not held]


@pytest.mark.parametrize("early", [True, False], ids=["for a move", "at the limit"])
def test_a_snapshot_waits_as_long_as_the_one_that_makes_room_may_not_go(early: bool) -> None:
    old, new = remove("v1", early=early), take("v2")
    assert waiting(old, new, held=old) == [new]


def test_a_snapshot_that_is_a_branch_waits_in_the_same_way() -> None:
    old, new = delete("v1", Purpose.SNAPSHOT), create("v2", purpose=Purpose.SNAPSHOT)
    assert waiting(old, new, held=old) == [new]


def test_a_snapshot_does_not_wait_for_a_development_branch() -> None:
    old, new = delete("dev"), take("v1")
    assert waiting(old, new, held=old) == []


def test_a_parent_stays_as_long_as_any_of_its_children_does() -> None:
    lowest, middle, top = delete("lowest"), delete("middle"), delete("top")
    family = {"lowest": "middle", "middle": "top"}
    assert waiting(lowest, middle, top, held=lowest, children=family) == [middle, top]


def test_a_child_does_not_wait_for_its_parent_to_go() -> None:
    child, parent = delete("child"), delete("parent")
    assert waiting(child, parent, held=parent, children={"child": "parent"}) == []


def test_a_branch_waits_for_the_one_that_it_starts_from_and_so_do_those_below() -> None:
    parent, child, grandchild, other = create("a"), create("b", "a"), create("c", "b"), create("d")
    assert waiting(parent, child, grandchild, other, held=parent) == [child, grandchild]


def test_a_branch_waits_for_its_parent_to_get_its_name_back() -> None:
    parent, child, other = rename("by hand", "a"), create("b", "a"), create("c", "by hand")
    assert waiting(parent, child, other, held=parent) == [child]


class TestRoom:
    """Main and the branch that may not go fill an organization that allows two."""

    def test_a_branch_waits_where_there_is_room_only_without_what_may_not_go(self) -> None:
        old, new = delete("old"), create("new")
        assert waiting(old, new, held=old, limit=2) == [new]

    @pytest.mark.parametrize("limit", [3, None])
    def test_but_not_where_there_is_room_for_both(self, limit: int | None) -> None:
        old, new = delete("old"), create("new")
        assert waiting(old, new, held=old, limit=limit) == []

    def test_only_as_many_go_ahead_as_there_is_room_for(self) -> None:
        old, first, second = delete("old"), create("first"), create("second")
        assert waiting(old, first, second, held=old, limit=3) == [second]

    def test_what_may_go_makes_room(self) -> None:
        old, gone, first, second = delete("old"), delete("gone"), create("first"), create("second")
        assert waiting(old, gone, first, second, held=old, limit=3) == [second]

    def test_counts_where_the_project_moves_to(self) -> None:
        old, new = delete("old"), create("new")
        assert waiting(old, move("free", "paid"), new, held=old, limit=2) == []

    def test_what_waits_takes_no_room(self) -> None:
        old, parent, child = delete("old"), rename("by hand", "a"), create("b", "a")
        free, other = create("c"), create("d")
        assert waiting(old, parent, child, free, held=parent, limit=2) == [child]
        assert waiting(old, free, other, held=old, limit=3) == [other]

"""Whether Neon keeps the annotations of a creation, which is not documented, and which new projects need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.annotations import BRANCH, MANAGED_BY, PRODUCT
from reconciler.plan.actions.branch import CreateBranch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.live.project import LiveBranch
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action


def keeps_annotations(branches: Iterable[LiveBranch]) -> bool:
    """Return whether one of these branches has the annotations of a project's creation."""
    notes = (branch.annotations for branch in branches)
    return any(note.get(MANAGED_BY) == PRODUCT and BRANCH not in note for note in notes)


def observed_to_keep(live: LiveState) -> bool:
    """Return whether a project with the annotations of its creation was observed: then Neon keeps them."""
    return any(keeps_annotations(project.branches) for project in live.projects if project.branches)


def may_need_mark(actions: Iterable[Action]) -> bool:
    """Return whether only the annotations of its creation would say whose a new project is.

    A branch that the plan creates in it has annotations of its own, which say so too.
    """
    return not any(isinstance(action, CreateBranch) for action in actions)

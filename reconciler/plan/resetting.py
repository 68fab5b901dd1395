"""The reset of a branch that a person asks for: it gets the current data of its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct

from reconciler.model.annotations import PURPOSE, Purpose
from reconciler.plan.concerns.branch_resets import hindrance, reset_of, source_of
from reconciler.plan.kept_branches import is_kept
from reconciler.plan.restore_effects import asked_for
from reconciler.plan.restoring import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.live.project import LiveBranch
    from reconciler.plan.actions.branch import ResetBranch
    from reconciler.plan.commanded import Subject
    from reconciler.plan.comparison import Finding

REMOVE_IT: Final = "remove the obstacle; or remove the branch from the tenant's file, apply, and declare it again"


class ResetToParent(Struct, frozen=True, kw_only=True):
    """POST /projects/{id}/branches/{id}/restore from the parent."""

    name: ClassVar = "branch reset"
    tenant: str
    branch: str

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield the reset, or why it is not possible."""
        branches = subject.project.branches or ()
        found = next((branch for branch in branches if branch.name == self.branch), None)
        if found is None:
            names = ", ".join(sorted(branch.name for branch in branches if not branch.default)) or "none"
            yield refused(subject, f"there is no branch {self.branch!r}", f"its branches are: {names}")
        elif why := _impossible(subject, found):
            message, remedy = why
            yield refused(subject, f"branch {self.branch!r} cannot be reset: {message}", remedy)
        else:
            yield self._reset(subject, found)

    def _reset(self, subject: Subject, branch: LiveBranch) -> ResetBranch:
        source = source_of(subject.project, branch)
        source_name = branch.name if source is None else source.name
        (change,) = asked_for(f"branches.{branch.name}", "its own data", f"the data of {source_name}")
        return reset_of(subject.project, subject.tenant, branch, f"reset to {source_name}", change)


def _impossible(subject: Subject, branch: LiveBranch) -> tuple[str, str] | None:
    """Why, and the remedy."""
    history = f"`reconciler history {subject.tenant.name}` lists what `reconciler restore` returns to"
    if branch.default:
        return "it is the default branch, which has no parent", history
    if is_kept(branch):
        return "it holds the state that a restore replaced", history
    if branch.annotations.get(PURPOSE) == Purpose.SNAPSHOT.value:
        return "it is kept as a snapshot", history
    parents = frozenset(one.parent_id for one in subject.project.branches or ())
    why = hindrance(subject.project, branch, parents, subject.now)
    return None if why is None else (why, REMOVE_IT)

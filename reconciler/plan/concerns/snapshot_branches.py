"""Which branches are snapshots: those made as such, those that a file calls so now, and any of a declared name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.plan.concerns.moments import expired
from reconciler.plan.ownership import Purpose, declared_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.live.project import LiveBranch
    from reconciler.plan.case import Case


def wanted_names(case: Case) -> frozenset[str]:
    """Of the declared snapshots that have not expired."""
    return frozenset(one.name for one in case.settings.snapshots or () if not expired(one.expires_at, case.now))


def dev_branch_names(case: Case) -> frozenset[str]:
    """Of the declared development branches; what is one is no snapshot, whatever it was made as."""
    return frozenset(branch.name for branch in case.settings.dev_branches or ())


def handed_over(case: Case) -> Mapping[str, str]:
    """Development branches that a file calls snapshots now, by their ids: without another copy, they are it.

    Deleted as branches that are declared no more, they would be replaced by copies of today.
    """
    names = wanted_names(case) - dev_branch_names(case)
    if not names:
        return {}
    others = {snapshot.name for snapshot in case.project.snapshots or () if snapshot.manual}
    others |= {name for branch in case.project.branches or () if (name := made_as_snapshot(case, branch))}
    made = ((b, declared_name(b, case.fleet, Purpose.DEV_BRANCH)) for b in case.project.branches or ())
    return {b.id: name for b, name in made if name in names and name not in others and not b.default}


def made_as_snapshot(case: Case, branch: LiveBranch) -> str | None:
    """The name under which the branch was made as a snapshot; None for one that a file calls a branch now."""
    name = declared_name(branch, case.fleet, Purpose.SNAPSHOT)
    return None if branch.name in dev_branch_names(case) else name


@dataclass(frozen=True, slots=True)
class SnapshotBranches:
    """The branches of a project that count as snapshots."""

    case: Case
    staying: tuple[LiveBranch, ...]
    """Without those that are about to be deleted."""
    renamed: Mapping[str, str]
    """New names of branches that are about to be renamed, by their present ones."""

    def made_here(self) -> dict[str, tuple[LiveBranch, str]]:
        """By id, each with the name that the files have for it; one that was renamed still is what it was."""
        names = {self._called(branch) for branch in self.staying}
        wanted = wanted_names(self.case)
        found = {}
        for branch in self.staying:
            made_as = made_as_snapshot(self.case, branch)
            if made_as is not None:
                known = made_as in wanted and made_as not in names
                found[branch.id] = (branch, made_as if known else self._called(branch))
        given = handed_over(self.case)
        return found | {branch.id: (branch, given[branch.id]) for branch in self.staying if branch.id in given}

    def of_a_declared_name(self) -> dict[str, tuple[LiveBranch, str]]:
        """By id: what was made by hand under the name of a declared snapshot."""
        wanted = wanted_names(self.case)
        called = ((branch, self._called(branch)) for branch in self.staying if not branch.default)
        return {branch.id: (branch, name) for branch, name in called if name in wanted}

    def removable(self, branch: LiveBranch) -> bool:
        """Whether it was made here as a snapshot, is still called so, and Neon deletes it."""
        alike = made_as_snapshot(self.case, branch) == branch.name
        hindered = branch.protected or branch.default or branch.parent_id is None
        return alike and not hindered and branch.id not in {other.parent_id for other in self.staying}

    def _called(self, branch: LiveBranch) -> str:
        return self.renamed.get(branch.name, branch.name)

"""Which branches are snapshots: those made as such, those that a file calls so now, and any of a declared name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.model.annotations import Purpose
from reconciler.plan.concerns.moments import expired
from reconciler.plan.ownership import declared_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.live.project import LiveBranch
    from reconciler.plan.case import Case


@dataclass(frozen=True)
class SnapshotBranches:
    """The branches of a project that count as snapshots."""

    case: Case
    leaving: Collection[str] = ()
    """Ids of branches that are about to be deleted."""
    renamed: Mapping[str, str] | None = None
    """New names of branches that are about to be renamed, by their present ones."""

    def made_here(self) -> dict[str, tuple[LiveBranch, str]]:
        """By id, each with the name that the files have for it; one that was renamed still is what it was."""
        names = {self._called(branch) for branch in self._staying}
        found = {}
        for branch in self._staying:
            if (made_as := self._made_as.get(branch.id)) is not None:
                known = made_as in self._wanted and made_as not in names
                found[branch.id] = (branch, made_as if known else self._called(branch))
        given = self.handed_over()
        return found | {branch.id: (branch, given[branch.id]) for branch in self._staying if branch.id in given}

    def handed_over(self) -> dict[str, str]:
        """Development branches that a file calls snapshots now, by their ids: without another copy, they are it.

        Deleted as branches that are declared no more, they would be replaced by copies of today.
        """
        names = self._wanted - self._dev_branches
        if not names:
            return {}
        live, fleet = self.case.project.branches or (), self.case.fleet
        others = {snapshot.name for snapshot in self.case.project.snapshots or () if snapshot.manual}
        others.update(self._made_as.values())
        made = ((b, declared_name(b, fleet, Purpose.DEV_BRANCH)) for b in live if not b.default)
        return {branch.id: name for branch, name in made if name in names and name not in others}

    def of_a_declared_name(self) -> dict[str, tuple[LiveBranch, str]]:
        """By id: what was made by hand under the name of a declared snapshot."""
        called = ((branch, self._called(branch)) for branch in self._staying if not branch.default)
        return {branch.id: (branch, name) for branch, name in called if name in self._wanted}

    def removable(self, branch: LiveBranch) -> bool:
        """Whether it was made here as a snapshot, is still called so, and Neon deletes it."""
        alike = self._made_as.get(branch.id) == branch.name
        return alike and not (
            branch.protected or branch.default or branch.parent_id is None or branch.id in self._parents
        )

    @cached_property
    def _staying(self) -> tuple[LiveBranch, ...]:
        return tuple(branch for branch in self.case.project.branches or () if branch.id not in self.leaving)

    @cached_property
    def _parents(self) -> frozenset[str | None]:
        return frozenset(branch.parent_id for branch in self._staying)

    @cached_property
    def _wanted(self) -> frozenset[str]:
        """Names of the declared snapshots that have not expired."""
        declared = self.case.settings.snapshots or ()
        return frozenset(one.name for one in declared if not expired(one.expires_at, self.case.now))

    @cached_property
    def _dev_branches(self) -> frozenset[str]:
        """Names of the declared development branches; what is one is no snapshot, whatever it was made as."""
        return frozenset(branch.name for branch in self.case.settings.dev_branches or ())

    @cached_property
    def _made_as(self) -> dict[str, str]:
        """The names under which branches were made as snapshots, by their ids."""
        live = self.case.project.branches or ()
        made = ((branch, declared_name(branch, self.case.fleet, Purpose.SNAPSHOT)) for branch in live)
        return {branch.id: name for branch, name in made if name and branch.name not in self._dev_branches}

    def _called(self, branch: LiveBranch) -> str:
        return (self.renamed or {}).get(branch.name, branch.name)

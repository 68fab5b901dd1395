"""Matches declared development branches with live branches, and finds our branches that are no longer declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.annotations import Purpose
from reconciler.plan.concerns.snapshot_by_branch import SnapshotBranches
from reconciler.plan.concerns.times import expired
from reconciler.plan.kept_branches import is_kept
from reconciler.plan.ownership import declared_name

if TYPE_CHECKING:
    from collections.abc import Container

    from reconciler.live.project import LiveBranch
    from reconciler.plan.comparison import Comparison


class BranchMatching:
    """The unexpired development branches that a tenant declares, and the live branches."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._live = comparison.project.branches or ()
        self._by_name = {branch.name: branch for branch in self._live}
        declared = comparison.settings.dev_branches or ()
        self.declared = [branch for branch in declared if not expired(branch.expires_at, comparison.now)]
        self._names = {branch.name for branch in self.declared}
        self._renamed: dict[str, LiveBranch] = {}
        self._snapshots = SnapshotBranches(comparison).handed_over()
        self._ended = {branch.name for branch in declared} - self._names
        self._children: dict[str, list[LiveBranch]] = {}
        for branch in self._live:
            if (name := self._ours(branch)) is not None and self._strays(branch):
                self._renamed.setdefault(name, branch)
            self._children.setdefault(branch.parent_id or "", []).append(branch)
        self.default_name = next((branch.name for branch in self._live if branch.default), "")
        """Name of the default branch: the parent of a branch that declares none."""

    def of(self, name: str) -> LiveBranch | None:
        """The live branch for a declared name: the branch with this name, or one created under it and renamed.

        A renamed branch that now has another declared name matches that name.
        """
        if name in self._by_name:
            return self._by_name[name]
        return self._renamed.get(name)

    def declared_as(self, branch: LiveBranch) -> str:
        """Return the name under which the branch was created."""
        return self._ours(branch) or branch.name

    def undeclared(self) -> list[LiveBranch]:
        """Return our branches that match no declared branch and have to be deleted.

        Left out: branches that a restore replaced or that have expired, branches that the file now declares as
        snapshots, and branches whose expiry was extended by a reset.
        """
        return [
            branch
            for branch in self._live
            if (name := self._ours(branch)) is not None
            and name not in self._names
            and self._strays(branch)
            and not branch.default
            and branch.id not in self._snapshots
            and not (name in self._ended and branch.moved_by_a_reset)
            and not expired(branch.expires_at, self._comparison.now)  # Neon deletes it some time after the expiry
        ]

    def hindrance(self, branch: LiveBranch, doomed: Container[str]) -> str | None:
        """Return why Neon cannot delete the branch, or None. ``doomed`` are the ids of the branches to delete."""
        if branch.protected:
            return "it is protected in Neon"
        if branch.parent_id is None:
            return "it is a root branch, which Neon cannot delete"
        children = self._children.get(branch.id, ())
        staying = next((child.name for child in children if child.id not in doomed), None)
        return None if staying is None else f"it has the child branch {staying!r}"

    def _ours(self, branch: LiveBranch) -> str | None:
        return declared_name(branch, self._comparison.fleet, Purpose.DEV_BRANCH)

    def _strays(self, branch: LiveBranch) -> bool:
        return branch.name not in self._names and not is_kept(branch)

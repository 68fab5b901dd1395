"""Which live branch a declared development branch is, and which of ours is declared no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import Purpose
from reconciler.plan.concerns.snapshot_by_branch import SnapshotBranches
from reconciler.plan.concerns.times import expired
from reconciler.plan.ownership import declared_name

if TYPE_CHECKING:
    from collections.abc import Container

    from reconciler.live.project import LiveBranch
    from reconciler.plan.case import Case

RESTORED: Final = " (old)"
"""Neon: a restore keeps the replaced branch, annotations included, under its name with this ending."""


class BranchMatching:
    """The development branches that a tenant declares and that have not expired, beside the live ones."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._live = case.project.branches or ()
        self._by_name = {branch.name: branch for branch in self._live}
        declared = case.settings.dev_branches or ()
        self.declared = [branch for branch in declared if not expired(branch.expires_at, case.now)]
        self._names = {branch.name for branch in self.declared}
        self._renamed: dict[str, LiveBranch] = {}
        self._snapshots = SnapshotBranches(case).handed_over()
        self._ended = {branch.name for branch in declared} - self._names
        self._children: dict[str, list[LiveBranch]] = {}
        for branch in self._live:
            if (name := self._ours(branch)) is not None and self._strays(branch):
                self._renamed.setdefault(name, branch)
            self._children.setdefault(branch.parent_id or "", []).append(branch)
        self.default_name = next((branch.name for branch in self._live if branch.default), "")
        """Of the default branch, which a branch without a stated parent starts from."""

    def of(self, name: str) -> LiveBranch | None:
        """The live branch that a declared one stands for: of its name, or made under it and renamed since.

        One that now has another declared name stands for that one.
        """
        if name in self._by_name:
            return self._by_name[name]
        return self._renamed.get(name)

    def declared_as(self, branch: LiveBranch) -> str:
        """The name under which it was created here."""
        return self._ours(branch) or branch.name

    def undeclared(self) -> list[LiveBranch]:
        """Branches of ours that no declared one stands for, but for what a restore or an expiry sees to.

        Nor is one that a file calls a snapshot now, or that lasts longer than its file says because it was reset.
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
            and not expired(branch.expires_at, self._case.now)  # Neon deletes it some time after the moment
        ]

    def hindrance(self, branch: LiveBranch, doomed: Container[str]) -> str | None:
        """Why the branch cannot be deleted, given the ids of those that are."""
        if branch.protected:
            return "it is protected in Neon"
        if branch.parent_id is None:
            return "it is a root branch, and Neon deletes none"
        children = self._children.get(branch.id, ())
        staying = next((child.name for child in children if child.id not in doomed), None)
        return None if staying is None else f"{staying!r} is a child of it"

    def _ours(self, branch: LiveBranch) -> str | None:
        return declared_name(branch, self._case.fleet, Purpose.DEV_BRANCH)

    def _strays(self, branch: LiveBranch) -> bool:
        return branch.name not in self._names and not branch.name.endswith(RESTORED)

"""Snapshots kept as branches without a compute, as Neon's guide for agent platforms describes them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.annotations import Purpose
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch
from reconciler.plan.concerns.snapshot_limits import KeptSnapshot
from reconciler.plan.concerns.times import expired, hindrance, moved_of_branch, reset_note
from reconciler.plan.ownership import declared_name
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reconciler.desired.tenant import Snapshot
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.change import FieldChange
    from reconciler.plan.comparison import Comparison, Finding


class SnapshotBranches(Struct, frozen=True, dict=True):
    """The branches of a project that count as snapshots."""

    comparison: Comparison
    leaving: Collection[str] = ()
    """Ids of branches that the plan deletes."""
    renamed: Mapping[str, str] | None = None
    """New names of branches that the plan renames, by current name."""

    def made_here(self) -> dict[str, tuple[LiveBranch, str]]:
        """Branches created as snapshots, by id, each with its name in the files. A rename keeps the kind."""
        names = {self._called(branch) for branch in self._staying}
        found = {}
        for branch in self._staying:
            if (made_as := self._made_as.get(branch.id)) is not None:
                known = made_as in self._wanted and made_as not in names
                found[branch.id] = (branch, made_as if known else self._called(branch))
        handed_over = self.handed_over()
        return found | {
            branch.id: (branch, handed_over[branch.id]) for branch in self._staying if branch.id in handed_over
        }

    def handed_over(self) -> dict[str, str]:
        """Return development branches, by id, that a file now declares as snapshots and that have no other copy.

        Deleting them as no longer declared would replace them by copies of the current data.
        """
        names = self._wanted - self._dev_branches
        if not names:
            return {}
        live, fleet = self.comparison.project.branches or (), self.comparison.fleet
        others = {snapshot.name for snapshot in self.comparison.project.snapshots or () if snapshot.manual}
        others.update(self._made_as.values())
        made = ((b, declared_name(b, fleet, Purpose.DEV_BRANCH)) for b in live if not b.default)
        return {branch.id: name for branch, name in made if name in names and name not in others}

    def of_a_declared_name(self) -> dict[str, tuple[LiveBranch, str]]:
        """Return branches, by id, that were created by hand under the name of a declared snapshot."""
        called = ((branch, self._called(branch)) for branch in self._staying if not branch.default)
        return {branch.id: (branch, name) for branch, name in called if name in self._wanted}

    def removable(self, branch: LiveBranch) -> bool:
        """Return whether the branch was created as a snapshot, has its original name, and can be deleted."""
        alike = self._made_as.get(branch.id) == branch.name
        return alike and not (
            branch.protected or branch.default or branch.parent_id is None or branch.id in self._parents
        )

    @cached_property
    def _staying(self) -> tuple[LiveBranch, ...]:
        return tuple(branch for branch in self.comparison.project.branches or () if branch.id not in self.leaving)

    @cached_property
    def _parents(self) -> frozenset[str | None]:
        return frozenset(branch.parent_id for branch in self._staying)

    @cached_property
    def _wanted(self) -> frozenset[str]:
        """Names of the declared snapshots that have not expired."""
        declared = self.comparison.settings.snapshots or ()
        return frozenset(one.name for one in declared if not expired(one.expires_at, self.comparison.now))

    @cached_property
    def _dev_branches(self) -> frozenset[str]:
        """Names of the declared development branches; none of them counts as a snapshot."""
        return frozenset(branch.name for branch in self.comparison.settings.dev_branches or ())

    @cached_property
    def _made_as(self) -> dict[str, str]:
        """The names under which branches were created as snapshots, by id."""
        live = self.comparison.project.branches or ()
        made = ((branch, declared_name(branch, self.comparison.fleet, Purpose.SNAPSHOT)) for branch in live)
        return {branch.id: name for branch, name in made if name and branch.name not in self._dev_branches}

    def _called(self, branch: LiveBranch) -> str:
        return (self.renamed or {}).get(branch.name, branch.name)


class ByBranch:
    """``method: branch``."""

    reads_snapshots = False

    def kept(self, comparison: Comparison, planned: Sequence[Finding]) -> tuple[KeptSnapshot, ...]:
        """Return branches created as snapshots, and any other branch with the name of a declared snapshot."""
        found = _branches(comparison, planned)
        return tuple(_kept(found, *one) for one in (found.of_a_declared_name() | found.made_here()).values())

    def certain(self, comparison: Comparison, planned: Sequence[Finding]) -> tuple[KeptSnapshot, ...]:
        """Return branches created as snapshots. Another branch with the same name may be anything."""
        found = _branches(comparison, planned)
        return tuple(_kept(found, *one) for one in found.made_here().values())

    def taken_name(self, project: LiveProject, name: str) -> str | None:
        """Return why a name cannot be used: the default branch has it."""
        default = project.default_branch
        return "the default branch has this name" if default and default.name == name else None

    def hindrance(self, project: LiveProject) -> str | None:  # noqa: ARG002 - any branch has children
        """Return None: any branch can have children."""
        return None

    def room(self, comparison: Comparison, planned: Sequence[Finding]) -> int | None:
        """Return how many more branches the organization allows in the project (Neon counts all branches)."""
        if comparison.limits.branches is None:
            return None
        made = sum(isinstance(finding, CreateBranch) for finding in planned)
        gone = sum(isinstance(finding, DeleteBranch) for finding in planned)
        return max(0, comparison.limits.branches - len(comparison.project.branches or ()) - made + gone)

    def take(self, comparison: Comparison, snapshot: Snapshot, change: FieldChange) -> CreateBranch:
        """Return the creation of a child of the default branch, without a compute."""
        default = comparison.project.default_branch
        return CreateBranch(
            tenant=comparison.tenant.name,
            reason="declared",
            source=comparison.tenant.location,
            changes=(change,),
            branch=snapshot.name,
            parent=default.name if default else "",
            purpose=Purpose.SNAPSHOT,
            at=snapshot.at,
            expires_at=snapshot.expires_at,
            with_compute=False,
        )

    def expiry(self, comparison: Comparison, snapshot: Snapshot, kept: KeptSnapshot) -> Iterator[Finding]:
        """Yield the change of the branch's expiry, or a note why it cannot be changed."""
        branches = comparison.project.branches or ()
        live = next(branch for branch in branches if branch.id == kept.id)
        parents = frozenset(branch.parent_id for branch in branches)
        yield from reset_note(comparison, f"snapshot {snapshot.name!r}", live, snapshot.expires_at)
        changes = tuple(moved_of_branch(comparison, f"snapshots.{snapshot.name}", live, snapshot.expires_at))
        if changes and (
            why := hindrance(comparison, kept.path, live, snapshot.expires_at, parents, protected=live.protected)
        ):
            message = f"the expiry of snapshot {snapshot.name!r} cannot be changed: {why}"
            yield Note.about(comparison.tenant, message)
        elif changes:
            yield PatchBranch(
                tenant=comparison.tenant.name,
                reason="differs from the tenant's file",
                source=comparison.tenant.location,
                changes=changes,
                branch=live.name,
            )

    def remove(
        self,
        comparison: Comparison,
        kept: KeptSnapshot,
        change: FieldChange,
        *,
        reason: str,
        early: bool,
        late: bool = False,
    ) -> DeleteBranch:
        """Return the deletion of the branch."""
        return DeleteBranch(
            tenant=comparison.tenant.name,
            reason=reason,
            source=comparison.tenant.location,
            changes=(change,),
            branch=kept.name,
            branch_id=kept.id,
            purpose=Purpose.SNAPSHOT,
            before_transfer=early,
            after_new=late,
        )


def _branches(comparison: Comparison, planned: Sequence[Finding]) -> SnapshotBranches:
    leaving = {finding.branch_id for finding in planned if isinstance(finding, DeleteBranch)}
    renamed = {f.branch: f.rename_to for f in planned if isinstance(f, PatchBranch) and f.rename_to}
    return SnapshotBranches(comparison, leaving, renamed)


def _kept(found: SnapshotBranches, branch: LiveBranch, name: str) -> KeptSnapshot:
    return KeptSnapshot(name, branch.id, branch.created_at, found.removable(branch), branch.expires_at)


METHOD = ByBranch()

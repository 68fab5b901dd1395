"""Snapshots kept as branches without a compute, as Neon's guide for agent platforms describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.annotations import Purpose
from reconciler.plan.action import CreateBranch, DeleteBranch, PatchBranch
from reconciler.plan.concerns.expiry import hindrance, moved_of_branch, reset_note
from reconciler.plan.concerns.snapshot_branches import SnapshotBranches
from reconciler.plan.concerns.snapshot_method import Kept
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.desired.tenant import Snapshot
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.case import Case, Finding
    from reconciler.plan.change import FieldChange


class ByBranch:
    """``method: branch``."""

    reads_snapshots = False

    def kept(self, case: Case, planned: Sequence[Finding]) -> tuple[Kept, ...]:
        """Branches created here as snapshots, and any that was made by hand under a declared name."""
        found = _branches(case, planned)
        return tuple(_kept(found, *one) for one in (found.of_a_declared_name() | found.made_here()).values())

    def copies(self, case: Case, planned: Sequence[Finding]) -> tuple[Kept, ...]:
        """Those that were created here: beside a snapshot, a branch of its name may be anything."""
        found = _branches(case, planned)
        return tuple(_kept(found, *one) for one in found.made_here().values())

    def taken_name(self, project: LiveProject, name: str) -> str | None:
        """The default branch has it: every other branch of a declared name counts as the snapshot."""
        default = project.default_branch
        return "it is the name of the default branch" if default and default.name == name else None

    def hindrance(self, project: LiveProject) -> str | None:  # noqa: ARG002 - any branch has children
        """None: a branch can be made of any branch."""
        return None

    def room(self, case: Case, planned: Sequence[Finding]) -> int | None:
        """As many as the project may still have branches (Neon counts all of them)."""
        if case.limits.branches is None:
            return None
        made = sum(isinstance(finding, CreateBranch) for finding in planned)
        gone = sum(isinstance(finding, DeleteBranch) for finding in planned)
        return max(0, case.limits.branches - len(case.project.branches or ()) - made + gone)

    def take(self, case: Case, snapshot: Snapshot, change: FieldChange) -> CreateBranch:
        """A child of the default branch, without a compute."""
        default = case.project.default_branch
        return CreateBranch(
            tenant=case.tenant.name,
            reason="declared",
            source=case.tenant.location,
            changes=(change,),
            branch=snapshot.name,
            parent=default.name if default else "",
            purpose=Purpose.SNAPSHOT,
            at=snapshot.at,
            expires_at=snapshot.expires_at,
            with_compute=False,
        )

    def expiry(self, case: Case, snapshot: Snapshot, kept: Kept) -> Iterator[Finding]:
        """As of any branch."""
        branches = case.project.branches or ()
        live = next(branch for branch in branches if branch.id == kept.id)
        parents = frozenset(branch.parent_id for branch in branches)
        yield from reset_note(case, f"snapshot {snapshot.name!r}", live, snapshot.expires_at)
        changes = tuple(moved_of_branch(case, f"snapshots.{snapshot.name}", live, snapshot.expires_at))
        if changes and (why := hindrance(case, live, snapshot.expires_at, parents)):
            message = f"the expiry of snapshot {snapshot.name!r} is left as it is: {why}"
            yield Note(case.tenant.name, message, case.tenant.location)
        elif changes:
            yield PatchBranch(
                tenant=case.tenant.name,
                reason="differs from the tenant's file",
                source=case.tenant.location,
                changes=changes,
                branch=live.name,
            )

    def remove(self, case: Case, kept: Kept, change: FieldChange, *, reason: str, early: bool) -> DeleteBranch:
        """The branch."""
        return DeleteBranch(
            tenant=case.tenant.name,
            reason=reason,
            source=case.tenant.location,
            changes=(change,),
            branch=kept.name,
            branch_id=kept.id,
            purpose=Purpose.SNAPSHOT,
            before_transfer=early,
        )


def _branches(case: Case, planned: Sequence[Finding]) -> SnapshotBranches:
    leaving = {finding.branch_id for finding in planned if isinstance(finding, DeleteBranch)}
    renamed = {f.branch: f.rename_to for f in planned if isinstance(f, PatchBranch) and f.rename_to}
    return SnapshotBranches(case, leaving, renamed)


def _kept(found: SnapshotBranches, branch: LiveBranch, name: str) -> Kept:
    return Kept(name, branch.id, branch.created_at, found.removable(branch), branch.expires_at)


METHOD = ByBranch()

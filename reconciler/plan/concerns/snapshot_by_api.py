"""Snapshots kept as Neon's own (beta): of root branches only, without annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.action import CreateSnapshot, DeleteSnapshot
from reconciler.plan.change import Origin
from reconciler.plan.concerns import refusals
from reconciler.plan.concerns.snapshot_limits import Kept
from reconciler.plan.concerns.times import moved
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.desired.tenant import Snapshot
    from reconciler.live.project import LiveProject
    from reconciler.plan.case import Case, Finding
    from reconciler.plan.change import FieldChange


STATE_IT: Final = "state the live expires_at in the file, or take another snapshot under another name"


class ByApi:
    """``method: api``."""

    reads_snapshots = True

    def kept(self, case: Case, planned: Sequence[Finding]) -> tuple[Kept, ...]:  # noqa: ARG002 - branches only
        """Manual ones; those of a schedule do not count (Neon: plans)."""
        return tuple(
            Kept(snapshot.name, snapshot.id, snapshot.created_at, expires_at=snapshot.expires_at)
            for snapshot in case.project.snapshots or ()
            if snapshot.manual
        )

    def copies(self, case: Case, planned: Sequence[Finding]) -> tuple[Kept, ...]:
        """All of them."""
        return self.kept(case, planned)

    def taken_name(self, project: LiveProject, name: str) -> None:  # noqa: ARG002 - names are not unique (Neon)
        """None: any name can be used again."""
        return

    def hindrance(self, project: LiveProject) -> str | None:
        """Neon: a snapshot can only be taken of a branch that has no parent."""
        default = project.default_branch
        if default is not None and default.parent_id is not None:
            return f"its default branch {default.name!r} has a parent: Neon takes snapshots of root branches only"
        return None

    def room(self, case: Case, planned: Sequence[Finding]) -> None:  # noqa: ARG002 - nothing else limits them
        """Any number."""
        return

    def take(self, case: Case, snapshot: Snapshot, change: FieldChange) -> CreateSnapshot:
        """Of the default branch, now or at a moment in its history."""
        default = case.project.default_branch
        return CreateSnapshot(
            tenant=case.tenant.name,
            reason="declared",
            source=case.tenant.location,
            changes=(change,),
            snapshot=snapshot.name,
            branch=default.name if default else "",
            at=snapshot.at,
            expires_at=snapshot.expires_at,
        )

    def expiry(self, case: Case, snapshot: Snapshot, kept: Kept) -> Iterator[Finding]:
        """Neon changes no snapshot's expiry (SnapshotUpdateRequest): it is refused to a commit, else reported."""
        for change in moved(case, f"snapshots.{snapshot.name}", kept.expires_at, snapshot.expires_at):
            if change.origin is Origin.CONFIG:
                message = f"snapshot {snapshot.name!r} exists, and expires_at of it changed in the file"
                yield refusals.refusal(case.tenant.name, message)
            else:
                live, file = change.before or "not set", change.after or "not set"
                message = f"expires_at of snapshot {snapshot.name!r} is {live}, and {file} in the file"
                tenants = (case.tenant.name,)
                yield Refusal(Rule.SNAPSHOT_EXPIRY, tenants, f"{message}: Neon cannot change it", STATE_IT, ())

    def remove(self, case: Case, kept: Kept, change: FieldChange, *, reason: str, early: bool) -> DeleteSnapshot:
        """For good: Neon recovers no snapshot."""
        return DeleteSnapshot(
            tenant=case.tenant.name,
            reason=reason,
            source=case.tenant.location,
            changes=(change,),
            snapshot=kept.name,
            snapshot_id=kept.id,
            before_transfer=early,
        )


METHOD = ByApi()

"""Snapshots kept as Neon snapshots (beta): of root branches only, without annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.change import Origin
from reconciler.plan.concerns import concern as refusals
from reconciler.plan.concerns.snapshot_limits import KeptSnapshot
from reconciler.plan.concerns.times import moved
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.desired.tenant import Snapshot
    from reconciler.live.project import LiveProject
    from reconciler.plan.change import FieldChange
    from reconciler.plan.comparison import Comparison, Finding


STATE_IT: Final = "declare the live expires_at in the file, or take a snapshot under another name"


class ByApi:
    """``method: api``."""

    reads_snapshots = True

    def kept(self, comparison: Comparison, planned: Sequence[Finding]) -> tuple[KeptSnapshot, ...]:  # noqa: ARG002 - branches only
        """Return manual snapshots; scheduled ones do not count against the limit (Neon: plans)."""
        return tuple(
            KeptSnapshot(snapshot.name, snapshot.id, snapshot.created_at, expires_at=snapshot.expires_at)
            for snapshot in comparison.project.snapshots or ()
            if snapshot.manual
        )

    def certain(self, comparison: Comparison, planned: Sequence[Finding]) -> tuple[KeptSnapshot, ...]:
        """Return all of them."""
        return self.kept(comparison, planned)

    def taken_name(self, project: LiveProject, name: str) -> None:  # noqa: ARG002 - names are not unique (Neon)
        """Return None: names need not be unique."""
        return

    def hindrance(self, project: LiveProject) -> str | None:
        """Neon: only a root branch can have snapshots."""
        default = project.default_branch
        if default is not None and default.parent_id is not None:
            return (
                f"its default branch {default.name!r} has a parent branch: Neon takes snapshots of root branches "
                "only"
            )
        return None

    def room(self, comparison: Comparison, planned: Sequence[Finding]) -> None:  # noqa: ARG002 - nothing else limits them
        """Return None: no other limit applies."""
        return

    def take(self, comparison: Comparison, snapshot: Snapshot, change: FieldChange) -> CreateSnapshot:
        """Take it of the default branch, now or at a time in its history."""
        default = comparison.project.default_branch
        return CreateSnapshot(
            tenant=comparison.tenant.name,
            reason="declared",
            source=comparison.tenant.location,
            changes=(change,),
            snapshot=snapshot.name,
            branch=default.name if default else "",
            at=snapshot.at,
            expires_at=snapshot.expires_at,
        )

    def expiry(self, comparison: Comparison, snapshot: Snapshot, kept: KeptSnapshot) -> Iterator[Finding]:
        """Neon cannot change an expiry (SnapshotUpdateRequest): a commit is refused, drift is reported."""
        for change in moved(comparison, f"snapshots.{snapshot.name}", kept.expires_at, snapshot.expires_at):
            if change.origin is Origin.CONFIG:
                message = f"snapshot {snapshot.name!r} exists, and the file changes its expires_at"
                yield refusals.made_at_creation(comparison.tenant.name, message)
            else:
                live, file = change.before or "not set", change.after or "not set"
                message = f"expires_at of snapshot {snapshot.name!r} is {live}, but {file} in the file"
                tenants = (comparison.tenant.name,)
                yield Refusal(Rule.SNAPSHOT_EXPIRY, tenants, f"{message}: Neon cannot change it", STATE_IT, ())

    def remove(
        self,
        comparison: Comparison,
        kept: KeptSnapshot,
        change: FieldChange,
        *,
        reason: str,
        early: bool,
        late: bool = False,
    ) -> DeleteSnapshot:
        """Return the deletion. It is permanent: Neon cannot recover a snapshot."""
        return DeleteSnapshot(
            tenant=comparison.tenant.name,
            reason=reason,
            source=comparison.tenant.location,
            changes=(change,),
            snapshot=kept.name,
            snapshot_id=kept.id,
            before_transfer=early,
            after_new=late,
        )


METHOD = ByApi()

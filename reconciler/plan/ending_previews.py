"""The end of a preview: its state becomes that of the default branch, or it is deleted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct

from reconciler.model.annotations import Purpose
from reconciler.model.moments import utc_text
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.actions.restore import FinalizeRestore
from reconciler.plan.kept_branches import kept_until_name
from reconciler.plan.plan import Note, Refusal
from reconciler.plan.previews import previews, state_of
from reconciler.plan.restore_effects import asked_for, effects_of_snapshot, snapshot_before
from reconciler.plan.restoring import (
    NO_BRANCH,
    RestoreFromSnapshot,
    RestoreTo,
    protected,
    refused,
)
from reconciler.plan.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.live.project import LiveBranch, LiveSnapshot
    from reconciler.plan.commanded import Subject
    from reconciler.plan.comparison import Finding

MAKE_ONE: Final = "make one with --preview"
_SNAPSHOT: Final = "snapshot "


class FinalizePreview(Struct, frozen=True):
    """The state that a preview shows becomes that of the default branch.

    The preview of a snapshot takes the place of the default branch, with what was written to it. For the preview
    of a moment, the default branch itself returns to that moment, because it would otherwise become a child of its
    preview (Neon); what was written to the preview is deleted with it.
    """

    name: ClassVar = "restore"
    tenant: str
    asked_at: datetime

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield the restore, and the deletion of a preview that it makes unnecessary."""
        default, fleet = subject.project.default_branch, subject.desired.fleet
        preview = next(previews(subject.project, fleet, subject.now), None)
        if default is None:
            yield refused(subject, *NO_BRANCH)
        elif preview is None:
            yield _no_preview(subject)
        elif preview.restore is not None and not preview.restore.finalized:
            yield from self._finalize(subject, default, preview)
        else:
            yield from self._restore(subject, preview, state_of(preview, fleet))

    def _finalize(self, subject: Subject, default: LiveBranch, preview: LiveBranch) -> Iterator[Finding]:
        snapshot = _snapshot_of(subject, preview)
        taken = {branch.name for branch in subject.project.branches or ()}
        keep_as = kept_until_name(default.name, self.asked_at, taken)
        name = snapshot.name if snapshot else state_of(preview, subject.desired.fleet).removeprefix(_SNAPSHOT)
        before = snapshot_before(subject, default, f"{_SNAPSHOT}{name}", self.asked_at)
        effects = tuple(effects_of_snapshot(subject, default, snapshot, keep_as)) if snapshot else ()
        finalize = FinalizeRestore(
            tenant=self.tenant,
            reason=f"restore to {_SNAPSHOT}{name}",
            source=subject.tenant.location,
            changes=asked_for(f"branches.{default.name}", "present", f"{_SNAPSHOT}{name}"),
            preview=preview.name,
            preview_id=preview.id,
            branch=default.name,
            keep_as=keep_as,
            effects=(*effects, before.effect),
        )
        if default.protected:
            yield protected(subject, default, finalize)
            return
        yield from before.actions
        yield finalize

    def _restore(self, subject: Subject, preview: LiveBranch, state: str) -> Iterator[Finding]:
        command: RestoreTo | RestoreFromSnapshot
        if state.startswith(_SNAPSHOT):
            command = RestoreFromSnapshot(
                tenant=self.tenant, asked_at=self.asked_at, snapshot=state.removeprefix(_SNAPSHOT)
            )
        elif (moment := _moment(state)) is not None:
            command = RestoreTo(tenant=self.tenant, asked_at=self.asked_at, to=moment)
        else:
            yield refused(subject, f"branch {preview.name!r} does not say what it is a preview of", "--discard it")
            return
        found = list(command.findings(subject))
        yield from found
        if not any(isinstance(one, Refusal) for one in found):
            yield _deletion(subject, preview)


class DiscardPreview(Struct, frozen=True):
    """The preview is deleted, and nothing else changes."""

    name: ClassVar = "restore"
    tenant: str
    asked_at: datetime

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield the deletion of each preview."""
        found = list(previews(subject.project, subject.desired.fleet, subject.now))
        for preview in found:
            yield _deletion(subject, preview)
        if not found:
            yield Note.about(subject.tenant, f"there is no preview: {MAKE_ONE}")


def _deletion(subject: Subject, preview: LiveBranch) -> DeleteBranch:
    return DeleteBranch(
        tenant=subject.tenant.name,
        reason="the end of the preview",
        source=subject.tenant.location,
        changes=asked_for(f"branches.{preview.name}", "present", "absent"),
        branch=preview.name,
        branch_id=preview.id,
        purpose=Purpose.PREVIEW,
    )


def _no_preview(subject: Subject) -> Finding:
    """A note where something was restored: the command was already carried out."""
    last = Timeline.of(subject.project, subject.now).last_restore
    if last is None or last.until is None:
        return refused(subject, "there is no preview to finalize", MAKE_ONE)
    return Note.about(
        subject.tenant, f"there is no preview: the last restore was carried out at {utc_text(last.until)}"
    )


def _snapshot_of(subject: Subject, preview: LiveBranch) -> LiveSnapshot | None:
    """The snapshot that the preview was made of; None if it was deleted meanwhile."""
    made = preview.restore
    found = (one for one in subject.project.snapshots or () if made and one.id == made.snapshot_id)
    return next(found, None)


def _moment(state: str) -> datetime | None:
    try:
        return datetime.fromisoformat(state)
    except ValueError:
        return None

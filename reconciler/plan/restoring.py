"""Restores the default branch to an earlier moment or to a snapshot, or makes a preview of that state."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct

from reconciler.model.annotations import Purpose
from reconciler.model.moments import rfc3339, utc_text
from reconciler.model.units import format_seconds
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.actions.restore import RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import PreviewSnapshot
from reconciler.plan.concerns.times import expired
from reconciler.plan.kept_branches import kept_name, restored_to
from reconciler.plan.ownership import declared_name
from reconciler.plan.plan import Note, Refusal, Rule
from reconciler.plan.previews import PREVIEW_LIFETIME, preview_name, preview_of, previews
from reconciler.plan.restore_effects import (
    asked_for,
    effects_of_moment,
    effects_of_snapshot,
    no_room,
    snapshot_before,
)
from reconciler.plan.timeline import PRECISION, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.live.project import LiveBranch, LiveSnapshot
    from reconciler.plan.action import Action
    from reconciler.plan.actions.restore import Restore
    from reconciler.plan.commanded import Subject
    from reconciler.plan.comparison import Finding

AGAIN: Final = "to do it again, add --again"


class RestoreTo(Struct, frozen=True, kw_only=True):
    """Restores to a moment: POST /projects/{id}/branches/{id}/restore."""

    name: ClassVar = "restore"
    tenant: str
    asked_at: datetime
    to: datetime
    ago: str | None = None
    """The length of time that a person asked for, such as ``2h``; None for a moment."""
    preview: bool = False
    again: bool = False
    """Whether a restore that was already done is done again."""

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield the restore or the preview and the snapshot before it, or the reason why neither is possible."""
        default = subject.project.default_branch
        timeline = Timeline.of(subject.project, subject.now)
        why = NO_BRANCH if default is None else self._impossible(subject, default, timeline)
        if default is None or why is not None:
            yield refused(subject, *(why or NO_BRANCH))
            return
        stretch = timeline.holding(self.to)
        if stretch is None:
            yield refused(subject, *_unreachable(subject, default, timeline, self.to))
            return
        source = RestoreSource(stretch.branch, stretch.at(self.to), rfc3339(self.to), self.to)
        if self.preview:
            yield from preview_findings(subject, source, self.asked_at)
        else:
            yield from restore_findings(subject, default, source, self.asked_at, again=self.again)

    def _impossible(self, subject: Subject, default: LiveBranch, timeline: Timeline) -> tuple[str, str] | None:
        if self.to > subject.now:
            return f"{utc_text(self.to)} lies in the future", "name an earlier moment"
        last = timeline.last_restore
        if self.ago is None or self.again or last is None or last.until is None or self.to >= last.until:
            return None
        if timeline.holding(self.to) is None:
            return None  # what is said of that moment is where it lies
        done = f"{self.ago} ago lies before the last restore of branch {default.name!r}, at {utc_text(last.until)}"
        return done, f"name the moment: --to {rfc3339(self.to)} undoes that restore too; or add --again"


class RestoreFromSnapshot(Struct, frozen=True, kw_only=True):
    """Restores from a snapshot (POST /projects/{id}/snapshots/{id}/restore) or from a branch kept as one."""

    name: ClassVar = "restore"
    tenant: str
    asked_at: datetime
    snapshot: str
    """Its name, or its id."""
    preview: bool = False
    again: bool = False

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield the restore or the preview and the snapshot before it, or the reason why neither is possible."""
        default = subject.project.default_branch
        if default is None:
            yield refused(subject, *NO_BRANCH)
            return
        if branch := snapshot_branch(subject, self.snapshot):
            yield from self._from_branch(subject, default, branch)
            return
        found = [s for s in subject.project.snapshots or () if self.snapshot in (s.id, s.name)]
        found = [one for one in found if not expired(one.expires_at, subject.now)]
        if len(found) != 1:
            yield refused(subject, *_not_one(self, found))
        elif self.preview:
            yield from self._preview(subject, default, found[0])
        else:
            yield from self._restore(subject, default, found[0])

    def _from_branch(self, subject: Subject, default: LiveBranch, branch: LiveBranch) -> Iterator[Finding]:
        source = RestoreSource(branch, None, f"snapshot {self.snapshot}", branch.created_at)
        if branch.expires_at is not None:
            message = (
                f"branch {branch.name!r}, which is kept as a snapshot, expires: Neon restores nothing from it"
            )
            yield refused(subject, message, "remove its expires_at from the tenant's file, and apply that first")
        elif self.preview:
            yield from preview_findings(subject, source, self.asked_at)
        else:
            yield from restore_findings(subject, default, source, self.asked_at, again=self.again)

    def _preview(self, subject: Subject, default: LiveBranch, snapshot: LiveSnapshot) -> Iterator[Finding]:
        called = preview_name(f"snapshot {snapshot.name}")
        if there := preview_there(subject, called):
            yield there
            return
        action = PreviewSnapshot(
            tenant=self.tenant,
            reason=f"preview of snapshot {snapshot.name}",
            source=subject.tenant.location,
            changes=asked_for(f"branches.{called}", "absent", "present"),
            snapshot=snapshot.name,
            snapshot_id=snapshot.id,
            branch=called,
            target_id=default.id,
        )
        yield no_room(subject, action) or action
        yield _note(
            subject, f"branch {called!r} gets a compute, and does not expire: --finalize or --discard ends it"
        )

    def _restore(self, subject: Subject, default: LiveBranch, snapshot: LiveSnapshot) -> Iterator[Finding]:
        made = default.restore
        if made is not None and made.snapshot_id == snapshot.id and made.finalized and not self.again:
            done = f"branch {default.name!r} was restored from snapshot {snapshot.name!r}"
            yield _note(subject, f"{done} at {utc_text(default.created_at)}: {AGAIN}")
            return
        before = snapshot_before(subject, default, f"snapshot {snapshot.name}", self.asked_at, snapshot.id)
        effects = tuple(effects_of_snapshot(subject, default, snapshot, f"{default.name} (old)"))
        action = RestoreSnapshot(
            tenant=self.tenant,
            reason=f"restore from snapshot {snapshot.name}",
            source=subject.tenant.location,
            changes=asked_for(f"branches.{default.name}", "present", f"snapshot {snapshot.name}"),
            snapshot=snapshot.name,
            snapshot_id=snapshot.id,
            branch=default.name,
            branch_id=default.id,
            effects=(*effects, before.effect),
        )
        if default.protected:
            yield protected(subject, default, action)
            return
        yield from _unless_full(subject, action, before.actions)


def protected(subject: Subject, default: LiveBranch, action: Restore) -> Refusal:
    """Return the refusal of a restore of a branch that somebody protects. Neon refuses only one to a moment."""
    message = f"branch {default.name!r} is protected in Neon, and no protected branch is restored"
    return Refusal(
        Rule.PROTECTED, (subject.tenant.name,), message, "remove the protection in the console first", (action,)
    )


class RestoreSource(Struct, frozen=True):
    """What a restore reads: a branch, at a moment of its history or as it is."""

    branch: LiveBranch
    at: datetime | None
    text: str
    """``2026-11-23T09:00:00Z`` or ``snapshot v1``."""
    moment: datetime


NO_BRANCH: Final = ("the project shows no default branch", "run again later")


def refused(subject: Subject, message: str, remedy: str, *actions: Action) -> Refusal:
    """Return the refusal of something that Neon would reject."""
    return Refusal(Rule.CANNOT_BE_DONE, (subject.tenant.name,), message, remedy, actions)


def restore_findings(
    subject: Subject, default: LiveBranch, source: RestoreSource, asked_at: datetime, *, again: bool
) -> Iterator[Finding]:
    """Yield the restore of the default branch to a state that a branch holds, and the snapshot before it."""
    if not again and (done := _done(subject, default, source.text)):
        yield done
        return
    taken = {branch.name for branch in subject.project.branches or ()}
    keep_as = kept_name(default.name, source.text, taken)
    before = snapshot_before(subject, default, source.text, asked_at)
    effects = tuple(effects_of_moment(subject, default, source.branch, source.moment, source.text, keep_as))
    action = RestoreBranch(
        tenant=subject.tenant.name,
        reason=f"restore to {source.text}",
        source=subject.tenant.location,
        changes=asked_for(f"branches.{default.name}", "present", source.text),
        branch=default.name,
        branch_id=default.id,
        from_branch=source.branch.name,
        from_branch_id=source.branch.id,
        at=source.at,
        keep_as=keep_as,
        effects=(*effects, before.effect),
    )
    if default.protected:
        yield protected(subject, default, action)
        return
    yield from _unless_full(subject, action, before.actions)


def preview_findings(subject: Subject, source: RestoreSource, asked_at: datetime) -> Iterator[Finding]:
    """Yield a branch of the state with a compute, which expires by itself."""
    called = preview_name(source.text)
    if there := preview_there(subject, called):
        yield there
        return
    expires_at = asked_at.replace(microsecond=0) + PREVIEW_LIFETIME
    action = CreateBranch(
        tenant=subject.tenant.name,
        reason=f"preview of {source.text}",
        source=subject.tenant.location,
        changes=asked_for(f"branches.{called}", "absent", "present"),
        branch=called,
        parent=source.branch.name,
        purpose=Purpose.PREVIEW,
        at=source.at,
        expires_at=expires_at,
    )
    yield no_room(subject, action) or action


def preview_there(subject: Subject, called: str) -> Note | Refusal | None:
    """Return a note if the preview already exists, a refusal if another preview exists."""
    there = next(iter(previews(subject.project, subject.desired.fleet, subject.now)), None)
    if there is None:
        return None
    if preview_of(there, subject.desired.fleet) == called:
        return _note(subject, f"the preview already exists: branch {there.name!r}")
    return refused(
        subject,
        f"branch {there.name!r} is a preview of another moment",
        "end it with --finalize or --discard first",
    )


def snapshot_branch(subject: Subject, name: str) -> LiveBranch | None:
    """Return the branch that is kept as a snapshot of this name (``method: branch``)."""
    branches = subject.project.branches or ()
    found = (one for one in branches if declared_name(one, subject.desired.fleet, Purpose.SNAPSHOT) == name)
    return next((one for one in found if not one.default), None)


def _done(subject: Subject, default: LiveBranch, text: str) -> Note | None:
    """Return a note if the last restore returned to the same state: the command was already carried out."""
    last = Timeline.of(subject.project, subject.now).last_restore
    if last is None or last.until is None or default.reset_at is None or restored_to(last.branch) != text:
        return None
    if abs(default.reset_at - last.until) > PRECISION:
        return None
    return _note(subject, f"branch {default.name!r} was restored to {text} at {utc_text(last.until)}: {AGAIN}")


def _unless_full(subject: Subject, action: Action, before: Iterable[Action]) -> Iterator[Finding]:
    if full := no_room(subject, action):
        yield full
        return
    yield from before
    yield action


def _unreachable(subject: Subject, default: LiveBranch, timeline: Timeline, moment: datetime) -> tuple[str, str]:
    remedy = f"`reconciler history {subject.tenant.name}` lists the moments and snapshots that can be restored"
    text = utc_text(moment)
    if moment < subject.project.created_at:
        return f"{text} is before the creation of the project, {utc_text(subject.project.created_at)}", remedy
    start = timeline.window_start
    if start is not None and moment < start:
        window = format_seconds(subject.project.restore_window_seconds or 0)
        return f"{text} is outside of the restore window of {window}, which begins at {utc_text(start)}", remedy
    if default.restored and moment >= default.created_at:
        made = f"branch {default.name!r} was restored from a snapshot at {utc_text(default.created_at)}"
        return f"{made}, and Neon cannot read it at an earlier moment", remedy
    return f"no branch holds the state of {text}: the branch that a restore kept was deleted", remedy


def _not_one(command: RestoreFromSnapshot, found: list[LiveSnapshot]) -> tuple[str, str]:
    if not found:
        return (
            f"there is no snapshot {command.snapshot!r}",
            f"`reconciler history {command.tenant}` lists the snapshots",
        )
    ids = ", ".join(one.id for one in found)
    return f"{len(found)} snapshots are named {command.snapshot!r}: {ids}", "name one of them by its id"


def _note(subject: Subject, message: str) -> Note:
    return Note.about(subject.tenant, message)

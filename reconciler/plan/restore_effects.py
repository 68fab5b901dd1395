"""The effects of a restore, which a person reads before it, and the snapshot that is taken first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.tier import AtLimit, Occasion
from reconciler.model.moments import utc_text
from reconciler.model.values import replace
from reconciler.plan.actions.restore import Consequence
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.concerns.organization import branches_allowed, snapshots_allowed
from reconciler.plan.concerns.times import expired
from reconciler.plan.plan import Refusal, Rule
from reconciler.plan.previews import previews

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.live.project import LiveBranch, LiveSnapshot
    from reconciler.plan.action import Action
    from reconciler.plan.commanded import Subject

BEFORE: Final = "before restore to "
"""The prefix of the names of snapshots that are taken before a restore."""
SNAPSHOT_LIFETIME: Final = timedelta(days=7)
SAME_ATTEMPT: Final = timedelta(minutes=15)
"""A snapshot that an earlier attempt of a restore has taken this recently is not taken again."""
NAMES: Final = 5
"""Maximum number of names in a sentence."""


def asked_for(path: str, before: str, after: str) -> tuple[FieldChange, ...]:
    """Return the change that a command asks for."""
    return (FieldChange(path, before, after, origin=Origin.COMMAND),)


def no_room(subject: Subject, action: Action) -> Refusal | None:
    """Refuse one branch more than the organization allows in a project."""
    limit = subject.limits.branches
    count = len(unexpired(subject.project.branches or (), subject.now))
    if limit is None or count < limit:
        return None
    allowed = branches_allowed(subject.project.organization, subject.limits)
    return Refusal(
        Rule.BRANCH_LIMIT,
        (subject.tenant.name,),
        f"{allowed}, and it has {count}: this adds one",
        "delete a branch that is no longer needed: `reconciler history` lists those that earlier restores left",
        (action,),
    )


def unexpired(branches: Iterable[LiveBranch], now: datetime) -> list[LiveBranch]:
    """Return the branches that have not expired."""
    return [branch for branch in branches if not expired(branch.expires_at, now)]


class Before(Struct, frozen=True):
    """The snapshot that is taken before a restore, or the reason why none is taken."""

    actions: tuple[CreateSnapshot | DeleteSnapshot, ...]
    effect: Consequence


def snapshot_before(
    subject: Subject, branch: LiveBranch, to: str, asked_at: datetime, needed: str | None = None
) -> Before:
    """Return the snapshot of the current state, if there is room or the tier allows to replace the oldest one.

    ``needed`` is the id of the snapshot that the restore reads.
    """
    if why := _no_snapshot(subject, branch, asked_at):
        return Before((), Consequence("snapshot", why))
    leaving: LiveSnapshot | None = None
    if full := _no_room_for_snapshot(subject):
        leaving = _oldest(subject, needed)
        if leaving is None:
            return Before((), Consequence("snapshot", full))
    name, expires_at = f"{BEFORE}{to}", asked_at.replace(microsecond=0) + SNAPSHOT_LIFETIME
    action = CreateSnapshot(
        tenant=subject.tenant.name,
        reason=f"restore to {to}",
        source=subject.tenant.location,
        changes=asked_for(f"snapshots.{name}", "absent", "present"),
        snapshot=name,
        branch=branch.name,
        expires_at=expires_at,
    )
    message = f"a snapshot of its current state is taken first: {name!r}"
    if leaving is None:
        return Before((action,), Consequence("snapshot", message))
    removal = _replaced(subject, leaving, name)
    return Before((removal, action), Consequence("snapshot", f"{message}, in place of {leaving.name!r}"))


def _oldest(subject: Subject, needed: str | None) -> LiveSnapshot | None:
    """Return the snapshot that is deleted to make room: the tier allows it, and no file declares it."""
    policy = subject.settings.snapshot_policy
    if Occasion.RESTORE not in (policy.before or ()) or policy.at_limit is not AtLimit.REPLACE_OLDEST:
        return None
    declared = {one.name for one in subject.settings.snapshots or ()}
    manual = [s for s in subject.project.snapshots or () if s.manual and not expired(s.expires_at, subject.now)]
    limit = subject.limits.snapshots
    free = [s for s in manual if s.name not in declared and s.id != needed]
    one_is_enough = limit is not None and limit > 0 and len(manual) + len(_missing(subject)) == limit
    return min(free, key=lambda s: (s.created_at, s.id), default=None) if one_is_enough else None


def _replaced(subject: Subject, old: LiveSnapshot, name: str) -> DeleteSnapshot:
    (change,) = asked_for(f"snapshots.{old.name}", "present", "absent")
    return DeleteSnapshot(
        tenant=subject.tenant.name,
        reason=f"replaced by {name!r}",
        source=subject.tenant.location,
        changes=(replace(change, risk=Risk.DESTRUCTIVE, lowering=True),),
        snapshot=old.name,
        snapshot_id=old.id,
    )


def _missing(subject: Subject) -> set[str]:
    """Return the names of the declared snapshots that do not exist yet."""
    taken = {s.name for s in subject.project.snapshots or () if not expired(s.expires_at, subject.now)}
    return {one.name for one in subject.settings.snapshots or ()} - taken


def _no_snapshot(subject: Subject, branch: LiveBranch, asked_at: datetime) -> str | None:
    stated = subject.settings.snapshot_policy.before
    if stated is not None and Occasion.RESTORE not in stated:
        where = f"snapshots.before of tier {subject.settings.tier}"
        if subject.tenant.overrides.snapshots_before is not None:
            where = "overrides.snapshots.before of the tenant"
        return f"no snapshot is taken first: {where} does not name restore"
    taken = [s for s in subject.project.snapshots or () if not expired(s.expires_at, subject.now)]
    begun = max(asked_at - SAME_ATTEMPT, branch.reset_at or branch.created_at)
    if recent := next((s for s in taken if s.name.startswith(BEFORE) and s.created_at >= begun), None):
        return f"snapshot {recent.name!r} was already taken at {utc_text(recent.created_at)}"
    if branch.parent_id is not None:
        return "no snapshot is taken first: Neon takes snapshots of root branches only"
    return None


def _no_room_for_snapshot(subject: Subject) -> str | None:
    taken = [s for s in subject.project.snapshots or () if not expired(s.expires_at, subject.now)]
    limit, manual = subject.limits.snapshots, sum(snapshot.manual for snapshot in taken)
    missing = _missing(subject)
    if limit is None or manual + len(missing) < limit:
        return None
    declared = f", and {_count(len(missing), 'declared one')} does not exist yet" if missing else ""
    allowed = snapshots_allowed(subject.project.organization, subject.limits)
    return f"no snapshot is taken first: {allowed}, and it has {manual}{declared}"


def effects_of_moment(
    subject: Subject, branch: LiveBranch, source: LiveBranch, moment: datetime, to: str, keep_as: str
) -> Iterator[Consequence]:
    """Yield the effects of a restore that keeps the id of the branch. ``source`` holds the moment."""
    parent = keep_as if source.id == branch.id else source.name
    yield Consequence("moment", f"branch {branch.name!r} gets its state of {to}")
    yield from _lost(subject, moment, to)
    yield Consequence("kept", f"its current state stays as branch {keep_as!r}{_children(subject, branch)}")
    yield from _newer(subject, branch, moment)
    yield Consequence("id", f"no id changes: branch {branch.id} keeps its id")
    yield Consequence("connection", f"connection strings do not change; {_connections(subject, branch)}")
    if branch.parent_id is None:
        yield Consequence("id", f"Neon may make it a child of {parent!r}: then it can have no more snapshots")


def effects_of_snapshot(
    subject: Subject, branch: LiveBranch, snapshot: LiveSnapshot, keep_as: str
) -> Iterator[Consequence]:
    """Yield the effects of the restore of a snapshot, which makes a new branch."""
    taken = utc_text(snapshot.created_at)
    yield Consequence(
        "moment", f"branch {branch.name!r} gets the state of snapshot {snapshot.name!r}, taken {taken}"
    )
    yield from _lost(subject, snapshot.created_at, f"snapshot {snapshot.name!r}")
    children = [one.name for one in subject.project.branches or () if one.parent_id == branch.id]
    stay = f", with its child branches {_listed(children)}" if children else ""
    yield Consequence("kept", f"its current state stays as branch {keep_as!r}{stay}")
    yield from _newer(subject, branch, snapshot.created_at)
    yield Consequence(
        "id",
        f"the id of the default branch changes: {branch.id} becomes the id of {keep_as!r}; annotations stay there",
    )
    yield Consequence(
        "connection", f"connection strings do not change: the computes move; {_connections(subject, branch)}"
    )
    yield Consequence(
        "moment", "Neon keeps no earlier moments of the new branch: --to reaches only those of the replaced branch"
    )


def _lost(subject: Subject, moment: datetime, to: str) -> Iterator[Consequence]:
    active = subject.project.latest_activity
    if active is None:
        last = "Neon shows no activity"
    elif active <= moment:
        last = f"no activity since: the last was {utc_text(active)}"
    else:
        last = f"last activity {utc_text(active)}"
    yield Consequence("lost", f"it loses everything written after {to}; {last}")


def _newer(subject: Subject, branch: LiveBranch, moment: datetime) -> Iterator[Consequence]:
    snapshots = [one.name for one in subject.project.snapshots or () if one.created_at > moment]
    others = unexpired(subject.project.branches or (), subject.now)
    shown = {one.id for one in previews(subject.project, subject.desired.fleet, subject.now)} | {branch.id}
    branches = [one.name for one in others if one.created_at > moment and one.id not in shown]
    for noun, plural, names in (("snapshot", "snapshots", snapshots), ("branch", "branches", branches)):
        if names:
            yield Consequence(
                "newer", f"newer than that, and kept: {plural if len(names) > 1 else noun} {_listed(names)}"
            )


def _children(subject: Subject, branch: LiveBranch) -> str:
    names = [one.name for one in subject.project.branches or () if one.parent_id == branch.id]
    return f", which becomes the parent of {_listed(names)}" if names else ""


def _connections(subject: Subject, branch: LiveBranch) -> str:
    compute = subject.project.read_write(branch)
    return "open connections drop" if compute is not None and compute.active else "its compute is idle"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES:,} more" if len(names) > NAMES else ""
    return f"{', '.join(map(repr, names[:NAMES]))}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""Snapshots: take declared ones; at the limit, replace only what the tier allows. Undeclared ones stay.

Only the two modules ``snapshot_by_api`` and ``snapshot_by_branch`` know how a snapshot is kept.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.desired.tier import SnapshotMethod
from reconciler.model.annotations import PURPOSE, Purpose
from reconciler.model.fields.table import made_as
from reconciler.model.moments import rfc3339
from reconciler.model.values import JsonText
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.change import Origin
from reconciler.plan.concerns import snapshot_by_api, snapshot_by_branch, snapshot_rotation
from reconciler.plan.concerns.concern import CORRECT_IT, POLICY, cannot_be_done, existence
from reconciler.plan.concerns.organization import branches_allowed, snapshots_allowed
from reconciler.plan.concerns.snapshot_by_branch import SnapshotBranches
from reconciler.plan.concerns.snapshot_limits import (
    A_ROOT,
    AT_LIMIT,
    KeptSnapshot,
    Room,
    replaceable_snapshots,
    surplus_of_move,
)
from reconciler.plan.concerns.snapshot_rotation import SnapshotRotation
from reconciler.plan.concerns.times import expired, outside_window, rejected, unreadable
from reconciler.plan.concerns.times import path as expiry_path
from reconciler.plan.plan import Note, Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from reconciler.desired.rotation import Rotation
    from reconciler.desired.settings import Settings
    from reconciler.desired.tenant import Snapshot
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.comparison import Comparison, Finding
    from reconciler.plan.concerns.concern import Fields
    from reconciler.plan.concerns.snapshot_limits import Method

NAME: Final = "snapshots"
MADE_AS: Final = made_as(NAME)
"""Members of a snapshot that apply when it is taken."""
RETAKEN: Final = (
    "remove it from the file, declare a new snapshot under another name, or add retake: true to take it again"
)
KEPT_BY: Final = ".method"
"""The method of keeping a snapshot, which applies when it is taken."""
KEEP_BEFORE: Final = f"{POLICY}snapshots.keep_before"
"""The path of the number of snapshots before downgrades that stay."""
RETAKE: Final = "retake"
"""Whether a lost snapshot is taken again."""
SURE_FOR: Final = timedelta(minutes=10)
"""How long a time must stay in the restore window, or an expiry in the future, before another snapshot is
replaced.
"""
METHODS: Final[Mapping[SnapshotMethod, Method]] = {
    SnapshotMethod.API: snapshot_by_api.METHOD,
    SnapshotMethod.BRANCH: snapshot_by_branch.METHOD,
}


def path(name: str) -> str:
    """Return the field path of a snapshot."""
    return f"{NAME}.{name}"


def method(settings: Settings) -> Method:
    """Return the tenant's snapshot method."""
    return METHODS[settings.snapshot_policy.method]


def wanted(settings: Settings) -> Fields:
    """Return the declared snapshots by field path, a marker that snapshots are managed, and the tier's policy."""
    if settings.snapshots is None:
        return _of_policy(settings)
    stated = (one for snapshot in settings.snapshots for one in _stated(snapshot, settings))
    return {NAME: True, **dict(stated), **_of_policy(settings)}


def _of_policy(settings: Settings) -> Fields:
    policy = settings.snapshot_policy
    of_the_limit = {AT_LIMIT: policy.at_limit.value, KEEP_BEFORE: policy.keep_before}
    return {**of_the_limit, **snapshot_rotation.wanted(policy.rotate)}


def _stated(snapshot: Snapshot, settings: Settings) -> Iterator[tuple[str, Value]]:
    own = path(snapshot.name)
    yield own, JsonText.of("present")
    if snapshot.expires_at is not None:
        yield expiry_path(own), rfc3339(snapshot.expires_at)
    if snapshot.at is not None:
        yield f"{own}.at", rfc3339(snapshot.at)
    if snapshot.retake:
        yield f"{own}.{RETAKE}", True
    yield f"{own}{KEPT_BY}", settings.snapshot_policy.method.value


def names(project: LiveProject) -> tuple[str, ...]:
    """Return the names of the observed snapshots, of both methods."""
    return tuple(dict.fromkeys((*_taken_by_api(project), *_taken_as_branches(project))))


def exceed(limits: OrganizationLimits, project: LiveProject) -> bool:
    """Return whether more snapshots of one method were observed than an organization with these limits allows."""
    most = max(len(_taken_by_api(project)), len(_taken_as_branches(project)))
    return limits.snapshots is not None and most > limits.snapshots


def _taken_by_api(project: LiveProject) -> list[str]:
    return [snapshot.name for snapshot in project.snapshots or () if snapshot.manual]


def _taken_as_branches(project: LiveProject) -> list[str]:
    taken_here = Purpose.SNAPSHOT.value
    return [branch.name for branch in project.branches or () if branch.annotations.get(PURPOSE) == taken_here]


def declares(settings: Settings) -> bool:
    """Whether the files ask for a snapshot: the tenant's by name, or the tier's rotation."""
    return bool(settings.snapshots) or settings.snapshot_policy.rotate is not None


def looked_for_among_snapshots(settings: Settings, project: LiveProject) -> bool:
    """Whether a declared snapshot may be a Neon snapshot: by the tier's method, or as no branch has its name."""
    if not declares(settings) or method(settings).reads_snapshots:
        return declares(settings)
    if project.branches is None:
        return False
    branches = {branch.name for branch in project.branches}
    return any(snapshot.name not in branches for snapshot in settings.snapshots or ())


def observed(settings: Settings, project: LiveProject) -> bool:
    """Return whether everything was read that may be a declared snapshot."""
    everywhere = project.snapshots is not None or not looked_for_among_snapshots(settings, project)
    return project.branches is not None and everywhere


def findings(comparison: Comparison, planned: Sequence[Finding] = ()) -> Iterator[Finding]:
    """Yield actions, deletions before what they make room for; and refusals and notes.

    A live snapshot counts whichever method keeps it. ``planned`` are the planned branch actions.
    """
    if NAME not in comparison.only or not observed(comparison.settings, comparison.project):
        return
    keeping = method(comparison.settings)
    kept = _with_planned(keeping.kept(comparison, planned), comparison, planned)
    others = [other for other in METHODS.values() if other is not keeping]
    certain = [(keeping, kept), *((other, other.certain(comparison, planned)) for other in others)]
    declared = [s for s in comparison.settings.snapshots or () if not expired(s.expires_at, comparison.now)]
    counts = Counter(snapshot.name for _, found in certain for snapshot in found)
    missing = [snapshot for snapshot in declared if snapshot.name not in counts]
    for name in sorted(name for name, count in counts.items() if count > 1):
        yield Note.about(comparison.tenant, f"several snapshots have the name {name!r}")
    for way, found in certain:
        for stated, old in _declared_and_live(declared, found):
            yield from way.expiry(comparison, stated, old)
            yield from _kept_otherwise(comparison, keeping, way, stated)
    if keeping is METHODS[SnapshotMethod.BRANCH]:
        yield from _handed_over(comparison)
    once = {snapshot.name for snapshot in kept if any(snapshot.path in before for before in comparison.earlier)}
    rotated = {snapshot.id for snapshot in snapshot_rotation.rotated(comparison, kept)}
    replaceable = replaceable_snapshots(comparison, kept, {snapshot.name for snapshot in declared}, once, rotated)
    leaving = replaceable[: surplus_of_move(comparison, len(kept))]
    for snapshot in leaving:
        yield _surplus_removed(comparison, snapshot)
    gone = {snapshot.id for snapshot in leaving}
    staying = [snapshot for snapshot in kept if snapshot.id not in gone]
    room = Room(comparison, staying, replaceable[len(gone) :], keeping.room(comparison, planned))
    taken = list(_taken(comparison, missing, room))
    yield from taken
    if (rotation := comparison.settings.snapshot_policy.rotate) is not None:
        yield from _turned(comparison, rotation, room, taken, counts)


def _with_planned(
    kept: Sequence[KeptSnapshot], comparison: Comparison, planned: Sequence[Finding]
) -> tuple[KeptSnapshot, ...]:
    """Return the live snapshots, plus those that are taken before a change, minus those deleted for them."""
    gone = {finding.snapshot_id for finding in planned if isinstance(finding, DeleteSnapshot)}
    taken = (one for one in planned if isinstance(one, CreateSnapshot | CreateBranch) and one.occasion is not None)
    names = (one.snapshot if isinstance(one, CreateSnapshot) else one.branch for one in taken)
    coming = (KeptSnapshot(name, "", comparison.now, removable=False) for name in names)
    return (*(snapshot for snapshot in kept if snapshot.id not in gone), *coming)


def _turned(
    comparison: Comparison, rotation: Rotation, room: Room, taken: Sequence[Finding], names: Container[str]
) -> Iterator[Finding]:
    """Yield what the rotation does beside ``taken``, the findings on declared snapshots."""
    gone = {finding.snapshot_id for finding in taken if isinstance(finding, DeleteSnapshot)}
    gone |= {finding.branch_id for finding in taken if isinstance(finding, DeleteBranch)}
    staying = [snapshot for snapshot in room.kept if snapshot.id not in gone]
    coming = sum(isinstance(finding, CreateSnapshot | CreateBranch) for finding in taken)
    others = None if room.others is None else room.others + len(gone)
    turning = SnapshotRotation(comparison, rotation, method(comparison.settings), staying, names, coming, others)
    yield from turning.findings()


def _declared_and_live(
    declared: Sequence[Snapshot], kept: Sequence[KeptSnapshot]
) -> Iterator[tuple[Snapshot, KeptSnapshot]]:
    """Yield each declared snapshot with its live one; a name that several have is left out."""
    live: dict[str, list[KeptSnapshot]] = {}
    for snapshot in kept:
        live.setdefault(snapshot.name, []).append(snapshot)
    for wanted_one in declared:
        if len(found := live.get(wanted_one.name, [])) == 1:
            yield wanted_one, found[0]


def _taken(comparison: Comparison, missing: Sequence[Snapshot], room: Room) -> Iterator[Finding]:
    keeping = method(comparison.settings)
    takeable = []
    for snapshot in missing:
        if lost := _lost(comparison, snapshot):
            yield _refused(comparison, [snapshot], Rule.LOST_SNAPSHOT, lost, RETAKEN)
        elif hindrance := _hindrance(comparison, snapshot):
            message = f"snapshot {snapshot.name!r} cannot be taken: {hindrance}"
            yield cannot_be_done(_take(comparison, snapshot), message, CORRECT_IT)
        else:
            takeable.append(snapshot)
    if takeable and (hindrance := keeping.hindrance(comparison.project)):
        yield _refused(comparison, takeable, Rule.ROOT_BRANCH, hindrance, A_ROOT)
        return
    if room.leaving(room.fitting(len(takeable))) and (unsure := [s for s in takeable if not _sure(comparison, s)]):
        message = (
            "its time leaves the restore window, or it expires, within minutes: no other snapshot is deleted to "
            "make room for it"
        )
        yield _refused(
            comparison, unsure, Rule.SNAPSHOT_LIMIT, message, "delete a snapshot by hand, or declare another time"
        )
        takeable = [snapshot for snapshot in takeable if _sure(comparison, snapshot)]
    fitting = takeable[: room.fitting(len(takeable))]
    yield from _replacing(comparison, fitting, room.leaving(len(fitting)))
    if left := takeable[len(fitting) :]:
        yield _no_room(comparison, takeable, left, room)


def _replacing(
    comparison: Comparison, fitting: Sequence[Snapshot], leaving: Sequence[KeptSnapshot]
) -> Iterator[Action]:
    """``plan.order`` puts each new snapshot right after the one that it replaces."""
    for place, old in enumerate(leaving):
        # A project above its limit loses several snapshots for the first new one.
        yield _replaced(comparison, old, fitting[max(0, place + len(fitting) - len(leaving))])
    yield from (_take(comparison, snapshot) for snapshot in fitting)


def _lost(comparison: Comparison, snapshot: Snapshot) -> str | None:
    """Why the snapshot may have existed before: taken again, it would hold other data under its old name."""
    if snapshot.retake:
        return None
    if comparison.at_base is None:
        return (
            f"snapshot {snapshot.name!r} does not exist but may have existed (the earlier files cannot be "
            "read here): a new snapshot would hold other data"
        )
    if path(snapshot.name) not in comparison.at_base:
        return None
    return (
        f"snapshot {snapshot.name!r} was declared before and no longer exists: a new snapshot would hold "
        "other data"
    )


def _kept_otherwise(comparison: Comparison, keeping: Method, way: Method, snapshot: Snapshot) -> Iterator[Note]:
    """Note once that a snapshot keeps the method by which it was taken."""
    own = path(snapshot.name)
    changed = Origin.CONFIG in (comparison.origin(own), comparison.origin(f"{own}{KEPT_BY}"))
    if way is not keeping and changed:
        kept = "a branch" if way is METHODS[SnapshotMethod.BRANCH] else "a Neon snapshot"
        message = (
            f"snapshot {snapshot.name!r} exists as {kept} and stays so: the method applies to new snapshots only"
        )
        yield Note.about(comparison.tenant, message)


def _handed_over(comparison: Comparison) -> Iterator[Note]:
    """Note once that the file now declares a development branch as a snapshot."""
    for name in SnapshotBranches(comparison).handed_over().values():
        if comparison.origin(path(name)) is Origin.CONFIG:
            message = f"branch {name!r} now counts as the snapshot of that name and is not changed"
            yield Note.about(comparison.tenant, message)


def _hindrance(comparison: Comparison, snapshot: Snapshot) -> str | None:
    default = comparison.project.default_branch
    if taken := method(comparison.settings).taken_name(comparison.project, snapshot.name):
        return taken
    if snapshot.at is None:
        return None
    unread = unreadable(snapshot.at, default) if default is not None else None
    unread = unread or rejected(comparison, path(snapshot.name), snapshot.at)
    return unread or outside_window(snapshot.at, comparison.restore_window_seconds, comparison.now)


def _sure(comparison: Comparison, snapshot: Snapshot) -> bool:
    """Return whether it can still be taken some minutes from now, after another one was deleted."""
    then = comparison.now + SURE_FOR
    leaves = snapshot.at is not None and outside_window(snapshot.at, comparison.restore_window_seconds, then)
    return not leaves and not expired(snapshot.expires_at, then)


def _surplus_removed(comparison: Comparison, snapshot: KeptSnapshot) -> Action:
    cause = comparison.by_policy(AT_LIMIT, asked=comparison.moved(reduces=True))
    change = existence(snapshot.path, cause, before=True)
    reason = snapshots_allowed(comparison.organization, comparison.limits)
    return method(comparison.settings).remove(comparison, snapshot, change, reason=reason, early=True)


def _replaced(comparison: Comparison, old: KeptSnapshot, new: Snapshot) -> Action:
    cause = comparison.by_policy(AT_LIMIT, asked=comparison.origin(path(new.name), reduces=True))
    change = existence(old.path, cause, before=True)
    reason = f"replaced by {new.name!r}"
    return method(comparison.settings).remove(comparison, old, change, reason=reason, early=False)


def _no_room(comparison: Comparison, wanted: Sequence[Snapshot], left: Sequence[Snapshot], room: Room) -> Refusal:
    """The message stays true after the snapshots that fit were taken."""
    organization, tier, limits = comparison.organization, comparison.settings.tier, comparison.limits
    if room.limited_by_others(len(wanted)):
        message = f"{branches_allowed(organization, limits)}, and all are in use"
        return _refused(comparison, left, Rule.BRANCH_LIMIT, message, "delete unused branches")
    leaving = {snapshot.id for snapshot in room.leaving(len(wanted) - len(left))}
    declared = {snapshot.name for snapshot in comparison.settings.snapshots or ()}
    candidates = [repr(s.name) for s in room.kept if s.name not in declared and s.id not in leaving]
    by_hand = f"delete {' or '.join(candidates)} by hand, or " if candidates else "declare fewer snapshots, or "
    return _refused(
        comparison,
        left,
        Rule.SNAPSHOT_LIMIT,
        f"{snapshots_allowed(organization, limits)}; with this one there would be "
        f"{len(room.kept) - len(leaving) + len(wanted)}",
        f"{by_hand}set tiers.{tier}.snapshots.at_limit: replace_oldest to delete the oldest automatically",
    )


def _refused(
    comparison: Comparison, snapshots: Sequence[Snapshot], rule: Rule, message: str, remedy: str
) -> Refusal:
    actions = tuple(_take(comparison, snapshot) for snapshot in snapshots)
    return Refusal(rule, (comparison.tenant.name,), message, remedy, actions)


def _take(comparison: Comparison, snapshot: Snapshot) -> Action:
    own = path(snapshot.name)
    change = existence(own, comparison.origin(own, f"{own}.{RETAKE}"), before=False)
    return method(comparison.settings).take(comparison, snapshot, change)

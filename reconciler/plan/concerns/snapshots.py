"""Snapshots: take what is declared; at the limit, make room only as the tier allows. Undeclared ones stay.

How a snapshot is kept (as Neon's own, or as a branch) is the business of the two modules beside this
one; nothing else asks which it is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reconciler.desired.tier import AtLimit, SnapshotMethod
from reconciler.plan.change import FieldChange, JsonText, Origin, Risk
from reconciler.plan.concerns import made, snapshot_by_api, snapshot_by_branch
from reconciler.plan.concerns.cannot import CORRECT_IT, undoable
from reconciler.plan.concerns.expiry import path as expiry_path
from reconciler.plan.concerns.moments import expired, outside_window, text
from reconciler.plan.concerns.organization import PATH as ORGANIZATION
from reconciler.plan.concerns.organization import branches_allowed, snapshots_allowed
from reconciler.plan.ownership import PURPOSE, Purpose
from reconciler.plan.plan import Note, Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.desired.settings import Settings
    from reconciler.desired.tenant import Snapshot
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.case import Case, Finding
    from reconciler.plan.change import Value
    from reconciler.plan.concerns.concern import Fields
    from reconciler.plan.concerns.snapshot_method import Kept, Method

NAME: Final = "snapshots"
MADE_AS: Final = ("at",)
"""Members of a snapshot that count when it is taken only."""
KEPT_BY: Final = ".method"
"""The way of keeping a snapshot, which counts when it is taken."""
METHODS: Final[Mapping[SnapshotMethod, Method]] = {
    SnapshotMethod.API: snapshot_by_api.METHOD,
    SnapshotMethod.BRANCH: snapshot_by_branch.METHOD,
}


def path(name: str) -> str:
    """The field path of a snapshot."""
    return f"{NAME}.{name}"


def method(settings: Settings) -> Method:
    """How the tenant's snapshots are kept."""
    return METHODS[settings.snapshot_policy.method]


def wanted(settings: Settings) -> Fields:
    """Each declared snapshot, what it was made as, and that snapshots are managed at all."""
    if settings.snapshots is None:
        return {}
    stated = (one for snapshot in settings.snapshots for one in _stated(snapshot, settings))
    return {NAME: True, **dict(stated)}


def _stated(snapshot: Snapshot, settings: Settings) -> Iterator[tuple[str, Value]]:
    own = path(snapshot.name)
    yield own, JsonText.of("present")
    if snapshot.expires_at is not None:
        yield expiry_path(own), text(snapshot.expires_at)
    if snapshot.at is not None:
        yield f"{own}.at", text(snapshot.at)
    yield f"{own}{KEPT_BY}", settings.snapshot_policy.method.value


def names(project: LiveProject) -> tuple[str, ...]:
    """Of the snapshots that were seen, however they are kept."""
    taken_here = Purpose.SNAPSHOT.value
    manual = [snapshot.name for snapshot in project.snapshots or () if snapshot.manual]
    kept = [branch.name for branch in project.branches or () if branch.annotations.get(PURPOSE) == taken_here]
    return tuple(dict.fromkeys((*manual, *kept)))


def findings(case: Case, planned: Sequence[Finding] = ()) -> Iterator[Finding]:
    """Actions, deletions before what they make room for; and what stands in the way of others.

    ``planned`` is what else is planned for the project's branches.
    """
    keeping = method(case.settings)
    if NAME not in case.only or not keeping.observed(case.project):
        return
    kept = keeping.kept(case, planned)
    declared = [s for s in case.settings.snapshots or () if not expired(s.expires_at, case.now)]
    live = {snapshot.name for snapshot in kept}
    missing = [snapshot for snapshot in declared if snapshot.name not in live]
    counts = Counter(snapshot.name for snapshot in kept)
    for name in sorted(name for name, count in counts.items() if count > 1):
        yield Note(case.tenant.name, f"several snapshots are called {name!r}", case.tenant.location)
    for stated, old in _declared_and_live(declared, kept):
        yield from keeping.expiry(case, stated, old)
    giving_way = _giving_way(case, kept, {snapshot.name for snapshot in declared})
    surplus = _surplus(case, len(kept)) if case.moves else 0
    leaving = giving_way[:surplus]
    for snapshot in leaving:
        yield _surplus_removed(case, snapshot)
    gone = {snapshot.id for snapshot in leaving}
    staying = [snapshot for snapshot in kept if snapshot.id not in gone]
    yield from _taken(case, missing, _Room(case, staying, giving_way[surplus:], keeping.room(case, planned)))


def _declared_and_live(declared: Sequence[Snapshot], kept: Sequence[Kept]) -> Iterator[tuple[Snapshot, Kept]]:
    """Each declared snapshot that is live; several of a name are nobody's to tell apart."""
    live: dict[str, list[Kept]] = {}
    for snapshot in kept:
        live.setdefault(snapshot.name, []).append(snapshot)
    for wanted_one in declared:
        if len(found := live.get(wanted_one.name, [])) == 1:
            yield wanted_one, found[0]


def _surplus(case: Case, count: int) -> int:
    limit = case.limits.snapshots
    return 0 if limit is None else max(0, count - limit)


def _giving_way(case: Case, kept: Sequence[Kept], declared: set[str]) -> list[Kept]:
    """Undeclared live snapshots that the tier allows to be replaced, the oldest first."""
    candidates = [s for s in kept if s.name not in declared and s.removable and _may_give_way(case, s)]
    return sorted(candidates, key=lambda snapshot: (snapshot.created_at, snapshot.id))


def _may_give_way(case: Case, snapshot: Kept) -> bool:
    match case.settings.snapshot_policy.at_limit:
        case AtLimit.REPLACE_OLDEST:
            return True
        case AtLimit.REPLACE_DECLARED:
            return path(snapshot.name) in (case.past.base if case.past else {})
        case AtLimit.REFUSE:
            return False


@dataclass(frozen=True, slots=True)
class _Room:
    """What is live, what of it may give way, and what else is limited."""

    case: Case
    kept: Sequence[Kept]
    giving_way: Sequence[Kept]
    others: int | None
    """How many more the way of keeping them allows; None is any number."""

    def fitting(self, wanted: int) -> int:
        """How many of so many can be taken if everything gives way that may."""
        return next((count for count in range(wanted, 0, -1) if self._fits(count)), 0)

    def leaving(self, taken: int) -> Sequence[Kept]:
        """What gives way to so many."""
        return self.giving_way[: _surplus(self.case, len(self.kept) + taken)] if taken else ()

    def limited_by_others(self, wanted: int) -> bool:
        """Whether more could be taken if only the limit of snapshots counted."""
        return replace(self, others=None).fitting(wanted) > self.fitting(wanted)

    def _fits(self, count: int) -> bool:
        leaving = _surplus(self.case, len(self.kept) + count)
        return leaving <= len(self.giving_way) and (self.others is None or count - leaving <= self.others)


def _taken(case: Case, missing: Sequence[Snapshot], room: _Room) -> Iterator[Finding]:
    keeping = method(case.settings)
    takeable = []
    for snapshot in missing:
        if _kept_otherwise(case, snapshot):
            message = f"snapshot {snapshot.name!r} was taken, and the method of its tier changed"
            yield made.refusal(case.tenant.name, message, made.TAKEN)
        elif hindrance := _hindrance(case, snapshot):
            take = keeping.take(
                case, snapshot, _existence(snapshot.name, _origin(case, snapshot.name), before=False)
            )
            yield undoable(take, f"snapshot {snapshot.name!r} is not taken: {hindrance}", CORRECT_IT)
        else:
            takeable.append(snapshot)
    if takeable and (hindrance := keeping.hindrance(case.project)):
        yield _refused(case, takeable, Rule.ROOT_BRANCH, hindrance, "make a root branch the default one")
        return
    fitting = takeable[: room.fitting(len(takeable))]
    leaving = room.leaving(len(fitting))
    for place, old in enumerate(leaving):
        # A project that holds too many already loses several for the first new one.
        yield _replaced(case, old, fitting[max(0, place + len(fitting) - len(leaving))])
    for snapshot in fitting:
        yield keeping.take(case, snapshot, _existence(snapshot.name, _origin(case, snapshot.name), before=False))
    if left := takeable[len(fitting) :]:
        yield _no_room(case, takeable, left, room)


def _kept_otherwise(case: Case, snapshot: Snapshot) -> bool:
    """Whether it was declared before and kept in another way: taken again, it would hold another moment's data."""
    own = f"{path(snapshot.name)}{KEPT_BY}"
    if case.past is None or own not in case.past.base or own not in case.past.fork:
        return False
    return case.origin(own) is Origin.CONFIG


def _hindrance(case: Case, snapshot: Snapshot) -> str | None:
    if snapshot.at is None:
        return None
    default = case.project.default_branch
    if default is not None and snapshot.at < default.created_at:
        return f"{text(snapshot.at)} lies before branch {default.name!r} was created"
    return outside_window(snapshot.at, case.restore_window_seconds, case.now)


def _surplus_removed(case: Case, snapshot: Kept) -> Action:
    change = _existence(snapshot.name, case.origin(ORGANIZATION, reduces=True), before=True)
    reason = snapshots_allowed(case.organization, case.limits)
    return method(case.settings).remove(case, snapshot, change, reason=reason, early=True)


def _replaced(case: Case, old: Kept, new: Snapshot) -> Action:
    change = _existence(old.name, case.origin(path(new.name), reduces=True), before=True)
    reason = f"makes room for {new.name!r}"
    return method(case.settings).remove(case, old, change, reason=reason, early=False)


def _no_room(case: Case, wanted: Sequence[Snapshot], left: Sequence[Snapshot], room: _Room) -> Refusal:
    """Worded so that it stays true once what fits has been taken."""
    organization, tier, limits = case.organization, case.settings.tier, case.limits
    if room.limited_by_others(len(wanted)):
        message = f"{branches_allowed(organization, limits)}, and none is left"
        return _refused(case, left, Rule.BRANCH_LIMIT, message, "delete branches that are not needed")
    leaving = {snapshot.id for snapshot in room.leaving(len(wanted) - len(left))}
    declared = {snapshot.name for snapshot in case.settings.snapshots or ()}
    candidates = [repr(s.name) for s in room.kept if s.name not in declared and s.id not in leaving]
    by_hand = f"delete {' or '.join(candidates)} by hand, or " if candidates else "declare fewer, or "
    return _refused(
        case,
        left,
        Rule.SNAPSHOT_LIMIT,
        f"{snapshots_allowed(organization, limits)}, "
        f"and this one would hold {len(room.kept) - len(leaving) + len(wanted)}",
        f"{by_hand}let the oldest give way with tiers.{tier}.snapshots.at_limit: replace_oldest",
    )


def _refused(case: Case, snapshots: Sequence[Snapshot], rule: Rule, message: str, remedy: str) -> Refusal:
    keeping = method(case.settings)
    actions = tuple(
        keeping.take(case, snapshot, _existence(snapshot.name, _origin(case, snapshot.name), before=False))
        for snapshot in snapshots
    )
    return Refusal(rule, (case.tenant.name,), message, remedy, actions)


def _origin(case: Case, name: str) -> Origin:
    return case.origin(path(name))


def _existence(name: str, origin: Origin, *, before: bool) -> FieldChange:
    was, becomes = ("present", "absent") if before else ("absent", "present")
    risk = Risk.DESTRUCTIVE if before else Risk.SAFE
    return FieldChange(path(name), was, becomes, risk, lowering=before, origin=origin)

"""What was applied last: a commit, and the tenants who are not done with it.

The base is per tenant. One that is done moves on to the commit of the files at hand; one that failed, was refused
or was left out keeps the base that it had, so that what its file asks for stays asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from reconciler.plan import wanted
from reconciler.plan.change import Origin
from reconciler.plan.outcome import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.plan.history import History
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan

Precedes: TypeAlias = "Callable[[str, str], bool]"
"""Whether the first commit is an ancestor of the second, and another one; False where nobody knows."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The base of every tenant, as ids of commits."""

    commit: str
    """Of all tenants but those that are owed."""
    owed: Mapping[str, str | None] = field(default_factory=dict)
    """The tenants whose base is another commit; None for one that was never done."""

    def of(self, *names: str) -> str | None:
        """The base of a tenant that has or had these names; None where it was never done."""
        return next((self.owed[name] for name in names if name in self.owed), self.commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run that is over, and what it was about."""

    desired: DesiredState
    history: History
    plan: Plan
    report: Report
    selection: Selection
    whole: bool
    """Whether it was about every concern, and read what it takes to compare them."""
    stale: Collection[str] = ()
    """Tenants for whom a saved plan did not permit what there was to do."""


def advanced(before: Applied | None, head: str, ended: Ended, precedes: Precedes) -> Applied:
    """The base after a run on the files of the commit ``head``. No tenant's base moves back in history."""
    commit = head if before is None or not precedes(head, before.commit) else before.commit
    bases = {}
    for tenant, done in standing(ended):
        was = None if before is None else before.of(*ended.desired.names(tenant))
        bases[tenant] = head if done and (was is None or not precedes(head, was)) else was
    return Applied(commit, {name: base for name, base in sorted(bases.items()) if base != commit})


def merged(ours: Applied, theirs: Applied, precedes: Precedes) -> Applied:
    """Two records of runs that overlapped: of each tenant the newer base, and theirs where neither is older."""
    commit = _newer(ours.commit, theirs.commit, precedes) or theirs.commit
    names = sorted({*ours.owed, *theirs.owed})
    bases = {name: _newer(ours.of(name), theirs.of(name), precedes) for name in names}
    return Applied(commit, {name: base for name, base in bases.items() if base != commit})


def _newer(ours: str | None, theirs: str | None, precedes: Precedes) -> str | None:
    if ours is None or theirs is None:
        return ours or theirs
    return ours if precedes(theirs, ours) else theirs


def standing(ended: Ended) -> Iterator[tuple[str, bool]]:
    """Every tenant that has a base to keep, and whether it is done with the files at hand.

    It is done where nothing is asked for, or where all that is was looked at and carried out.
    """
    in_the_way = _in_the_way(ended)
    for name, tenant in ended.desired.tenants.items():
        looked_at = ended.whole and ended.selection.includes(tenant)
        origins = _origins(ended, name)
        carried_out = looked_at and name not in in_the_way and Origin.BASE_AHEAD not in origins
        yield name, not origins or carried_out
    yield from ((name, False) for name in _gone(ended))


def _origins(ended: Ended, name: str) -> frozenset[Origin]:
    """Why the tenant's files say something else than at its base; empty where they say the same."""
    past = ended.history.past(name)
    if past is None:
        return frozenset({Origin.UNKNOWN})
    now = wanted.fields(ended.desired, ended.desired.tenants[name])
    differing = (path for path in {**past.base, **now} if past.base.get(path) != now.get(path))
    return frozenset(past.origin(path, now) for path in differing)


def _in_the_way(ended: Ended) -> frozenset[str]:
    """The tenants of whom something that was asked for is left."""
    plan = ended.plan
    outcomes = {outcome.tenant: outcome.result for outcome in ended.report.outcomes}
    carried_out = {name for name, result in outcomes.items() if result in (Result.APPLIED, Result.UNCHANGED)}
    planned = {tenant.tenant for tenant in plan.tenants}
    unseen = ended.desired.tenants.keys() if plan.coverage.unknown else ()
    return frozenset(
        {
            *(name for refusal in plan.refusals if refusal.asked_for for name in refusal.tenants),
            *(conflict.tenant for conflict in plan.conflicts),
            *ended.stale,
            *({*planned, *unseen} - carried_out),
        }
    )


def _gone(ended: Ended) -> Iterator[str]:
    """Tenants who are in the files no more, while they have a project or nobody looked.

    They keep their base: it protects them, and if the file comes back, they are not new.
    """
    base = ended.history.base
    known = {*(() if base is None else base.tenants), *ended.history.owed} - ended.desired.tenants.keys()
    looked = ended.selection.everything and ended.whole and not ended.desired.held_back
    deleted = {each.tenant for each in ended.report.outcomes if each.result is Result.APPLIED}
    live = {orphan.tenant for orphan in ended.plan.orphans} | {each.tenant for each in ended.plan.tenants}
    for name in sorted(known):
        if not looked or ended.plan.coverage.unknown or (name in live and name not in deleted):
            yield name

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

    def of(self, tenant: str) -> str | None:
        """The tenant's base; None where it was never done."""
        return self.owed.get(tenant, self.commit)


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
        was = None if before is None else before.of(tenant)
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
    """Every tenant that has a base to keep, and whether it is done with the files at hand."""
    standing_in_the_way = _in_the_way(ended)
    for tenant in ended.desired.tenants:
        yield tenant, tenant not in standing_in_the_way and _is_done(ended, tenant)
    yield from ((tenant, False) for tenant in _gone(ended))


def _is_done(ended: Ended, name: str) -> bool:
    """Whether nothing is asked for of the tenant, or all of it was looked at and carried out."""
    tenant, past = ended.desired.tenants[name], ended.history.past(name)
    now = wanted.fields(ended.desired, tenant)
    if past is None:
        origins = {Origin.UNKNOWN}
    else:
        differing = (path for path in {**past.base, **now} if past.base.get(path) != now.get(path))
        origins = {past.origin(path, now) for path in differing}
    if Origin.BASE_AHEAD in origins:
        return False
    return not origins or (ended.whole and ended.selection.includes(tenant))


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
    ) - _asked_for_nothing(ended)


def _asked_for_nothing(ended: Ended) -> frozenset[str]:
    """The tenants whose files say what they said at the base: what is left of them is drift."""
    return frozenset(name for name, tenant in ended.desired.tenants.items() if _says_the_same(ended, name))


def _says_the_same(ended: Ended, name: str) -> bool:
    past = ended.history.past(name)
    return past is not None and past.base == wanted.fields(ended.desired, ended.desired.tenants[name])


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

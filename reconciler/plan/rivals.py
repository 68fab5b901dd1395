"""Several projects of one tenant: which was first, and whether the others can be proven to be left by dead runs.

Two runs may create one tenant at the same moment; each looks afterwards, and the one that came second removes its
own project. Where that run died before it could, its project is deleted here: if the run is known to be dead, if
nobody was told of the project, and if it holds nothing. What is not proven is left to a person, who is told what
is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.live.runs import NOTHING_KNOWN, Life
from reconciler.model.annotations import CONNECTIONS, FLEET, RUN, TENANT
from reconciler.plan import declared_fields, unused
from reconciler.plan.action import DeleteDuplicate
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.claims import pins
from reconciler.plan.contradictions import MARK, SETTLE_BY_HAND, age
from reconciler.plan.ownership import creator
from reconciler.plan.plan import Conflict, Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.runs import Fate
    from reconciler.live.state import LiveState
    from reconciler.plan.identity import Identities

RUN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What may stand in a command that a message proposes, and in the name of a file."""


@dataclass(frozen=True, slots=True)
class Rivals:
    """The projects of one tenant, all of which carry this fleet's annotation for it as far as they were read."""

    tenant: Tenant
    first: LiveProject
    """By (created_at, id): it stays, whatever becomes of the others."""
    later: tuple[LiveProject, ...]
    contested: bool
    """True where the later ones have the tenant's name too, so that the tenant has no project until it is settled;
    False where their runs had marked them as duplicates."""


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that is not proven, and what would prove it, if anything does."""

    words: str
    dead: str = ""
    """The run that a person may say is dead."""
    ends: str = ""
    """The run that has to end."""
    after: datetime | None = None
    """From when on it can be told."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of a tenant's rivals: all later ones are deleted, or nothing is done."""

    rivals: Rivals
    actions: tuple[DeleteDuplicate, ...] = ()
    lacks: tuple[Lack, ...] = ()


def marked(name: str, run: str) -> str:
    """The name of a project of which its run knows that it came second."""
    return f"{name}{MARK}{run}"


def find(desired: DesiredState, identities: Identities, tenants: Iterable[Tenant]) -> tuple[Rivals, ...]:
    """The tenants among these that have several projects, as far as names and annotations show."""
    leftovers: dict[str, list[LiveProject]] = {}
    for project in identities.unmatched:
        base, mark, _ = project.name.rpartition(MARK)
        if mark and (tenant := desired.tenant_by_project_name(base)) is not None:
            leftovers.setdefault(tenant, []).append(project)
    found = (_of(tenant, identities, leftovers.get(tenant.name, ())) for tenant in tenants)
    return tuple(rivals for rivals in found if rivals is not None)


def _of(tenant: Tenant, identities: Identities, leftovers: Iterable[LiveProject]) -> Rivals | None:
    several = identities.several.get(tenant.name, ())
    own = identities.projects.get(tenant.name)
    first = min(several, key=age) if several else own
    if first is None:
        return None
    others = [*(project for project in several if project.id != first.id), *leftovers]
    later = tuple(sorted((project for project in others if age(project) > age(first)), key=age))
    return Rivals(tenant, first, later, bool(several)) if later else None


def ours(project: LiveProject, fleet: str, tenant: str) -> bool:
    """Whether the project says itself that a run of this fleet created it for this tenant."""
    note = creator(project) or {}
    said = note.get(FLEET) == fleet and note.get(TENANT) == tenant
    return said and RUN_ID.fullmatch(note.get(RUN, "")) is not None


def maker(project: LiveProject) -> str:
    """The run that created the project; empty where it does not say."""
    return (creator(project) or {}).get(RUN, "")


def makers(desired: DesiredState, found: Iterable[Rivals]) -> tuple[str, ...]:
    """The runs whose fate decides, in order."""
    runs = (
        maker(project)
        for rivals in found
        for project in rivals.later
        if ours(project, desired.fleet, rivals.tenant.name)
    )
    return tuple(dict.fromkeys(runs))


def rule(desired: DesiredState, live: LiveState, found: Sequence[Rivals], now: datetime) -> dict[str, Ruling]:
    """By tenant, what becomes of its rivals. Those that another hand may have made are no matter of this."""
    pinned = {*pins(desired), *desired.pins_held_back} if found else set()
    rulings: dict[str, Ruling] = {}
    for rivals in found:
        name = rivals.tenant.name
        if all(ours(project, desired.fleet, name) for project in (rivals.first, *rivals.later)):
            rulings[name] = _rule(desired, live, rivals, pinned, now)
    return rulings


def _rule(desired: DesiredState, live: LiveState, rivals: Rivals, pinned: set[str], now: datetime) -> Ruling:
    place = live.places.get(rivals.tenant.name)
    lacks: list[Lack] = []
    if place not in (None, rivals.first.id):
        lacks.append(Lack(f"the registry names {place} as the tenant's"))
    for project in rivals.later:
        if project.id in pinned:
            lacks.append(Lack(f"{project.id} is pinned by project_id"))
        lacks += _lacks(desired, rivals, project, live.fates, now)
    if lacks:
        return Ruling(rivals, lacks=tuple(lacks))
    return Ruling(rivals, tuple(_deletion(rivals, project, live.fates) for project in rivals.later))


def _lacks(
    desired: DesiredState, rivals: Rivals, project: LiveProject, fates: Mapping[str, Fate], now: datetime
) -> Iterator[Lack]:
    run = maker(project)
    names = desired.project_names(rivals.tenant.name)
    if project.name not in (*names, *(marked(name, run) for name in names)):
        yield Lack(f"{project.id} was renamed {project.name!r}")
    if project.organization != rivals.first.organization:
        yield Lack(f"{project.id} and {rivals.first.id} are in different organizations: somebody has moved one")
    yield from _of_run(project, run, fates.get(run, NOTHING_KNOWN))
    yield from (Lack(f"of {project.id}, {words}") for words in unused.holdings(project))
    ripe = unused.ripe_at(project)
    if now < ripe:
        yield Lack(f"Neon's counters tell nothing of {project.id} before {_moment(ripe)}", after=ripe)
    else:
        yield from (Lack(f"of {project.id}, {words}") for words in unused.activity(project))


def _of_run(project: LiveProject, run: str, fate: Fate) -> Iterator[Lack]:
    match fate.life:
        case Life.AT_WORK:
            yield Lack(
                f"run {run}, which made {project.id}, is at work: {fate.evidence}",
                ends=run,
            )
        case Life.UNKNOWN:
            yield Lack(f"nobody knows whether run {run}, which made {project.id}, is dead", dead=run)
        case Life.DEAD:
            pass
    if fate.kept is not None and project.id in fate.kept:
        yield Lack(f"run {run} has called {project.id} the tenant's, so that it may be in use")
    if fate.kept is None and CONNECTIONS in (creator(project) or {}):
        words = f"run {run} may have handed out the connection string of {project.id}"
        yield Lack(f"{words}, and its journal is not here to tell")


def _deletion(rivals: Rivals, project: LiveProject, fates: Mapping[str, Fate]) -> DeleteDuplicate:
    run, first, tenant = maker(project), rivals.first, rivals.tenant
    fate = fates[run]
    kept = "its run hands out none" if fate.kept is None else "the journal of its run tells of none"
    gone = FieldChange(
        declared_fields.STATE,
        declared_fields.PRESENT,
        declared_fields.ABSENT,
        Risk.DESTRUCTIVE,
        origin=Origin.DRIFT,
    )
    return DeleteDuplicate(
        tenant=tenant.name,
        reason=f"a run that died has left a second project beside {first.id}",
        source=tenant.location,
        changes=(gone,),
        project_id=project.id,
        name=project.name,
        organization=project.organization,
        created_at=project.created_at,
        run=run,
        first_id=first.id,
        first_created_at=first.created_at,
        death=fate.evidence,
        emptiness=f"{unused.told(project)}; no connection string was handed out: {kept}",
    )


def conflicts(rulings: Mapping[str, Ruling]) -> dict[str, Conflict]:
    """What a person has to settle, with what is missing of the proof."""
    return {
        name: _conflict(ruling) for name, ruling in rulings.items() if ruling.lacks and ruling.rivals.contested
    }


def notes(rulings: Mapping[str, Ruling]) -> Iterator[Note]:
    """Duplicates that stay for want of a proof beside a tenant that has its project."""
    for name, ruling in rulings.items():
        if ruling.lacks and not ruling.rivals.contested:
            left = ", ".join(project.id for project in ruling.rivals.later)
            remedy = _remedy(ruling.lacks, "delete it by hand")
            told = f"duplicate {left} is not deleted: {_missing(ruling.lacks)}; {remedy}"
            yield Note(name, told, ruling.rivals.tenant.location)


def _conflict(ruling: Ruling) -> Conflict:
    tenant, first = ruling.rivals.tenant, ruling.rivals.first
    others = ", ".join(f"{p.id} (run {maker(p)})" for p in ruling.rivals.later)
    several = f"{1 + len(ruling.rivals.later)} live projects are this tenant's"
    return Conflict(
        tenant.name,
        f"{several}: {first.id} was first, then came {others}; what came later is deleted once it is proven to be "
        f"a dead run's and unused: {_missing(ruling.lacks)}",
        _remedy(ruling.lacks, SETTLE_BY_HAND),
        tenant.location,
    )


def _missing(lacks: Sequence[Lack]) -> str:
    return "; ".join(dict.fromkeys(lack.words for lack in lacks))


def _remedy(lacks: Sequence[Lack], by_hand: str) -> str:
    """The command that settles it, where one does; else what a person does."""
    if any(not (lack.dead or lack.ends or lack.after) for lack in lacks):
        return by_hand
    ends = [f"once run {run} has ended" for run in dict.fromkeys(lack.ends for lack in lacks if lack.ends)]
    dead = dict.fromkeys(lack.dead for lack in lacks if lack.dead)
    said = " ".join(f"--run-is-dead {run}" for run in dead)
    known = [f"if you know that {' and '.join(dead)} died"] if dead else []
    moments = [lack.after for lack in lacks if lack.after]
    after = [f"after {_moment(max(moments))}"] if moments else []
    command = f"`reconciler apply {said}`" if dead else "again"
    return f"run {command} {', '.join((*after, *ends, *known))}; or {by_hand}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"

"""Several projects of one tenant: which was created first, and whether dead runs left the others.

Two runs may create one tenant at the same time; each checks afterwards, and the later one deletes its own project.
If that run died before, its project is deleted here: if the run is known to be dead, if its connection string
was not returned, and if it is unused. Without proof the conflict says what is missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.live.state import NOTHING_KNOWN, RunState
from reconciler.model.annotations import CONNECTIONS, FLEET, RUN, TENANT
from reconciler.model.moments import utc_text
from reconciler.plan import declared_fields
from reconciler.plan.actions.project import DeleteDuplicate
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.contradictions import MARK, SETTLE_BY_HAND, creation_order
from reconciler.plan.ownership import creator
from reconciler.plan.plan import Conflict, Note
from reconciler.plan.tenant_history import STATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState, RunStatus
    from reconciler.plan.identity import Identities

RUN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""A run id that may be part of a suggested command and of a file name."""


class Rivals(Struct, frozen=True):
    """The projects of one tenant, all with this fleet's annotation for it as far as they were read."""

    tenant: Tenant
    first: LiveProject
    """By (created_at, id): it stays in any case."""
    later: tuple[LiveProject, ...]
    contested: bool
    """True if later ones have the tenant's name too: then the tenant has no project until a person resolves this.
    False if their runs marked them as duplicates.
    """


class MissingProof(Struct, frozen=True):
    """A missing proof, and what would provide it, if anything does."""

    words: str
    dead: str = ""
    """The run that a person may declare dead."""
    ends: str = ""
    """The run that has to end."""
    after: datetime | None = None
    """The earliest time of the proof."""


class Decision(Struct, frozen=True):
    """The decision: all later projects are deleted, or nothing is done."""

    rivals: Rivals
    actions: tuple[DeleteDuplicate, ...] = ()
    missing_proofs: tuple[MissingProof, ...] = ()


def marked(name: str, run: str) -> str:
    """Return the name that a run gives its project if another project was created first."""
    return f"{name}{MARK}{run}"


def find(desired: DesiredState, identities: Identities, tenants: Iterable[Tenant]) -> tuple[Rivals, ...]:
    """Return the tenants that have several projects, by names and annotations."""
    leftovers: dict[str, list[LiveProject]] = {}
    for project in identities.unmatched:
        base, mark, _ = project.name.rpartition(MARK)
        if mark and (tenant := desired.tenant_by_project_name(base)) is not None:
            leftovers.setdefault(tenant, []).append(project)
    if not leftovers and not identities.several:
        return ()
    doubtful = (one for one in tenants if one.name in identities.several or one.name in leftovers)
    found = (_of(tenant, identities, leftovers.get(tenant.name, ())) for tenant in doubtful)
    return tuple(rivals for rivals in found if rivals is not None)


def _of(tenant: Tenant, identities: Identities, leftovers: Iterable[LiveProject]) -> Rivals | None:
    several = identities.several.get(tenant.name, ())
    own = identities.projects.get(tenant.name)
    first = min(several, key=creation_order) if several else own
    if first is None:
        return None
    others = [*(project for project in several if project.id != first.id), *leftovers]
    later = tuple(
        sorted(
            (project for project in others if creation_order(project) > creation_order(first)), key=creation_order
        )
    )
    return Rivals(tenant, first, later, bool(several)) if later else None


def ours(project: LiveProject, fleet: str, tenant: str) -> bool:
    """Return whether the project's annotation says that a run of this fleet created it for this tenant."""
    note = creator(project) or {}
    said = note.get(FLEET) == fleet and note.get(TENANT) == tenant
    return said and RUN_ID.fullmatch(note.get(RUN, "")) is not None


def creating_run(project: LiveProject) -> str:
    """Return the run that created the project; empty if unknown."""
    return (creator(project) or {}).get(RUN, "")


def creating_runs(desired: DesiredState, found: Iterable[Rivals]) -> tuple[str, ...]:
    """Return the runs whose state decides, in order."""
    runs = (
        creating_run(project)
        for rivals in found
        for project in rivals.later
        if ours(project, desired.fleet, rivals.tenant.name)
    )
    return tuple(dict.fromkeys(runs))


def decide(desired: DesiredState, live: LiveState, found: Sequence[Rivals], now: datetime) -> dict[str, Decision]:
    """Return the decision by tenant. Projects that somebody else may have created are not covered."""
    pinned = {*desired.pinned_by, *desired.pins_held_back} if found else set()
    decisions: dict[str, Decision] = {}
    for rivals in found:
        name = rivals.tenant.name
        if all(ours(project, desired.fleet, name) for project in (rivals.first, *rivals.later)):
            decisions[name] = _decide(desired, live, rivals, pinned, now)
    return decisions


def _decide(desired: DesiredState, live: LiveState, rivals: Rivals, pinned: set[str], now: datetime) -> Decision:
    place = live.registered_id(rivals.tenant.name)
    missing_proofs: list[MissingProof] = []
    if place not in (None, rivals.first.id):
        missing_proofs.append(MissingProof(f"the registry names {place} as the tenant's"))
    for project in rivals.later:
        if project.id in pinned:
            missing_proofs.append(MissingProof(f"{project.id} is pinned by project_id"))
        missing_proofs += _missing_proofs(desired, rivals, project, live.run_statuses, now)
    if missing_proofs:
        return Decision(rivals, missing_proofs=tuple(missing_proofs))
    return Decision(rivals, tuple(_deletion(rivals, project, live.run_statuses) for project in rivals.later))


def _missing_proofs(
    desired: DesiredState,
    rivals: Rivals,
    project: LiveProject,
    run_statuses: Mapping[str, RunStatus],
    now: datetime,
) -> Iterator[MissingProof]:
    from reconciler.plan import unused  # noqa: PLC0415 - a tenant rarely has two projects

    run = creating_run(project)
    names = desired.project_names(rivals.tenant.name)
    if project.name not in (*names, *(marked(name, run) for name in names)):
        yield MissingProof(f"{project.id} was renamed to {project.name!r}")
    if project.organization != rivals.first.organization:
        yield MissingProof(
            f"{project.id} and {rivals.first.id} are in different organizations: one was transferred"
        )
    yield from _of_run(project, run, run_statuses.get(run, NOTHING_KNOWN))
    yield from (MissingProof(f"{project.id}: {words}") for words in unused.additions(project))
    complete_at = unused.counters_complete_at(project)
    if now < complete_at:
        yield MissingProof(
            f"Neon's counters of {project.id} are not complete before {utc_text(complete_at)}", after=complete_at
        )
    else:
        yield from (MissingProof(f"{project.id}: {words}") for words in unused.activity(project))


def _of_run(project: LiveProject, run: str, status: RunStatus) -> Iterator[MissingProof]:
    match status.state:
        case RunState.RUNNING:
            yield MissingProof(
                f"run {run}, which created {project.id}, is still running: {status.evidence}",
                ends=run,
            )
        case RunState.UNKNOWN:
            yield MissingProof(f"it is unknown whether run {run}, which created {project.id}, is dead", dead=run)
        case RunState.DEAD:
            pass
    if status.kept is not None and project.id in status.kept:
        yield MissingProof(f"run {run} reported {project.id} as the tenant's project, so it may be in use")
    if status.kept is None and CONNECTIONS in (creator(project) or {}):
        words = f"run {run} may have returned the connection string of {project.id}"
        yield MissingProof(f"{words}, and its journal is not available here")


def _deletion(rivals: Rivals, project: LiveProject, run_statuses: Mapping[str, RunStatus]) -> DeleteDuplicate:
    from reconciler.plan import unused  # noqa: PLC0415 - a tenant rarely has two projects

    run, first, tenant = creating_run(project), rivals.first, rivals.tenant
    status = run_statuses[run]
    kept = "its run returns none" if status.kept is None else "the journal of its run contains none"
    gone = FieldChange(
        STATE,
        declared_fields.PRESENT,
        declared_fields.ABSENT,
        Risk.DESTRUCTIVE,
        origin=Origin.DRIFT,
    )
    return DeleteDuplicate(
        tenant=tenant.name,
        reason=f"a dead run left a second project besides {first.id}",
        source=tenant.location,
        changes=(gone,),
        project_id=project.id,
        name=project.name,
        organization=project.organization,
        created_at=project.created_at,
        run=run,
        first_id=first.id,
        first_created_at=first.created_at,
        death=status.evidence,
        emptiness=f"{unused.description(project)}; no connection string was returned: {kept}",
    )


def conflicts(decisions: Mapping[str, Decision]) -> dict[str, Conflict]:
    """Return the conflicts, with what is missing of the proof."""
    return {
        name: _conflict(decision)
        for name, decision in decisions.items()
        if decision.missing_proofs and decision.rivals.contested
    }


def notes(decisions: Mapping[str, Decision]) -> Iterator[Note]:
    """Yield notes on duplicates that stay because a proof is missing, if the tenant has its project."""
    for name, decision in decisions.items():
        if decision.missing_proofs and not decision.rivals.contested:
            left = ", ".join(project.id for project in decision.rivals.later)
            remedy = _remedy(decision.missing_proofs, "delete it by hand")
            message = f"duplicate {left} is not deleted: {_missing(decision.missing_proofs)}; {remedy}"
            yield Note(name, message, decision.rivals.tenant.location)


def _conflict(decision: Decision) -> Conflict:
    tenant, first = decision.rivals.tenant, decision.rivals.first
    others = ", ".join(f"{p.id} (run {creating_run(p)})" for p in decision.rivals.later)
    several = f"{1 + len(decision.rivals.later)} live projects belong to this tenant"
    return Conflict.about(
        tenant,
        f"{several}: {first.id} is the first, then {others}; later ones are deleted if they are proven to be "
        f"unused and left by a dead run: {_missing(decision.missing_proofs)}",
        _remedy(decision.missing_proofs, SETTLE_BY_HAND),
    )


def _missing(missing_proofs: Sequence[MissingProof]) -> str:
    return "; ".join(dict.fromkeys(lack.words for lack in missing_proofs))


def _remedy(missing_proofs: Sequence[MissingProof], by_hand: str) -> str:
    """Return the command that resolves it, if one does; else the manual remedy."""
    if any(not (lack.dead or lack.ends or lack.after) for lack in missing_proofs):
        return by_hand
    ends = [
        f"after run {run} has ended" for run in dict.fromkeys(lack.ends for lack in missing_proofs if lack.ends)
    ]
    dead = dict.fromkeys(lack.dead for lack in missing_proofs if lack.dead)
    said = " ".join(f"--run-is-dead {run}" for run in dead)
    known = [f"if you know that {' and '.join(dead)} died"] if dead else []
    moments = [lack.after for lack in missing_proofs if lack.after]
    after = [f"after {utc_text(max(moments))}"] if moments else []
    command = f"`reconciler apply {said}`" if dead else "again"
    return f"run {command} {', '.join((*after, *ends, *known))}; or {by_hand}"

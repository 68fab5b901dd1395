"""The tenant registry against live state: which rows are missing, wrong or outdated, and which revisions hold."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.desired.roster import revised
from reconciler.live.registered import NOTHING_KNOWN, Placement, Registered
from reconciler.model.moments import utc_text
from reconciler.model.values import replace
from reconciler.plan.adoption import confirmed, reused_names
from reconciler.plan.identity import identify
from reconciler.plan.orphans import orphans
from reconciler.plan.plan import Conflict  # noqa: TC001 - documents read the annotations
from reconciler.plan.registry_record import live_record, matching_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.registered import Record
    from reconciler.live.state import LiveState
    from reconciler.plan.history import History
    from reconciler.plan.identity import Identities
    from reconciler.plan.plan import Plan


class RowChange(Struct, frozen=True):
    """A change of one row, as text."""

    tenant: str
    message: str


class Registration(Struct, frozen=True):
    """The changes that make the rows agree with live state, and what waits or needs a decision."""

    placements: tuple[Placement, ...]
    """Rows to write."""
    forgotten: tuple[tuple[str, Registered], ...]
    """Rows to remove, each as it was read."""
    changes: tuple[RowChange, ...]
    """Both as text, sorted by name."""
    waiting: tuple[RowChange, ...]
    """Rows that are left as they are: claims that may still lead to a project, and rows that change meanwhile."""
    conflicts: tuple[Conflict, ...]

    def overtaken(self, tenants: Iterable[str]) -> Registration:
        """Return what is left if the rows of these tenants changed after they were read."""
        changed = frozenset(tenants)
        changed_rows = tuple(RowChange(tenant, "changed during the rebuild") for tenant in sorted(changed))
        changes = tuple(change for change in self.changes if change.tenant not in changed)
        return replace(self, changes=changes, waiting=(*self.waiting, *changed_rows))


class RowChanges(Struct, frozen=True):
    """The rows that a rebuild changes, or has changed, and what waits or needs a decision."""

    changes: tuple[RowChange, ...]
    waiting: tuple[RowChange, ...]
    """Rows that stay as they are: claims that may still lead to a project, and rows that change meanwhile."""
    conflicts: tuple[Conflict, ...]
    """Tenants without a row because a person has to decide which project is theirs."""
    rows: int
    """The number of rows."""


def gone(live: LiveState) -> frozenset[str]:
    """Return the tenants whose row names a project that exists in no organization of the fleet."""
    known = {project.id for project in live.projects} | {project.id for project in live.unknown}
    return frozenset(tenant for tenant, place in live.registered_ids.items() if place not in known)


def without(rows: Mapping[str, Registered], tenants: Iterable[str]) -> dict[str, Registered]:
    """Return the rows without those of these tenants."""
    left_out = frozenset(tenants)
    return {name: row for name, row in rows.items() if name not in left_out}


def as_rebuilt(rows: Mapping[str, Registered], found: Registration, at: datetime) -> dict[str, Registered]:
    """Return the rows of tenants whose project is certain, as a rebuild writes them."""
    doubtful = {row.tenant for row in found.waiting} | {conflict.tenant for conflict in found.conflicts}
    rebuilt = without(rows, {*doubtful, *(tenant for tenant, _ in found.forgotten)})
    for placement in found.placements:
        if placement.tenant not in doubtful:
            row = rebuilt.get(placement.tenant) or Registered(None, None, "", at)
            record = replace(row.record, **placement.record.known)
            own = replace(row, project_id=placement.project_id, organization=placement.organization, record=record)
            rebuilt[placement.tenant] = own
    return rebuilt


def certain_projects(
    desired: DesiredState, live: LiveState, plan: Plan, selection: Selection
) -> dict[str, LiveProject]:
    """Return the projects of selected tenants whose owner is not in doubt, and was not found by name only."""
    stated = {*live.registered_ids.values(), *desired.pinned_by}
    doubtful = {conflict.tenant for conflict in plan.conflicts}
    return {
        name: project
        for name, project in identify(desired, live).projects.items()
        if name not in doubtful
        and selection.includes(desired.tenants[name])
        and (project.branches is not None or project.id in stated)
    }


def misplaced(desired: DesiredState, live: LiveState, plan: Plan, selection: Selection) -> tuple[Placement, ...]:
    """Return the projects of selected tenants with a missing or different row.

    A row later proves the owner. So none is written if the owner is in doubt, or if the project was found by name
    only and its annotations were not read.
    """
    certain = certain_projects(desired, live, plan, selection)
    changing = {planned.tenant for planned in plan.tenants}
    certain_now = {name: project for name, project in certain.items() if name not in changing}
    records = {name: live_record(project) for name, project in certain.items()}
    records |= {
        name: matching_record(desired, name, project, _record(live.registered.get(name)))
        for name, project in certain_now.items()
    }
    return _misplaced(certain, records, live.registered)


def unchanged_revisions(
    desired: DesiredState, live: LiveState, plan: Plan, selection: Selection
) -> dict[str, int]:
    """Return the revisions of selected tenants without differences: they are accepted without a write.

    ``plan`` holds everything that differs; a plan of some concerns proves nothing.
    """
    stated = {tenant.name: tenant.revision for tenant in revised(desired.tenants) if tenant.revision is not None}
    if not stated or plan.coverage.only:
        return {}
    identities = identify(desired, live)
    differing = {planned.tenant for planned in plan.tenants} | {conflict.tenant for conflict in plan.conflicts}
    differing.update(name for refusal in plan.refusals for name in refusal.tenants)
    return {
        name: revision
        for name, revision in stated.items()
        if name not in differing and _as_declared(desired.tenants[name], identities, selection)
    }


def registration(
    desired: DesiredState,
    live: LiveState,
    rows: Mapping[str, Registered],
    history: History,
    *,
    now: datetime,
    lapsed_before: datetime,
) -> Registration:
    """Return what a rebuild does. ``rows`` are all rows; ``live`` was observed without those that are ``gone``.

    A row later proves the owner: none is written for a project found by name only, nor for one that may be an
    earlier customer's. Claims from before ``lapsed_before`` led to nothing, or their project is visible.
    """
    identities = identify(desired, live)
    doubtful = reused_names(desired, live, history, desired.tenants.values(), identities, now)
    found = {name: project for name, project in identities.projects.items() if name not in doubtful}
    certain = {
        name: project
        for name, project in found.items()
        if confirmed(desired, live, history, desired.tenants[name], project)
    }
    owned = {**_owned_orphans(desired, identities), **certain}
    records = {
        name: matching_record(desired, name, project, _record(rows.get(name))) for name, project in owned.items()
    }
    placements = _misplaced(owned, records, rows)
    changes = [_placed(placement, rows.get(placement.tenant)) for placement in placements]
    placed = {placement.tenant for placement in placements}
    holders = {project.id: tenant for tenant, project in identities.projects.items()}
    right = {tenant for tenant, place in live.registered_ids.items() if holders.get(place, tenant) == tenant}
    rest = {tenant: row for tenant, row in rows.items() if tenant not in placed and tenant not in right}
    waiting = {t: row for t, row in rest.items() if row.project_id is None and row.claimed_at >= lapsed_before}
    forgotten = {tenant: row for tenant, row in rest.items() if tenant not in waiting}
    changes += [_forgotten(tenant, row, holders) for tenant, row in forgotten.items()]
    return Registration(
        placements=placements,
        forgotten=tuple(forgotten.items()),
        changes=tuple(sorted(changes, key=lambda change: change.tenant)),
        waiting=(
            *(_waiting(tenant, row) for tenant, row in waiting.items()),
            *(_unconfirmed(name, found[name]) for name in sorted(found.keys() - certain.keys())),
        ),
        conflicts=tuple(conflict for _, conflict in sorted({**identities.conflicts, **doubtful}.items())),
    )


def _record(row: Registered | None) -> Record:
    return NOTHING_KNOWN if row is None else row.record


def _as_declared(tenant: Tenant, identities: Identities, selection: Selection) -> bool:
    there = not identities.nowhere(tenant) if tenant.absent else tenant.name in identities.projects
    return selection.includes(tenant) and there is not tenant.absent


def _misplaced(
    projects: Mapping[str, LiveProject], records: Mapping[str, Record], rows: Mapping[str, Registered]
) -> tuple[Placement, ...]:
    return tuple(
        Placement(tenant, project.id, project.organization, records[tenant])
        for tenant, project in sorted(projects.items())
        if (row := rows.get(tenant)) is None
        or (row.project_id, row.organization) != (project.id, project.organization)
        or records[tenant].differs(row.record)
    )


def _owned_orphans(desired: DesiredState, identities: Identities) -> dict[str, LiveProject]:
    """Projects of this fleet whose tenant no file declares: signed up by ``converge``, or no longer declared."""
    owned = [orphan for orphan in orphans(desired, identities) if orphan.owned]
    count = Counter(orphan.tenant for orphan in owned)
    return {
        orphan.tenant: orphan.project
        for orphan in owned
        if count[orphan.tenant] == 1 and orphan.tenant not in desired.tenants
    }


def _placed(placement: Placement, row: Registered | None) -> RowChange:
    where = f"project {placement.project_id} in {placement.organization}"
    if row is None:
        return RowChange(placement.tenant, f"added: {where}")
    if (row.project_id, row.organization) == (placement.project_id, placement.organization):
        return RowChange(placement.tenant, f"updated: {_differences(placement.record, row.record)}")
    if row.project_id is None:
        return RowChange(placement.tenant, f"filled: {where}; run {row.claimed_by} had claimed it")
    return RowChange(placement.tenant, f"corrected: {where}; the row named {row.project_id} in {row.organization}")


def _differences(record: Record, row: Record) -> str:
    """``tier free -> pro, host unknown -> ep-1...``."""
    old = {name: getattr(row, name) for name in record.differs(row)}
    return ", ".join(
        f"{name} {_value_text(value)} -> {_value_text(record.known[name])}" for name, value in old.items()
    )


def _value_text(value: object) -> str:
    if value is None:
        return "unknown"
    return utc_text(value) if isinstance(value, datetime) else str(value)


def _forgotten(tenant: str, row: Registered, holders: Mapping[str, str]) -> RowChange:
    if row.project_id is None:
        return RowChange(tenant, f"removed: the claim of run {row.claimed_by} has expired and led to no project")
    if holder := holders.get(row.project_id):
        return RowChange(tenant, f"removed: project {row.project_id} now belongs to tenant {holder!r}")
    return RowChange(tenant, f"removed: project {row.project_id} no longer exists")


def _waiting(tenant: str, row: Registered) -> RowChange:
    return RowChange(tenant, f"claimed by run {row.claimed_by} since {utc_text(row.claimed_at)}")


def _unconfirmed(tenant: str, project: LiveProject) -> RowChange:
    found = f"project {project.id} ({project.name} in {project.organization}) was found by name only"
    return RowChange(tenant, f"{found}: apply records it and changes nothing, or add project_id to its file")

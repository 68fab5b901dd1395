"""/organizations: read one; move projects from one to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.simulator import branches, endpoints, projects, snapshots
from reconciler.simulator.answer import Answer
from reconciler.simulator.behaviour import Integrations
from reconciler.simulator.bodies import TransferProjects
from reconciler.simulator.keys import KeyKind
from reconciler.simulator.limits import check_compute, check_restore_window, count_projects
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.shapes import PLAN
from reconciler.simulator.store import body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from reconciler.simulator.call import Call
    from reconciler.simulator.organization import StoredOrganization
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction


BLOCKING: Final = frozenset({"github", "vercel"})
"""Integrations that prevent a transfer (Neon: transferProjectsFromOrgToOrg)."""


def get_organization(call: Call) -> Answer:
    """GET /organizations/{org_id}."""
    return Answer(describe_organization(call.organization(call.path["org_id"])))


def describe_organization(organization: StoredOrganization) -> Document:
    """An organization as the API answers it."""
    return {
        "id": organization.id,
        "name": organization.name,
        "handle": organization.id,
        "plan": PLAN,
        "created_at": organization.created_at,
        "updated_at": organization.created_at,
        "managed_by": "console",
    }


def transfer_projects(call: Call) -> Answer:
    """POST /organizations/{source_org_id}/projects/transfer: for a personal key only."""
    body = call.body(TransferProjects)
    if call.key.kind is not KeyKind.PERSONAL:
        raise Refusal(403, "transferring projects requires a personal API key")
    source = call.organization(call.path["source_org_id"])
    destination = call.organization(body.destination_org_id)
    if source.id == destination.id:
        raise Refusal(400, "source and destination organizations are the same")
    with call.writing() as transaction:
        rows = [_project_of(call, source, project_id) for project_id in dict.fromkeys(body.project_ids)]
        refusal = _transfer(call, transaction, rows, destination)
    if refusal is not None:
        raise refusal
    return Answer({})


def _project_of(call: Call, source: StoredOrganization, project_id: str) -> sqlite3.Row:
    query = "SELECT * FROM projects WHERE id = ? AND org_id = ? AND deleted_at IS NULL"
    row = call.world.store.row(query, project_id, source.id)
    if row is None:
        raise not_found(f"project {project_id}")
    return row


def _transfer(
    call: Call, transaction: Transaction, rows: Sequence[sqlite3.Row], destination: StoredOrganization
) -> Refusal | None:
    """Move projects; a refusal that comes back was preceded by those that moved, where a batch is not atomic."""
    for batch in [rows] if call.world.behaviour.transfer_atomic else [[row] for row in rows]:
        refusal = _refusal(call, batch, destination, transaction.now)
        if refusal is not None:
            return refusal
        for row in batch:
            projects.move(transaction, row, destination.id, call.world.behaviour)
    return None


def _refusal(
    call: Call, rows: Sequence[sqlite3.Row], destination: StoredOrganization, now: float
) -> Refusal | None:
    culprits = [
        {"id": row["id"], "integration": integration}
        for row in rows
        for integration in msgspec.json.decode(row["integrations"] or "[]")
        if integration in BLOCKING or call.world.behaviour.transfer_blocked_by is Integrations.ANY
    ]
    if culprits:
        return Refusal(422, body={"projects": culprits})
    limits = _unsatisfied(call, rows, destination, now)
    return Refusal(406, body={"limits": limits}) if limits else None


def _unsatisfied(
    call: Call, rows: Sequence[sqlite3.Row], destination: StoredOrganization, now: float
) -> list[dict[str, str]]:
    if destination.name in call.world.behaviour.transfers_refused_to:
        return [{"name": "subscription_type", "expected": destination.name, "actual": "another plan"}]
    room, count = destination.limits.projects, count_projects(call.world.store, destination.id) + len(rows)
    if room is not None and count > room:
        return [{"name": "projects_count", "expected": str(room), "actual": str(count)}]
    return [
        {"name": "subscription_type", "expected": destination.name, "actual": reason}
        for row in rows
        for reason in _exceeded(call, row, destination, now)
    ]


def _exceeded(call: Call, row: sqlite3.Row, destination: StoredOrganization, now: float) -> Iterator[str]:
    """What of a project the destination does not hold, as far as this Neon looks at it."""
    store, limits, behaviour = call.world.store, destination.limits, call.world.behaviour
    if behaviour.transfer_checks_contents:
        saved = snapshots.count_manual(store, row["id"], now)
        as_branches = saved if behaviour.snapshots_count_as_branches else 0
        contents = {
            "branches": (len(branches.branches(store, row["id"], now)) + as_branches, limits.branches),
            "snapshots": (saved, limits.snapshots),
            "read replicas": (endpoints.count_replicas(store, row["id"], now), limits.replicas),
        }
        for what, (count, limit) in contents.items():
            if limit is not None and count > limit:
                yield f"{row['id']}: {count} {what}, limit:{limit}"
    if behaviour.transfer_checks_settings and (refusal := _settings_refused(call, row, destination)):
        yield str(refusal)


def _settings_refused(call: Call, row: sqlite3.Row, destination: StoredOrganization) -> Refusal | None:
    project = body_of(row)
    rows = endpoints.endpoints_of_project(call.world.store, row["id"])
    try:
        check_restore_window(project["history_retention_seconds"], destination.limits)
        for compute in (project["default_endpoint_settings"], *(body_of(e) for e in rows)):
            check_compute(compute, destination.limits)
    except Refusal as refusal:
        return refusal
    return None

"""The organizations of a simulated account: what they allow, and the keys that open them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.desired.tier import OrganizationLimits
from reconciler.simulator import keys
from reconciler.simulator.keys import Key, KeyKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from reconciler.simulator.store import Store, Transaction

PERSONAL_KEY: Final = "sim_personal_key"
"""Not a secret: every simulator has it."""

_NOT_IN_AN_ID = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class SimulatedOrganization:
    """An organization to be simulated. A limit of None is none."""

    name: str
    limits: OrganizationLimits = field(default_factory=OrganizationLimits)


@dataclass(frozen=True, slots=True)
class StoredOrganization:
    """An organization of the store."""

    id: str
    name: str
    limits: OrganizationLimits
    created_at: str


def register(transaction: Transaction, organizations: Iterable[SimulatedOrganization], created_at: str) -> None:
    """Store organizations with their keys; a known one keeps both and takes on the new limits."""
    keys.give(transaction, PERSONAL_KEY, Key(KeyKind.PERSONAL), "simulator")
    for organization in organizations:
        org_id = organization_id(organization.name)
        body = msgspec.json.encode({"limits": asdict(organization.limits), "created_at": created_at}).decode()
        transaction.execute(
            "INSERT INTO organizations VALUES (?, ?, 0, ?) ON CONFLICT (id) DO UPDATE "
            "SET body = json_set(body, '$.limits', json_extract(excluded.body, '$.limits'))",
            *(org_id, organization.name, body),
        )
        token = organization_key(organization.name)
        keys.give(transaction, token, Key(KeyKind.ORGANIZATION, org_id), organization.name)


def organization_id(name: str) -> str:
    """The id that the simulator gives an organization (Neon: ``^[a-z0-9-]{1,60}$``)."""
    return f"org-sim-{_NOT_IN_AN_ID.sub('-', name.lower()).strip('-')}"[:60]


def organization_key(name: str) -> str:
    """The key that opens one organization. Not a secret."""
    return f"sim_org_{_NOT_IN_AN_ID.sub('_', name.lower()).strip('_')}_key"


def project_key(project_id: str) -> str:
    """The key that opens one project. Not a secret."""
    return f"sim_project_{project_id.replace('-', '_')}_key"


def stored_organizations(store: Store) -> tuple[StoredOrganization, ...]:
    """All of them, by name."""
    return tuple(
        _organization(row) for row in store.rows("SELECT id, name, body FROM organizations ORDER BY name")
    )


def stored_organization(store: Store, org_id: str) -> StoredOrganization | None:
    """The organization of that id."""
    row = store.row("SELECT id, name, body FROM organizations WHERE id = ?", org_id)
    return None if row is None else _organization(row)


def _organization(row: sqlite3.Row) -> StoredOrganization:
    body = msgspec.json.decode(row["body"])
    return StoredOrganization(row["id"], row["name"], OrganizationLimits(**body["limits"]), body["created_at"])

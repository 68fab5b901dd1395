"""The organizations of a simulated account: what they allow, and the keys that open them."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict, dataclass
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from reconciler.simulator import keys, user
from reconciler.simulator.keys import Key, KeyKind
from reconciler.simulator.store import Reading, body_of, encoded
from reconciler.simulator.types import Limits

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction
    from reconciler.simulator.types import Organization

PERSONAL_KEY: Final = "sim_personal_key"
"""Not a secret: every simulator has it."""

_PREFIX: Final = "org-sim-"
_NOT_IN_AN_ID = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class StoredOrganization:
    """An organization of the store."""

    id: str
    name: str
    limits: Limits
    created_at: str


def register(transaction: Transaction, organizations: Iterable[Organization], created_at: str) -> None:
    """Store organizations with their keys; a known one keeps both and takes on the new limits, and a new name."""
    wanted = tuple(organizations)
    ids = _ids_by_name(transaction, wanted)
    keys.give(transaction, PERSONAL_KEY, Key(KeyKind.PERSONAL), "simulator")
    for name, org_id in ids.items():  # two may exchange their names
        transaction.execute("UPDATE organizations SET name = id WHERE id = ? OR name = ?", org_id, name)
    for organization in wanted:
        org_id = ids[organization.name]
        body = {
            "limits": asdict(organization.limits),
            "reference": organization.reference,
            "created_at": created_at,
        }
        transaction.execute(
            "INSERT INTO organizations VALUES (?, ?, 0, ?) ON CONFLICT (id) DO UPDATE "
            "SET name = excluded.name, body = json_patch(body, json_remove(excluded.body, '$.created_at'))",
            *(org_id, organization.name, encoded(body)),
        )
        keys.give(transaction, organization_key(org_id), Key(KeyKind.ORGANIZATION, org_id), organization.name)


def _ids_by_name(store: Reading, wanted: Iterable[Organization]) -> dict[str, str]:
    """By name: the id of the stored organization that was referenced alike, else the one of the name.

    That one is another's, where an organization has moved on from this name to another one.
    """
    query = "SELECT id, body ->> '$.reference' AS reference FROM organizations"
    known = {row["reference"]: row["id"] for row in store.rows(query) if row["reference"] is not None}
    ids = {each.name: known[each.reference] for each in wanted if each.reference in known}
    for each in wanted:
        if each.name not in ids:
            ids[each.name] = _free(organization_id(each.name), ids.values())
    return ids


def _free(org_id: str, taken: Iterable[str]) -> str:
    used = frozenset(taken)
    numbered = (f"{org_id[:57]}-{number}" for number in count(2))
    return next(one for one in (org_id, *islice(numbered, len(used))) if one not in used)


def organization_id(name: str) -> str:
    """The id that the simulator gives an organization (Neon: ``^[a-z0-9-]{1,60}$``)."""
    return f"{_PREFIX}{_NOT_IN_AN_ID.sub('-', name.lower()).strip('-')}"[:60]


def organization_key(org_id: str) -> str:
    """The key that opens one organization. Not a secret."""
    return f"sim_org_{org_id.removeprefix(_PREFIX).replace('-', '_')}_key"


def project_key(project_id: str) -> str:
    """The key that opens one project. Not a secret."""
    return f"sim_project_{project_id.replace('-', '_')}_key"


def stored_organizations(store: Reading) -> tuple[StoredOrganization, ...]:
    """All of them, by name."""
    return tuple(
        _organization(row) for row in store.rows("SELECT id, name, body FROM organizations ORDER BY name")
    )


def stored_organization(store: Reading, org_id: str) -> StoredOrganization | None:
    """The organization of that id."""
    row = store.row("SELECT id, name, body FROM organizations WHERE id = ?", org_id)
    return None if row is None else _organization(row)


def _organization(row: sqlite3.Row) -> StoredOrganization:
    body = body_of(row)
    return StoredOrganization(row["id"], row["name"], Limits(**body["limits"]), body["created_at"])


def member(organization: StoredOrganization) -> Document:
    """The user as a member of an organization."""
    return {
        "id": str(uuid.uuid5(uuid.UUID(user.ID), organization.id)),
        "user_id": user.ID,
        "org_id": organization.id,
        "role": "admin",
        "joined_at": organization.created_at,
    }

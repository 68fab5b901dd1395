"""The one user of a simulated account: a member of every organization, and its admin."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from reconciler.simulator.documents import PLAN

if TYPE_CHECKING:
    from reconciler.simulator.documents import Document
    from reconciler.simulator.organization import StoredOrganization

ID: Final = "51b00000-0000-4000-8000-000000000001"
NAME: Final = "Simulated"
EMAIL: Final = "simulator@neon.test"
IMAGE: Final = ""


def describe() -> Document:
    """The user as /users/me answers it."""
    return {
        "id": ID,
        "login": "simulator",
        "email": EMAIL,
        "name": NAME,
        "last_name": "User",
        "image": IMAGE,
        "plan": PLAN,
        "auth_accounts": [],
        "active_seconds_limit": 0,
        "projects_limit": 30_000,
        "branches_limit": 5000,
        "max_autoscaling_limit": 16.0,
    }


def creator() -> Document:
    """The user as one who made an API key."""
    return {"id": ID, "name": NAME, "image": IMAGE}


def member(organization: StoredOrganization) -> Document:
    """The user as a member of an organization."""
    return {
        "id": str(uuid.uuid5(uuid.UUID(ID), organization.id)),
        "user_id": ID,
        "org_id": organization.id,
        "role": "admin",
        "joined_at": organization.created_at,
    }

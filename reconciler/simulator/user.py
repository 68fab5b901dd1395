"""The one user of a simulated account: a member of every organization, and its admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.simulator.shapes import PLAN

if TYPE_CHECKING:
    from reconciler.simulator.shapes import Document

ID: Final = "51b00000-0000-4000-8000-000000000001"
NAME: Final = "Simulated"
EMAIL: Final = "simulator@neon.test"
IMAGE: Final = ""
SUBSCRIPTION: Final = "direct_sales"
"""Of the kinds that the description knows, one that clients of 2025 know too; they fail for any other."""
BILLING_SINCE: Final = "2026-01-01T00:00:00Z"


def describe_user() -> Document:
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
        "billing_account": _billing_account(),
    }


def _billing_account() -> Document:
    """Optional in the description; the Python client of 2025 reads no user without it."""
    address = ("city", "country", "line1", "line2", "postal_code", "state")
    return {
        "state": "active",
        "payment_source": {"type": "none"},
        "payment_method": "none",
        "subscription_type": SUBSCRIPTION,
        "quota_reset_at_last": BILLING_SINCE,
        "name": NAME,
        "email": EMAIL,
        **{f"address_{part}": "" for part in address},
    }


def creator() -> Document:
    """The user as one who made an API key."""
    return {"id": ID, "name": NAME, "image": IMAGE}

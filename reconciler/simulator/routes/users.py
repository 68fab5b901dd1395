"""/users/me: who a key belongs to, and which organizations it opens."""

from __future__ import annotations

from reconciler.simulator.call import Answer, Call
from reconciler.simulator.organization import PLAN, stored_organizations
from reconciler.simulator.routes.organizations import describe_organization


def get_user(call: Call) -> Answer:
    """GET /users/me."""
    call.require_no_project_key()
    return Answer(
        {
            "id": "sim-user",
            "login": "simulator",
            "email": "simulator@neon.test",
            "name": "Simulated",
            "last_name": "User",
            "image": "",
            "plan": PLAN,
            "auth_accounts": [],
            "active_seconds_limit": 0,
            "projects_limit": 30_000,
            "branches_limit": 5000,
            "max_autoscaling_limit": 16.0,
        }
    )


def list_organizations(call: Call) -> Answer:
    """GET /users/me/organizations."""
    organizations = stored_organizations(call.world.store)
    shown = [describe_organization(each) for each in organizations if call.key.opens(each.id)]
    return Answer({"organizations": shown})

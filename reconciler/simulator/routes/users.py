"""/users/me: who a key belongs to, and which organizations it opens."""

from __future__ import annotations

from reconciler.simulator import user
from reconciler.simulator.call import Answer, Call
from reconciler.simulator.organization import stored_organizations
from reconciler.simulator.routes.organizations import describe_organization


def get_user(call: Call) -> Answer:
    """GET /users/me."""
    call.require_user()
    return Answer(user.describe())


def list_organizations(call: Call) -> Answer:
    """GET /users/me/organizations."""
    call.require_user()
    organizations = stored_organizations(call.world.store)
    shown = [describe_organization(each) for each in organizations]
    return Answer({"organizations": shown})

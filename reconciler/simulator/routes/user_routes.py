"""/users/me and /auth: who a key belongs to, and which organizations it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator import user
from reconciler.simulator.answer import Answer
from reconciler.simulator.keys import KeyKind
from reconciler.simulator.organization import stored_organizations
from reconciler.simulator.routes.organization_routes import describe_organization

if TYPE_CHECKING:
    from reconciler.simulator.call import Call


def get_user(call: Call) -> Answer:
    """GET /users/me."""
    call.require_user()
    return Answer(user.describe_user())


def list_organizations(call: Call) -> Answer:
    """GET /users/me/organizations."""
    call.require_user()
    organizations = stored_organizations(call.world.store)
    shown = [describe_organization(each) for each in organizations]
    return Answer({"organizations": shown})


def get_auth_details(call: Call) -> Answer:
    """GET /auth: whose key a request comes with; one of a single project is its organization's."""
    if call.key.kind is KeyKind.PERSONAL:
        return Answer({"account_id": user.ID, "auth_method": "api_key_user"})
    return Answer({"account_id": call.key.org_id, "auth_method": "api_key_org"})

"""/api_keys, and those of an organization: list, create, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from reconciler.simulator import keys
from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import CreateKey, CreateOrganizationKey
from reconciler.simulator.keys import Key, KeyKind
from reconciler.simulator.refusal import Refusal, not_found

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.call import Call
    from reconciler.simulator.organization import StoredOrganization


def list_keys(call: Call) -> Answer:
    """GET /api_keys: those of the user."""
    call.require_user()
    return Answer([keys.describe_key(row) for row in keys.personal_keys(call.world.store)])


def create_key(call: Call) -> Answer:
    """POST /api_keys: opens all that the user may see."""
    body = call.body(CreateKey)
    call.require_user()
    with call.writing() as transaction:
        made = keys.store_key(transaction, Key(KeyKind.PERSONAL), body.key_name)
    return Answer(made)


def revoke_key(call: Call) -> Answer:
    """DELETE /api_keys/{key_id}."""
    call.require_user()
    with call.writing() as transaction:
        row = _named_key(call, keys.personal_keys(call.world.store))
        answer = keys.revoke(transaction, row)
    return Answer(answer)


def _named_key(call: Call, rows: list[sqlite3.Row]) -> sqlite3.Row:
    """The one of these keys that the path names."""
    for row in rows:
        if str(row["id"]) == call.path["key_id"]:
            return row
    raise not_found("API key")


def list_organization_keys(call: Call) -> Answer:
    """GET /organizations/{org_id}/api_keys."""
    organization = call.organization_of_member(call.path["org_id"])
    return Answer([keys.describe_key(row) for row in keys.organization_keys(call.world.store, organization.id)])


def create_organization_key(call: Call) -> Answer:
    """POST /organizations/{org_id}/api_keys: for all of the organization, or for one project of it."""
    body = call.body(CreateOrganizationKey)
    organization = call.organization_of_member(call.path["org_id"])
    if call.key.kind is not KeyKind.PERSONAL:
        raise Refusal(403, "creating an organization API key requires a personal API key")
    with call.writing() as transaction:
        key = Key(KeyKind.ORGANIZATION, organization.id)
        if body.project_id is not UNSET:
            _check_project(call, organization, body.project_id)
            key = Key(KeyKind.PROJECT, organization.id, body.project_id)
        made = keys.store_key(transaction, key, body.key_name)
    return Answer(made)


def _check_project(call: Call, organization: StoredOrganization, project_id: str) -> None:
    query = "SELECT 1 FROM projects WHERE id = ? AND org_id = ? AND deleted_at IS NULL"
    if call.world.store.row(query, project_id, organization.id) is None:
        raise not_found("project")


def revoke_organization_key(call: Call) -> Answer:
    """DELETE /organizations/{org_id}/api_keys/{key_id}."""
    organization = call.organization_of_member(call.path["org_id"])
    with call.writing() as transaction:
        row = _named_key(call, keys.organization_keys(call.world.store, organization.id))
        answer = keys.revoke(transaction, row)
    return Answer(answer)

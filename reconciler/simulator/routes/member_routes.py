"""/organizations/{org_id}/members: the one user, who is in every organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from reconciler.simulator import organization, user
from reconciler.simulator.answer import Answer
from reconciler.simulator.refusal import Refusal, not_found

if TYPE_CHECKING:
    from reconciler.simulator.call import Call
    from reconciler.simulator.shapes import Document

DEFAULT_LIMIT: Final = 100
FIRST_PAGE: Final = "0"
LAST_PAGE: Final = "1"
"""The cursor behind the one member."""


class ListMembers(Struct, forbid_unknown_fields=True):
    """The query of a list."""

    sort_by: Literal["email", "role", "joined_at"] = "joined_at"
    cursor: str = FIRST_PAGE
    sort_order: Literal["asc", "desc"] = "desc"
    limit: Annotated[int, Meta(ge=1, le=500)] = DEFAULT_LIMIT


def list_members(call: Call) -> Answer:
    """GET /organizations/{org_id}/members."""
    query = call.parameters(ListMembers)
    member = _member(call)
    if query.cursor not in {FIRST_PAGE, LAST_PAGE}:
        raise Refusal(400, "invalid request: unknown cursor")
    if query.cursor == LAST_PAGE:
        return Answer({"members": []})
    answer: dict[str, Any] = {"members": [{"member": member, "user": {"email": user.EMAIL, "has_mfa": False}}]}
    if query.limit == 1:
        following = {"next": LAST_PAGE, "sort_by": query.sort_by, "sort_order": query.sort_order}
        answer["pagination"] = following
    return Answer(answer)


def get_member(call: Call) -> Answer:
    """GET /organizations/{org_id}/members/{member_id}."""
    member = _member(call)
    if member["id"] != call.path["member_id"]:
        raise not_found("organization member")
    return Answer(member)


def _member(call: Call) -> Document:
    return organization.member(call.organization_of_member(call.path["org_id"]))

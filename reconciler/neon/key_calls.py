"""The calls that show whose a key is and what it permits.

Only ``doctor`` makes them; after a list is answered 404, others ask for the owner, to tell what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from reconciler.desired.address import EXAMPLE
from reconciler.errors import NotFoundError, PermissionDeniedError, UnreachableError
from reconciler.neon import wire
from reconciler.neon.call import MOST_PAGES, PROJECT, Call, RunCalls

if TYPE_CHECKING:
    from reconciler.neon.credentials import Key
    from reconciler.neon.transport import Transport

T = TypeVar("T")
PERSON: Final = "api_key_user"
"""Neon: ``auth_method`` of the key of a person; that of an organization is ``api_key_org``."""
ADMIN: Final = "admin"
ORGANIZATION: Final = "/organizations/{org_id}"


class KeyCalls:
    """Calls with one key. Every method may raise ApiError."""

    def __init__(self, transport: Transport, key: Key) -> None:
        self._transport = transport
        self.key = key

    async def owner(self) -> wire.AuthDetails:
        """Whose key it is: a person's or an organization's, and the account's id.

        Raises UnreachableError if what answers is not Neon's API, which has an answer for every key.
        """
        try:
            return await self._get("/auth", "ask whose key it is", wire.AuthDetails)
        except NotFoundError as error:
            message = f"what answers at this address is not Neon's API: {error}"
            raise UnreachableError(message, hint=f"correct NEON_API_HOST or api.host, {EXAMPLE}") from error

    async def organization(self, org_id: str) -> wire.WholeOrganization | None:
        """An organization with its plan; None if the key does not see it, as that of a single project."""
        try:
            return await self._get(
                ORGANIZATION, f"read organization {org_id}", wire.WholeOrganization, org_id=org_id
            )
        except (NotFoundError, PermissionDeniedError):
            return None

    async def organizations(self) -> frozenset[str]:
        """The ids of the organizations that a person is in."""
        purpose = "read the organizations of the key's owner"
        answer = await self._get("/users/me/organizations", purpose, wire.MyOrganizations)
        return frozenset(each.id for each in answer.organizations)

    async def person(self) -> str:
        """The id of the key's person."""
        return (await self._get("/users/me", "ask who the key's owner is", wire.Me)).id

    async def role_in(self, org_id: str, person: str) -> str | None:
        """The role of a person in an organization; None if the person is not listed."""
        cursor: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            purpose = f"read the members of organization {org_id}"
            page = await self._get(f"{ORGANIZATION}/members", purpose, wire.Members, cursor, org_id=org_id)
            found = [each.member.role for each in page.members if each.member.user_id == person]
            following = page.pagination and page.pagination.next
            if found or not page.members or not following or following == cursor.get("cursor"):
                return found[0] if found else None
            cursor = {"cursor": following}
        return None

    async def listed_and_read(self, org_id: str) -> tuple[frozenset[str], frozenset[str]] | None:
        """The members of one project in a list, and those in a read of it alone; None if there is no project."""
        query = {"org_id": org_id, "limit": "1"}
        page: Any = await self._get("/projects", f"list a project of organization {org_id}", dict[str, Any], query)
        if not page.get("projects"):
            return None
        listed = page["projects"][0]
        purpose = f"read project {listed['id']}"
        full: Any = await self._get(PROJECT, purpose, dict[str, Any], project_id=str(listed["id"]))
        return _members(listed), _members(full["project"])

    async def _get(
        self, path: str, purpose: str, shape: type[T], query: dict[str, str] | None = None, **ids: str
    ) -> T:
        call = Call("GET", path, f"{purpose} (${self.key.variable})", ids, query or {})
        return await self._transport.send(call, self.key, shape, run=RunCalls())


def _members(project: dict[str, Any], prefix: str = "") -> frozenset[str]:
    found: set[str] = set()
    for name, value in project.items():
        found |= _members(value, f"{prefix}{name}.") if isinstance(value, dict) and value else {f"{prefix}{name}"}
    return frozenset(found)

"""Calls on behalf of an organization: with its id and its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from reconciler.errors import (
    ForeignProjectError,
    NotFoundError,
    PermissionDeniedError,
    WrongOrganizationError,
    WrongPersonalKeyError,
)
from reconciler.neon import conversion, wire
from reconciler.neon.call import Call, RunCalls
from reconciler.secret import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.live.project import LiveProject
    from reconciler.neon.call import Pause
    from reconciler.neon.credentials import Access, Key, OrganizationAccess
    from reconciler.neon.transport import ApiClock, Transport

T = TypeVar("T")


def _unusable_personal_key(key: Key, why: str, request_id: str | None = None) -> WrongPersonalKeyError:
    request = f" (request {request_id})" if request_id else ""
    return WrongPersonalKeyError(
        f"${key.variable} {why}: it cannot transfer projects between organizations. Nothing was changed{request}",
        hint="create a personal API key of an admin of both organizations (console: account settings, API keys)",
    )


class Account:
    """The base class of all calls: the transport, the keys, and the organization of a project."""

    def __init__(self, transport: Transport, access: Access, run: RunCalls | None = None) -> None:
        """``run``: the run that the calls belong to. None for calls outside a run."""
        self._transport = transport
        self._access = access
        self._run = run or RunCalls()

    def of_run(self, may_write: Callable[[], bool], on_pause: Callable[[Pause], None] | None = None) -> Self:
        """The same account for one run, with its own count of calls.

        Once ``may_write`` returns False, a write of the run raises NotSentError and is not sent. ``on_pause`` gets
        each pause before a call is sent again.
        """
        return type(self)(self._transport, self._access, RunCalls(may_write, on_pause))

    @property
    def calls(self) -> int:
        """Requests that the run has sent so far, retries and polls included."""
        return self._run.count

    @property
    def organization_ids(self) -> dict[str, str]:
        """Neon's id of each organization, by its name."""
        return {name: access.id for name, access in self._access.organizations.items()}

    @property
    def place(self) -> tuple[object, ...]:
        """Identifies the account: equal values mean the same host and the same organizations."""
        return (self._transport.place, *self.organization_ids.items())

    @property
    def lists_show_quotas(self) -> bool:
        """Whether a list has shown the quota of any project: where it shows none then, the project has none."""
        return self._transport.lists_show_quotas

    def require_calls(self, calls: int, what: str) -> None:
        """Raises CallLimitError if so many calls, for this, are more than the connection may still make."""
        if self._transport.limit is not None:
            self._transport.limit.require(calls, what)

    @property
    def clock(self) -> ApiClock:
        """The clock of the API."""
        return self._transport.clock

    def finish_with(self, project_id: str) -> None:
        """Permits writes to this project after the end of the run."""
        self._run.finish_with(project_id)

    def arriving(self, project_ids: Iterable[str]) -> None:
        """Marks projects as just transferred: the new organization's key may not see them for some seconds."""
        self._transport.arriving(project_ids)

    def require_personal_key(self) -> None:
        """Raises MissingKeyError if there is no personal key. Makes no call."""
        self._access.personal_key()

    async def require_transfer_key(self, organizations: Iterable[str]) -> None:
        """Checks that the personal key belongs to a person in all these organizations. One call.

        Neon: a transfer needs an admin of the origin. The response does not contain roles. For the key of an
        organization the response is 404, or contains that organization only. Raises MissingKeyError and
        WrongPersonalKeyError.
        """
        key = self._access.personal_key()
        call = Call("GET", "/users/me/organizations", "read the organizations of the personal API key")
        try:
            answer = await self._transport.send(call, key, wire.MyOrganizations, run=self._run)
        except (NotFoundError, PermissionDeniedError) as refusal:
            raise _unusable_personal_key(key, "is not a personal API key", refusal.request_id) from refusal
        opened = {organization.id for organization in answer.organizations}
        lacking = [name for name in organizations if self._organization(name).id not in opened]
        if lacking:
            raise _unusable_personal_key(key, f"has no access to organization {' or '.join(lacking)}")

    def _organization(self, name: str) -> OrganizationAccess:
        return self._access.organizations[name]

    def _redacted(self, text: str) -> str:
        """Redacts a message that quotes a response, which may contain a key or a connection string."""
        return redact(text, *self._access.secrets)

    async def _send(self, organization: str, call: Call, shape: type[T], request_id: str | None = None) -> T:
        key = self._organization(organization).key
        return await self._transport.send(call, key, shape, run=self._run, request_id=request_id)

    def _listed(
        self,
        page: wire.ProjectsPage,
        organization: str,
        wanted: Callable[[wire.ProjectAnswer], bool] | None = None,
    ) -> list[LiveProject]:
        """The projects of the page, or those of them that are wanted."""
        self._check_organizations(page, organization)
        projects = conversion.live_projects(page, organization, wanted)
        if any(project.quota is not None for project in projects):
            self._transport.lists_show_quotas = True
        return projects

    def _check_organizations(self, page: wire.ProjectsPage, organization: str) -> None:
        for answer in page.projects:
            self._check_organization(answer, organization, self._organization(organization).id)

    def _live(self, answer: wire.ProjectAnswer, asked: str) -> LiveProject:
        """The project with the organization in the response: a personal key reads projects of any organization."""
        names = {organization.id: name for name, organization in self._access.organizations.items()}
        organization = asked if answer.org_id is None else names.get(answer.org_id)
        if organization is None:
            wrong = self._wrong_organization(answer, asked, self._organization(asked).id)
            there = self._redacted(answer.org_id or "")
            raise ForeignProjectError(str(wrong), hint=wrong.hint, organization_id=there)
        return conversion.live_project(answer, organization or asked)

    def _check_organization(self, answer: wire.ProjectAnswer, asked: str, organization_id: str) -> None:
        if answer.org_id not in (None, organization_id):
            raise self._wrong_organization(answer, asked, organization_id)

    def _wrong_organization(
        self, answer: wire.ProjectAnswer, asked: str, organization_id: str
    ) -> WrongOrganizationError:
        variable = self._organization(asked).key.variable
        message = (
            f"organization {asked} has the id {organization_id}, but its key returned project {answer.id} of "
            f"organization {answer.org_id}"
        )
        hint = f"check ${variable} and the id of organization {asked} in tiers.yaml"
        return WrongOrganizationError(self._redacted(message), hint=hint)

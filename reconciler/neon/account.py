"""Calls on behalf of an organization: with its id and its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from reconciler.neon.secret import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.neon.api_clock import ApiClock
    from reconciler.neon.call import Call
    from reconciler.neon.credentials import Access, OrganizationAccess
    from reconciler.neon.transport import Transport

T = TypeVar("T")


class Account:
    """What every family of calls is built on: the way to the API, and the keys."""

    def __init__(self, transport: Transport, access: Access) -> None:
        self._transport = transport
        self._access = access

    @property
    def calls(self) -> int:
        """Requests sent so far, retries and polls included."""
        return self._transport.calls

    @property
    def organization_ids(self) -> dict[str, str]:
        """Neon's id of each organization, by its name."""
        return {name: access.id for name, access in self._access.organizations.items()}

    @property
    def clock(self) -> ApiClock:
        """The API's own."""
        return self._transport.clock

    def begin_nothing_when(self, ending: Callable[[], bool]) -> None:
        """From when ``ending`` says so, no write goes out any more: NotSentError is raised in its place."""
        self._transport.begin_nothing_when(ending)

    def finish_with(self, project_id: str) -> None:
        """Writes to this project go out all the same."""
        self._transport.finish_with(project_id)

    def arriving(self, project_ids: Iterable[str]) -> None:
        """These have moved to another organization, whose key may see them some seconds later only."""
        self._transport.arriving(project_ids)

    def _organization(self, name: str) -> OrganizationAccess:
        return self._access.organizations[name]

    def _fit_to_show(self, told: str) -> str:
        """A message with words from an answer, which may repeat a key or a connection string."""
        return redact(told, *self._access.secrets)

    async def _send(self, organization: str, call: Call, shape: type[T], request_id: str | None = None) -> T:
        key = self._organization(organization).key
        return await self._transport.send(call, key, shape, request_id=request_id)

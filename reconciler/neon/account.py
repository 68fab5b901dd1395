"""Calls on behalf of an organization: with its id and its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from reconciler.neon.gate import Gate
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

    def __init__(self, transport: Transport, access: Access, gate: Gate | None = None) -> None:
        """``gate`` is that of a run; without one nothing ends the calls."""
        self._transport = transport
        self._access = access
        self._gate = gate or Gate()

    def of_run(self, may_write: Callable[[], bool]) -> Self:
        """The same account for one run, with a count of its own.

        From when ``may_write`` denies it, no write of the run goes out: NotSentError is raised in its place.
        """
        return type(self)(self._transport, self._access, Gate(may_write))

    @property
    def calls(self) -> int:
        """Requests that the run has sent so far, retries and polls included."""
        return self._gate.calls

    @property
    def organization_ids(self) -> dict[str, str]:
        """Neon's id of each organization, by its name."""
        return {name: access.id for name, access in self._access.organizations.items()}

    @property
    def place(self) -> tuple[object, ...]:
        """Which account this is: of two that are equal the calls reach the same projects."""
        return (self._transport.place, *self.organization_ids.items())

    @property
    def clock(self) -> ApiClock:
        """The API's own."""
        return self._transport.clock

    def finish_with(self, project_id: str) -> None:
        """Writes of the run to this project go out all the same."""
        self._gate.finish_with(project_id)

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
        return await self._transport.send(call, key, shape, gate=self._gate, request_id=request_id)

"""Calls of the client carried straight to the simulator's routes: no HTTP, no keys, no rate limit, no judge.

For trials that run by the ten thousand. What it leaves out (httpx, Starlette, the simulator's front) costs several
times what it keeps: the client's pace, retries and reading of answers, and the routes.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec

from reconciler.desired.state import Api
from reconciler.neon.answers import Answer, Exchange, TryAgain
from reconciler.neon.client import Neon
from reconciler.neon.credentials import Access, Key, OrganizationAccess
from reconciler.neon.pace import Pace
from reconciler.neon.transport import Transport
from reconciler.secret import Secret
from reconciler.simulator.answer import JSON
from reconciler.simulator.app import ROUTES
from reconciler.simulator.call import Call as Request
from reconciler.simulator.faults import Script
from reconciler.simulator.keys import Key as Opens
from reconciler.simulator.keys import KeyKind
from reconciler.simulator.refusal import Refusal
from tests.harness.wire import Nowhere

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from random import Random

    from reconciler.neon.call import Call, RunCalls
    from reconciler.simulator.call import Handler
    from reconciler.simulator.world import World as Account

T = TypeVar("T")

Carrier: TypeAlias = "Callable[[Exchange], Awaitable[Answer]]"
"""Brings one attempt to an account. Raises what an attempt of the client's transport raises."""

API: Final = Api(host="https://neon.test/api/v2", requests_per_minute=70_000, burst_per_second=4_000)
NO_NETWORK: Final = Nowhere()
PERSONAL: Final = Opens(KeyKind.PERSONAL)
_PLACE: Final = re.compile(r"\{(\w+)\}")
_HANDLERS: Final[Mapping[tuple[str, str], tuple[Handler, list[str]]]] = {
    (method, _PLACE.sub("{}", path)): (handler, _PLACE.findall(path)) for method, path, handler in ROUTES
}
_TEMPLATES: Final[dict[str, str]] = {}


class DirectTransport(Transport):
    """A transport whose attempts are calls of ``carrier``."""

    def __init__(self, carrier: Carrier, random: Random) -> None:
        super().__init__(API.host, pace=Pace.of(API), via=NO_NETWORK, random=random)
        self.place = (carrier,)
        self._carrier = carrier

    async def send(
        self, call: Call, key: Key, shape: type[T], *, run: RunCalls, request_id: str | None = None
    ) -> T:
        """The first attempt without the machinery of retries, which takes over where another one is needed."""
        exchange = Exchange(call, key, request_id or self._new_request_id())
        try:
            return await self._attempt(exchange, shape, run)
        except TryAgain:
            return await super().send(call, key, shape, run=run, request_id=exchange.request_id)

    async def _exchange(self, exchange: Exchange) -> Answer:
        return await self._carrier(exchange)


@asynccontextmanager
async def direct_client(ids: Mapping[str, str], carrier: Carrier, random: Random) -> AsyncIterator[Neon]:
    """A client of the organizations with these ids, whose keys are told apart by the organizations' ids."""
    organizations = {
        name: OrganizationAccess(name, id_, Key(name.upper(), Secret(id_))) for name, id_ in ids.items()
    }
    async with DirectTransport(carrier, random) as transport:
        yield Neon(transport, Access(organizations=organizations, personal=Key("PERSONAL", Secret(""))))


def answered(account: Account, exchange: Exchange) -> Answer:
    """What the account answers to an attempt of the client."""
    call, org_id = exchange.call, exchange.key.secret.reveal()
    key = Opens(KeyKind.ORGANIZATION, org_id) if org_id else PERSONAL
    query = {name: _text(value) for name, value in call.query.items()}
    body = None if call.body is None else msgspec.json.encode(call.body)
    return answer(account, key, call.method, call.path_template, tuple(call.ids.values()), query=query, body=body)


def answer(
    account: Account,
    key: Opens,
    method: str,
    template: str,
    ids: tuple[str, ...],
    *,
    query: Mapping[str, str],
    body: bytes | None,
) -> Answer:
    """What the account answers to a call of a route; ``ids`` fill the places of its path in their order."""
    route = _TEMPLATES.get(template) or _TEMPLATES.setdefault(template, _PLACE.sub("{}", template))
    handler, names = _HANDLERS[method, route]
    path = dict(zip(names, ids, strict=True))
    try:
        given = handler(Request(account, key, path, query, body or b"", JSON, Script()))
    except Refusal as refusal:
        told = refusal.body or {"code": refusal.code, "message": str(refusal)}
        return Answer(refusal.status, {}, msgspec.json.encode(told))
    return Answer(given.status, {}, given.content)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

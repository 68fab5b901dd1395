"""What every test that does HTTP stands on: a simulated Neon, the judge before it, a client, virtual time.

    with world() as neon_world:
        created = neon_world.using(lambda neon: neon.create_project("free", {"name": "a"}, {}))
        assert neon_world.writes() == ["POST /projects"]

Leaving the block asks the judge whether both sides kept to the official description.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx

from reconciler.desired.state import Api
from reconciler.environment import Environment
from reconciler.neon.client import Neon, connect
from reconciler.neon.credentials import Access, read_access
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, LoopTime
from reconciler.simulator.gateway import MOST_EXCHANGES, Latency
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.types import Organization
from reconciler.simulator.virtual_time import VirtualLoop
from tests.harness.builders import FREE_LIMITS, PAID_LIMITS, a_fleet
from tests.harness.judge import Judge, JudgedTransport, session_judge
from tests.harness.loops import run_in, virtually
from tests.harness.simulated import simulated_limits
from tests.harness.wire import WRITING, InProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from reconciler.simulator.contract import judge as official

T = TypeVar("T")

API: Final = Api(host="https://neon.test/api/v2")
ORGANIZATIONS: Final = (
    Organization("free", simulated_limits(FREE_LIMITS)),
    Organization("paid", simulated_limits(PAID_LIMITS)),
)
AS_DOCUMENTED: Final = Behaviour()
AT_ONCE: Final = Latency()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` on virtual time, in a loop of its own."""
    return virtually(main)


def a_simulator(
    *organizations: Organization,
    path: Path | str = ":memory:",
    clock_source: Callable[[], float] | None = None,
    behaviour: Behaviour | None = None,
    latency: Latency = AT_ONCE,
    judge: official.Judge | None = None,
    most_exchanges: int = MOST_EXCHANGES,
) -> Simulator:
    """A simulated account on virtual time. The organizations and switches of a file are kept, unless given.

    ``clock_source`` gives seconds since 1970.
    """
    return Simulator.open(
        path,
        organizations,
        clock_source=clock_source or LoopTime(),
        behaviour=behaviour,
        latency=latency,
        judge=judge,
        most_exchanges=most_exchanges,
    )


@dataclass(frozen=True, slots=True)
class World:
    """One simulated account with the organizations and variables of ``builders.a_fleet``.

    ``via`` leads to it past the judge; every client, and every CLI command, of a test goes that way. One
    event loop serves the whole block, so that simulated time goes on from one ``run`` to the next.
    """

    simulator: Simulator
    judge: Judge
    via: httpx.AsyncBaseTransport
    runner: asyncio.Runner

    @property
    def environ(self) -> dict[str, str]:
        """The variables that ``builders.a_fleet`` refers to."""
        ids, keys = self.simulator.organization_ids, self.simulator.organization_keys
        return {
            "PERSONAL_API_KEY": self.simulator.personal_key,
            **{f"NEON_{name.upper()}_ORG_ID": ids[name] for name in ids},
            **{f"{name.upper()}_ORG_API_KEY": keys[name] for name in keys},
        }

    @property
    def access(self) -> Access:
        """Every key of the account."""
        return read_access(a_fleet(), Environment(self.environ))

    def neon(
        self, *, via: httpx.AsyncBaseTransport | None = None, api: Api = API, share: float = 1.0
    ) -> AbstractAsyncContextManager[Neon]:
        """A client; ``via`` may wrap ``self.via``."""
        random = Random(1)  # noqa: S311
        return connect(self.access, api, share=share, via=via or self.via, random=random)

    def http(self, key: str | None = None) -> httpx.AsyncClient:
        """A bare client, for what ``neon()`` would never ask; the personal key unless ``key`` is given."""
        headers = {"Authorization": f"Bearer {key or self.simulator.personal_key}"}
        return httpx.AsyncClient(transport=self.via, base_url=API.host, headers=headers)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run ``main`` on the virtual time of this world."""
        return run_in(self.runner, main)

    def using(self, use: Callable[[Neon], Awaitable[T]]) -> T:
        """Run what ``use`` does with a client."""

        async def main() -> T:
            async with self.neon() as neon:
                return await use(neon)

        return self.run(main())

    def calls(self) -> list[str]:
        """What was asked so far, like ``GET /projects``, in the order of the answers."""
        return [exchange.line for exchange in self.simulator.requests]

    def writes(self) -> list[str]:
        """Those of the calls that write."""
        return [call for call in self.calls() if call.startswith(WRITING)]


@contextmanager
def world(
    *organizations: Organization,
    path: Path | str = ":memory:",
    behaviour: Behaviour = AS_DOCUMENTED,
    latency: Latency = AT_ONCE,
    refusals_allowed: bool = False,
    starts_at: float = DEMO_EPOCH_SECONDS,
) -> Iterator[World]:
    """A world, by default with ``ORGANIZATIONS``. ``refusals_allowed`` where a test asks for the forbidden.

    ``starts_at`` is in seconds since 1970.

    Raises AssertionError at the end of a block that broke rules of the official description.
    """
    judge = session_judge(refusals_allowed=refusals_allowed)
    opened = a_simulator(
        *(organizations or ORGANIZATIONS),
        path=path,
        clock_source=LoopTime(starts_at),
        behaviour=behaviour,
        latency=latency,
    )
    with opened as simulator, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield World(simulator, judge, JudgedTransport(InProcess(simulator.app), judge), runner)
    judge.verify()

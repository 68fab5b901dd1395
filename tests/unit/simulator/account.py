"""A simulated account as raw HTTP: what Neon's API would answer, judged by its official description."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from reconciler.simulator.behaviour import Behaviour, ForeignProject, Patch, RateLimit
from reconciler.simulator.gateway import MOST_EXCHANGES
from reconciler.simulator.types import Limits, Organization
from reconciler.simulator.virtual_time import VirtualLoop
from tests.harness.account import a_simulator
from tests.harness.judge import JudgedTransport, session_judge
from tests.harness.wire import InProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.simulator.simulator import Simulator

EASY: Final = Behaviour(
    settings_patch=Patch.MERGE,
    quota_patch=Patch.MERGE,
    transfer_atomic=True,
    transfer_checks_settings=False,
    transfer_lag_seconds=0.0,
    deleted_projects_count=False,
    foreign_project=ForeignProject.NOT_FOUND,
    create_shows_settings=True,
    transfer_keeps_quota=True,
    snapshots_count_as_branches=False,
    background_work_every_seconds=None,
    rate_limit=RateLimit(consumption_per_minute=50),
)
"""The answers that are easy for a client: what a test asks about is not mixed with what is not documented."""
FREE: Final = Organization(
    "free",
    Limits(
        projects=3,
        branches=3,
        snapshots=1,
        min_cu=0.25,
        max_cu=2,
        restore_window_seconds=86_400,
        min_suspend_timeout_seconds=300,
    ),
)
PAID: Final = Organization("paid", Limits(max_cu=16, restore_window_seconds=604_800))
UNLIMITED: Final = Organization("unlimited")


@dataclass(frozen=True, slots=True)
class Account:
    """One simulator and a client of it. A path that is asked with no key goes with that of ``free``."""

    simulator: Simulator
    http: httpx.AsyncClient
    runner: asyncio.Runner

    @property
    def free(self) -> str:
        return self.simulator.organization_ids["free"]

    @property
    def paid(self) -> str:
        return self.simulator.organization_ids["paid"]

    def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None, request_id: str | None = None
    ) -> httpx.Response:
        key = key or self.simulator.organization_keys["free"]
        headers = {"Authorization": f"Bearer {key}"}
        if request_id is not None:
            headers["X-Request-ID"] = request_id
        return self.runner.run(self.http.request(method, path, json=body, headers=headers))

    def get(self, path: str, **options: Any) -> Any:
        response = self.ask("GET", path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def done(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """Make a call that is to succeed, and wait until its operations have ended."""
        response = self.ask(method, path, body, **options)
        assert response.is_success, response.text
        self.wait(1)
        return response.json()

    def refused(self, method: str, path: str, body: object = None, **options: Any) -> tuple[int, str]:
        """Make a call that is to be refused: status and message."""
        response = self.ask(method, path, body, **options)
        assert response.is_error, response.text
        return response.status_code, response.json()["message"]

    def wait(self, seconds: float) -> None:
        async def main() -> None:
            self.simulator.clock.now()  # which goes by this loop from now on
            await asyncio.sleep(seconds)

        self.runner.run(main())

    def create(self, name: str = "acme", **members: Any) -> Any:
        """Create a project in ``free`` and wait until it is ready."""
        return self.done("POST", "/projects", {"project": {"name": name, **members}})

    def names(self, query: str = "", **options: Any) -> list[str]:
        """Names of the projects that one list answers."""
        return [project["name"] for project in self.get(f"/projects?{query}", **options)["projects"]]


@contextmanager
def account(
    *,
    behaviour: Behaviour | None = None,
    path: Path | str = ":memory:",
    organizations: tuple[Organization, ...] = (FREE, PAID, UNLIMITED),
    refusals_allowed: bool = False,
    most_exchanges: int = MOST_EXCHANGES,
) -> Iterator[Account]:
    judge = session_judge(refusals_allowed=refusals_allowed)
    opened = a_simulator(*organizations, path=path, behaviour=behaviour or EASY, most_exchanges=most_exchanges)
    with opened as simulator, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        via = JudgedTransport(InProcess(simulator.app), judge)
        http = httpx.AsyncClient(transport=via, base_url="http://neon.test/api/v2")
        yield Account(simulator, http, runner)
        runner.run(http.aclose())
    judge.verify()

"""The simulator as its users hold it: open a file, get an app, its keys, its log, its faults and its clock."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from reconciler.simulator import keys
from reconciler.simulator import seed as seeding
from reconciler.simulator.app import Router, pages
from reconciler.simulator.behaviour import Switches
from reconciler.simulator.clock import Clock, timestamp
from reconciler.simulator.faults import Faults
from reconciler.simulator.gateway import MOST_EXCHANGES, Gateway, Latency
from reconciler.simulator.keys import Key, KeyKind
from reconciler.simulator.organization import (
    PERSONAL_KEY,
    organization_key,
    project_key,
    register,
    stored_organizations,
)
from reconciler.simulator.routes.admin import Admin, admin_routes
from reconciler.simulator.store import IN_MEMORY, Store, clear
from reconciler.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.contract.judge import Judge
    from reconciler.simulator.exchanges import Exchange
    from reconciler.simulator.metering.usage import Workload
    from reconciler.simulator.seed import BranchSeed, ProjectSeed, Seeded, SnapshotSeed
    from reconciler.simulator.types import Organization

NO_LATENCY: Final = Latency()


def rows_beside(path: Path | str) -> Path:
    """The folder that holds the rows of the account in a file, if it has any."""
    return Path(f"{path}.postgres").absolute()


def _open_rows(world: World, path: Path | str) -> None:
    try:
        from reconciler.simulator.postgres.data import PostgresData  # noqa: PLC0415 - its driver is an extra

        world.store.data = PostgresData.open(world, None if path == IN_MEMORY else rows_beside(path))
    except BaseException:
        world.store.close()
        raise


class Simulator:
    """A simulated Neon account over one file. Any number of processes can open the same file."""

    def __init__(
        self, world: World, latency: Latency, judge: Judge | None = None, *, most_exchanges: int = MOST_EXCHANGES
    ) -> None:
        self.world = world
        self.faults = Faults()
        self.judge = judge
        self._behaviour = world.behaviour
        exchanges: list[Exchange] = []
        self._admin = Admin(world, self.faults, exchanges, judge, self.reset)
        self._gateway = Gateway(
            world, Router(), self._own_pages, self.faults, latency, exchanges, judge, most_exchanges
        )

    @classmethod
    def open(
        cls,
        path: Path | str = IN_MEMORY,
        organizations: Iterable[Organization] = (),
        *,
        clock_source: Callable[[], float] = time.time,  # noqa: TID251 - the usual clock
        behaviour: Behaviour | None = None,
        latency: Latency = NO_LATENCY,
        judge: Judge | None = None,
        postgres: bool = False,
        most_exchanges: int = MOST_EXCHANGES,
    ) -> Self:
        """Open the file, or make it; organizations are added to those in it, limits replaced.

        ``behaviour`` is kept in the file; None goes by what is kept there, at first ``Behaviour()``.
        ``clock_source`` gives seconds since 1970: the wall clock, or ``LoopTime()`` on virtual time.
        ``judge`` holds every exchange against the official description (reconciler/simulator/contract).
        ``most_exchanges`` bounds the log; beyond it, the older half is dropped.
        ``postgres`` makes every branch a real database, in a folder beside the file; once it is there, the
        account has databases whether one asks for them or not. Raises PostgresError where none can run.
        """
        store = Store(path)
        world = World(store, Clock(store, clock_source), Switches(store))
        if postgres or rows_beside(path).exists():
            _open_rows(world, path)
        if behaviour is not None:
            world.switches.set(behaviour)
        with world.writing() as transaction:
            register(transaction, organizations, timestamp(transaction.now))
        return cls(world, latency, judge, most_exchanges=most_exchanges)

    @cached_property
    def _pages(self) -> ASGIApp:
        """Made when somebody asks for one of them: most simulators answer Neon's API alone."""
        return pages(admin_routes(self._admin))

    async def _own_pages(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._pages(scope, receive, send)

    def close(self) -> None:
        """Let go of the file, and end the databases."""
        self.world.data.close()
        self.world.store.close()

    def reset(self) -> None:
        """Make the account as it was opened: its organizations and switches, and nothing else. Time goes on.

        Projects, and keys that were made since, are gone; no fault is set; the log is empty. A call that a fault
        has postponed is not carried out. Ids are not used again.
        """
        self.faults.clear()
        self._gateway.forget()
        self.world.switches.set(self._behaviour)
        with self.world.writing() as transaction:
            clear(transaction)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def app(self) -> ASGIApp:
        """The ASGI app: Neon's API below ``/api/v2``, the simulator's own pages below ``/_simulator``."""
        return self._gateway

    @property
    def clock(self) -> Clock:
        """Simulated time."""
        return self.world.clock

    @property
    def requests(self) -> list[Exchange]:
        """The exchanges of this process, in the order of their answers; the oldest go beyond the most."""
        return self._gateway.exchanges

    @property
    def organization_ids(self) -> Mapping[str, str]:
        """Neon's id of each organization, by its name."""
        return {organization.name: organization.id for organization in stored_organizations(self.world.store)}

    @property
    def organization_keys(self) -> Mapping[str, str]:
        """The API key of each organization, by its name. Not secrets."""
        return {name: organization_key(org_id) for name, org_id in self.organization_ids.items()}

    @property
    def personal_key(self) -> str:
        """The key of a user who is a member of every organization. Not a secret."""
        return PERSONAL_KEY

    def key_of_project(self, project_id: str) -> str:
        """A key that opens one project alone. Raises KeyError for an unknown project."""
        org_id = self.world.store.value("SELECT org_id FROM projects WHERE id = ?", project_id)
        if org_id is None:
            raise KeyError(project_id)
        token = project_key(project_id)
        with self.world.writing() as transaction:
            keys.give(transaction, token, Key(KeyKind.PROJECT, org_id, project_id), project_id)
        return token

    def add_project(self, organization: str, seed: ProjectSeed) -> Seeded:
        """Make one project in the organization of that name, as if by hand. No limit is checked."""
        return self.add_projects(organization, (seed,))[0]

    def add_projects(self, organization: str, seeds: Iterable[ProjectSeed]) -> tuple[Seeded, ...]:
        """Make projects in the organization of that name, all in one transaction. No limit is checked."""
        return seeding.add_projects(self.world, self.organization_ids[organization], seeds)

    def seed_fleet(
        self, organization: str, count: int, *, name: str = "tenant-{number:05d}", first: int = 1
    ) -> tuple[Seeded, ...]:
        """Make a believable fleet of free tenants, the same each time. ``name`` may hold ``{number}``."""
        seeds = seeding.fleet(name, range(first, first + count), self.clock.now())
        return self.add_projects(organization, seeds)

    def add_branch(self, project_id: str, seed: BranchSeed) -> str:
        """Make a branch; the answer is its id."""
        return seeding.add_branch(self.world, project_id, seed)

    def add_snapshot(self, project_id: str, seed: SnapshotSeed) -> str:
        """Take a snapshot of the project's default branch, whatever the limit; the answer is its id."""
        return seeding.add_snapshot(self.world, project_id, seed)

    def restore(self, project_id: str) -> str:
        """Replace the default branch by its latest snapshot; the answer is the new branch's id."""
        return seeding.restore(self.world, project_id)

    def set_usage(self, project_id: str, **counters: int) -> None:
        """Set counters of the present period, such as ``active_time_seconds=360_000``."""
        seeding.set_usage(self.world, project_id, **counters)

    def set_workload(self, project_id: str, workload: Workload) -> None:
        """Let users work with a project from now on, in place of those before; ``Workload()`` is nobody."""
        seeding.set_workload(self.world, project_id, workload)

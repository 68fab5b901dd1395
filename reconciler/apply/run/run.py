"""A run: one apply in progress."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.apply.journals.journal import Writes
from reconciler.apply.run.creations import Creations
from reconciler.apply.run.late_turns import LateTurns
from reconciler.apply.run.merging import Merging
from reconciler.apply.run.newer_commits import NewerCommits
from reconciler.apply.run.outcomes import Outcomes
from reconciler.apply.run.routes import Route
from reconciler.apply.stop import Breaker
from reconciler.plan.created_marks import observed_to_keep
from reconciler.registry.null import NullRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from reconciler.apply.journals.journal import Journal
    from reconciler.apply.run.lease import HeldLease
    from reconciler.apply.run.outcomes import Listener
    from reconciler.apply.run.planned import Planned, RunOptions
    from reconciler.apply.stop import StopSignal
    from reconciler.desired.state import DesiredState
    from reconciler.neon.call import Pause
    from reconciler.neon.client import Neon
    from reconciler.neon.connection import Connection
    from reconciler.plan.actions.branch import ResetPassword
    from reconciler.plan.event import Event
    from reconciler.plan.outcome import Harm

LARGE_UNITS_AT_ONCE: Final = 2
"""Units of many tenants: one uses the account's rate while the other waits for its shared call."""
COHORTS_AT_ONCE: Final = 5
"""Cohorts of creations that have begun and not ended: what is in memory of their answers does not grow with the
fleet. While one waits for its check, the others use the account's rate.
"""


@dataclass(slots=True, kw_only=True)
class Run:
    """One apply in progress: what its parts share."""

    planned: Planned
    options: RunOptions
    neon: Neon
    """Its writes are refused once the run is to end."""
    journal: Journal
    now: Callable[[], datetime]
    registry: NullRegistry = field(default_factory=NullRegistry)
    lease: HeldLease | None = None
    """The run writes only while the lease is valid."""
    just_observed: bool = False
    """The observation searched for each tenant by name a moment ago: no second search before a creation."""
    on_connection: Callable[[str, Connection], None] | None = None
    """Gets the connection of each new project, once it is certain that it was created first, and each connection
    whose password was reset."""
    on_progress: Callable[[int, int, str], None] | None = None
    breaker: Breaker = field(default_factory=Breaker)
    outcomes: Outcomes = field(init=False)
    writes: Writes = field(init=False)
    late_turns: LateTurns = field(init=False)
    known_projects: frozenset[tuple[str, str]] = field(init=False)
    """Id and name of each project that the plan was made from."""
    before_reset: dict[ResetPassword, Connection] = field(default_factory=dict)
    """How to connect before a password is reset. In memory only."""
    own_operations: set[str] = field(default_factory=set)
    """Ids of the operations that calls of this run have started."""
    merging: Merging = field(default_factory=Merging)
    """What the run has found out about settings that a patch does not mention."""
    creations: Creations = field(init=False)
    """What the run knows about the annotations of creations."""
    touched: set[str] = field(default_factory=set)
    """Tenants whose wave has begun."""
    harm: Harm | None = None
    """The wave after which the run stopped."""
    newer_commits: NewerCommits = field(init=False)
    large_units: asyncio.Semaphore = field(init=False)
    cohorts: asyncio.Semaphore = field(init=False)
    _routes: dict[tuple[str, str], Route] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.neon = self.neon.of_run(self._may_write, None if self.options.on_event is None else self._paused)
        self.writes = Writes(self.journal, run=self.id, stop=self.stop)
        self.newer_commits = NewerCommits(self.options.newer, self.planned.observed_at, self.stop)
        self.large_units = asyncio.Semaphore(LARGE_UNITS_AT_ONCE)
        self.cohorts = asyncio.Semaphore(COHORTS_AT_ONCE)
        self.known_projects = frozenset((project.id, project.name) for project in self.planned.live.projects)
        self.creations = Creations(keep_annotations=observed_to_keep(self.planned.live) or None)
        tenants = self.planned.plan.tenants
        self.outcomes = Outcomes(
            tenants,
            breaker=self.breaker,
            stop=self.stop,
            on_progress=self.on_progress,
            listener=self._listener(),
        )
        self.late_turns = LateTurns(
            neon=self.neon,
            plan_inputs=self.planned.plan_inputs,
            plans={tenant.tenant: tenant for tenant in tenants},
            live=self.planned.live,
            observed_at=self.planned.observed_at,
            now=self.now,
            stop=self.stop,
        )

    @property
    def id(self) -> str:
        """The random id of the run: in its annotations, request ids and journal."""
        return self.options.id

    @property
    def stop(self) -> StopSignal:
        """Ends the run."""
        return self.options.stop

    @property
    def desired(self) -> DesiredState:
        """The files that the plan was made from."""
        return self.planned.plan_inputs.desired

    @property
    def fleet(self) -> str:
        """The name of the fleet, as in annotations."""
        return self.planned.plan.fleet

    @property
    def settle_seconds(self) -> float:
        """The time until every list shows a new project."""
        return self.desired.api.settle_seconds

    @property
    def organizations(self) -> Mapping[str, int | None]:
        """The organizations of the fleet. Each has its number of live projects if it was listed completely."""
        return {name: self.planned.live.listed.get(name) for name in self.desired.organizations}

    @property
    def returns_strings(self) -> bool:
        """Whether the caller gets the connection strings of new projects."""
        return self.on_connection is not None

    @property
    def checks_rivals(self) -> bool:
        """Whether another run may create the same tenants: a registry or a single writer prevents that."""
        return not self.registry.keeps_rows and not self.options.single_writer

    def route(self, source: str, destination: str) -> Route:
        """What this run knows about moves from one organization to the other."""
        return self._routes.setdefault((source, destination), Route())

    def tell(self, event: Event) -> None:
        """Tells the listener of the run."""
        if self.options.on_event is not None:
            self.options.on_event(event)

    def _listener(self) -> Listener | None:
        if self.options.on_event is None:
            return None
        from reconciler.apply.run.outcome_events import OutcomeEvents  # noqa: PLC0415 - for events only

        return OutcomeEvents(self.options.on_event, self.now)

    def _paused(self, pause: Pause) -> None:
        from reconciler.plan.event import Paused  # noqa: PLC0415 - for events only

        seconds = round(pause.seconds, 3)
        self.tell(Paused(self.now(), pause.call.route, pause.status, pause.attempt, seconds, pause.request_id))

    def _may_write(self) -> bool:
        return not self.stop.requested and (self.lease is None or self.lease.valid())

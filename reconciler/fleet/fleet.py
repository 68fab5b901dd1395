"""The use cases of a fleet: plan, drift, apply, usage, cost, the registry, and those on a few tenants."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.desired.address import address_to_show
from reconciler.desired.selection import Depth
from reconciler.environment import Environment
from reconciler.errors import InvalidInputError
from reconciler.fleet import comparing
from reconciler.fleet.context import Context, utc_now
from reconciler.fleet.few_tenants import FewTenants
from reconciler.fleet.request import Request
from reconciler.live.registered import RegisteredTenants
from reconciler.model.values import replace
from reconciler.neon.client import connect
from reconciler.neon.credentials import read_access
from reconciler.neon.lists import ListsAhead, Progress, no_progress
from reconciler.neon.trust import check_names, chosen_host
from reconciler.plan.history import History
from reconciler.registry.connect import open_registry
from reconciler.registry.null import NullRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from datetime import date, datetime

    import httpx

    from reconciler.adopt.needs import AdoptRequirements, ContentsRequirements
    from reconciler.apply.run.planned import Planned, RunOptions
    from reconciler.desired.state import DesiredState
    from reconciler.errors import NotDeliveredError
    from reconciler.fleet.account_calls import AccountCalls
    from reconciler.fleet.adopting import PlannedAdoption
    from reconciler.fleet.registry_rows import RebuiltRegistry
    from reconciler.fleet.rollback import RunToUndo
    from reconciler.live.observation import Observation
    from reconciler.live.state import LiveState
    from reconciler.model.notice import Findings
    from reconciler.neon.call import CallLimit, CallObserver
    from reconciler.neon.client import Neon
    from reconciler.neon.connection import Connection
    from reconciler.notify.destination import Destination
    from reconciler.notify.records import Records
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from reconciler.plan.plan_cost import PastCost
    from reconciler.usage.cost import Cost
    from reconciler.usage.usage import Usage

NOTHING_REMEMBERED: Final[Mapping[str, int]] = MappingProxyType({})


class Fleet(FewTenants):
    """A fleet's files, connected to the account that its projects are in."""

    def __init__(
        self,
        desired: DesiredState,
        neon: Neon,
        *,
        now: Callable[[], datetime] = utc_now,
        applied: Mapping[str, int] = NOTHING_REMEMBERED,
        registry: NullRegistry | None = None,
        api_host: str | None = None,
    ) -> None:
        """``applied`` is the last applied revision of each tenant, where the caller remembers it. ``api_host`` is
        the host that plans and reports show, where it is not Neon's own."""
        context = Context(
            desired=desired,
            moment=None,
            neon=neon,
            registry=registry or NullRegistry(),
            applied=applied,
            now=now,
            api_host=api_host,
        )
        super().__init__(context)

    @property
    def api_host(self) -> str | None:
        """The API host that plans and reports show; None for Neon's own."""
        return self._context.api_host

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        desired: DesiredState,
        *,
        environ: Environment | Mapping[str, str] | None = None,
        host: str | None = None,
        base: DesiredState | None = None,
        share: float = 1.0,
        via: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
        applied: Mapping[str, int] = NOTHING_REMEMBERED,
        observer: CallObserver | None = None,
        limit: CallLimit | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> AsyncIterator[Fleet]:
        """Connects to the account. Reads ids and keys from ``environ``, by default the process's environment.

        ``host`` is the API host, by default ``NEON_API_HOST``; else the host of the files, which must be Neon's or
        one of ``RECONCILER_API_HOSTS``. The files may name the variables that ``base`` names (the files at an
        earlier commit), those in ``RECONCILER_ENV``, and those with the usual names. ``share`` is the share of the
        account's rate limit to use. ``via`` is a transport, for example a simulator. ``applied`` is the last
        applied revision of each tenant, where the caller remembers it: an older revision is refused. A registry
        that knows a newer one takes precedence. ``observer`` sees every call, for metrics and traces.
        ``limit`` bounds the number of calls. With a registry, runs on all machines share the account's rate limit;
        ``tell`` gets a sentence where it cannot be asked.

        Raises MissingKeyError for a variable that is not set, InvalidInputError for one that the files may not
        name or whose value is not valid, UntrustedFilesError for a host that is not allowed, and RegistryError
        where the packages for a registry are not installed. The end of the block waits for runs whose callers have
        been cancelled.
        """
        environ = Environment.of(environ)
        check_names(desired, environ, base)
        api = replace(desired.api, host=chosen_host(desired, environ, host))
        access = read_access(desired, environ)
        registry = _registry(desired, environ)
        ledger = _ledger(desired, registry) if via is None else None
        api_host = address_to_show(api.host) if via is None else None
        connecting = connect(
            access, api, share=share, via=via, observer=observer, limit=limit, ledger=ledger, tell=tell
        )
        with closing(registry):
            async with connecting as neon:
                fleet = cls(desired, neon, now=now, applied=applied, registry=registry, api_host=api_host)
                try:
                    yield fleet
                except GeneratorExit:  # the loop has ended, and all its tasks
                    raise
                except BaseException:
                    await fleet._running.ended()
                    raise
                await fleet._running.ended()

    @asynccontextmanager
    async def listing_ahead(self) -> AsyncIterator[None]:
        """Lists every organization from now on, for the first use of the whole fleet within the block.

        So the lists are read while tenants are parsed: connect with ``tiers.yaml`` alone, then ``use_files``.
        """
        ahead = ListsAhead(self._context.neon, tuple(self.desired.organizations))
        self._context = replace(self._context, ahead=ahead)
        try:
            yield
        finally:
            await ahead.end()

    def use_files(self, desired: DesiredState) -> None:
        """Uses these files from now on, whose organizations, keys and registry are those of the connection."""
        self._context = replace(self._context, desired=desired)

    async def plan(self, request: Request = Request(), *, on_progress: Progress = no_progress) -> Planned:
        """Observes, plans, and guards. Writes nothing.

        Raises WrongOrganizationError if the organizations seem to be swapped.
        """
        return await comparing.guarded_plan(self._context, request, on_progress)

    async def observe(self, request: Request = Request(), *, on_progress: Progress = no_progress) -> Observation:
        """Everything that a plan for the request reads, to be recorded: ``plan_recorded`` plans with it."""
        return await comparing.observation(self._context, request, on_progress)

    async def drift(self, request: Request = Request(), *, on_progress: Progress = no_progress) -> Planned:
        """Everything that differs, before any guard: what people or programs changed outside the files.

        Raises WrongOrganizationError if the organizations seem to be swapped.
        """
        return await comparing.compare(self._context, request, on_progress)

    def permit(self, differing: Planned, request: Request) -> Planned:
        """What the guards allow of the differences that ``drift`` found."""
        from reconciler.fleet import planning  # noqa: PLC0415 - not before the first request

        return planning.permit(self._context, differing, request)

    def approved(self, planned: Planned, saved: Plan, *, strict: bool = False) -> Planned:
        """What a saved plan permits of a guarded plan; it never adds actions. ``strict``: all or nothing."""
        from reconciler.fleet import planning  # noqa: PLC0415 - not before the first request

        return planning.approved(self._context, planned, saved, strict=strict)

    async def apply(self, planned: Planned, run: RunOptions, *, on_progress: Progress = no_progress) -> Report:
        """Carries out a guarded plan. Failures are in the report; only what prevents every write is raised.

        With a registry, no other run applies the fleet, or the same shard, at the same time: raises LeasedError if
        another run keeps the lease. A call that is cancelled ends the run as ``run.stop`` does, and waits for the
        calls in flight.
        """
        from reconciler.fleet.applying import apply_alone  # noqa: PLC0415 - a plan needs none of it

        options = replace(run, stop=run.stop.of_run())
        applying = apply_alone(self._context, planned, options, on_progress)
        return await self._running.result(applying, options.stop)

    async def plan_rollback(
        self, undone: RunToUndo, *, request: Request = Request(), on_progress: Progress = no_progress
    ) -> Planned:
        """What takes a run back: the values that its journal recorded before each write, after the guards.

        ``apply`` carries it out. What the run created is deleted only if the request permits the number of
        deletions. What cannot go back, and what has another value since the run, is among the refusals. Raises
        InvalidInputError if ``undone`` has no write to the selected tenants.
        """
        from reconciler.fleet.rollback import plan_rollback  # noqa: PLC0415 - for rollbacks only

        return await plan_rollback(self._context, request, undone, on_progress)

    async def usage(
        self, request: Request = Request(), *, above: int | None = None, on_progress: Progress = no_progress
    ) -> Usage:
        """What the selected tenants use of their quotas in this billing period. Writes nothing.

        ``above`` is the only threshold, in percent, and leaves out the tenants below it; by default those of the
        tiers. ``Depth.DEEP`` reads the counters of each project that has run in this period, one call each.
        """
        from reconciler.fleet.usage import read_usage  # noqa: PLC0415 - a plan needs none of it

        return await read_usage(self._context, request, above, on_progress)

    async def notify(
        self, findings: Findings, destinations: Sequence[Destination], *, records: Records | None = None
    ) -> list[NotDeliveredError]:
        """Tells every destination once what is new of the findings. Returns what could not be delivered.

        ``records`` keep sent notices; by default the registry does. Raises InvalidInputError if there is neither.
        """
        from reconciler.notify.records import RegistryRecords  # noqa: PLC0415 - for notices only
        from reconciler.notify.telling import notify  # noqa: PLC0415

        if records is None:
            records = RegistryRecords(self._require_registry().registry, self._context.time)
        return await notify(findings, destinations, records)

    @property
    def keeps_rows(self) -> bool:
        """Whether the fleet has a registry."""
        return self._context.registry.keeps_rows

    async def cost(
        self,
        request: Request = Request(),
        *,
        month: date | None = None,
        organizations: Sequence[str] = (),
        on_progress: Progress = no_progress,
    ) -> Cost:
        """What the selected tenants cost at the prices of tiers.yaml. Writes nothing, and wakes no compute.

        ``month`` is any day of a month within the last year; by default this month, as far as it is over.
        ``organizations`` are the only ones; a sponsored one is read only if it is named. Raises InvalidInputError
        without prices, and for a month or an organization that there is not.
        """
        from reconciler.fleet.cost import read_cost  # noqa: PLC0415 - a plan needs none of it

        return await read_cost(self._context, request, month, organizations, on_progress)

    async def past_cost(
        self, planned: Planned, *, month: date | None = None, on_progress: Progress = no_progress
    ) -> PastCost:
        """What last month's use, or that of another month, costs before a plan and after it.

        Reads the tenants that the plan changes, 100 projects a call. Writes nothing. Raises InvalidInputError
        without prices, and for a month of which Neon has no record.
        """
        from reconciler.fleet.past_cost import read_past_cost  # noqa: PLC0415 - a plan needs none of it

        return await read_past_cost(self._context, planned, month, on_progress)

    async def observe_projects(
        self, requirements: AdoptRequirements, *, on_progress: Progress = no_progress
    ) -> LiveState:
        """Every project of the organizations, with what adopting them needs. Writes nothing."""
        from reconciler.fleet.adopting import observe_projects  # noqa: PLC0415 - a plan needs none of it

        return await observe_projects(self._context, requirements, on_progress)

    async def read_contents(
        self, live: LiveState, requirements: ContentsRequirements, *, on_progress: Progress = no_progress
    ) -> LiveState:
        """The same observation with the branches or snapshots of some projects."""
        from reconciler.fleet.adopting import read_contents  # noqa: PLC0415 - a plan needs none of it

        return await read_contents(self._context, live, requirements, on_progress)

    async def plan_adopted(
        self,
        adopting: DesiredState,
        live: LiveState,
        *,
        depth: Depth = Depth.DECLARED,
        on_progress: Progress = no_progress,
    ) -> PlannedAdoption:
        """The plan of files that adopt observed projects, without listing them again. Writes nothing."""
        from reconciler.fleet.adopting import plan_adopted  # noqa: PLC0415 - a plan needs none of it

        return await plan_adopted(self._context, adopting, live, depth, on_progress)

    async def rebuild_registry(
        self, history: History = History(), *, passwords: bool = False, on_progress: Progress = no_progress
    ) -> RebuiltRegistry:
        """Fills the registry by pins, annotations, and names that ``history`` confirms.

        Where it keeps connection strings: reads those that are missing, due, not readable or of another host, one
        call each, and encrypts all with the first key. ``passwords`` reads all. Raises InvalidInputError if there
        is no registry, and MissingKeyError without the key that it needs.
        """
        from reconciler.fleet.registry_rows import rebuild  # noqa: PLC0415 - a plan needs none of it

        context = self._require_registry()
        past = history.under(context.desired)
        return await rebuild(context, past, passwords=passwords, on_progress=on_progress)

    async def verify_registry(
        self, history: History = History(), *, passwords: bool = False, on_progress: Progress = no_progress
    ) -> RebuiltRegistry:
        """What ``rebuild_registry`` would change. Writes nothing, and raises the same."""
        from reconciler.fleet.registry_rows import verify  # noqa: PLC0415 - a plan needs none of it

        context = self._require_registry()
        past = history.under(context.desired)
        return await verify(context, past, passwords=passwords, on_progress=on_progress)

    async def keep_connections(self, connections: Mapping[str, Connection]) -> None:
        """Writes connections of default branches, by tenant, to the registry, encrypted.

        Raises InvalidInputError if it keeps no connection strings, and RegistryError for a tenant without a row.
        """
        self.require_strings()
        from reconciler.fleet.kept_strings import keep_connections  # noqa: PLC0415 - for a registry only

        await keep_connections(self._context, connections)

    async def kept_connection(self, tenant: str) -> Connection:
        """How to connect to a tenant's default branch, as the registry keeps it. Makes no call to Neon.

        Raises InvalidInputError if it keeps no connection strings, and NoConnectionStringError where the tenant's
        is missing, out of date, or not readable with the keys of the environment.
        """
        self.require_strings()
        from reconciler.fleet.kept_strings import kept_connection  # noqa: PLC0415 - for a registry only

        return await kept_connection(self._context, tenant)

    def require_strings(self, planned: Planned | None = None) -> None:
        """Raises InvalidInputError unless the registry keeps connection strings; of a plan, those that it resets.

        Raises MissingKeyError or InvalidInputError if the key is missing or none.
        """
        from reconciler.fleet.kept_strings import require_kept, require_strings  # noqa: PLC0415

        context = self._require_registry()
        require_strings(context)
        if planned is not None:
            require_kept(planned)

    async def registered_tenants(self) -> RegisteredTenants:
        """The rows of the registry, also of deleted projects. Makes no call. Raises as ``rebuild_registry``."""
        registry = self._require_registry().registry
        return RegisteredTenants(self.desired.fleet, tuple(await registry.read(registry.tenants)))

    def _require_registry(self) -> Context:
        if not self._context.registry.keeps_rows:
            raise InvalidInputError(
                "tiers.yaml names no registry", hint="add `registry: {url: ${REGISTRY_URL}}` to tiers.yaml"
            )
        return self._context


def _registry(desired: DesiredState, environ: Environment) -> NullRegistry:
    if desired.registry is None:
        return NullRegistry()
    return open_registry(desired.registry, environ, fleet=desired.fleet, key=desired.registry_key)


def _ledger(desired: DesiredState, registry: NullRegistry) -> AccountCalls | None:
    """Where runs on all machines share the account's rate limit; None without a registry."""
    if desired.registry is None:
        return None
    from reconciler.fleet.account_calls import AccountCalls  # noqa: PLC0415 - for a registry only

    return AccountCalls(registry, desired.api.account or desired.fleet)

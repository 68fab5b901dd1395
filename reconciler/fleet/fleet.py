"""The use cases of a fleet: plan, drift, apply, converge, connection strings."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.apply.run import RunOptions
from reconciler.desired.api_host import foreign
from reconciler.desired.selection import Selection
from reconciler.environment import Environment
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files.inputs import parse
from reconciler.fleet import planning
from reconciler.fleet.context import Context, utc_now
from reconciler.fleet.process import RunningTasks
from reconciler.fleet.registry_rows import rebuild
from reconciler.fleet.request import Converged, Request
from reconciler.neon.client import connect
from reconciler.neon.credentials import read_access
from reconciler.neon.observe import Progress, no_progress
from reconciler.neon.trust import check_names, chosen_host
from reconciler.plan.history import History
from reconciler.plan.lifecycle import database_and_role
from reconciler.registry.connect import open_registry
from reconciler.registry.null import NullRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from datetime import datetime

    import httpx

    from reconciler.apply.run import Planned
    from reconciler.desired.state import DesiredState
    from reconciler.fleet.registry_rows import RebuiltRegistry
    from reconciler.fleet.request import TenantJson
    from reconciler.neon.client import Neon
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from reconciler.secret import Secret

NOTHING_REMEMBERED: Final[Mapping[str, int]] = MappingProxyType({})


class Fleet:
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
        self._context = Context(
            desired=desired,
            neon=neon,
            registry=registry or NullRegistry(),
            applied=applied,
            now=now,
            api_host=api_host,
        )
        self._running = RunningTasks()

    @property
    def desired(self) -> DesiredState:
        """What the files declare."""
        return self._context.desired

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
    ) -> AsyncIterator[Fleet]:
        """Connects to the account. Reads ids and keys from ``environ``, by default the process's environment.

        ``host`` is the API host, by default ``NEON_API_HOST``; else the host of the files, which must be Neon's or
        one of ``RECONCILER_API_HOSTS``. The files may name the variables that ``base`` names (the files at an
        earlier commit), those in ``RECONCILER_ENV``, and those with the usual names. ``share`` is the share of the
        account's rate limit to use. ``via`` is a transport, for example a simulator. ``applied`` is the last
        applied revision of each tenant, where the caller remembers it: an older revision is refused. A registry
        that knows a newer one takes precedence.

        Raises MissingKeyError for a variable that is not set, InvalidInputError for one that the files may not
        name or whose value is not valid, UntrustedFilesError for a host that is not allowed, and RegistryError
        where the packages for a registry are not installed. The end of the block waits for runs whose callers have
        been cancelled.
        """
        environ = Environment.of(environ)
        check_names(desired, environ, base)
        api = replace(desired.api, host=chosen_host(desired, environ, host))
        access = read_access(desired, environ)
        registry = NullRegistry()
        if desired.registry is not None:
            registry = open_registry(desired.registry, environ, fleet=desired.fleet)
        api_host = foreign(api.host) if via is None else None
        async with connect(access, api, share=share, via=via) as neon:
            with closing(registry):
                fleet = cls(desired, neon, now=now, applied=applied, registry=registry, api_host=api_host)
                try:
                    yield fleet
                except GeneratorExit:  # the loop has ended, and all its tasks
                    raise
                except BaseException:
                    await fleet._running.ended()
                    raise
                await fleet._running.ended()

    async def plan(self, request: Request = Request(), *, on_progress: Progress = no_progress) -> Planned:
        """Observes, plans, and guards. Writes nothing.

        Raises WrongOrganizationError where the organizations seem to be swapped.
        """
        return await _plan(self._context, request, on_progress)

    async def drift(self, request: Request = Request(), *, on_progress: Progress = no_progress) -> Planned:
        """Everything that differs, before any guard: what people or programs changed outside the files.

        Raises WrongOrganizationError where the organizations seem to be swapped.
        """
        return await planning.compare(self._context, request, on_progress)

    def permit(self, differing: Planned, request: Request) -> Planned:
        """What the guards allow of the differences that ``drift`` found."""
        return planning.permit(self._context, differing, request)

    def approved(self, planned: Planned, saved: Plan, *, strict: bool = False) -> Planned:
        """What a saved plan permits of a guarded plan; it never adds actions. ``strict``: all or nothing."""
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

    async def converge(
        self, *tenants: str | TenantJson, request: Request = Request(), run: RunOptions | None = None
    ) -> Converged:
        """Plans and applies a few tenants within seconds. A tenant is a name or a document: a tenant file as JSON.

        A document is not a commit: what it reduces needs a permission, whatever the base says. ``protect`` and
        ``project_id`` of the tenant's file stay in force. Never lists the fleet: at most 5 calls for a sign-up and
        8 for an upgrade, without polls of operations. Raises InvalidInputError for a name that no file declares,
        and for a document that is not valid.

        Calls of this process about the same tenant run one after the other. Equal calls share a result, with the
        same connection strings. A call that is cancelled ends its run as ``run.stop`` does, unless another call
        waits for the same result, and waits for the calls in flight. ``connection_string`` then reads the string
        that the call would have returned.
        """
        options = run or RunOptions()
        context, names, documented = _including(self._context, tenants)
        few = _few(self.desired, request, names, documented)
        documents = [json.dumps(tenant, sort_keys=True) for tenant in tenants if not isinstance(tenant, str)]
        key = (documents, options.single_writer, options.waves, request, context.applied, self.desired)
        queue = self._context.process.queue
        while True:
            shared = await queue.result(names, key, lambda: self._converge(context, few, options), self._running)
            converged: Converged = shared.result
            stopped_by_other = shared.joined and converged.report.stopped_by is ExitCode.INTERRUPTED
            if options.stop.requested or not stopped_by_other:
                return converged

    async def _converge(self, context: Context, request: Request, options: RunOptions) -> Converged:
        planned = await _plan(context, request, no_progress)
        from reconciler.fleet.applying import apply_plan  # noqa: PLC0415 - not before the first request

        options = replace(options, stop=options.stop.of_run())
        connections: dict[str, Secret] = {}
        applying = apply_plan(context, planned, options, just_observed=True, on_connection=connections.__setitem__)
        return Converged(planned, await self._running.result(applying, options.stop), connections)

    async def connection_string(
        self, tenant: str | TenantJson, *, request: Request = Request(), pooled: bool = False
    ) -> Secret:
        """The connection string of a tenant's project, at any time: also after a cancelled call has created it.

        ``tenant`` and ``request`` as in ``converge``. Waits for its calls about the tenant, and writes nothing.
        Raises NoConnectionStringError where the tenant has no project, or its project cannot be confirmed.
        """
        context, names, documented = _including(self._context, (tenant,))
        await self._context.process.queue.idle(names)
        few = _few(self.desired, request, names, documented)
        planned = await _plan(context, few, no_progress)
        project = planning.own_project(context, planned, context.past(few), names[0])
        database, role = database_and_role(context.desired, context.desired.tenants[names[0]])
        return await context.neon.connection_uri(project.organization, project.id, database, role, pooled)

    async def rebuild_registry(
        self, history: History = History(), *, on_progress: Progress = no_progress
    ) -> RebuiltRegistry:
        """Fills the registry by pins, annotations, and names that ``history`` confirms.

        Raises InvalidInputError where there is no registry.
        """
        context = self._context
        if not context.registry.keeps_rows:
            raise InvalidInputError(
                "tiers.yaml names no registry", hint="add `registry: {url: ${REGISTRY_URL}}` to tiers.yaml"
            )
        past = history.under(context.desired)
        return await rebuild(context.registry, context.desired, context.neon, past, context.time, on_progress)


async def _plan(context: Context, request: Request, on_progress: Progress) -> Planned:
    compared = await planning.compare(context, request, on_progress)
    return planning.permit(context, compared, request)


def _few(files: DesiredState, request: Request, names: Sequence[str], documented: Sequence[str]) -> Request:
    """The request for a few tenants. The ``documented`` ones are given by documents instead of ``files``."""
    history = replace(request.past, named=frozenset(names))
    if documented:
        history = replace(history, files=files, documents=frozenset(documented))
    return replace(request, selection=Selection(changed=frozenset(names)), history=history, mention_deleted=False)


def _including(context: Context, tenants: Sequence[str | TenantJson]) -> tuple[Context, list[str], list[str]]:
    """The context with the documents, the names of all tenants, and of those given by documents."""
    names = [tenant for tenant in tenants if isinstance(tenant, str)]
    if undeclared := [name for name in names if name not in context.desired.tenants]:
        raise InvalidInputError(
            f"no file declares tenant {undeclared[0]!r}",
            hint="add its file, or pass its document ('-' reads documents from stdin)",
        )
    documents = [json.dumps(tenant) for tenant in tenants if not isinstance(tenant, str)]
    if not documents:
        return context, names, []
    desired, documented = parse(context.desired, "\n".join(documents), "document")
    return replace(context, desired=desired), [*names, *documented], documented

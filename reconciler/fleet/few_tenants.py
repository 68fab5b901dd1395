"""The use cases on a few tenants: converge, connections, restores, resets, rotations. None lists the fleet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.apply.run.planned import RunOptions
from reconciler.desired.selection import Selection
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files.inputs import parse
from reconciler.fleet import comparing
from reconciler.fleet.connections import Which, read_connection
from reconciler.fleet.process import RunningTasks
from reconciler.fleet.request import Commanded, Converged, Request, Rotated
from reconciler.model.values import replace
from reconciler.neon.lists import no_progress
from reconciler.plan.actions.branch import ResetPassword

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from reconciler.apply.run.planned import Planned
    from reconciler.desired.state import DesiredState
    from reconciler.fleet.context import Context
    from reconciler.fleet.request import TenantJson
    from reconciler.live.project import LiveEndpoint
    from reconciler.neon.connection import Connection
    from reconciler.plan.commanded import Asked
    from reconciler.plan.history import History
    from reconciler.plan.outcome import Report
    from reconciler.plan.return_points import ReturnPoints
    from reconciler.plan.rotation import Rotate
    from reconciler.secret import Secret


class _Named(Struct, frozen=True):
    """The tenants of a call."""

    context: Context
    """With the documents that the call gives."""
    tenants: tuple[str, ...]
    request: Request
    """For these tenants only."""


class FewTenants:
    """The use cases on a few tenants. Calls of a process about the same tenant run one after the other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._running = RunningTasks()

    @property
    def desired(self) -> DesiredState:
        """What the files declare."""
        return self._context.desired

    def time(self) -> datetime:
        """The time that everything is judged by: this machine's clock, or the API's where the two differ."""
        return self._context.time()

    async def converge(
        self, *tenants: str | TenantJson, request: Request = Request(), run: RunOptions | None = None
    ) -> Converged:
        """Plans and applies a few tenants within seconds. A tenant is a name or a document: a tenant file as JSON.

        A document is not a commit: what it reduces needs a permission, whatever the base says. ``protect`` and
        ``project_id`` of the tenant's file stay in force. Never lists the fleet: at most 5 calls for a sign-up and
        8 for an upgrade, without polls of operations and of a moved project. Raises InvalidInputError for a name
        that no file declares, and for a document that is not valid.

        Calls of this process about the same tenant run one after the other. Equal calls share a result, with the
        same connections. A call that is cancelled ends its run as ``run.stop`` does, unless another call
        waits for the same result, and waits for the calls in flight. ``connection`` then reads what the call would
        have returned.
        """
        options = run or RunOptions()
        named = self._named(tenants, request)
        documents = [json.dumps(tenant, sort_keys=True) for tenant in tenants if not isinstance(tenant, str)]
        key = (documents, options.single_writer, options.waves, request, self._context.applied, self.desired)
        while True:
            queue = self._context.process.queue  # read again: what is idle may have been dropped meanwhile
            shared = await queue.result(named.tenants, key, lambda: self._converge(named, options), self._running)
            converged: Converged = shared.result
            stopped_by_other = shared.joined and converged.report.stopped_by is ExitCode.INTERRUPTED
            if options.stop.requested or not stopped_by_other:
                return converged

    async def _converge(self, named: _Named, options: RunOptions) -> Converged:
        context = named.context
        planned = await comparing.guarded_plan(context, named.request, no_progress)
        from reconciler.fleet.applying import apply_plan  # noqa: PLC0415 - not before the first request

        options = replace(options, stop=options.stop.of_run())
        connections: dict[str, Connection] = {}
        applying = apply_plan(context, planned, options, just_observed=True, on_connection=connections.__setitem__)
        return Converged(planned, await self._running.result(applying, options.stop), connections)

    async def connection(
        self, tenant: str | TenantJson, which: Which = Which(), *, request: Request = Request()
    ) -> Connection:
        """How to connect to a tenant's project, at any time: also after a cancelled call created it.

        ``tenant`` and ``request`` as in ``converge``; by default the default branch, with the database and role
        that the files declare. Waits for calls about the tenant, and writes nothing. Raises NoOwnProjectError if
        the tenant has no project, or its project cannot be confirmed, and NoConnectionStringError for a branch, a
        database or a role that does not exist.
        """
        named = await self._idle((tenant,), request)
        planned = await comparing.guarded_plan(named.context, named.request, no_progress)
        from reconciler.fleet import planning  # noqa: PLC0415 - not before the first request

        past = named.context.past(named.request)
        project = planning.own_project(named.context, planned, past, named.tenants[0])
        return await read_connection(named.context, named.tenants[0], project, which)

    async def suspended_compute(self, connection: Connection) -> LiveEndpoint | None:
        """The compute of a connection, if it is suspended: the first connection waits until it has started."""
        for endpoint in await self._context.neon.endpoints(connection.organization, connection.project_id):
            if endpoint.host == connection.host:
                return None if endpoint.active else endpoint
        return None

    async def connection_string(
        self,
        tenant: str | TenantJson,
        which: Which = Which(),
        *,
        request: Request = Request(),
        direct: bool = False,
    ) -> Secret:
        """The pooled connection string, or the direct one, of what ``connection`` returns. Raises the same."""
        return (await self.connection(tenant, which, request=request)).uri(direct=direct)

    async def plan_command(
        self, tenant: str | TenantJson, asked: Asked, *, request: Request = Request()
    ) -> Planned:
        """What a command on one tenant would do, after the guards. Writes nothing.

        ``tenant`` as in ``converge``. ``asked`` makes the command from its name and the current time, by the API's
        clock if the two differ. Waits for the calls of this process about the tenant. Raises InvalidInputError for
        a tenant that no file declares, and NoOwnProjectError unless it is certain which project is the tenant's.
        """
        named = await self._idle((tenant,), request)
        from reconciler.fleet.commands import plan_command  # noqa: PLC0415 - for commands only

        return await plan_command(named.context, named.request, named.tenants[0], asked)

    async def restore(
        self,
        tenant: str | TenantJson,
        *,
        to: datetime | timedelta | None = None,
        snapshot: str | None = None,
        preview: bool = False,
        again: bool = False,
        request: Request = Request(),
        run: RunOptions | None = None,
    ) -> Commanded:
        """Returns a tenant's default branch to a moment, a length of time ago, or a snapshot (its name or id).

        The current state stays as another branch. ``preview`` makes a branch to look at instead. ``again`` repeats
        a restore to the same state that was already done. Raises InvalidInputError unless exactly one of ``to``
        and ``snapshot`` is given, or if the moment has no time zone, and what ``plan_command`` raises.
        """
        from reconciler.plan.requested_restores import requested_restore  # noqa: PLC0415 - for restores only

        asked = requested_restore(to=to, snapshot=snapshot, preview=preview, again=again)
        return await self._command(tenant, asked, request, run)

    async def finalize_preview(
        self, tenant: str | TenantJson, *, request: Request = Request(), run: RunOptions | None = None
    ) -> Commanded:
        """Gives the tenant's default branch the state that its preview shows. Raises as ``plan_command``."""
        from reconciler.plan.ending_previews import FinalizePreview  # noqa: PLC0415 - for restores only

        return await self._command(tenant, FinalizePreview, request, run)

    async def discard_preview(
        self, tenant: str | TenantJson, *, request: Request = Request(), run: RunOptions | None = None
    ) -> Commanded:
        """Deletes the tenant's previews. Raises as ``plan_command``."""
        from reconciler.plan.ending_previews import DiscardPreview  # noqa: PLC0415 - for restores only

        return await self._command(tenant, DiscardPreview, request, run)

    async def reset_branch(
        self, tenant: str | TenantJson, branch: str, *, request: Request = Request(), run: RunOptions | None = None
    ) -> Commanded:
        """Gives a branch of the tenant the current data of its parent. Raises as ``plan_command``."""
        from reconciler.plan.resetting import ResetToParent  # noqa: PLC0415 - for resets only

        return await self._command(tenant, lambda name, _: ResetToParent(tenant=name, branch=branch), request, run)

    async def history(self, tenant: str | TenantJson, *, request: Request = Request()) -> ReturnPoints:
        """The moments that the tenant can return to. Writes nothing, and raises as ``plan_command``."""
        named = await self._idle((tenant,), request)
        from reconciler.fleet.commands import list_return_points  # noqa: PLC0415 - for commands only

        return await list_return_points(named.context, named.request, named.tenants[0])

    async def _command(
        self, tenant: str | TenantJson, asked: Asked, request: Request, run: RunOptions | None
    ) -> Commanded:
        planned = await self.plan_command(tenant, asked, request=request)
        return Commanded(planned, None if planned.plan.empty else await self.carry_out(planned, run))

    async def plan_few(self, *tenants: str | TenantJson, request: Request = Request()) -> Planned:
        """What ``converge`` would do, which reads the same. Writes nothing; ``carry_out`` carries it out."""
        named = await self._idle(tenants, request)
        return await comparing.guarded_plan(named.context, named.request, no_progress)

    async def rotate(
        self, rotate: Rotate, *, request: Request = Request(), run: RunOptions | None = None
    ) -> Rotated:
        """Gives a role of a tenant a new password, and returns how to connect with it. The old one stops working.

        A failure is in the report; the connection is there wherever the password has changed. Raises what
        ``plan_command`` and ``require_connection`` raise.
        """
        planned = await self.plan_command(rotate.tenant, lambda *_: rotate, request=request)
        await self.require_connection(planned)
        found: dict[str, Connection] = {}
        report = await self.carry_out(planned, run, on_connection=found.__setitem__)
        return Rotated(planned, report, found.get(rotate.tenant))

    async def require_connection(self, planned: Planned) -> None:
        """Reads the connections whose passwords a plan resets, before anything is written.

        Raises NoConnectionStringError for a role or a database that does not exist.
        """
        for tenant in planned.plan.tenants:
            for action in tenant.actions:
                if isinstance(action, ResetPassword) and tenant.project is not None:
                    which = Which(branch=action.branch, database=action.database, role=action.role)
                    await read_connection(self._context, tenant.tenant, tenant.project, which)

    async def carry_out(
        self,
        planned: Planned,
        run: RunOptions | None = None,
        *,
        on_connection: Callable[[str, Connection], None] | None = None,
    ) -> Report:
        """Carries out the plan of a command, or of a few tenants, without a lease on the fleet.

        Failures are in the report. ``on_connection`` gets each connection whose password was reset.

        Calls of this process about the same tenant run one after the other. A call that is cancelled ends the run
        as ``run.stop`` does, and waits for the calls in flight.
        """
        from reconciler.fleet.applying import apply_plan  # noqa: PLC0415 - a plan needs none of it

        given = run or RunOptions()
        options = replace(given, stop=given.stop.of_run())
        names = [tenant.tenant for tenant in planned.plan.tenants]

        async def apply() -> Report:
            applying = apply_plan(self._context, planned, options, on_connection=on_connection)
            return await self._running.result(applying, options.stop)

        shared = await self._context.process.queue.result(names, options.id, apply, self._running)
        report: Report = shared.result
        return report

    async def _idle(self, tenants: Sequence[str | TenantJson], request: Request) -> _Named:
        """The tenants, once no call of this process is about them."""
        named = self._named(tenants, request)
        await self._context.process.queue.idle(named.tenants)
        return named

    def _named(self, tenants: Sequence[str | TenantJson], request: Request) -> _Named:
        """Raises InvalidInputError for a name that no file declares, and for a document that is not valid."""
        names = [tenant for tenant in tenants if isinstance(tenant, str)]
        if undeclared := [name for name in names if name not in self.desired.tenants]:
            raise InvalidInputError(
                f"no file declares tenant {undeclared[0]!r}",
                hint="add its file, or pass its document ('-' reads documents from stdin)",
            )
        documents = [json.dumps(tenant) for tenant in tenants if not isinstance(tenant, str)]
        if not documents:
            return _Named(self._context, tuple(names), _only(names, request, request.past))
        desired, from_documents = parse(self.desired, "\n".join(documents), "document")
        names += from_documents
        history = replace(request.past, files=self.desired, documents=frozenset(from_documents))
        return _Named(replace(self._context, desired=desired), tuple(names), _only(names, request, history))


def _only(names: Sequence[str], request: Request, history: History) -> Request:
    history = replace(history, named=frozenset(names))
    chosen = Selection(changed=frozenset(names))
    return replace(request, selection=chosen, history=history, mention_deleted=False, may_list=False)

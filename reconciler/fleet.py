"""The use cases: plan, apply, drift, converge one tenant. What the command line calls and a platform imports.

desired = read("fleet-repository")
async with Fleet.connect(desired) as fleet:
    signed_up = await fleet.converge({"tenant": "acme", "tier": "free"})
    uri = signed_up.connections["acme"].reveal()
"""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import asynccontextmanager, closing, nullcontext
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import platformdirs

from reconciler.apply import process
from reconciler.apply.bookkeeping import (
    RebuiltRegistry,
    present_revisions,
    put_right,
    read_memory,
    rebuild,
    remembered,
)
from reconciler.apply.connection import own_project
from reconciler.apply.executor import execute
from reconciler.apply.journal import Header, Journal, actor
from reconciler.apply.lease import leased
from reconciler.apply.session import CreateProtocol
from reconciler.apply.stop import StopSignal
from reconciler.apply.testimony import fates
from reconciler.apply.turns import Turns
from reconciler.apply.under_way import UnderWay
from reconciler.desired.api_host import foreign
from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.environment import Environment
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files.inputs import parse as parse  # noqa: PLC0414 (part of this interface)
from reconciler.files.inputs import read as read  # noqa: PLC0414
from reconciler.live.registered import part_of
from reconciler.live.state import LiveState
from reconciler.neon.client import connect
from reconciler.neon.credentials import read_access
from reconciler.neon.observe import Progress, look_up, observe, quietly
from reconciler.neon.transport import CLOCKS_APART
from reconciler.neon.trust import check_names, chosen_host
from reconciler.plan import renames, rivals
from reconciler.plan.action import TransferProject
from reconciler.plan.approval import approve
from reconciler.plan.budget import estimate
from reconciler.plan.concerns import NAMES
from reconciler.plan.guards import guard, nothing_of
from reconciler.plan.guards.creations import known_past
from reconciler.plan.history import History
from reconciler.plan.identity import identify
from reconciler.plan.late_turn import Grounds, as_used
from reconciler.plan.lifecycle import database_and_role
from reconciler.plan.making_way import asks_for_the_mover
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Note
from reconciler.plan.planner import make_plan
from reconciler.plan.pruning import by_document
from reconciler.plan.registration import misplaced, settled
from reconciler.plan.survey import orphans
from reconciler.plan.swapped import require_own_places
from reconciler.plan.tombstones import Tombstones, unnamed
from reconciler.registry.connect import open_registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping

    import httpx

    from reconciler.apply.lease import HeldLease
    from reconciler.apply.waves import WaveEnd
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.registered import Placement
    from reconciler.model.values import Json
    from reconciler.neon.client import Neon
    from reconciler.plan.approval import Stale
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from reconciler.registry.store import Registry
    from reconciler.secret import Secret

TenantDocument: TypeAlias = "Mapping[str, Json]"
"""What a tenant file holds: ``{"tenant": "acme", "tier": "pro"}``."""

NOTHING_REMEMBERED: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one run is about and what it may do; the default is the whole fleet and nothing extra."""

    selection: Selection = Selection()
    depth: Depth = Depth.DECLARED
    reach: Reach = Reach()
    only: tuple[str, ...] = NAMES
    """Names of concerns."""
    base: DesiredState | None = None
    """The files at an earlier commit: what changed since is their doing, everything else is drift."""
    history: History | None = None
    """The same with more to tell it by; takes the place of ``base``."""
    permissions: Permissions = Permissions()
    strict: bool = False
    """Nothing is applied where anything is refused."""
    tombstones: Callable[[Collection[str]], Tombstones] | None = None
    """Tells since when the files say of tenants that they are absent; asked of those who have a project."""
    removed: Callable[[Collection[str]], frozenset[str]] | None = None
    """Tells which tenants an earlier commit declared; asked before a project is spared for its tenant's sake."""
    gone: tuple[Tenant, ...] = ()
    """Tenants whom the files have taken out since the commit that the selection is by."""
    journals: tuple[Path, ...] = ()
    """Files and folders in which journals of earlier runs are looked for, besides the user's log folder."""
    dead_runs: frozenset[str] = frozenset()
    """Runs of which a person says that they died before they told anybody of what they had created."""
    mention_deleted: bool = True
    """Whether a tenant that is to be created is told of an older project that can be recovered: one call for
    each organization."""

    @property
    def past(self) -> History:
        """What the files said before."""
        return self.history or History(self.base)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with the live state that it was made from."""

    plan: Plan
    live: LiveState
    at: datetime
    """When it was made."""
    looked_at: float
    """When the look at what is live began, by the loop's clock: what is long past is looked at once more."""
    grounds: Grounds
    """What the plan follows from beside what is live: by these a tenant whose turn comes late is planned again."""
    stale: tuple[Stale, ...] = ()
    """Tenants that were left out because a saved plan does not permit what would be done to them."""
    settled: Mapping[str, int] = field(default_factory=dict)
    """The revisions of tenants in whom nothing differs."""
    placements: tuple[Placement, ...] = ()
    """Where a registry is kept, the rows that disagree with what is live."""
    shard: tuple[int, int] | None = None
    """The shard that the plan is about; None is all of the fleet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How an apply runs. ``journal`` None writes it to the user's log folder."""

    id: str = field(default_factory=lambda: secrets.token_hex(4))
    journal: Path | None = None
    commit: str | None = None
    stop: StopSignal = field(default_factory=StopSignal)
    """Asks the run to end; what else ends it leaves this as it is."""
    single_writer: bool = False
    """Nobody else creates the same tenants: connection strings are handed out without waiting for rivals."""
    waves: tuple[WaveEnd, ...] = ()
    """Parts of the plan, each finished and judged before the next one begins (``read_waves``)."""

    @property
    def journal_path(self) -> Path:
        """Where the journal of this run is."""
        return self.journal or _log_folder() / f"{self.id}.jsonl"


@dataclass(frozen=True, slots=True)
class Converged:
    """What became of a few tenants. ``connections`` holds the string of every tenant that was created: one whose
    string could not be read has failed, and the report says so."""

    planned: Planned
    report: Report
    connections: Mapping[str, Secret]


def _log_folder() -> Path:
    return Path(platformdirs.user_log_dir("reconciler"))


def _idle_words(request: Request, live: LiveState) -> Iterator[Note]:
    """A run that is misspelt is called dead in vain."""
    for run in sorted(request.dead_runs - live.fates.keys()):
        yield Note(None, f"--run-is-dead {run} changes nothing: no tenant has a second project of that run")


def _taken_out(request: Request) -> Iterator[Note]:
    """Nothing selects who is in no file."""
    for tenant in request.gone:
        told = "no file declares the tenant any more: its project stays; to delete it, add state: absent"
        yield Note(tenant.name, told, tenant.location)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)  # noqa: TID251 - the usual clock


class Fleet:
    """A fleet's desired state, connected to the account that it lives in."""

    def __init__(
        self,
        desired: DesiredState,
        neon: Neon,
        *,
        now: Callable[[], datetime] = utc_now,
        applied: Mapping[str, int] = NOTHING_REMEMBERED,
        registry: Registry | None = None,
        api_host: str | None = None,
    ) -> None:
        """``applied`` is the revision of each tenant that was applied last, where the caller remembers it;
        ``api_host`` what plans and reports show of a host that is not Neon's own."""
        self.desired = desired
        self._applied = applied
        self._neon = neon
        self._now = now
        self._registry = registry
        self._under_way = UnderWay()
        self.api_host = api_host

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
        """Reads ids and keys from ``environ``, which is the process's own unless given. All calls go to ``host``,
        or ``NEON_API_HOST``; else to the files' host, which has to be Neon's or among ``RECONCILER_API_HOSTS``.
        Files may name the variables that ``base``, the files at an earlier commit, name, those in
        ``RECONCILER_ENV``, and those whose names say that they are meant. ``share`` of the account's rate limit,
        ``via`` a simulator, ``applied`` the revision of each tenant that was applied last, where the caller
        remembers it: a lower one is refused, and a registry that knows a higher one is believed.

        Raises MissingKeyError for a variable that is not set, InvalidInputError for one that files may not name or
        that holds something else than it should, UntrustedFilesError for a host that nobody allowed,
        RegistryError where the packages for a registry are not installed. Leaving the block waits for runs whose
        callers have been cancelled.
        """
        environ = Environment.of(environ)
        check_names(desired, environ, base)
        api = replace(desired.api, host=chosen_host(desired, environ, host))
        access = read_access(desired, environ)
        registry = None
        if desired.registry is not None:
            registry = open_registry(desired.registry, environ, fleet=desired.fleet)
        api_host = foreign(api.host) if via is None else None
        async with connect(access, api, share=share, via=via) as neon:
            with closing(registry) if registry else nullcontext():
                fleet = cls(desired, neon, now=now, applied=applied, registry=registry, api_host=api_host)
                try:
                    yield fleet
                except GeneratorExit:  # the loop is gone, and whatever was under way with it
                    raise
                except BaseException:
                    await fleet._under_way.ended()
                    raise
                await fleet._under_way.ended()

    async def plan(self, request: Request = Request(), *, on_progress: Progress = quietly) -> Planned:
        """Observe, plan, guard. Writes nothing."""
        differing = await self.drift(request, on_progress=on_progress)
        return self.permit(differing, request)

    async def drift(self, request: Request = Request(), *, on_progress: Progress = quietly) -> Planned:
        """Everything that differs, before any guard: what a person or a program changed behind the files.

        Raises WrongOrganizationError where the organizations seem to have changed places.
        """
        looked_at = asyncio.get_running_loop().time()
        live = self._with_fates(await self._observe(request, on_progress), request)
        require_own_places(self.desired, live, self._past(request), request.permissions)
        now = self._time()
        grounds = self._grounds(live, request)
        plan = make_plan(
            self.desired,
            live,
            now=now,
            history=grounds.history,
            selection=request.selection,
            only=request.only,
            prune=request.permissions.prune,
            tombstones=grounds.tombstones,
        )
        notes = (*plan.notes, *_idle_words(request, live), *_taken_out(request), *self._clocks_apart())
        ids = self._neon.organization_ids
        told = replace(plan, notes=notes, organizations=ids, api_host=self.api_host)
        seen = request.depth is not Depth.LIST  # of a tenant whose details nobody read, nobody knows
        revisions = settled(self.desired, live, plan, request.selection) if seen else {}
        rows = () if self._registry is None else misplaced(self.desired, live, plan, request.selection)
        shard = request.selection.shard
        return Planned(told, live, now, looked_at, grounds, settled=revisions, placements=rows, shard=shard)

    def _grounds(self, live: LiveState, request: Request) -> Grounds:
        selected = sum(request.selection.includes(tenant) for tenant in self.desired.tenants.values())
        return Grounds(
            desired=self.desired,
            history=self._with_removed(live, request),
            permissions=request.permissions,
            only=request.only,
            tombstones=self._tombstones(live, request),
            depth=request.depth,
            reach=as_used(request.reach, selected),
        )

    def _tombstones(self, live: LiveState, request: Request) -> Tombstones:
        """Of tenants that a document calls absent, it does so now."""
        chosen = (t for t in self.desired.tenants.values() if request.selection.includes(t))
        ending = [tenant.name for tenant, _ in unnamed(chosen, identify(self.desired, live))]
        asked = [name for name in ending if name not in request.past.documents]
        return request.tombstones(asked) if asked and request.tombstones else Tombstones()

    def _with_removed(self, live: LiveState, request: Request) -> History:
        past = self._past(request)
        if not request.permissions.prune or request.removed is None:
            return past
        names = (orphan.tenant for orphan in orphans(self.desired, identify(self.desired, live)))
        return replace(past, removed=request.removed(by_document(live, past, names)))

    def permit(self, differing: Planned, request: Request) -> Planned:
        """What of the differences that ``drift`` found the guards let through."""
        plan = guard(
            differing.plan,
            self.desired,
            differing.live,
            request.permissions,
            history=self._past(request),
            selection=request.selection,
            strict=request.strict,
            now=differing.at,
        )
        return replace(differing, plan=plan)

    def approved(self, planned: Planned, saved: Plan, *, strict: bool = False) -> Planned:
        """What of a guarded plan a saved one permits, which commands nothing. ``strict``: all or nothing."""
        approval = approve(planned.plan, saved)
        plan, stale = approval.plan, len(approval.stale)
        if strict and stale:
            plan = nothing_of(plan, f"{stale} stale tenant{'s' if stale > 1 else ''}")
        budget = estimate(plan.tenants, self.desired, planned.live)
        return replace(planned, plan=replace(plan, budget=budget), stale=approval.stale)

    async def apply(self, planned: Planned, run: Run, *, on_progress: Progress = quietly) -> Report:
        """Carries out a guarded plan. What fails is in the report; raised is only what prevents every write.

        Where a registry is kept, no other run applies the fleet, or the same shard, meanwhile: LeasedError where
        one does for longer than a moment. A call that is cancelled ends the run as ``run.stop`` does, and waits
        for what is under way.
        """
        run = replace(run, stop=run.stop.of_run())
        applying = self._apply_alone(planned, run, on_progress)
        return await self._under_way.to_its_end(applying, run.stop)

    async def converge(
        self, *tenants: str | TenantDocument, request: Request = Request(), run: Run | None = None
    ) -> Converged:
        """A few tenants, within seconds: by name, or as documents in the form of a tenant file.

        A document is no commit: to take something from its tenant needs a permission, whatever the base
        says, and ``protect`` and ``project_id`` of the tenant's file stay in force. Never lists the fleet: at
        most 5 calls for a sign-up and 8 for an upgrade, polls of operations aside. Raises InvalidInputError for
        a name that no file declares, or a document that is not valid.

        Calls about one tenant that are under way at once in this process go one after the other; those that ask
        for the same get one result, with the same connection strings. A call that is cancelled ends its run as
        ``run.stop`` does, unless another waits for the same result, and waits for what is under way;
        ``connection_string`` reads what it would have handed out.
        """
        run = run or Run()
        fleet, names, given = self._including(tenants)
        chosen = self._few(request, names, given)
        documents = [json.dumps(tenant, sort_keys=True) for tenant in tenants if not isinstance(tenant, str)]
        same = (documents, run.single_writer, run.waves, request, self._applied, self.desired)
        while True:
            line = self._common.line
            shared = await line.result(names, same, lambda: fleet._converge(chosen, run), self._under_way)  # noqa: SLF001
            converged: Converged = shared.result
            others_stop = shared.joined and converged.report.stopped_by is ExitCode.INTERRUPTED
            if run.stop.requested or not others_stop:
                return converged

    async def connection_string(
        self, tenant: str | TenantDocument, *, request: Request = Request(), pooled: bool = False
    ) -> Secret:
        """The connection string of a tenant's project, at any time: also of one that a cancelled call has created.

        ``tenant`` and ``request`` as in ``converge``; waits for its calls about the tenant, and writes nothing.
        Raises NoConnectionStringError where the tenant has no project, or it is not sure which one is its own.
        """
        fleet, names, given = self._including((tenant,))
        await self._common.line.passed(names)
        return await fleet._connection_string(names[0], self._few(request, names, given), pooled)  # noqa: SLF001

    async def _connection_string(self, name: str, chosen: Request, pooled: bool) -> Secret:
        planned = await self.plan(chosen)
        project = own_project(self.desired, planned.plan, planned.live, self._past(chosen), name)
        database, role = database_and_role(self.desired, self.desired.tenants[name])
        return await self._neon.connection_uri(project.organization, project.id, database, role, pooled)

    @property
    def _common(self) -> process.Common:
        return process.common(self.desired.fleet, self._neon)

    def _few(self, request: Request, names: list[str], given: list[str]) -> Request:
        """The request for a few tenants, some of them by documents."""
        told = replace(request.past, named=frozenset(names))
        told = replace(told, files=self.desired, documents=frozenset(given)) if given else told
        return replace(request, selection=Selection(changed=frozenset(names)), history=told, mention_deleted=False)

    async def _converge(self, chosen: Request, run: Run) -> Converged:
        planned = await self.plan(chosen)
        run = replace(run, stop=run.stop.of_run())
        connections: dict[str, Secret] = {}
        applying = self._apply(planned, run, just_observed=True, on_connection=connections.__setitem__)
        return Converged(planned, await self._under_way.to_its_end(applying, run.stop), connections)

    def _including(self, tenants: tuple[str | TenantDocument, ...]) -> tuple[Fleet, list[str], list[str]]:
        """This fleet with the documents in place of what its files say, and the names: of all, of documents."""
        names = [tenant for tenant in tenants if isinstance(tenant, str)]
        if undeclared := [name for name in names if name not in self.desired.tenants]:
            raise InvalidInputError(
                f"no file declares tenant {undeclared[0]!r}", hint="add its file, or hand over a document"
            )
        documents = [json.dumps(tenant) for tenant in tenants if not isinstance(tenant, str)]
        if not documents:
            return self, names, []
        desired, given = parse(self.desired, "\n".join(documents), "document")
        fleet = copy(self)
        fleet.desired = desired
        return fleet, [*names, *given], given

    async def _observe(self, request: Request, on_progress: Progress) -> LiveState:
        chosen = [name for name, tenant in self.desired.tenants.items() if request.selection.includes(tenant)]
        few = chosen if not request.selection.everything and len(chosen) <= request.reach.few_tenants else None
        desired, past, just_made = self.desired, self._past(request), self._common.just_made
        asked = None if few is None else [name for chosen_one in few for name in desired.names(chosen_one)]
        memory = await read_memory(self._registry, asked)
        rows = desired.by_present_name({**just_made.rows(asked), **memory.rows})
        revisions = present_revisions(desired, remembered(memory.revisions, self._applied))
        new = frozenset(name for name in chosen if past.new(name))
        if few is not None:
            live = await look_up(
                self._neon,
                self.desired,
                few,
                PlanRequirements(depth=request.depth, reach=request.reach, new=new),
                mention_deleted=request.mention_deleted,
                registered=rows,
                known=[name for name in few if self._had_a_project(name, request)],
                on_progress=on_progress,
            )
        else:
            live = await observe(
                self._neon,
                self.desired,
                PlanRequirements(
                    selection=request.selection,
                    depth=request.depth,
                    reach=request.reach,
                    prune=request.permissions.prune,
                    new=new,
                    half_done=past.tried,
                ),
                expect_empty=request.permissions.expect_empty,
                registered=rows,
                on_progress=on_progress,
            )
        if just_made.forget_the_gone(live):
            return await self._observe(request, on_progress)
        return replace(live, revisions=revisions, applied=desired.by_present_name(self._applied))

    def _had_a_project(self, tenant: str, request: Request) -> bool:
        """Whether it had one, as far as anybody remembers, or where no commit says that it is new."""
        remembered_only = LiveState(applied=self.desired.by_present_name(self._applied))
        past, first_run = self._past(request), request.permissions.expect_empty
        untold = past.untold(tenant) and not first_run
        return untold or known_past(tenant, remembered_only, past, first_run=first_run) is not None

    def _past(self, request: Request) -> History:
        """What the files said before of each tenant, under the name that it has now."""
        past = request.past.under(self.desired)
        return past if request.history else replace(past, gone=renames.gone(past, self.desired))

    def _with_fates(self, live: LiveState, request: Request) -> LiveState:
        """The same view with what is known of runs that have left second projects."""
        tenants = [tenant for tenant in self.desired.tenants.values() if request.selection.includes(tenant)]
        found = rivals.find(self.desired, identify(self.desired, live), tenants)
        runs = rivals.makers(self.desired, found)
        return replace(live, fates=fates(runs, (_log_folder(), *request.journals), request.dead_runs))

    async def _apply_alone(self, planned: Planned, run: Run, on_progress: Progress) -> Report:
        """With the lease on the fleet, where a registry is kept and anything is to be written."""
        registry = self._registry
        if registry is None or planned.plan.empty:
            return await self._apply(planned, run, on_progress=on_progress)
        await registry.look(registry.prepare)
        async with leased(registry, part_of(planned.shard), run.id, self._time, run.stop) as lease:
            return await self._apply(planned, run, lease=lease, on_progress=on_progress)

    async def _apply(
        self,
        planned: Planned,
        run: Run,
        *,
        lease: HeldLease | None = None,
        just_observed: bool = False,
        on_progress: Progress = quietly,
        on_connection: Callable[[str, Secret], None] | None = None,
    ) -> Report:
        calls = await self._check_mover(planned.plan)
        if self._registry is not None:
            await put_right(
                self._registry,
                self.desired,
                planned.live,
                planned.placements,
                planned.settled,
                run.id,
                self._time(),
            )
        protocol = CreateProtocol(
            settle_seconds=self.desired.api.settle_seconds,
            second_look=not just_observed,
            single_writer=run.single_writer,
        )
        with Journal.open(run.journal_path, self._header(run), self._time) as journal:
            report = await execute(
                planned.plan,
                self._neon,
                run=run.id,
                protocol=protocol,
                organizations={name: planned.live.listed.get(name) for name in self.desired.organizations},
                journal=journal,
                now=self._time,
                project_names=self.desired.project_names,
                seen=frozenset((project.id, project.name) for project in planned.live.projects),
                turns=self._turns(planned),
                stop=run.stop,
                wave_ends=run.waves,
                on_progress=on_progress,
                on_connection=on_connection,
                registry=self._registry,
                lease=lease,
            )
        settle = self.desired.api.settle_seconds
        self._common.just_made.note(planned.plan, report, self._time(), settle)
        return replace(report, api_host=self.api_host, calls=report.calls + calls)

    async def _check_mover(self, plan: Plan) -> int:
        """Where the plan moves anybody, checks the key for it before the first write; how many calls that took."""
        moves = [action for action in plan.actions if isinstance(action, TransferProject)]
        if moves:
            self._neon.require_personal_key()
        if not asks_for_the_mover(plan.tenants):
            return 0
        places = (place for move in moves for place in (move.origin, move.destination))
        await self._neon.require_mover(dict.fromkeys(places))
        return 1

    def _turns(self, planned: Planned) -> Turns:
        return Turns(
            neon=self._neon,
            grounds=planned.grounds,
            plans={tenant.tenant: tenant for tenant in planned.plan.tenants},
            live=planned.live,
            looked_at=planned.looked_at,
            now=self._time,
        )

    async def rebuild_registry(
        self, history: History = History(), *, on_progress: Progress = quietly
    ) -> RebuiltRegistry:
        """Fills the registry by pins, annotations, and names that ``history`` confirms.

        Raises InvalidInputError where there is none.
        """
        if self._registry is None:
            raise InvalidInputError(
                "tiers.yaml names no registry", hint="add `registry: {url: ${REGISTRY_URL}}` to tiers.yaml"
            )
        past = history.under(self.desired)
        return await rebuild(self._registry, self.desired, self._neon, past, self._time, on_progress)

    def _header(self, run: Run) -> Header:
        return Header(
            run=run.id,
            fleet=self.desired.fleet,
            actor=actor(),
            commit=run.commit,
            version=version("neon-reconciler"),
            started_at=self._time(),
        )

    def _time(self) -> datetime:
        """What every moment is judged by: the clock of this machine unless it is off the API's."""
        return self._neon.clock.judge(self._now())

    def _clocks_apart(self) -> Iterator[Note]:
        off = self._neon.clock.off_by(self._now())
        if abs(off) > CLOCKS_APART:
            way = "ahead of" if off > timedelta() else "behind"
            minutes = round(abs(off) / timedelta(minutes=1))
            told = f"the clock of this machine is {minutes:,} min {way} Neon's: what is due is judged by Neon's"
            yield Note(None, told)

"""A random trial of a run whose every read may be old and whose every write may be late, in an account at work.

Between its calls people and other runs change what is there: names are taken away and given out again, projects
and branches are deleted and made anew, tenants pay for more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import httpx

from reconciler.desired.tenant import DevBranch
from reconciler.desired.tier import Tier
from reconciler.errors import ReconcilerError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.annotations import Purpose, branch_annotations, creation_annotations
from reconciler.model.compute import Compute
from reconciler.plan.permissions import Permissions
from reconciler.simulator.clock import LoopTime
from reconciler.simulator.gateway import Latency
from reconciler.simulator.seed import BranchSeed, ProjectSeed, add_project
from reconciler.simulator.simulator import Simulator
from tests.builders import (
    DAY,
    FREE_TIER,
    GIB,
    HERE,
    HISTORY_MAY_GO,
    HOUR,
    PRO_COMPUTE,
    PRO_QUOTA,
    PRO_TIER,
    a_fleet,
    a_tenant,
)
from tests.faults.ledger import Ledger
from tests.unit.apply.world import UNHURRIED, World, now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant

Deed: TypeAlias = "Callable[[str, str], Awaitable[object]]"
"""What somebody does to a tenant, and to its project by id; empty where it has none."""
TENANTS: Final = ("amber", "birch", "cedar")
SCALE_QUOTA: Final = replace(PRO_QUOTA, data_transfer_bytes=500 * GIB, logical_size_bytes=100 * GIB)
SCALE: Final = Tier("scale", "paid", HERE, quota=SCALE_QUOTA, compute=PRO_COMPUTE, restore_window_seconds=7 * DAY)
CHEAPER: Final = replace(
    PRO_TIER,
    quota=replace(PRO_QUOTA, active_time_seconds=700 * HOUR, data_transfer_bytes=40 * GIB),
    compute=Compute(0.5, 2, 300),
)
ENOUGH: Final = Permissions(counts=dict.fromkeys(("deletes", "transfers", "disruptive", "creates"), 99))
WITHIN_A_TURN: Final = 30.0
"""Seconds that a turn's own calls may take: reads, and waits for operations."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How old an answer may be, and how late a write may arrive."""

    stale_seconds: float
    late_seconds: float
    settles: bool = False
    """Whether lists show what was created within the settle time: then no tenant is left with two projects."""

    @property
    def behind(self) -> float:
        """How far a write may rest on what was live before it arrives."""
        return 10.0 + self.stale_seconds + self.late_seconds + WITHIN_A_TURN


FAIR: Final = Weather(4.0, 4.0, settles=True)
"""What was created shows within the settle time of ten seconds."""
FOUL: Final = Weather(float("inf"), 60.0)
"""Any earlier moment at all: what names, values and counts tell may be wrong, what an id tells is not."""

QUIET: Final = Weather(-1.0, 0.0)
"""Everything is as it is."""


@dataclass(slots=True)
class Trial:
    """What became of it."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    writes: int = 0
    old_reads: int = 0
    deeds: int = 0


class Adversary(httpx.AsyncBaseTransport):
    """A run's way to the account: reads answer from earlier moments, writes arrive late, or after their loss."""

    def __init__(self, ledger: Ledger, weather: Weather, random: Random, trial: Trial, people: People) -> None:
        self._ledger, self._weather, self._random, self._trial, self._people = (
            ledger,
            weather,
            random,
            trial,
            people,
        )
        self._present = httpx.ASGITransport(app=ledger.world.simulator.app)
        self._past: Simulator | None = None
        self._one_at_a_time = asyncio.Lock()
        self._under_way: list[asyncio.Task[httpx.Response]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One call, and sometimes somebody's deed before it."""
        await self._people.meddle()
        if request.method == "GET":
            return await self._read(request)
        self._trial.writes += 1
        if self._random.random() < 0.05:
            self._under_way.append(asyncio.create_task(self._arrive(request)))
            await asyncio.sleep(self._random.uniform(0, 1))
            raise httpx.ReadTimeout("no answer in time")
        return await self._arrive(request)

    async def dust(self) -> None:
        """What was sent has arrived."""
        await asyncio.gather(*self._under_way)
        if self._past is not None:
            self._past.close()

    async def _arrive(self, request: httpx.Request) -> httpx.Response:
        if self._random.random() < 0.4:
            await asyncio.sleep(self._random.uniform(0, self._weather.late_seconds))
        self._ledger.judge(request)
        answer = await self._present.handle_async_request(request)
        await answer.aread()
        self._ledger.note()
        return answer

    async def _read(self, request: httpx.Request) -> httpx.Response:
        since = LoopTime()() - self._weather.stale_seconds
        moments = [moment for moment in self._ledger.moments[:-1] if moment.at >= since]
        if not moments or self._random.random() < 0.5:
            return await self._present.handle_async_request(request)
        self._trial.old_reads += 1
        await asyncio.sleep(self._random.uniform(0, 0.5))
        async with self._one_at_a_time:
            self._past = self._past or Simulator.open(clock_source=LoopTime(), behaviour=UNHURRIED)
            self._random.choice(moments).stored.backup(self._past.world.store._connection)
            return await httpx.ASGITransport(app=self._past.app).handle_async_request(request)


class People:
    """Everybody else: in the console, at a checkout, in another fleet. They see what is there, and are quick."""

    def __init__(self, ledger: Ledger, random: Random, trial: Trial) -> None:
        self._ledger, self._random, self._trial = ledger, random, trial
        self._world = ledger.world
        self.busy = 0.0
        """How likely a deed is before a call of the run."""
        self._acting = False
        simulator = ledger.world.simulator
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=simulator.app),
            base_url="https://neon.test/api/v2",
            headers={"Authorization": f"Bearer {simulator.personal_key}"},
        )

    async def meddle(self) -> None:
        """Perhaps one deed; nobody acts while somebody does."""
        if self._acting or self._random.random() >= self.busy:
            return
        self._acting = True
        tenant, project = self._somebody()
        without: list[Deed] = [self._signs_up, self._signs_up, self._gives_the_name_away]
        deeds: list[Deed] = [
            self._renames_a_branch,
            self._renames_a_branch,
            self._makes_a_branch_anew,
            self._gives_a_branchs_name_away,
            self._gives_the_name_away,
            self._renames,
            self._gives_more,
            self._resizes,
            self._pays,
        ]
        with suppress(ReconcilerError):
            await self._random.choice(deeds if project else without)(tenant, project)
        self._trial.deeds += 1
        self._ledger.note()
        self._acting = False

    def _somebody(self) -> tuple[str, str]:
        """A tenant, and the id of its project; empty where it has none."""
        live = self._ledger.moments[-1].projects
        tenant = self._random.choice(TENANTS)
        ids = [id_ for id_, owner in self._ledger.owners.items() if owner == tenant and id_ in live]
        return tenant, ids[0] if ids else ""

    async def _asks(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self._http.request(method, path, json=body)

    def _branch(self, project: str) -> tuple[str, str]:
        """A branch of the project: its id and name."""
        names = self._ledger.moments[-1].branches
        ids = sorted(id_ for id_, of in self._ledger.parents.items() if of == project and id_ in names)
        id_ = self._random.choice(ids or [""])
        return id_, names.get(id_, "")

    async def _renames_a_branch(self, _tenant: str, project: str) -> None:
        id_, name = self._branch(project)
        kept = f"keep-{name}"[:60]
        await self._asks("PATCH", f"/projects/{project}/branches/{id_}", {"branch": {"name": kept}})

    async def _makes_a_branch_anew(self, _tenant: str, project: str) -> None:
        id_, name = self._branch(project)
        await self._asks("DELETE", f"/projects/{project}/branches/{id_}")
        await self._asks("POST", f"/projects/{project}/branches", {"branch": {"name": name}})

    async def _gives_a_branchs_name_away(self, _tenant: str, project: str) -> None:
        id_, name = self._branch(project)
        await self._asks("PATCH", f"/projects/{project}/branches/{id_}", {"branch": {"name": f"keep-{name}"[:60]}})
        await self._asks("POST", f"/projects/{project}/branches", {"branch": {"name": name}})

    async def _gives_the_name_away(self, tenant: str, project: str) -> None:
        """The project is deleted, and another fleet makes one of its name."""
        if project:
            await self._asks("DELETE", f"/projects/{project}")
        organization = self._random.choice(("free", "paid"))
        seed = ProjectSeed(
            f"myapp-{tenant}", annotations=creation_annotations(fleet="another", tenant=tenant, run="theirs")
        )
        add_project(self._world.simulator, organization, seed)

    async def _renames(self, tenant: str, project: str) -> None:
        await self._asks("PATCH", f"/projects/{project}", {"project": {"name": f"kept-{tenant}"}})

    async def _gives_more(self, _tenant: str, project: str) -> None:
        member = self._random.choice(("active_time_seconds", "data_transfer_bytes"))
        quota = {"settings": {"quota": {member: 2 * 10**12}}}
        await self._asks("PATCH", f"/projects/{project}", {"project": quota})

    async def _resizes(self, _tenant: str, project: str) -> None:
        parents, sized = self._ledger.parents, self._ledger.moments[-1].values
        computes = sorted({id_ for id_, _ in sized if parents.get(id_) == project})
        size = {"endpoint": {"autoscaling_limit_min_cu": 1, "autoscaling_limit_max_cu": 2}}
        for id_ in computes[:1]:
            await self._asks("PATCH", f"/projects/{project}/endpoints/{id_}", size)

    async def _pays(self, tenant: str, _project: str) -> None:
        """A checkout moves the tenant up."""
        await self._converges({"tenant": tenant, "tier": self._random.choice(("pro", "scale"))})

    async def _signs_up(self, tenant: str, _project: str) -> None:
        """A sign-up for a tenant whose file is new, at the same time."""
        if tenant not in self._ledger.before.tenants:
            await self._converges({"tenant": tenant, "tier": "free"})

    async def _converges(self, document: dict[str, Any]) -> None:
        async with self._world.client() as neon:
            number = self._trial.deeds
            fleet = Fleet(self._ledger.before, neon, now=now)
            run = RunOptions(id=f"checkout{number}", journal=self._world.folder / f"checkout{number}.jsonl")
            await fleet.converge(document, run=run)


def files(random: Random) -> tuple[DesiredState, DesiredState]:
    """What the files said before, and what they say in the commit that is applied."""
    cheaper = random.random() < 0.5
    pairs = [_change(random, name) for name in TENANTS]
    before = a_fleet(*(was for was, _ in pairs if was is not None), tiers=(FREE_TIER, PRO_TIER, SCALE))
    pro = CHEAPER if cheaper else PRO_TIER
    return before, a_fleet(*(wanted for _, wanted in pairs), tiers=(FREE_TIER, pro, SCALE))


def _change(random: Random, name: str) -> tuple[Tenant | None, Tenant]:
    branches = (DevBranch("feature"), DevBranch("old"))
    paid, free = a_tenant(name, "pro", dev_branches=branches), a_tenant(name, "free", dev_branches=branches[:1])
    changes = [
        (paid, replace(paid, dev_branches=())),
        (paid, replace(paid, dev_branches=(*branches[:1], DevBranch("new")))),
        (free, replace(free, tier="pro")),
        (paid, replace(paid, tier="free", accept=HISTORY_MAY_GO)),
        (paid, replace(paid, absent=True, dev_branches=None)),
        (paid, paid),
        (None, a_tenant(name)),
        (None, a_tenant(name)),
    ]
    return random.choice(changes)


async def attempt(folder: Path, seed: int, weather: Weather) -> Trial:
    """One run in this weather, then a calm one, and what is left."""
    random, trial = Random(seed), Trial(seed)  # noqa: S311
    world = World.open(folder, UNHURRIED, Latency(0.02, 0.5))
    before, after = files(random)
    _seed(world, before)
    await asyncio.sleep(20 * DAY)
    ledger = Ledger(world, before, after, weather.behind)
    ledger.begin()
    people = People(ledger, random, trial)
    adversary = Adversary(ledger, weather, random, trial, people)
    async with world.client(way=adversary) as neon:
        fleet = Fleet(after, neon, now=now)
        with suppress(ReconcilerError):
            people.busy = random.choice((0, 0.1))
            planned = await fleet.plan(Request(base=before, permissions=ENOUGH))
            ledger.planned_at = LoopTime()()
            people.busy = 1.0
            for _ in range(random.randrange(5)):
                await people.meddle()
            people.busy = random.choice((0, 0.1, 0.3))
            await asyncio.sleep(random.choice((0.0, random.uniform(0, 20), random.uniform(60, 120))))
            await fleet.apply(planned, RunOptions(id="run", journal=folder / "run.jsonl"))
    people.busy = 0.0
    await adversary.dust()
    await asyncio.sleep(120)
    ledger.behind, ledger.planned_at = 10.0 + WITHIN_A_TURN, float("inf")
    ledger.note()
    told = await _calm(world, ledger, random, trial, people)
    await asyncio.sleep(120)
    ledger.note()
    trial.wrong = [*ledger.wrong, *_second_projects(ledger, [] if weather.settles else told)]
    ledger.close()
    world.simulator.close()
    return trial


def _seed(world: World, before: DesiredState) -> None:
    for tenant in before.tenants.values():
        settings = before.settings(tenant)
        branches = [
            BranchSeed(
                branch.name,
                branch_annotations(
                    fleet=before.fleet,
                    tenant=tenant.name,
                    run="run0",
                    branch=branch.name,
                    purpose=Purpose.DEV_BRANCH,
                ),
            )
            for branch in tenant.dev_branches or ()
        ]
        seed = ProjectSeed(
            before.project_name(tenant),
            quota=settings.quota,
            compute=settings.compute,
            restore_window_seconds=settings.restore_window_seconds or DAY,
            annotations=creation_annotations(fleet=before.fleet, tenant=tenant.name, run="run0"),
            branches=branches,
        )
        add_project(world.simulator, settings.organization, seed)


async def _calm(world: World, ledger: Ledger, random: Random, trial: Trial, people: People) -> list[str]:
    """An ordinary run when all is quiet, and whatever it leaves to a person."""
    adversary = Adversary(ledger, QUIET, random, trial, people)
    async with world.client(way=adversary) as neon:
        fleet = Fleet(ledger.after, neon, now=now)
        request = Request(base=ledger.before, permissions=ENOUGH)
        planned = await fleet.plan(request)
        report = await fleet.apply(planned, RunOptions(id="calm", journal=world.folder / "calm.jsonl"))
        plan = (await fleet.plan(request)).plan
    await adversary.dust()
    failures = [one.message for outcome in report.outcomes for one in outcome.actions]
    return [*(c.message for c in plan.conflicts), *(n.message for n in plan.notes), *filter(None, failures)]


def _second_projects(ledger: Ledger, told: list[str]) -> list[str]:
    """Two projects of ours for one tenant, unless a person is told of them."""
    ours = [(id_, name) for id_, (name, _) in ledger.moments[-1].projects.items() if id_ not in ledger.strangers]
    counts = Counter(name.partition("-duplicate-")[0] for _, name in ours)
    twice = [name for name, count in counts.items() if count > 1]
    untold = [name for name in twice if not any(id_ in words for words in told for id_, n in ours if n == name)]
    return [f"{name} is there twice" for name in untold]

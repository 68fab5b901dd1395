"""Generated fleets put into a simulated account, and what to do with them through the real client."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from reconciler.apply.steps.refused_moments import CORRECT_THE_TIME
from reconciler.apply.stop import StopSignal
from reconciler.desired.selection import Depth
from reconciler.desired.tenant import Overrides, Pins
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.actions.project import AdoptProject
from reconciler.plan.applied import created_again
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour, Patch, RateLimit
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Organization
from tests import profiles
from tests.harness.account import API, world
from tests.harness.builders import NOON, a_branch, a_project
from tests.harness.simulated import simulated_compute, simulated_limits, simulated_quota
from tests.harness.wire import Act, Killed, Wire, also_before, at, killed
from tests.property.fleets import desired_states, views
from tests.property.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Planned
    from reconciler.live.project import LiveBranch, LiveProject, LiveSnapshot
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Conflict, Plan
    from reconciler.simulator.simulator import Simulator
    from tests.harness.account import World

COUNTS: Final = dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000)
CAREFUL: Final = Permissions(counts=COUNTS)
LOWERING: Final = Permissions(lowering=True, counts=COUNTS)
PRUNING: Final = Permissions(lowering=True, prune=True, counts=COUNTS)
RUNS_AT_MOST: Final = 3
INTERRUPTED: Final = "interrupted"
"""The id of a run that is stopped or killed."""
SMALL: Final = Compute(0.25, 1.0, 300)
"""A development branch's: it fits into every organization."""

through_http: Final = settings(
    max_examples=profiles.size(6, 24, 400),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""For examples that take tenths of a second."""

switches = st.booleans()
most_tenants = st.sampled_from([0, 2, 4])
behaviours = st.builds(
    Behaviour,
    quota_patch=st.sampled_from(Patch),
    compute_patch=st.sampled_from(Patch),
    transfer_atomic=switches,
    transfer_checks_contents=switches,
    transfer_checks_settings=switches,
    list_shows_quota=switches,
    list_zero_compute=switches,
    list_lag_seconds=st.sampled_from([0.0, 8.0]),
    default_suspend_as_zero=switches,
    rate_limit=st.sampled_from([None, RateLimit()]),
    rate_limit_says_when=switches,
    shared_rate_limit=switches,
    list_shows_restore_window=switches,
    list_seconds_per_project=st.sampled_from([0.0, 4.0]),
    create_shows_settings=switches,
    background_work_every_seconds=st.sampled_from([None, 30.0]),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A project as somebody made it, with what a plan does not speak of."""

    project: LiveProject
    protected: bool = False
    development: bool = False
    """Whether it has a branch of its own making beside the default one."""
    restored: bool = False
    """Whether a restore then put a branch of a snapshot in the place of the default one."""

    @property
    def seed(self) -> ProjectSeed:
        """How to put it into a simulator; old enough for every list to show it."""
        project, branch = self.project, self.project.default_branch
        endpoint = project.read_write(branch)
        assert branch is not None
        assert endpoint is not None
        assert project.restore_window_seconds is not None
        return ProjectSeed(
            project.name,
            quota=simulated_quota(project.quota),
            compute=simulated_compute(project.compute),
            endpoint_compute=simulated_compute(endpoint.compute),
            active=endpoint.active,
            restore_window_seconds=project.restore_window_seconds,
            settings=project.settings or {},
            annotations=branch.annotations,
            protected=self.protected,
            branches=(
                *(BranchSeed("development", compute=simulated_compute(SMALL)) for _ in range(self.development)),
                *(_branch(each, project) for each in project.branches or () if each is not branch),
            ),
            snapshots=tuple(map(_snapshot, project.snapshots or ())),
            restored=self.restored,
            created_at=branch.created_at.timestamp(),
            integrations=project.integrations or (),
            storage_bytes=branch.logical_size_bytes or 0,
            usage={} if project.consumption is None else msgspec.to_builtins(project.consumption),
        )


def _branch(branch: LiveBranch, project: LiveProject) -> BranchSeed:
    endpoint = project.read_write(branch)
    names = {other.id: other.name for other in project.branches or ()}
    return BranchSeed(
        branch.name,
        annotations=branch.annotations,
        protected=branch.protected,
        expires_at=branch.expires_at.timestamp() if branch.expires_at else None,
        compute=simulated_compute(endpoint.compute if endpoint else None),
        with_compute=endpoint is not None,
        parent=names.get(branch.parent_id or ""),
        schema_only=branch.parent_id is None,
        created_at=branch.created_at.timestamp(),
    )


def _snapshot(snapshot: LiveSnapshot) -> SnapshotSeed:
    return SnapshotSeed(
        snapshot.name,
        created_at=snapshot.created_at.timestamp(),
        expires_at=snapshot.expires_at.timestamp() if snapshot.expires_at else None,
        manual=snapshot.manual,
    )


@dataclass(frozen=True, slots=True)
class Case:
    """What the files say, what is live, how this Neon behaves and what the run may do."""

    desired: DesiredState
    found: tuple[Found, ...]
    behaviour: Behaviour
    permissions: Permissions
    base: DesiredState | None


@st.composite
def found_projects(draw: st.DrawFn) -> tuple[Found, ...]:
    """Projects of some tenants, and strangers: one of nobody's naming, one of another fleet."""
    found = [
        Found(
            replace(project, integrations=draw(st.sampled_from([(), (), (), ("github",)]))),
            protected=draw(st.sampled_from([False, False, False, True])),
            development=draw(switches),
        )
        for project in draw(views(draw(most_tenants))).projects
    ]
    theirs = {**a_branch("p-theirs").annotations, "fleet": "staging", "tenant": "eve"}
    strangers = [
        Found(a_project(id="p-strange", name="analytics of somebody else")),
        Found(a_project(id="p-theirs", name="myapp-eve", branches=(a_branch("p-theirs", annotations=theirs),))),
    ]
    return (*found, *(stranger for stranger in strangers if draw(switches)))


@st.composite
def files(draw: st.DrawFn) -> DesiredState:
    """A fleet's files, also with a single member of a compute, and facts pinned rightly and wrongly."""
    desired = draw(desired_states(draw(most_tenants)))
    changed = {}
    for name, tenant in desired.tenants.items():
        pins = draw(st.sampled_from([Pins(), Pins(), Pins(pg_version=17), Pins(region="aws-eu-central-1")]))
        bare = draw(st.sampled_from([Overrides(), Overrides(compute=Compute(suspend_timeout_seconds=600))]))
        changed[name] = replace(tenant, pins=pins, overrides=bare if tenant.tier == "bare" else tenant.overrides)
    return replace(desired, tenants=changed)


@st.composite
def cases(draw: st.DrawFn, *permissions: Permissions) -> Case:
    """Anything at all, under one of these permissions."""
    desired = draw(files())
    return Case(
        desired,
        draw(found_projects()),
        draw(behaviours),
        draw(st.sampled_from(permissions)),
        draw(st.none() | st.builds(replace, st.just(desired), tenants=files().map(lambda base: base.tenants))),
    )


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happens to a run at one of its calls."""

    call: int
    """From 1."""
    kind: str
    """``stop``, or death ``before`` the call or ``after`` it was carried out."""


disturbances = st.builds(Disturbance, st.integers(1, 15), st.sampled_from(["stop", "before", "after"]))


def disturbed(disturbance: Disturbance, stop: StopSignal) -> Act:
    """That happens."""
    if disturbance.kind == "stop":
        return at(disturbance.call, also_before(lambda: stop.request("a signal")))
    return at(disturbance.call, killed(carried_out=disturbance.kind == "after"))


@dataclass(frozen=True, slots=True)
class Scene:
    """A case that has been put into an account."""

    world: World
    desired: DesiredState
    request: Request
    ids: Mapping[str, str]
    """The simulator's id of each project, by the made-up one."""
    folder: Path
    watch: Watch
    via: Wire
    """The way of every client of the scene, which the watch follows."""

    def plan(self) -> Planned:
        """Observe, plan, guard."""

        async def main() -> Planned:
            async with self._fleet() as fleet:
                return await fleet.plan(self.request)

        return self.world.run(main())

    def drift(self) -> Planned:
        """Observe all that can be observed, and compare, once an apply has moved the base."""
        base = None if self.request.base is None else self.desired

        async def main() -> Planned:
            async with self._fleet() as fleet:
                return await fleet.drift(replace(self.request, base=base, depth=Depth.DEEP))

        return self.world.run(main())

    def apply(self, planned: Planned) -> Report:
        """Carry it out."""

        async def main() -> Report:
            async with self._fleet() as fleet:
                return await fleet.apply(planned, self._run())

        return self.world.run(main())

    def adopt(self) -> None:
        """Mark the projects that only a name finds, and do nothing else."""
        planned = self.plan()
        adoptions = tuple(each for each in planned.plan.tenants if isinstance(each.actions[0], AdoptProject))
        if adoptions:
            self.apply(replace(planned, plan=replace(planned.plan, tenants=adoptions)))
            self.wait(seconds=1)  # until what that started has ended

    def apply_disturbed(self, planned: Planned, disturbance: Disturbance) -> None:
        """Carry it out as far as the disturbance lets it."""
        stop = StopSignal()

        async def main() -> None:
            async with self._fleet(Wire(self.via, disturbed(disturbance, stop))) as fleet:
                await fleet.apply(planned, replace(self._run(stop), id=INTERRUPTED))

        try:
            self.world.run(main())
        except Killed:
            assert disturbance.kind != "stop"

    def wait(self, seconds: float) -> None:
        """Nobody does anything for so long. Neon dates projects to the second: which came first shows by then."""
        self.world.run(asyncio.sleep(seconds))

    def repair(self) -> None:
        """Run again until nothing is left. Where lists lag, the second run may not see what the first has made:
        it creates a rival, which it finds to be the later one and removes.

        What remains may be a moment that Neon does not hold: it is refused in every run.
        """
        for _ in range(RUNS_AT_MOST):
            planned = self.plan()
            if planned.plan.empty:
                return
            report = self.apply(planned)
            if all(one.hint == CORRECT_THE_TIME for outcome in report.outcomes for one in outcome.actions):
                return
        raise AssertionError(self.plan().plan.tenants)

    def remembering(self, interrupted: Plan) -> Scene:
        """Return the scene with the record of the run that ``apply_disturbed`` began to carry this plan out.

        A base may declare branches and snapshots of a tenant whose project is gone. The record tells the next run
        that they never were in the project that the interrupted run has created.
        """
        past = self.request.past
        creating = created_again(past, interrupted, INTERRUPTED)
        return dataclasses.replace(self, request=replace(self.request, history=replace(past, creating=creating)))

    def tenant(self, project_id: str) -> str:
        """The tenant that a project was made up for; a stranger's is no tenant of the files."""
        made_up = {simulated: model for model, simulated in self.ids.items()}[project_id]
        return made_up.removeprefix("p-").removesuffix("-twin")

    @asynccontextmanager
    async def _fleet(self, via: Wire | None = None) -> AsyncIterator[Fleet]:
        """A way of its own for each connection: otherwise it would wait, and time pass, for what others called."""
        connection = Fleet.connect(
            self.desired,
            environ=self.world.environ,
            host=API.host,
            via=via or Wire(self.via),
            now=self._now,
        )
        async with connection as fleet:
            yield fleet

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.world.simulator.clock.now(), UTC)

    def _run(self, stop: StopSignal | None = None) -> RunOptions:
        return RunOptions(journal=self.folder / "journal.jsonl", stop=stop or StopSignal())


@contextmanager
def opened(case: Case) -> Iterator[Scene]:
    """The case in an account of its own. Leaving the block asks the judge about every exchange."""
    organizations = [
        Organization(each.name, simulated_limits(each.limits)) for each in case.desired.organizations.values()
    ]
    neon_world = world(*organizations, behaviour=case.behaviour, starts_at=NOON.timestamp())
    with neon_world as neon, TemporaryDirectory() as folder:
        ids = _seeded(neon.simulator, case.found)
        base = case.base and translated(case.base, ids)
        request = Request(base=base, permissions=case.permissions)
        desired = translated(case.desired, ids)
        watch = Watch(neon, case.desired.organizations)
        scene = Scene(neon, desired, request, ids, Path(folder), watch, Wire(neon.via, watch))
        scene.adopt()
        yield scene


def merging(case: Case) -> Case:
    """Return the same case on a Neon whose patches keep what they do not mention."""
    return dataclasses.replace(
        case,
        behaviour=dataclasses.replace(case.behaviour, settings_patch=Patch.MERGE, pg_settings_patch=Patch.MERGE),
    )


def _seeded(simulator: Simulator, found: tuple[Found, ...]) -> dict[str, str]:
    return {
        each.project.id: simulator.add_project(each.project.organization, each.seed).project_id for each in found
    }


def translated(desired: DesiredState, ids: Mapping[str, str]) -> DesiredState:
    """The same files, with the simulator's ids in the place of the made-up ones."""
    tenants = {
        name: replace(tenant, project_id=tenant.project_id and ids.get(tenant.project_id, tenant.project_id))
        for name, tenant in desired.tenants.items()
    }
    return replace(desired, tenants=tenants)


def conflicts(plan: Plan) -> list[Conflict]:
    """Of which projects, and what to do: without why a rival stays, which its use decides minute by minute."""
    return [replace(one, message=one.message.partition("; later ones")[0]) for one in plan.conflicts]


def held_back(plan: Plan) -> list[object]:
    """What the guards refuse: the rule, and every change."""
    return [
        (refusal.rule, refusal.tenants, action.kind, change.path, change.before, change.after)
        for refusal in plan.refusals
        for action in refusal.actions
        for change in action.changes
    ]

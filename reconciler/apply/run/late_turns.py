"""Late turns: a tenant whose steps start long after the observation is observed and planned again first.

A run over a fleet may last an hour. During that time tenants pay, and people work in the console.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.apply.run.list_pages import Pages
from reconciler.errors import NotSentError
from reconciler.live.project import NOTHING_BELOW, LiveProject
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.neon.project_reader import ProjectReader, ordered
from reconciler.plan.actions.project import DeleteDuplicate
from reconciler.plan.late_reads import details_to_reread
from reconciler.plan.late_turn import (
    before_its_rotation,
    files_concerning,
    judge,
    plan_late_turn,
    with_known_details,
    with_unread,
)
from reconciler.plan.needs import PlanRequirements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reconciler.apply.stop import StopSignal
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import Details, LiveBranch, Needs
    from reconciler.live.state import LiveState
    from reconciler.neon.client import Neon
    from reconciler.plan.action import Action
    from reconciler.plan.late_turn import PlanInputs, Turn
    from reconciler.plan.plan import TenantPlan

LONGEST_TURN: Final = 3
"""Times ``look_again_after``: at the rate limit, with ``AT_ONCE`` tenants in progress, a call waits 4 seconds."""


@dataclass(slots=True, kw_only=True)
class LateTurns:
    """What the plan of a run was made from, and when each tenant was last observed."""

    neon: Neon
    plan_inputs: PlanInputs
    plans: Mapping[str, TenantPlan]
    """The plan of each tenant."""
    live: LiveState
    """The live state that the plan was made from."""
    observed_at: float
    """When the observation for the plan started, by the loop's clock, which cannot be adjusted."""
    now: Callable[[], datetime]
    stop: StopSignal
    pages: Pages = field(init=False)
    _observed_at: dict[str, float] = field(default_factory=dict)
    """When the latest observation of each tenant's project started."""
    _details_observed_at: dict[str, float] = field(default_factory=dict)
    """The same for the details of the project that the tenant's actions need."""

    def __post_init__(self) -> None:
        self.pages = Pages(self.neon, self.live.list_cursors, self._longest_seconds, self.stop)
        self.pages.expect(self.plans.values())

    def late(self, tenant: str, *, details: bool = True, within_turn: bool = False) -> bool:
        """Whether the tenant's last observation is older than ``look_again_after``, or from another loop.

        ``within_turn`` allows for the calls of a turn itself: ``LONGEST_TURN`` times as much.
        """
        times = self._details_observed_at if details else self._observed_at
        age = asyncio.get_running_loop().time() - times.get(tenant, self.observed_at)
        return not 0 <= age <= self._longest_seconds * (LONGEST_TURN if within_turn else 1)

    async def observe_again(self, planned: TenantPlan, *, details: bool = True) -> Turn:
        """Compares the tenant's plan with a plan that is made from live state now.

        A list is enough only if nothing differs; else the project is read by itself. ``details`` reads the
        details that the actions need again. Raises what the client raises for a read, and NotSentError once the
        run is to end.
        """
        before = planned.project
        if before is None:
            raise TypeError(f"{planned.tenant} has no project to observe again")
        needed = details_to_reread(planned.actions, before) if details else NOTHING_BELOW
        listed = await self.pages.project(before)
        if listed is not None:
            turn = await self._compared(planned, listed[0], needed)
            if turn.clear:
                self._note(planned.tenant, listed[1], details)
                return turn
        started_at = asyncio.get_running_loop().time()
        turn = await self._compared(planned, None, needed)
        self._note(planned.tenant, started_at, details)
        return turn

    @property
    def _longest_seconds(self) -> float:
        return self.plan_inputs.desired.api.look_again_after_seconds

    def _note(self, tenant: str, started_at: float, details: bool) -> None:
        self._observed_at[tenant] = started_at
        if details:
            self._details_observed_at[tenant] = started_at

    async def _compared(self, planned: TenantPlan, listed: LiveProject | None, needed: Details) -> Turn:
        reader = ProjectReader(self.neon, tuple(self.plan_inputs.desired.organizations))
        projects = await self._projects(reader, planned, listed, needed)
        if self.stop.requested:
            raise NotSentError("the run is to end")
        projects = [self._with_what_was_lost(planned.tenant, project) for project in projects]
        files = files_concerning(self.plan_inputs, planned.tenant, projects)
        own = planned.project.id if planned.project else ""
        live = await self._live(reader, files, projects, {own: needed})
        seen = [self._with_what_was_lost(planned.tenant, project) for project in live.projects]
        live = replace(live, projects=ordered(seen))
        project, first_plan = live.project(own), self.plans[planned.tenant]
        moved = (planned.tenant,) if project is not None and _arrived(first_plan, project) else ()
        fresh = plan_late_turn(self.plan_inputs, files, self._before_rotation(planned, live), self.now(), moved)
        turn = judge(replace(first_plan, project=planned.project), fresh, project)
        return _restricted(turn, planned.actions)

    def _before_rotation(self, planned: TenantPlan, live: LiveState) -> LiveState:
        """The live state without the rotated snapshot of the tenant that this run has taken."""
        desired, first_plan, own = self.plan_inputs.desired, self.plans[planned.tenant], planned.project
        tenant = desired.tenants.get(planned.tenant)
        if own is None or tenant is None or tenant.tier not in desired.tiers:
            return live
        rotation = desired.settings(tenant).snapshot_policy.rotate
        projects = [
            before_its_rotation(first_plan, planned.actions, one, rotation) if one.id == own.id else one
            for one in live.projects
        ]
        return replace(live, projects=ordered(projects))

    def _with_what_was_lost(self, tenant: str, project: LiveProject) -> LiveProject:
        """The project with the quota and the annotations that it had before its transfer, where it has none since.

        Neon does not document whether a project keeps them. That they are lost is no change by somebody else: the
        patch that follows the transfer sends the whole quota, and the next run marks the project.
        """
        first_plan = self.plans[tenant]
        before = first_plan.project
        if before is None or before.id != project.id or not _arrived(first_plan, project):
            return project
        quota = before.quota if project.quota == Quota() else project.quota
        return replace(project, quota=quota, branches=_annotated(project.branches, before.branches))

    async def _live(
        self,
        reader: ProjectReader,
        files: DesiredState,
        projects: Sequence[LiveProject],
        needed: Mapping[str, Details],
    ) -> LiveState:
        """The live state of these projects, with the details that a plan for ``files`` needs.

        ``needed`` are details, by project id, that are read whatever this plan needs: of an object that it does
        not ask about, only they show whether the object exists.
        """
        rows = {name: row for name in files.tenants if (row := self.live.registered.get(name)) is not None}
        live = replace(self.live, projects=ordered(projects), unknown=(), registered=rows)
        inputs = self.plan_inputs
        requirements = PlanRequirements(
            depth=inputs.depth,
            reach=inputs.reach,
            prune=inputs.permissions.prune,
            new=frozenset(name for name in files.tenants if inputs.history.new(name)),
            half_done=inputs.history.tried,
            history=inputs.history,
            now=self.now(),
            all_details=inputs.command is not None,
            also_read={name: back.details for name, back in inputs.rollbacks.items() if name in files.tenants},
        )

        def needs(live: LiveState) -> Needs:
            known = requirements.details(files, live)
            for project in live.projects:
                known = with_unread(known, project, needed.get(project.id, NOTHING_BELOW))
            return known

        live = await reader.with_details(live, needs, _no_progress)
        for error in reader.unread.values():
            raise error
        return replace(live, elsewhere=reader.elsewhere)

    async def _projects(
        self, reader: ProjectReader, planned: TenantPlan, listed: LiveProject | None, needed: Details
    ) -> list[LiveProject]:
        """The tenant's project, and a duplicate that is to be deleted."""
        duplicates = (action for action in planned.actions if isinstance(action, DeleteDuplicate))
        found = [await reader.read(action.project_id, first=action.organization) for action in duplicates]
        before = planned.project
        if before is not None:
            own = listed or await reader.read_moving(before.id, first=before.organization)
            found.append(with_known_details(before, own, needed) if isinstance(own, LiveProject) else own)
        for error in reader.unread.values():
            raise error
        return [project for project in found if isinstance(project, LiveProject)]


def _arrived(planned: TenantPlan, project: LiveProject) -> bool:
    """Whether the project is where the plan transfers it to."""
    return planned.transfer is not None and project.organization == planned.transfer.destination


def _annotated(
    branches: Sequence[LiveBranch] | None, before: Sequence[LiveBranch] | None
) -> tuple[LiveBranch, ...] | None:
    """The branches, with their earlier annotations if no branch has any."""
    if branches is None:
        return None
    lost = not any(branch.annotations for branch in branches)
    notes = {branch.id: branch.annotations for branch in before or ()} if lost else {}
    return tuple(replace(branch, annotations=notes.get(branch.id, branch.annotations)) for branch in branches)


def _no_progress(_done: int, _total: int) -> None:
    """Reports nothing."""


def _restricted(turn: Turn, actions: Sequence[Action]) -> Turn:
    """The turn of these actions only: this run has already taken the others."""
    return replace(
        turn,
        plan=replace(turn.plan, actions=tuple(a for a in turn.plan.actions if a in actions)),
        done={action: why for action, why in turn.done.items() if action in actions},
        held={action: why for action, why in turn.held.items() if action in actions},
    )

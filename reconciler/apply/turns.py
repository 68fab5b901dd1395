"""Late turns: a tenant that is not written to soon after the look is looked at, planned and judged once more.

A run over a fleet may last an hour, and tenants pay, and people work in the console, while it does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.apply.lists import Lists
from reconciler.errors import NotSentError, ReconcilerError
from reconciler.live.project import LiveProject
from reconciler.neon.pace import each
from reconciler.neon.project_reader import ProjectReader, ordered
from reconciler.plan.action import DeleteBranch, DeleteDuplicate, DeleteProject, DeleteSnapshot
from reconciler.plan.late_turn import around, judge, plan_again, seen_again
from reconciler.plan.needs import NOTHING_BELOW, needed_by, needs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reconciler.apply.address import Address
    from reconciler.apply.session import Session
    from reconciler.apply.stop import StopSignal
    from reconciler.live.state import LiveState
    from reconciler.neon.client import Neon
    from reconciler.plan.action import Action
    from reconciler.plan.late_turn import Grounds, Turn
    from reconciler.plan.needs import Details
    from reconciler.plan.plan import TenantPlan

DELETIONS: Final = (DeleteBranch, DeleteSnapshot, DeleteProject)
"""What cannot be taken back, or not whole: looked at once more right before it, where the turn's look is late."""


@dataclass(slots=True, kw_only=True)
class Turns:
    """What the plan of a run was made from, and since when what is known of each tenant is known."""

    neon: Neon
    grounds: Grounds
    plans: Mapping[str, TenantPlan]
    """By tenant, as planned."""
    live: LiveState
    """That the plan was made from."""
    looked_at: float
    """When the look that the plan was made from began, by the loop's clock, which nobody sets."""
    now: Callable[[], datetime]
    lists: Lists = field(init=False)
    _since: dict[str, float] = field(default_factory=dict)
    """When the newest look at a tenant's project began, by tenant."""
    _closely_since: dict[str, float] = field(default_factory=dict)
    """The same of what its actions need below the project."""

    def __post_init__(self) -> None:
        self.lists = Lists(self.neon, self.grounds.desired.api, self.live.listed)
        self.lists.expect(self.plans.values())

    def late(self, tenant: str, *, closely: bool = True) -> bool:
        """Whether what is known of the tenant is too old, as a look is by the time of another loop."""
        since = self._closely_since if closely else self._since
        age = asyncio.get_running_loop().time() - since.get(tenant, self.looked_at)
        return not 0 <= age <= self.grounds.desired.api.look_again_after_seconds

    async def look(self, planned: TenantPlan, stop: StopSignal, *, closely: bool = True) -> Turn:
        """The tenant's turn by what is live now. A list only clears: who differs in it is read by itself.

        ``closely`` reads what is below the project again, where the actions need it. Raises whatever the client
        raises for a read, and NotSentError once the run is to end.
        """
        before = planned.project
        if before is None:
            raise TypeError(f"{planned.tenant} has no project that could be looked at again")
        details = needed_by(planned.actions) if closely else NOTHING_BELOW
        listed = await self.lists.project(before)
        if listed is not None:
            turn = await self._judged(planned, listed[0], details, stop)
            if turn.clear:
                self._looked(planned.tenant, listed[1], closely)
                return turn
        begun = asyncio.get_running_loop().time()
        turn = await self._judged(planned, None, details, stop)
        self._looked(planned.tenant, begun, closely)
        return turn

    def _looked(self, tenant: str, begun: float, closely: bool) -> None:
        self._since[tenant] = begun
        if closely:
            self._closely_since[tenant] = begun

    async def _judged(
        self, planned: TenantPlan, listed: LiveProject | None, details: Details, stop: StopSignal
    ) -> Turn:
        whole = self.plans[planned.tenant]
        desired = self.grounds.desired
        reader = ProjectReader(self.neon, tuple(desired.organizations))
        projects = await self._projects(reader, planned, listed, details)
        if stop.requested:
            raise NotSentError("the run is to end")
        files = around(self.grounds, planned.tenant, projects)
        rows = {name: row for name in files.tenants if (row := self.live.registered.get(name)) is not None}
        live = replace(self.live, projects=ordered(projects), unknown=(), registered=rows)
        wanted = partial(
            needs,
            files,
            depth=self.grounds.depth,
            reach=self.grounds.reach,
            prune=self.grounds.permissions.prune,
        )
        live = await reader.with_details(live, wanted, _quietly)
        for error in reader.unread.values():
            raise error
        live = replace(live, elsewhere=reader.elsewhere)
        fresh = plan_again(self.grounds, files, live, self.now())
        project = live.project(planned.project.id) if planned.project else None
        turn = judge(replace(whole, project=planned.project), fresh, project)
        return _of_these(turn, planned.actions)

    async def _projects(
        self, reader: ProjectReader, planned: TenantPlan, listed: LiveProject | None, details: Details
    ) -> list[LiveProject]:
        """The tenant's project, and a second one that is to be deleted."""
        second = (action for action in planned.actions if isinstance(action, DeleteDuplicate))
        places = [(action.project_id, action.organization) for action in second]
        seen = [await reader.read(id_, first=organization) for id_, organization in places]
        before = planned.project
        if before is not None:
            own = listed or await reader.read(before.id, first=before.organization)
            seen.append(seen_again(before, own, details) if isinstance(own, LiveProject) else own)
        for error in reader.unread.values():
            raise error
        return [project for project in seen if isinstance(project, LiveProject)]


def _quietly(_done: int, _total: int) -> None:
    """Nobody watches."""


def _of_these(turn: Turn, actions: Sequence[Action]) -> Turn:
    """The turn of the actions that are left of a plan; the others were taken by this run."""
    return replace(
        turn,
        plan=replace(turn.plan, actions=tuple(a for a in turn.plan.actions if a in actions)),
        done={action: why for action, why in turn.done.items() if action in actions},
        held={action: why for action, why in turn.held.items() if action in actions},
    )


async def due(session: Session, tenants: Sequence[TenantPlan], *, closely: bool = True) -> list[TenantPlan]:
    """What of these tenants' plans stands at their turn, with what is seen of their projects by then.

    Of the others is put down what has become of them. Who was looked at a moment ago takes no call. ``closely``
    reads what is below a project again, where the actions need it. Once the run is to end no look begins: who was
    not looked at by then was not tried.
    """
    turns = session.turns
    if turns is None or session.stop.requested:
        return list(tenants)

    async def stands(tenant: TenantPlan) -> TenantPlan | None:
        if tenant.project is None or not turns.late(tenant.tenant, closely=closely):
            return tenant
        if session.stop.requested:
            return None
        try:
            turn = await turns.look(tenant, session.stop, closely=closely)
        except NotSentError:
            return None
        except ReconcilerError as error:
            session.tally.failed(tenant.actions[0], error)
            return None
        return _put_down(session, tenant, turn)

    return [tenant for tenant in await each(tenants, stands) if tenant is not None]


def _put_down(session: Session, tenant: TenantPlan, turn: Turn) -> TenantPlan | None:
    """What stands of the plan; None where nothing does."""
    if turn.halt is not None:
        session.tally.skipped(tenant.actions[0], turn.halt.message, turn.halt.remedy)
        return None
    for action, why in turn.done.items():
        session.tally.unchanged(action, why)
    for action, halt in turn.held.items():
        session.tally.held(action, halt.message, halt.remedy)
    return turn.plan if turn.plan.actions else None


async def still_to_go(session: Session, action: Action, address: Address) -> bool:
    """Whether a deletion in the middle of a tenant's actions is still asked for; else why not is put down.

    Raises whatever the client raises for a read.
    """
    turns = session.turns
    if turns is None or not isinstance(action, DELETIONS) or not turns.late(action.tenant):
        return True
    planned = turns.plans[action.tenant]
    if planned.project is None or planned.project.id != address.project_id:
        return True  # of what this run has made itself
    here = replace(planned.project, organization=address.organization)
    alone = replace(planned, project=here, actions=(action,))
    return _put_down(session, alone, await turns.look(alone, session.stop)) is not None

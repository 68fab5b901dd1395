"""Saved plans: a plan that a person approved permits what equals it, and commands nothing.

What runs is always planned afresh. Nothing that is written into a saved plan can make a run do more, so
one that was edited, has grown old or was made from other files does no harm.
"""

from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.problem import Location
from reconciler.plan.action import Action, DeleteDuplicate
from reconciler.plan.change import Origin
from reconciler.plan.plan import Plan, TenantPlan

_NOWHERE: Final = Location("")


class Made(Struct, frozen=True):
    """When and from which files a plan was made."""

    at: datetime
    commit: str | None = None
    """The commit of the files; None outside a git checkout."""
    base: str | None = None
    """The commit that they were compared with; None without one."""


class SavedPlan(Struct, frozen=True):
    """A plan that was kept for somebody to look at."""

    plan: Plan
    made: Made


class Stale(Struct, frozen=True):
    """A tenant for which the saved plan does not permit what would be done now; nothing is done to it."""

    tenant: str
    fresh: tuple[Action, ...]
    """What would be done now and is not permitted."""
    saved: tuple[Action, ...]
    """What the saved plan has in its place."""
    message: str


class Approval(Struct, frozen=True):
    """``plan`` is the fresh plan with only the tenants that the saved one permits."""

    plan: Plan
    stale: tuple[Stale, ...]
    """In the order of the fresh plan."""


def approve(fresh: Plan, saved: Plan) -> Approval:
    """What of a fresh plan the saved one permits, tenant by tenant: all of its actions, or none.

    A tenant's actions are permitted where each equals one of its actions in the saved plan, leaving aside
    where the files ask for it and why, and where both plans are about the same project, or both about
    none. A plan of another fleet permits nothing, nor does one that was made with other organizations.
    What the saved plan has and the fresh one has not is not needed any more. The budget is still that of
    the fresh plan.
    """
    permits = {planned.tenant: planned for planned in saved.tenants}
    foreign = _foreign(fresh, saved)
    found = {planned.tenant: _stale(planned, permits.get(planned.tenant), foreign) for planned in fresh.tenants}
    kept = tuple(planned for planned in fresh.tenants if found[planned.tenant] is None)
    return Approval(replace(fresh, tenants=kept), tuple(stale for stale in found.values() if stale is not None))


def _foreign(fresh: Plan, saved: Plan) -> str | None:
    """A tenant that has no project yet is told apart from its namesake elsewhere by nothing else."""
    if fresh.fleet != saved.fleet:
        return f"the saved plan is of fleet {saved.fleet!r}, and the files are of fleet {fresh.fleet!r}"
    for name, now in fresh.organizations.items():
        if (then := saved.organizations.get(name)) != now:
            was = f"organization {then}" if then else "no organization"
            return f"the saved plan was made with {was} as {name!r}, and now that is organization {now}"
    return None


def _stale(fresh: TenantPlan, saved: TenantPlan | None, foreign: str | None) -> Stale | None:
    if foreign is not None:
        return Stale(fresh.tenant, fresh.actions, (), foreign)
    if saved is None:
        return Stale(fresh.tenant, fresh.actions, (), "the saved plan has nothing for this tenant")
    if other := _other_project(fresh, saved):
        return Stale(fresh.tenant, fresh.actions, saved.actions, other)
    wanted, permitted = _essence(fresh), _essence(saved)
    beyond = tuple(action for essence, action in wanted.items() if essence not in permitted)
    instead = tuple(action for essence, action in permitted.items() if essence not in wanted)
    if not beyond:
        return None
    return Stale(fresh.tenant, beyond, instead, "the saved plan has other actions for this tenant")


def _essence(planned: TenantPlan) -> dict[Action, Action]:
    """Each action by what it does."""
    return {bare(action): action for action in planned.actions}


def bare(action: Action) -> Action:
    """The action by what it does: without its place in the files, its reason and the origin of its changes."""
    changes = tuple(replace(change, origin=Origin.UNKNOWN) for change in action.changes)
    if isinstance(action, DeleteDuplicate):  # the proof is made afresh: its words may be others
        return replace(action, source=_NOWHERE, reason="", changes=changes, death="", emptiness="")
    return replace(action, source=_NOWHERE, reason="", changes=changes)


def _other_project(fresh: TenantPlan, saved: TenantPlan) -> str | None:
    now, then = _project_id(fresh), _project_id(saved)
    if now == then:
        return None
    was = "a tenant without a project" if then is None else f"project {then}"
    return f"the saved plan is about {was}, and now there is {'none' if now is None else f'project {now}'}"


def _project_id(planned: TenantPlan) -> str | None:
    return planned.project.id if planned.project else None

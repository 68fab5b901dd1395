"""Saved plans: a saved plan permits actions that equal its own. It never causes an action.

A run always makes a new plan. A saved plan that is edited, outdated or made from other files does no harm.
"""

from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.model.problem import Location
from reconciler.model.values import replace
from reconciler.plan.action import Action
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.actions.project import DeleteDuplicate, DeleteProject
from reconciler.plan.actions.restore import Restore
from reconciler.plan.actions.snapshot import CreateSnapshot
from reconciler.plan.change import Origin
from reconciler.plan.plan import Plan, TenantPlan

_NOWHERE: Final = Location("")


class PlanOrigin(Struct, frozen=True):
    """When and from which files a plan was made."""

    at: datetime
    commit: str | None = None
    """The commit of the files; None outside a git repository."""
    base: str | None = None
    """The commit that they were compared with, if any."""


class SavedPlan(Struct, frozen=True):
    """A plan that was saved for approval."""

    plan: Plan
    made: PlanOrigin


class Stale(Struct, frozen=True):
    """A tenant whose new actions the saved plan does not permit. The tenant is not changed."""

    tenant: str
    fresh: tuple[Action, ...]
    """The new actions that are not permitted."""
    saved: tuple[Action, ...]
    """The actions of the saved plan in their place."""
    message: str


class Approval(Struct, frozen=True):
    """The new plan with only the tenants that the saved plan permits."""

    plan: Plan
    stale: tuple[Stale, ...]
    """In the order of the new plan."""


def approve(fresh: Plan, saved: Plan) -> Approval:
    """The part of a new plan that the saved plan permits: of each tenant all actions, or none.

    A tenant is permitted if each of its actions equals one of its actions in the saved plan, except for location
    and reason, and if both plans name the same project, or both none. A project that was moved or renamed since
    is not deleted. A plan of another fleet, or one that was made with other organizations, permits nothing. The
    budget is still that of the new plan.
    """
    permits = {planned.tenant: planned for planned in saved.tenants}
    foreign = _foreign(fresh, saved)
    found = {planned.tenant: _stale(planned, permits.get(planned.tenant), foreign) for planned in fresh.tenants}
    kept = tuple(planned for planned in fresh.tenants if found[planned.tenant] is None)
    return Approval(replace(fresh, tenants=kept), tuple(stale for stale in found.values() if stale is not None))


def _foreign(fresh: Plan, saved: Plan) -> str | None:
    """Return why the plan is for another fleet or account: a tenant without a project has no id to compare."""
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
    if other := _other_project(fresh, saved) or _moved_or_renamed(fresh, saved):
        return Stale(fresh.tenant, fresh.actions, saved.actions, other)
    wanted, permitted = _essence(fresh), _essence(saved)
    beyond = tuple(action for essence, action in wanted.items() if essence not in permitted)
    instead = tuple(action for essence, action in permitted.items() if essence not in wanted)
    if not beyond:
        return None
    return Stale(fresh.tenant, beyond, instead, "the saved plan has other actions for this tenant")


def _essence(planned: TenantPlan) -> dict[Action, Action]:
    return {without_circumstances(action): action for action in planned.actions}


def without_circumstances(action: Action) -> Action:
    """The action without its location in the files, its reason, its effects and the origin of its changes."""
    changes = tuple(replace(change, origin=Origin.UNKNOWN) for change in action.changes)
    if isinstance(action, DeleteDuplicate):  # the proof is made afresh: its words may be others
        return replace(action, source=_NOWHERE, reason="", changes=changes, death="", emptiness="")
    if isinstance(action, CreateSnapshot | CreateBranch) and action.occasion is not None:
        return _of_any_day(action)
    if isinstance(action, Restore):
        return replace(action, source=_NOWHERE, reason="", changes=changes, effects=())  # of a tenant at work
    return replace(action, source=_NOWHERE, reason="", changes=changes)


def _of_any_day(action: CreateSnapshot | CreateBranch) -> Action:
    """The snapshot before a change, without its name: that contains the day."""
    without_name = replace(action, source=_NOWHERE, reason="", changes=())
    if isinstance(without_name, CreateSnapshot):
        return replace(without_name, snapshot="")
    return replace(without_name, branch="")


def _other_project(fresh: TenantPlan, saved: TenantPlan) -> str | None:
    now, then = _project_id(fresh), _project_id(saved)
    if now == then:
        return None
    was = "a tenant without a project" if then is None else f"project {then}"
    return f"the saved plan is about {was}, and now there is {'none' if now is None else f'project {now}'}"


def _moved_or_renamed(fresh: TenantPlan, saved: TenantPlan) -> str | None:
    """Return how a project to be deleted differs from the one in the saved plan: it may be in use again.

    The deletion is the same action whatever the project has become.
    """
    now, then = fresh.project, saved.project
    if now is None or then is None or not any(isinstance(action, DeleteProject) for action in fresh.actions):
        return None
    if now.organization != then.organization:
        return f"the saved plan deletes a project in {then.organization}, and now it is in {now.organization}"
    if now.name != then.name:
        return f"the saved plan deletes a project named {then.name!r}, and now its name is {now.name!r}"
    return None


def _project_id(planned: TenantPlan) -> str | None:
    return planned.project.id if planned.project else None

"""A plan from a recorded observation: no key is read, and no call is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.apply.run.planned import Planned
from reconciler.errors import InvalidInputError
from reconciler.fleet import planning
from reconciler.fleet.context import Files
from reconciler.model.values import replace
from reconciler.plan.concerns import databases
from reconciler.plan.identity import identify
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.fleet.request import Request
    from reconciler.live.observation import Observation
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

OBSERVE: Final = "record a new one with `reconciler observe --out`"
WITH_KEYS: Final = "plan with keys"
DEEPER: Final = f"record it with `observe --depth deep`, or {WITH_KEYS}"
READ_DEEP: Final = frozenset({"branches", "computes"})
"""What `observe --depth deep` reads of every project; the rest only where the files of that run declare it."""


def plan_recorded(desired: DesiredState, observed: Observation, request: Request, now: datetime) -> Plan:
    """Return the guarded plan for the live state that was recorded.

    A tenant is not planned if that takes more than the observation contains; a note names it, and it counts as not
    returned. Raises InvalidInputError for an observation of another fleet.
    """
    _require_same_fleet(desired, observed)
    files = Files(desired=desired.at(now), moment=now)
    live = _under_current_names(files.desired, observed.live)
    lacking = _lacking(files, live, request, now)
    able = replace(request, selection=_without(request.selection, lacking))
    plan_inputs, plan = planning.differences(files, live, able, now)
    complete = replace(
        plan,
        notes=(
            *plan.notes,
            *(Note.about(files.desired.tenants[name], message) for name, message in lacking.items()),
        ),
        coverage=replace(plan.coverage, unknown=plan.coverage.unknown + len(lacking)),
        organizations=observed.organizations,
        api_host=observed.api_host,
        observed_at=observed.at,
    )
    return planning.permit(files, Planned(complete, live, now, 0.0, plan_inputs), able).plan


def _require_same_fleet(desired: DesiredState, observed: Observation) -> None:
    if observed.fleet != desired.fleet:
        message = f"the observation is of fleet {observed.fleet!r}, and the files declare {desired.fleet!r}"
        raise InvalidInputError(message, hint=OBSERVE)
    if missing := sorted(desired.organizations.keys() - observed.organizations.keys()):
        message = f"the observation does not contain organization {missing[0]!r}"
        raise InvalidInputError(message, hint=f"plan with keys, or, after the change is merged, {OBSERVE}")


def _under_current_names(desired: DesiredState, live: LiveState) -> LiveState:
    return replace(
        live,
        registered=desired.by_current_name(live.registered),
        revisions=desired.by_current_name(live.revisions),
        applied=desired.by_current_name(live.applied),
    )


def _lacking(files: Files, live: LiveState, request: Request, now: datetime) -> dict[str, str]:
    """Why tenants cannot be planned. Without the usage of a quota, the guards refuse what depends on it."""
    past = files.past(request)
    new = frozenset(name for name in files.desired.tenants if past.new(name))
    needs = PlanRequirements(
        request.selection, request.depth, request.reach, new=new, half_done=past.tried, history=past, now=now
    )
    missing = needs.details(files.desired, live)
    wanted = {
        "branches": missing.branches,
        "computes": missing.endpoints,
        "snapshots": missing.snapshots,
        "roles": [id_ for id_, _ in missing.roles],
        "databases": [id_ for id_, _ in missing.databases],
    }
    owners = {project.id: name for name, project in identify(files.desired, live).projects.items()}
    found: dict[str, list[str]] = {}
    for what, ids in wanted.items():
        for name in dict.fromkeys(owners[project_id] for project_id in ids if project_id in owners):
            found.setdefault(name, []).append(what)
    return {
        name: f"not planned: the recorded live state does not contain its {' and '.join(what)}; "
        f"{DEEPER if READ_DEEP.issuperset(what) and not _fills(files.desired, name) else WITH_KEYS}"
        for name, what in sorted(found.items())
    }


def _fills(desired: DesiredState, name: str) -> bool:
    """Return whether the tenant's files declare roles or databases, which are read after the branches."""
    tenant = desired.tenants[name]
    return not tenant.absent and databases.declares(desired.settings(tenant))


def _without(selection: Selection, tenants: Collection[str]) -> Selection:
    return replace(selection, exclude=(*selection.exclude, *tenants)) if tenants else selection

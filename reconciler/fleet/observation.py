"""Observing a fleet, or a few of its tenants, with what registry and process remember."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from reconciler.apply.journals.dead_runs import run_statuses
from reconciler.apply.run.planned import log_folder
from reconciler.live.state import LiveState
from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.neon.observe import look_up, observe
from reconciler.plan import rivals
from reconciler.plan.history import known_past
from reconciler.plan.identity import identify
from reconciler.plan.needs import PlanRequirements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.fleet.context import Context
    from reconciler.fleet.request import Request
    from reconciler.live.registered import Registered
    from reconciler.neon.lists import Progress
    from reconciler.plan.identity import Identities


async def observe_fleet(context: Context, request: Request, on_progress: Progress) -> LiveState:
    """The live state that a plan for the request needs, with what journals show of runs that left something."""
    return _with_earlier_runs(context, await _observe(context, request, on_progress), request)


def chosen_tenants(context: Context, request: Request) -> tuple[list[str], bool]:
    """The names of the selected tenants, and whether they are few: then no organization is listed."""
    chosen = [tenant.name for tenant in request.selection.of(context.desired.tenants)]
    few = not request.selection.everything and len(chosen) <= request.reach.few_tenants
    return chosen, few and not _lists_pay(context.desired, request, chosen)


def _lists_pay(desired: DesiredState, request: Request, chosen: list[str]) -> bool:
    """Whether the lists take fewer calls than searches for these tenants.

    Only where tenants are selected because they have changed, and the files declare the whole fleet: so they tell
    how long the lists are. A selection by name may be of an account with many more projects.
    """
    if not request.may_list or request.selection.changed is None or desired.registry is not None:
        return False
    from reconciler.usage.reads import searches  # noqa: PLC0415 - a sign-up needs none of it

    most = ceil(len(desired.tenants) / PROJECTS_PER_PAGE) + 2 * len(desired.organizations)
    return most < searches(desired, chosen, ())


async def registered_rows(context: Context, asked: list[str] | None) -> Mapping[str, Registered]:
    """The rows of the registry and what this process remembers, by current name. None asks for all tenants."""
    rows = await context.registry.read(context.registry.rows, asked)
    return context.desired.by_current_name({**context.process.recent.rows(asked), **rows})


async def _observe(context: Context, request: Request, on_progress: Progress) -> LiveState:
    desired, recent = context.desired, context.process.recent
    chosen, few = chosen_tenants(context, request)
    asked = [name for tenant in chosen for name in desired.names(tenant)] if few else None
    registry = context.registry
    rows = await registered_rows(context, asked)
    registered_revisions = await registry.read(registry.revisions, asked)
    if few:
        live = await _look_up(context, request, chosen, rows, on_progress)
    else:
        live = await _observe_all(context, request, chosen, rows, on_progress)
    if recent.remove_deleted(live):
        return await _observe(context, request, on_progress)
    revisions = _revisions_by_current_name(desired, _last_revisions(registered_revisions, context.applied))
    return replace(live, revisions=revisions, applied=desired.by_current_name(context.applied))


async def _look_up(
    context: Context,
    request: Request,
    tenants: list[str],
    rows: Mapping[str, Registered],
    on_progress: Progress,
) -> LiveState:
    return await look_up(
        context.neon,
        context.desired,
        tenants,
        replace(_requirements(context, request, tenants), all_details=request.all_details),
        mention_deleted=request.mention_deleted,
        registered=rows,
        known=[name for name in tenants if _had_a_project(context, name, request)],
        on_progress=on_progress,
    )


async def _observe_all(
    context: Context,
    request: Request,
    tenants: list[str],
    rows: Mapping[str, Registered],
    on_progress: Progress,
) -> LiveState:
    required = _requirements(context, request, tenants)
    return await observe(
        context.neon,
        context.desired,
        replace(
            required,
            selection=request.selection,
            prune=request.permissions.prune,
            half_done=required.history.tried,
        ),
        expect_empty=request.permissions.expect_empty,
        registered=rows,
        ahead=context.ahead,
        on_progress=on_progress,
    )


def _requirements(context: Context, request: Request, tenants: list[str]) -> PlanRequirements:
    """What a plan for these tenants has to know, whether they are looked up or listed."""
    past = context.past(request)
    return PlanRequirements(
        depth=request.depth,
        reach=request.reach,
        new=past.new_among(tenants),
        history=past,
        now=context.time(),
        also_read=request.also_read,
    )


def _last_revisions(registered: Mapping[str, int], applied: Mapping[str, int]) -> dict[str, int]:
    """The last accepted revision of each tenant: the registry's or the caller's, whichever is newer."""
    newer = {name: max(revision, registered.get(name, revision)) for name, revision in applied.items()}
    return {**registered, **newer}


def _revisions_by_current_name(desired: DesiredState, revisions: Mapping[str, int]) -> dict[str, int]:
    """The revisions by the current names of tenants. Of several names of a tenant, the newest revision counts."""
    found: dict[str, int] = {}
    for name, revision in revisions.items():
        current = desired.current_name(name)
        found[current] = max(revision, found.get(current, revision))
    return found


def _had_a_project(context: Context, tenant: str, request: Request) -> bool:
    """Whether the tenant is known to have had a project, or no commit shows that it is new."""
    remembered_only = LiveState(applied=context.desired.by_current_name(context.applied))
    past, first_run = context.past(request), request.permissions.expect_empty
    unreadable = past.unreadable(tenant) and not first_run
    return unreadable or known_past(tenant, remembered_only, past, first_run=first_run) is not None


def _with_earlier_runs(context: Context, live: LiveState, request: Request) -> LiveState:
    """With the runs that left duplicates, and those that moved a project and may not have sent its quota again."""
    desired, journals = context.desired, (log_folder(), *request.journals)
    identities, tenants = identify(desired, live), list(request.selection.of(desired.tenants))
    runs = rivals.creating_runs(desired, rivals.find(desired, identities, tenants))
    known = replace(live, run_statuses=run_statuses(runs, journals, request.dead_runs))
    without_quota = _without_their_quota(desired, identities, tenants)
    if not without_quota:
        return known
    from reconciler.apply.journals.interrupted_moves import interrupted_moves  # noqa: PLC0415 - hardly ever needed

    return replace(known, interrupted_moves=interrupted_moves(without_quota, journals, context.time()))


def _without_their_quota(desired: DesiredState, identities: Identities, tenants: Iterable[Tenant]) -> set[str]:
    """The ids of projects without any quota, of tenants whose files limit something."""
    unlimited = Quota()
    return {
        project.id
        for tenant in tenants
        if not tenant.absent
        and (project := identities.projects.get(tenant.name)) is not None
        and project.quota == unlimited
        if desired.settings(tenant).quota not in (None, unlimited)
    }

"""What a plan covers, and notes on projects that were not found, or not found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan import ownership, unmanaged_computes
from reconciler.plan.concerns import NAMES, branches, databases, protection, replicas, snapshots
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.contradictions import MARK
from reconciler.plan.plan import Coverage, Note

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import AnnotationSearch, LiveState
    from reconciler.plan.identity import Identities


def notes(
    desired: DesiredState, live: LiveState, tenants: Sequence[Tenant], identities: Identities, *, prune: bool
) -> Iterator[Note]:
    """Yield notes on projects not found by name, and on searches that cannot find renamed projects."""
    if prune and desired.held_back:
        yield Note(None, f"nothing is pruned while {len(desired.held_back)} tenants have broken files")
    if not live.listed:
        yield from _looked_up_by_name(tenants, live, identities)
    unread = sum(project.branches is None for project in identities.unmatched) if live.listed else 0
    if unread and any(identities.missing(tenant) and not tenant.absent for tenant in tenants):
        yield Note(
            None,
            f"{unread:,} live projects match no tenant and their owners were not read: a renamed project is "
            "not found, and its tenant gets a new one (--depth deep reads all owners)",
        )
    yield from _second_projects(desired, tenants, identities)
    for tenant in tenants:
        project = identities.projects.get(tenant.name)
        if tenant.name in identities.not_returned:
            not_returned = tenant.project_id or live.registered_id(tenant.name) or tenant.recover
            yield Note.about(tenant, f"the API did not return project {not_returned}")
        elif project and not tenant.project_id and project.name not in desired.project_names(tenant.name):
            how = "in the registry" if live.registered_id(tenant.name) == project.id else "by its annotation"
            found = f"project {project.id}, found {how}, was renamed to {project.name!r}"
            yield Note.about(tenant, found)


def _second_projects(desired: DesiredState, tenants: Sequence[Tenant], identities: Identities) -> Iterator[Note]:
    """Notes on further projects created for a tenant whose file pins one; without a pin they are a conflict."""
    pinned = {
        tenant.name: tenant for tenant in tenants if tenant.project_id and tenant.name in identities.projects
    }
    for project in identities.unmatched if pinned else ():
        tenant = pinned.get(ownership.created_for(project, desired) or "")
        if tenant is not None and MARK not in project.name:
            second = f"project {project.id} ({project.name} in {project.organization})"
            message = (
                f"{second} was also created for this tenant, whose file names {tenant.project_id}: it is not "
                "changed"
            )
            yield Note.about(tenant, message)


def _looked_up_by_name(tenants: Sequence[Tenant], live: LiveState, identities: Identities) -> Iterator[Note]:
    for tenant in tenants:
        if identities.missing(tenant) and not tenant.absent:
            yield Note.about(tenant, _how_looked_up(tenant, live.annotation_search))


def _how_looked_up(tenant: Tenant, search: AnnotationSearch | None) -> str:
    if search is None or tenant.name not in search.tenants:
        return "searched by name only: a renamed project is not found"
    asked = f"the owners of {search.asked:,} of {search.listed:,} live projects were read"
    return f"searched by name and by annotation: {asked}"


def coverage(
    desired: DesiredState,
    live: LiveState,
    tenants: Sequence[Tenant],
    identities: Identities,
    only: Collection[str],
    *,
    settled: Collection[str] = (),
) -> Coverage:
    """Return what the plan covers, so that a difference that was not looked for is not taken for none.

    Of the ``settled`` tenants (``in_sync.py``) nothing is declared below their projects, and nothing was read.
    """
    rest = [tenant for tenant in tenants if tenant.name not in settled] if settled else tenants
    found = [
        (desired.settings(tenant), project) for tenant, project in identities.matched(rest) if not tenant.absent
    ]
    branched = [project for settings, project in found if branches.stated(settings)]
    filled = [(settings, project) for settings, project in found if databases.declares(settings)]
    saved = [(settings, project) for settings, project in found if snapshots.declares(settings)]
    below = [one for one in found if one[1].branches is not None or one[1].endpoints is not None]
    unsized = [endpoint for one in below for endpoint in unmanaged_computes.unsized(*one)]
    return Coverage(
        tenants=len(tenants),
        left_out=0 if desired.partial else len(desired.tenants) - len(tenants),
        missing=0 if PROJECT.name in only else sum(identities.missing(t) and not t.absent for t in rest),
        only=() if set(NAMES) <= set(only) else tuple(name for name in NAMES if name in only),
        projects=len(live.projects),
        organizations=tuple(live.listed),
        computes_checked=sum(project.endpoints is not None for _, project in found),
        computes_total=len(found) + len(tenants) - len(rest),
        branches_checked=sum(project.branches is not None for project in branched),
        branches_total=len(branched),
        databases_checked=sum(
            databases.observed(settings, project, desired.fleet) for settings, project in filled
        ),
        databases_total=len(filled),
        snapshots_checked=sum(snapshots.observed(settings, project) for settings, project in saved),
        snapshots_total=len(saved),
        unknown=len(live.unknown),
        held_back=len(desired.held_back),
        in_no_file=len(_in_no_file(desired, identities)) if live.listed else 0,
        used_checked=sum(project.consumption is not None for _, project in found),
        replicas=sum(not endpoint.writes for endpoint in unsized),
        declared_replicas=sum(sum(1 for _ in replicas.sized(*one)) for one in below),
        other_computes=sum(endpoint.writes for endpoint in unsized),
        tuned_computes=sum(unmanaged_computes.tuned(settings, project) for settings, project in below),
        protected_branches=sum(protection.unmanaged(settings, project) for settings, project in below),
    )


def _in_no_file(desired: DesiredState, identities: Identities) -> list[LiveProject]:
    """Return projects of no tenant, except those that may belong to a tenant with a broken file."""
    return [p for p in identities.unmatched if desired.tenant_by_project_name(p.name) not in desired.held_back]

"""Which details of which projects have to be observed before a plan can be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.desired.selection import Depth, Selection
from reconciler.plan.concerns import compute
from reconciler.plan.identity import identify

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.identity import Identities

SMALL_FLEET: Final = 100
"""Up to so many selected tenants everything is read at the default depth: it costs seconds."""
FEW_STRANGERS: Final = 200
"""Up to so many projects of no tenant are asked whose they are; more only at ``Depth.DEEP``: it costs minutes."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Ids of projects, in order, by the call that shows what is missing."""

    projects: tuple[str, ...] = ()
    """GET one: the list left a value out."""
    branches: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.projects or self.branches or self.endpoints)


def needs(
    desired: DesiredState,
    live: LiveState,
    *,
    depth: Depth = Depth.DECLARED,
    selection: Selection = Selection(),
    prune: bool = False,
) -> Needs:
    """What has not been observed yet. Empty once it has: called in rounds, it comes to an end.

    ``prune`` says that orphans are to be deleted: then every project of no tenant is asked whose it is.
    """
    identities = identify(desired, live)
    tenants = [tenant for tenant in desired.tenants.values() if selection.includes(tenant)]
    strangers = None if depth is Depth.DEEP else FEW_STRANGERS
    if depth is Depth.DECLARED and len(tenants) <= SMALL_FLEET:
        depth = Depth.DEEP
    matched = [(tenant, project) for tenant in tenants if (project := identities.projects.get(tenant.name))]
    doomed = [project for tenant, project in matched if tenant.absent]
    unsettled, sized = _of_present(desired, matched, depth)
    creating = any(identities.missing(tenant) and not tenant.absent for tenant in tenants)
    reporting_orphans = selection.everything and depth is not Depth.LIST
    doubtful = _doubtful(
        desired, live, identities, everybody=creating or prune, reporting_orphans=reporting_orphans
    )
    if strangers is not None and len(doubtful) > strangers:
        doubtful = []
    return Needs(
        projects=_ids(unsettled),
        branches=_ids(p for p in (*doomed, *sized, *doubtful) if p.branches is None),
        endpoints=_ids(p for p in sized if p.endpoints is None),
    )


def _of_present(
    desired: DesiredState, matched: Iterable[tuple[Tenant, LiveProject]], depth: Depth
) -> tuple[list[LiveProject], list[LiveProject]]:
    """Projects of which the list leaves a value out, and of the others those whose computes have to be read."""
    unsettled, sized = [], []
    for tenant, project in matched:
        if tenant.absent:
            continue
        settings = desired.settings(tenant)
        if _unsettled(settings, project):
            unsettled.append(project)
        elif _computes_matter(settings, tenant, project, depth):
            sized.append(project)
    return unsettled, sized


def _ids(projects: Iterable[LiveProject]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(project.id for project in projects))


def _unsettled(settings: Settings, project: LiveProject) -> bool:
    """Whether a value is missing that the files manage, or that the organization it moves to may forbid."""
    moves = project.organization != settings.organization
    return (
        (settings.quota is not None and project.quota is None)
        or ((settings.compute is not None or moves) and project.compute is None)
        or ((settings.restore_window_seconds is not None or moves) and project.restore_window_seconds is None)
        or (bool(settings.settings) and project.settings is None)
    )


def _computes_matter(settings: Settings, tenant: Tenant, project: LiveProject, depth: Depth) -> bool:
    """Whether the existing computes have to be read: always before a move or a change of size."""
    if project.organization != settings.organization:
        return True
    return settings.compute is not None and (
        depth is Depth.DEEP
        or (depth is Depth.DECLARED and tenant.overrides.compute is not None)
        or any(compute.changes(settings, project))
    )


def _doubtful(
    desired: DesiredState,
    live: LiveState,
    identities: Identities,
    *,
    everybody: bool,
    reporting_orphans: bool,
) -> list[LiveProject]:
    """Projects of no tenant whose annotations decide: a rename rather than a create, or an orphan's owner."""
    if not live.listed:
        return []
    return [
        project
        for project in identities.unmatched
        if everybody or (reporting_orphans and desired.naming.tenant(project.name) is not None)
    ]

"""Computes that the files do not manage: whether the tenant can connect, and which exceed the organization's
limits.

Reported, never repaired: no file declares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import BRANCH
from reconciler.model.fields import table
from reconciler.model.fields.field import Effect, Unit
from reconciler.model.quota import OFF
from reconciler.model.units import format_cu, format_seconds, roughly_bytes, roughly_seconds
from reconciler.plan.concerns import compute, quota, replicas
from reconciler.plan.concerns.compute import SUSPEND
from reconciler.plan.concerns.organization import bound_text, forbids
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.desired.settings import Settings
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.live.project import LiveBranch, LiveEndpoint, LiveProject

NO_COMPUTE: Final = "create one in the console (or POST /projects/{project_id}/endpoints)"
SWITCHED_OFF: Final = "enable it in the console, or PATCH it with disabled: false"
USED_UP: Final = "raise the quota in the files, or wait for the next billing period"
TOO_LARGE: Final = "change it in the console, or delete it"
STOPPING: Final = tuple(field for field in table.of("quota") if field.effect_of_less is Effect.SUSPENDS)
"""Members of a quota that suspend the project when they are used up (Neon: ProjectQuota)."""


def findings(
    tenant: str, settings: Settings, project: LiveProject, limits: OrganizationLimits, only: Collection[str]
) -> Iterator[Refusal]:
    """Yield refusals for what was observed. ``limits`` are those of the project's organization."""
    if compute.COMPUTE.name in only and project.endpoints is not None and project.branches is not None:
        for message, remedy in () if settings.suspended else _unreachable(settings, project):
            yield Refusal(Rule.CANNOT_CONNECT, (tenant,), message, remedy, ())
        if project.organization == settings.organization:
            for message in _beyond(project, limits, project.organization, _sized_computes(settings, project)):
                yield Refusal(Rule.BEYOND_LIMITS, (tenant,), message, TOO_LARGE, ())
    if quota.QUOTA.name in only and (used := _used_up(settings, project)):
        yield Refusal(Rule.CANNOT_CONNECT, (tenant,), f"{used}: Neon has suspended the project", USED_UP, ())


def unsized(settings: Settings, project: LiveProject) -> tuple[LiveEndpoint, ...]:
    """Return observed computes that no file sizes."""
    sized = _sized_computes(settings, project)
    return tuple(endpoint for endpoint in project.endpoints or () if endpoint.id not in sized)


def _sized_computes(settings: Settings, project: LiveProject) -> frozenset[str]:
    """Return the ids of the computes that the files size."""
    branches, writers = _sized(settings, project), project.writers
    return frozenset(
        (
            *(writer.id for branch_id, writer in writers.items() if branch_id in branches),
            *(endpoint.id for _, _, endpoint in replicas.sized(settings, project)),
        )
    )


def _sized(settings: Settings, project: LiveProject) -> dict[str, LiveBranch]:
    """Return the default branch, and branches whose computes the files size, by id: renamed ones, too."""
    sized = {branch.name for branch in settings.dev_branches or () if branch.compute is not None}
    return {
        branch.id: branch
        for branch in project.branches or ()
        if branch.default or not sized.isdisjoint({branch.name, branch.annotations.get(BRANCH)})
    }


def tuned(settings: Settings, project: LiveProject) -> int:
    """Return how many computes were read that have a Postgres parameter which no file states."""
    declared = {branch.name: branch.compute for branch in settings.dev_branches or ()}
    stated = {
        branch.id: settings.compute if branch.default else declared.get(branch.name)
        for branch in project.branches or ()
    }
    managed = {one.id: stated.get(one.branch_id) if one.writes else None for one in project.endpoints or ()}
    managed.update({endpoint.id: wanted for _, wanted, endpoint in replicas.sized(settings, project)})
    return sum(
        not compute.parameters(one.compute) <= compute.parameters(managed[one.id])
        for one in project.endpoints or ()
    )


def _unreachable(settings: Settings, project: LiveProject) -> Iterator[tuple[str, str]]:
    if project.default_branch is None:
        yield (
            "the project has no default branch: the tenant cannot connect",
            "make a branch the default one in the console",
        )
    writers = project.writers
    for branch in _sized(settings, project).values():
        what = f"{'the default ' if branch.default else ''}branch {branch.name!r}"
        endpoint = writers.get(branch.id)
        if endpoint is None:
            yield f"{what} has no read-write compute: the tenant cannot connect to it", NO_COMPUTE
        elif endpoint.disabled:
            yield f"the compute of {what} is disabled: the tenant cannot connect to it", SWITCHED_OFF


def _beyond(
    project: LiveProject, limits: OrganizationLimits, organization: str, sized: Collection[str]
) -> Iterator[str]:
    names = project.branch_names
    for endpoint in project.endpoints or ():
        if endpoint.id in sized:
            continue
        kind = "compute" if endpoint.writes else "read replica"
        what = f"{kind} {endpoint.id} of branch {names.get(endpoint.branch_id, endpoint.branch_id)!r}"
        for path, value in compute.amounts(endpoint.compute).items():
            if forbids(limits, path, value):
                allowed = f"organization {organization} allows {bound_text(limits, path)}"
                yield f"{what} has {path.removeprefix('compute.')} {_amount(path, value)}, but {allowed}"


def _amount(path: str, value: float) -> str:
    if path == SUSPEND:
        return "never" if value < 0 else format_seconds(int(value))
    return format_cu(value)


def _used_up(settings: Settings, project: LiveProject) -> str | None:
    """Return the first quota that is used up, and would be under the declared quota as well."""
    used, live, wanted = project.consumption, project.quota, settings.quota or project.quota
    if used is None or live is None or wanted is None:
        return None
    for field in STOPPING:
        amount, limits = getattr(used, field.name), (getattr(live, field.name), getattr(wanted, field.name))
        if amount is not None and all(OFF < limit <= amount for limit in limits):
            worded = roughly_bytes if field.unit is Unit.BYTES else roughly_seconds
            return f"{field.label} is used up: {worded(amount)} of {worded(limits[0])}"
    return None

"""The actions that change an existing project to what its tenant's files declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.values import JsonText, replace
from reconciler.plan import within_limits
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import PatchProject, TransferProject
from reconciler.plan.change import Origin
from reconciler.plan.concerns import (
    PROJECT_CONCERNS,
    branches,
    compute,
    concern_name,
    organization,
    project_changes,
    quota,
    replicas,
)
from reconciler.plan.concerns.concern import cannot_be_done, companions, turns_off

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from reconciler.desired.settings import Settings
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.model.compute import Compute
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.comparison import Comparison
    from reconciler.plan.concerns.concern import Fields
    from reconciler.plan.plan import Refusal

STAYS_ON: Final = "state true in the files, or remove the key"


def converge(comparison: Comparison) -> Iterator[Action]:
    """Yield the transfer, project patches before and after it, and patches of computes; ``ordered`` sorts them."""
    observed = {**quota.members(comparison.project.quota), **compute.members(comparison.project.compute)}
    yield from _transfer(comparison)
    for sized in _sized(comparison):
        sizes = compute.amounts(sized.endpoint.compute if sized.endpoint else None)
        limited = list(_compute_limits(comparison, sized))
        early, late = _split(comparison, [*_endpoint_changes(comparison, sized), *limited])
        yield from _patch_endpoint(comparison, sized, early, sizes, before_transfer=True)
        yield from _patch_endpoint(comparison, sized, late, _after(sizes, early), limited=limited)
    limited = list(_project_limits(comparison))
    early, late = _split(comparison, [*_project_changes(comparison), *limited])
    yield from _patch_project(comparison, early, observed, before_transfer=True)
    yield from _patch_project(comparison, late, _after(observed, early), limited=limited)


def of_new_project(comparison: Comparison) -> Iterator[Action]:
    """Yield the patch of the compute that comes with a new project, if the files state parameters for it."""
    branch = comparison.project.default_branch
    changes = [comparison.caused(change) for change in compute.new_endpoint_changes(comparison.settings.compute)]
    if branch is not None and compute.COMPUTE.name in comparison.only:
        sizes = compute.amounts(comparison.project.compute)
        yield from _patch_endpoint(comparison, _Sized(branch.name, comparison.settings.compute), changes, sizes)


def in_sync(settings: Settings, project: LiveProject, limits: OrganizationLimits) -> bool:
    """Return whether nothing of the project itself differs: the quick answer for nearly every tenant.

    ``limits`` are those of the project's organization.
    """
    endpoint = project.read_write(project.default_branch)
    return (
        project.organization == settings.organization
        and not any(project_changes(settings, project))
        and not any(compute.endpoint_changes(settings.compute, endpoint))
        and not any(within_limits.of_project(limits, project, stated := within_limits.managed(settings)))
        and not (endpoint and any(within_limits.of_compute(limits, endpoint.compute, stated)))
        and not (settings.suspended and any(endpoint.active for endpoint in project.endpoints or ()))
    )


class _Sized(Struct, frozen=True):
    """A compute that the files size."""

    branch: str
    wanted: Compute | None
    endpoint: LiveEndpoint | None = None
    """The live compute. None for that of a new project."""
    declared_at: str = ""
    """The path of the branch or the read replica whose compute it is; empty for the tenant's own."""
    replica: str | None = None


def _sized(comparison: Comparison) -> Iterator[_Sized]:
    """Yield the computes that the files size. Others are not managed."""
    project, default = comparison.project, comparison.project.default_branch
    writers = project.writers
    if default is not None:
        yield _Sized(default.name, comparison.settings.compute, writers.get(default.id))
        for name, wanted, endpoint in replicas.sized(comparison.settings, project):
            yield _Sized(default.name, wanted, endpoint, replicas.path(name), name)
    for branch, wanted in branches.sized(comparison):
        yield _Sized(branch.name, wanted, writers.get(branch.id), branches.path(branch.name))


def _split(comparison: Comparison, changes: Iterable[FieldChange]) -> tuple[list[FieldChange], list[FieldChange]]:
    """Split changes into those before the transfer, because the destination forbids the live value, and the rest.

    Both ends of a size range stay together. If a commit asks for the transfer, it also asks for the changes before
    it, however the live value came about.
    """
    changes = list(changes)
    if not comparison.moves:
        return [], changes
    asked_for = _move(comparison).origin is Origin.CONFIG
    forbidden = {c.path for c in changes if organization.forbids(comparison.there, c.path, c.before)}
    if not forbidden.isdisjoint(compute.SIZE):
        forbidden |= compute.SIZE
    early = [replace(c, origin=Origin.CONFIG) if asked_for else c for c in changes if c.path in forbidden]
    return early, [change for change in changes if change.path not in forbidden]


def permanent(comparison: Comparison) -> Iterator[Refusal]:
    """What the files turn off and Neon cannot."""
    for change in _all_project_changes(comparison):
        if turns_off(change):
            [patch] = _patch_project(comparison, [change], {})
            yield cannot_be_done(patch, f"{change.path} stays on: Neon cannot turn it off", STAYS_ON)


def _project_changes(comparison: Comparison) -> Iterator[FieldChange]:
    return (change for change in _all_project_changes(comparison) if not turns_off(change))


def _all_project_changes(comparison: Comparison) -> Iterator[FieldChange]:
    for concern in PROJECT_CONCERNS:
        if concern.name in comparison.only:
            for change in concern.changes(comparison.settings, comparison.project):
                yield comparison.caused(change)


def _endpoint_changes(comparison: Comparison, sized: _Sized) -> Iterator[FieldChange]:
    """Yield compute changes; the compute of a development branch or a read replica is declared with it."""
    if compute.COMPUTE.name not in comparison.only:
        return
    for change in compute.endpoint_changes(sized.wanted, sized.endpoint):
        yield comparison.caused(change, f"{sized.declared_at}.{change.path}" if sized.declared_at else None)


def _compute_limits(comparison: Comparison, sized: _Sized) -> Iterator[FieldChange]:
    live = sized.endpoint.compute if sized.endpoint else None
    stated = _kept(comparison, compute.members(sized.wanted))
    yield from _of_limits(comparison, within_limits.of_compute(comparison.limits, live, stated))


def _project_limits(comparison: Comparison) -> Iterator[FieldChange]:
    stated = _kept(comparison, within_limits.managed(comparison.settings))
    yield from _of_limits(comparison, within_limits.of_project(comparison.limits, comparison.project, stated))


def _kept(comparison: Comparison, stated: Iterable[str]) -> list[str]:
    """Return the stated paths that no limit changes: of a transfer, only those that the run is about."""
    return [path for path in stated if not comparison.moves or concern_name(path) in comparison.only]


def _of_limits(comparison: Comparison, changes: Iterable[FieldChange]) -> Iterator[FieldChange]:
    """Yield changes of unmanaged values that the declared organization forbids.

    Their cause is the transfer's, also where an earlier run transferred the project.
    """
    if comparison.organization != comparison.settings.organization:
        return
    for change in changes:
        if not comparison.only.isdisjoint({organization.NAME, concern_name(change.path)}):
            yield replace(change, origin=comparison.moved(reduces=change.lowering))


def _transfer(comparison: Comparison) -> Iterator[TransferProject]:
    if not comparison.moves:
        return
    move = _move(comparison)
    yield TransferProject(
        tenant=comparison.tenant.name,
        reason=f"tier {comparison.settings.tier} belongs to organization {comparison.settings.organization}",
        source=comparison.tenant.location,
        changes=(move,),
        origin=comparison.project.organization,
        destination=comparison.settings.organization,
        downgrade=move.lowering,
    )


def _move(comparison: Comparison) -> FieldChange:
    downgrade = organization.is_downgrade(comparison.here, comparison.there)
    move = organization.move(
        comparison.project.organization, comparison.settings.organization, downgrade=downgrade
    )
    return replace(move, origin=comparison.moved(reduces=downgrade))


def _patch_project(
    comparison: Comparison,
    changes: Sequence[FieldChange],
    observed: Fields,
    *,
    before_transfer: bool = False,
    limited: Collection[FieldChange] = (),
) -> Iterator[PatchProject]:
    if changes:
        yield PatchProject(
            tenant=comparison.tenant.name,
            reason=_reason(comparison, of_limits=before_transfer or all(one in limited for one in changes)),
            source=comparison.tenant.location,
            changes=tuple(changes),
            before_transfer=before_transfer,
            companions=companions(changes, observed),
        )


def _patch_endpoint(
    comparison: Comparison,
    sized: _Sized,
    changes: Sequence[FieldChange],
    observed: Fields,
    *,
    before_transfer: bool = False,
    limited: Collection[FieldChange] = (),
) -> Iterator[PatchEndpoint]:
    if changes:
        yield PatchEndpoint(
            tenant=comparison.tenant.name,
            reason=_reason(comparison, of_limits=before_transfer or all(one in limited for one in changes)),
            source=comparison.tenant.location,
            changes=tuple(changes),
            branch=sized.branch,
            replica=sized.replica,
            before_transfer=before_transfer,
            companions=(*companions(changes, observed), *_other_settings(changes, sized.endpoint)),
        )


def _other_settings(changes: Sequence[FieldChange], endpoint: LiveEndpoint | None) -> Iterator[tuple[str, Value]]:
    """Yield the settings beside the parameters, where these change: Neon does not document whether they stay."""
    if endpoint is not None and any(change.path == compute.PARAMETERS for change in changes):
        for name, value in endpoint.other_settings.items():
            yield f"{compute.SETTINGS}{name}", JsonText.of(value)


def _reason(comparison: Comparison, *, of_limits: bool) -> str:
    if of_limits:
        return f"organization {comparison.settings.organization} does not allow the current value"
    settings = comparison.settings
    if settings.suspended:
        return f"suspended: {comparison.tenant.reason}"
    granted = "".join(f", {boost}" for boost in settings.boosts)
    ended = "".join(f", {boost} has ended" for boost in comparison.tenant.boosts if boost not in settings.boosts)
    return f"differs from tier {settings.tier}{granted}{ended}"


def _after(observed: Fields, changes: Sequence[FieldChange]) -> Fields:
    return {**observed, **{change.path: change.after for change in changes if change.path in observed}}

"""The actions that change an existing project to what its tenant's files declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from reconciler.plan.action import PatchEndpoint, PatchProject, TransferProject
from reconciler.plan.change import Origin
from reconciler.plan.concerns import (
    PROJECT_CONCERNS,
    branches,
    compute,
    concern_name,
    organization,
    quota,
    restore_window,
)
from reconciler.plan.concerns.companions import companions
from reconciler.plan.concerns.concern import turns_off
from reconciler.plan.concerns.refusals import cannot_be_done

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveBranch, LiveEndpoint, LiveProject
    from reconciler.model.compute import Compute
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.comparison import Comparison
    from reconciler.plan.concerns.concern import Fields
    from reconciler.plan.plan import Refusal

STAYS_ON: Final = "state true in the files, or remove the key"


def converge(comparison: Comparison) -> Iterator[Action]:
    """Yield the transfer, project patches before and after it, and patches of computes; order.py sorts them."""
    observed = {**quota.members(comparison.project.quota), **compute.members(comparison.project.compute)}
    yield from _transfer(comparison)
    writers = comparison.project.writers
    for branch, wanted in _sized(comparison):
        endpoint = writers.get(branch.id)
        sizes = compute.members(endpoint.compute if endpoint else None)
        changes = [
            *_endpoint_changes(comparison, branch, wanted, endpoint),
            *_clamps(comparison, sizes, at_work=True),
        ]
        early, late = _split(comparison, changes)
        yield from _patch_endpoint(comparison, branch.name, early, sizes, before_transfer=True)
        yield from _patch_endpoint(comparison, branch.name, late, _after(sizes, early))
    early, late = _split(
        comparison,
        [*_project_changes(comparison), *_clamps(comparison, _bounded(comparison.project), at_work=False)],
    )
    yield from _patch_project(comparison, early, observed, before_transfer=True)
    yield from _patch_project(comparison, late, _after(observed, early))


def in_sync(settings: Settings, project: LiveProject) -> bool:
    """Return whether nothing of the project itself differs: the quick answer for nearly every tenant."""
    endpoint = project.read_write(project.default_branch)
    return (
        project.organization == settings.organization
        and not any(True for concern in PROJECT_CONCERNS for _ in concern.changes(settings, project))
        and not any(True for _ in compute.endpoint_changes(settings.compute, endpoint))
    )


def _sized(comparison: Comparison) -> Iterator[tuple[LiveBranch, Compute | None]]:
    """Yield the branches whose read-write computes the files size, each with its declared compute.

    Read replicas and computes of other branches are not managed.
    """
    default = comparison.project.default_branch
    if default is not None:
        yield default, comparison.settings.compute
    yield from branches.sized(comparison)


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


def _endpoint_changes(
    comparison: Comparison, branch: LiveBranch, wanted: Compute | None, endpoint: LiveEndpoint | None
) -> Iterator[FieldChange]:
    """Yield compute changes; a development branch's compute is declared with the branch."""
    if compute.COMPUTE.name not in comparison.only:
        return
    for change in compute.endpoint_changes(wanted, endpoint):
        yield comparison.caused(change, None if branch.default else f"{branches.path(branch.name)}.{change.path}")


def _bounded(project: LiveProject) -> Fields:
    """Return the project's own values of all fields that an organization may forbid."""
    window = project.restore_window_seconds
    sizes = compute.members(project.compute)
    return sizes if window is None else {**sizes, restore_window.PATH: window}


def _clamps(comparison: Comparison, observed: Fields, *, at_work: bool) -> Iterator[FieldChange]:
    """Yield changes of unmanaged values that block the transfer; they have its origin."""
    if comparison.moves:
        managed = [path for path in comparison.wanted_now if concern_name(path) in comparison.only]
        for change in organization.clamps(comparison.there, observed, managed, at_work=at_work):
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
    comparison: Comparison, changes: Sequence[FieldChange], observed: Fields, *, before_transfer: bool = False
) -> Iterator[PatchProject]:
    if changes:
        yield PatchProject(
            tenant=comparison.tenant.name,
            reason=_reason(comparison, before_transfer=before_transfer),
            source=comparison.tenant.location,
            changes=tuple(changes),
            before_transfer=before_transfer,
            companions=companions(changes, observed),
        )


def _patch_endpoint(
    comparison: Comparison,
    branch: str,
    changes: Sequence[FieldChange],
    observed: Fields,
    *,
    before_transfer: bool = False,
) -> Iterator[PatchEndpoint]:
    if changes:
        yield PatchEndpoint(
            tenant=comparison.tenant.name,
            reason=_reason(comparison, before_transfer=before_transfer),
            source=comparison.tenant.location,
            changes=tuple(changes),
            branch=branch,
            before_transfer=before_transfer,
            companions=companions(changes, observed),
        )


def _reason(comparison: Comparison, *, before_transfer: bool) -> str:
    if before_transfer:
        return f"organization {comparison.settings.organization} does not allow the current value"
    return f"differs from tier {comparison.settings.tier}"


def _after(observed: Fields, changes: Sequence[FieldChange]) -> Fields:
    return {**observed, **{change.path: change.after for change in changes if change.path in observed}}

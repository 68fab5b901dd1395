"""The actions that bring one existing project to what its tenant's files say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.plan.action import PatchEndpoint, PatchProject, TransferProject
from reconciler.plan.concerns import PROJECT_CONCERNS, compute, organization, quota, restore_window
from reconciler.plan.concerns.together import companions
from reconciler.plan.order import ordered
from reconciler.plan.wanted import origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.desired.settings import Settings
    from reconciler.desired.tenant import Tenant
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.live.project import LiveEndpoint, LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.concerns.concern import Fields


def in_sync(settings: Settings, project: LiveProject) -> bool:
    """Whether nothing differs at all: the quick answer for nearly every tenant of a large fleet."""
    return (
        project.organization == settings.organization
        and not any(True for concern in PROJECT_CONCERNS for _ in concern.changes(settings, project))
        and not any(True for _, endpoint in sized(project) for _ in compute.endpoint_changes(settings, endpoint))
    )


def sized(project: LiveProject) -> Iterator[tuple[str, LiveEndpoint]]:
    """The default branch's read-write compute, by the branch's name, where it was observed.

    Read replicas and computes of other branches are sized by whoever made them.
    """
    branch = project.default_branch
    if branch is None:
        return
    for endpoint in project.endpoints or ():
        if endpoint.branch_id == branch.id and endpoint.kind == "read_write":
            yield branch.name, endpoint


@dataclass(frozen=True, slots=True)
class Convergence:
    """One tenant with its live project, and what its files want now and wanted at the base."""

    tenant: Tenant
    settings: Settings
    project: LiveProject
    now: Fields
    before: Fields | None
    only: frozenset[str]
    """Names of the concerns that the run is about."""
    here: OrganizationLimits
    there: OrganizationLimits
    """Limits of the organization that the project is in, and of the one that it is to be in."""

    def actions(self) -> tuple[Action, ...]:
        """In the order of plan/order.py; empty where nothing differs."""
        observed = {**quota.members(self.project.quota), **compute.members(self.project.compute)}
        early, late = self._split([*self._project_changes(), *self._clamps(self._checked())])
        planned: list[Action] = [
            *self._patch_project(early, observed, before_transfer=True),
            *self._transfer(),
            *self._patch_project(late, _after(observed, early)),
        ]
        for branch, endpoint in sized(self.project):
            sizes = compute.members(endpoint.compute)
            early, late = self._split([*self._endpoint_changes(endpoint), *self._clamps(sizes)])
            planned += self._patch_endpoint(branch, early, sizes, before_transfer=True)
            planned += self._patch_endpoint(branch, late, _after(sizes, early))
        return ordered(planned)

    @property
    def _moves(self) -> bool:
        return organization.NAME in self.only and self.project.organization != self.settings.organization

    @property
    def _downgrade(self) -> bool:
        return organization.is_downgrade(self.here, self.there)

    def _split(self, changes: Sequence[FieldChange]) -> tuple[list[FieldChange], list[FieldChange]]:
        """What must be lowered before the move, because the destination forbids it, and the rest."""
        early = [c for c in changes if self._moves and organization.forbids(self.there, c.path, c.before)]
        return early, [change for change in changes if change not in early]

    def _project_changes(self) -> Iterator[FieldChange]:
        for concern in PROJECT_CONCERNS:
            if concern.name in self.only:
                yield from map(self._with_origin, concern.changes(self.settings, self.project))

    def _endpoint_changes(self, endpoint: LiveEndpoint) -> Iterator[FieldChange]:
        if compute.COMPUTE.name in self.only:
            yield from map(self._with_origin, compute.endpoint_changes(self.settings, endpoint))

    def _with_origin(self, change: FieldChange) -> FieldChange:
        return replace(change, origin=origin(change.path, self.now, self.before))

    def _checked(self) -> Fields:
        """What the project itself says of all that an organization may forbid."""
        window = self.project.restore_window_seconds
        sizes = compute.members(self.project.compute)
        return sizes if window is None else {**sizes, restore_window.PATH: window}

    def _clamps(self, observed: Fields) -> Iterator[FieldChange]:
        """Unmanaged values that stand in the way of the move; they share the move's origin."""
        if not self._moves:
            return
        for change in organization.clamps(self.there, observed, self.now):
            yield replace(change, origin=origin(organization.PATH, self.now, self.before))

    def _transfer(self) -> Iterator[TransferProject]:
        if not self._moves:
            return
        source, destination = self.project.organization, self.settings.organization
        change = organization.move(source, destination, downgrade=self._downgrade)
        yield TransferProject(
            tenant=self.tenant.name,
            reason=f"tier {self.settings.tier} lives in organization {destination}",
            source=self.tenant.location,
            changes=(self._with_origin(change),),
            origin=source,
            destination=destination,
            downgrade=self._downgrade,
        )

    def _patch_project(
        self, changes: Sequence[FieldChange], observed: Fields, *, before_transfer: bool = False
    ) -> Iterator[PatchProject]:
        if changes:
            yield PatchProject(
                tenant=self.tenant.name,
                reason=self._reason(before_transfer=before_transfer),
                source=self.tenant.location,
                changes=tuple(changes),
                before_transfer=before_transfer,
                companions=companions(changes, observed),
            )

    def _patch_endpoint(
        self, branch: str, changes: Sequence[FieldChange], observed: Fields, *, before_transfer: bool = False
    ) -> Iterator[PatchEndpoint]:
        if changes:
            yield PatchEndpoint(
                tenant=self.tenant.name,
                reason=self._reason(before_transfer=before_transfer),
                source=self.tenant.location,
                changes=tuple(changes),
                branch=branch,
                before_transfer=before_transfer,
                companions=companions(changes, observed),
            )

    def _reason(self, *, before_transfer: bool) -> str:
        if before_transfer:
            return f"organization {self.settings.organization} does not allow it"
        return f"differs from tier {self.settings.tier}"


def _after(observed: Fields, changes: Sequence[FieldChange]) -> Fields:
    return {**observed, **{change.path: change.after for change in changes if change.path in observed}}

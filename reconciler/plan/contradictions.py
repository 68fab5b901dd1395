"""What contradicts a claim of a tenant on a project: each rule by name, and what a person is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.model.annotations import FLEET
from reconciler.plan.ownership import created_for, owner
from reconciler.plan.plan import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject


MARK: Final = "-duplicate-"
"""What a run that came second puts into the name of its project, before the run's id, before it deletes it."""
ANOTHER: Final = (
    "then --depth deep finds one that somebody renamed, and --allow creates=N, the number of all creations of the "
    "run, permits a new one"
)
"""What follows where a tenant that had a project has lost what named it: no run replaces it unasked."""
SETTLE_BY_HAND: Final = "state the right one as project_id, then rename or delete the other by hand"


@dataclass(frozen=True, slots=True)
class Claim:
    """One tenant's claim on the only project that it could be."""

    tenant: Tenant
    project: LiveProject
    confirmed: bool
    """Whether a row of the registry says so, too. Of recoveries and tombstones their own rules judge."""

    @property
    def pinned(self) -> bool:
        """Whether the tenant's file names the project."""
        return self.tenant.project_id is not None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Why a claim does not hold."""

    conflict: Conflict
    strayed_from: str | None = None
    """The declared tenant for whom the project was created, which now has the name of the one that claims it."""
    disputed: bool = False
    """Whether the project is in doubt for every tenant: somebody pins what seems to be another's."""


Rule: TypeAlias = "Callable[[Claim, DesiredState], Contradiction | None]"


def contradiction(claim: Claim, desired: DesiredState) -> Contradiction | None:
    """The first that there is."""
    found = (rule(claim, desired) for rule in RULES)
    return next((one for one in found if one is not None), None)


def _created_by_another_fleet(claim: Claim, desired: DesiredState) -> Contradiction | None:
    annotation = owner(claim.project)
    if annotation is None or annotation.get(FLEET) == desired.fleet:
        return None
    return Contradiction(_belongs_elsewhere(claim.tenant, claim.project, annotation.get(FLEET, "?")))


def _pinned_by_a_broken_file(claim: Claim, desired: DesiredState) -> Contradiction | None:
    if claim.project.id not in desired.pins_held_back:
        return None
    return Contradiction(_is_pinned_by_a_broken_file(claim.tenant, claim.project))


def _not_its_to_pin(claim: Claim, desired: DesiredState) -> Contradiction | None:
    """Whoever writes a tenant's file must not reach another tenant's project.

    It may only be taken from a tenant that is gone from the files, or whose own file pins another one; a
    project that has the tenant's own name is its own, whoever it was created for. Where it is in doubt,
    neither of the two gets it: the other one may be new under a name that was somebody else's before.
    """
    tenant, project = claim.tenant, claim.project
    whose = created_for(project, desired) or desired.tenant_by_project_name(project.name)
    if not claim.pinned or whose in (None, tenant.name) or project.name in desired.project_names(tenant.name):
        return None
    declared = desired.tenants.get(whose)
    if whose not in desired.held_back and (declared is None or declared.project_id is not None):
        return None
    return Contradiction(_is_not_its_to_pin(tenant, project, whose), disputed=True)


def _created_for_another_tenant(claim: Claim, desired: DesiredState) -> Contradiction | None:
    """One that the files know, as far as they can be read."""
    annotated = created_for(claim.project, desired)
    if claim.pinned or annotated in (None, claim.tenant.name):
        return None
    if annotated not in desired.tenants and annotated not in desired.held_back:
        return None
    strayed_from = annotated if annotated in desired.tenants else None
    return Contradiction(_is_another_tenants(claim.tenant, claim.project, annotated), strayed_from)


def _created_for_a_tenant_that_is_gone(claim: Claim, desired: DesiredState) -> Contradiction | None:
    annotated = created_for(claim.project, desired)
    if claim.pinned or claim.confirmed or annotated in (None, claim.tenant.name):
        return None
    return Contradiction(_was_another_tenants(claim.tenant, claim.project, annotated))


RULES: Final[tuple[Rule, ...]] = (
    _created_by_another_fleet,
    _pinned_by_a_broken_file,
    _not_its_to_pin,
    _created_for_another_tenant,
    _created_for_a_tenant_that_is_gone,
)
"""In this order: a claim that the first of them contradicts is judged by no other one."""


def age(project: LiveProject) -> tuple[datetime, str]:
    """What puts the projects of one tenant in order: the first of them stays."""
    return project.created_at, project.id


def was_moved(tenant: Tenant, project_id: str, organization: str) -> Conflict:
    """A pin or a row names a project that is in an organization of none of the files."""
    return Conflict(
        tenant.name,
        f"project {project_id} was moved to organization {organization}, which the files do not name",
        "move it back in the console, or name that organization in tiers.yaml",
        tenant.location,
    )


def row_is_gone(tenant: Tenant, project_id: str) -> Conflict:
    """The registry names a project that does not exist."""
    return Conflict(
        tenant.name,
        f"the registry names project {project_id}, which does not exist in any organization of the fleet: it was "
        "deleted, or moved to one that the files do not name",
        f"write recover: {project_id} in its file if it was deleted within 7 days; move it back in the console if "
        f"it was moved; or take the row away with `reconciler registry rebuild`: {ANOTHER}",
        tenant.location,
    )


def pin_is_gone(tenant: Tenant, project_id: str) -> Conflict:
    """The tenant's file names a project that does not exist."""
    return Conflict(
        tenant.name,
        f"the pinned project {project_id} does not exist in any organization of the fleet: it was deleted, or "
        "moved to one that the files do not name",
        f"move it back in the console, or correct project_id; write recover: {project_id} beside it if it was "
        f"deleted within 7 days; or remove it: {ANOTHER}",
        tenant.location,
    )


def several(tenant: Tenant, candidates: Sequence[LiveProject]) -> Conflict:
    """More than one project could be the tenant's."""
    found = ", ".join(f"{p.id} ({p.name} in {p.organization})" for p in sorted(candidates, key=age))
    message = f"{len(candidates)} live projects could be this tenant's: {found}"
    return Conflict(tenant.name, message, SETTLE_BY_HAND, tenant.location)


def claimed_twice(tenant: Tenant, project_id: str, names: Sequence[str]) -> Conflict:
    """More than one tenant could call the project its own."""
    others = ", ".join(repr(name) for name in names if name != tenant.name)
    return Conflict(
        tenant.name,
        f"project {project_id} would be this tenant's and also that of {others}",
        "give the project the name of whose it is, or state a project_id in each of the files",
        tenant.location,
    )


def has_gone_astray(tenant: Tenant, project: LiveProject) -> Conflict:
    """The tenant's project was given another tenant's name."""
    return Conflict(
        tenant.name,
        f"project {project.id}, created for this tenant, now has another tenant's name ({project.name})",
        "give it its name back, or state it as project_id in this tenant's file",
        tenant.location,
    )


def _belongs_elsewhere(tenant: Tenant, project: LiveProject, fleet: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id} ({project.name}) carries the annotation of fleet {fleet!r}",
        "give each fleet a naming pattern of its own",
        tenant.location,
    )


def _is_another_tenants(tenant: Tenant, project: LiveProject, annotated: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id} has this tenant's name ({project.name}), but was created for tenant {annotated!r}",
        "give the project its own name back, or state it as project_id in the file of whom it belongs to",
        tenant.location,
    )


def _was_another_tenants(tenant: Tenant, project: LiveProject, annotated: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id} has this tenant's name ({project.name}), but was created for tenant {annotated!r}, "
        "whom no file declares: its data may be somebody else's",
        f"if it is this tenant's, state project_id: {project.id} in its file; if not, delete or rename it",
        tenant.location,
    )


def _is_pinned_by_a_broken_file(tenant: Tenant, project: LiveProject) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {project.id} ({project.name}) is pinned in a file that cannot be used: nobody knows whose it is",
        "repair the broken files first: `reconciler validate` lists them",
        tenant.location,
    )


def _is_not_its_to_pin(tenant: Tenant, project: LiveProject, whose: str) -> Conflict:
    return Conflict(
        tenant.name,
        f"the pinned project {project.id} ({project.name}) is that of tenant {whose!r}",
        f"correct project_id; to hand the project over, take tenant {whose!r} out of the files, or give the "
        "project this tenant's name in the console",
        tenant.location,
    )

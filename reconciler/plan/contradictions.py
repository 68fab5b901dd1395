"""What contradicts a tenant's claim on a project: one function per rule, and the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

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
"""What the later of two runs adds to its project's name, before the run id, before it deletes the project."""
ANOTHER: Final = (
    "then --depth deep finds a renamed project, and --allow creates=N (the number of all creations of the "
    "run) permits a new one"
)
"""What to do if the pin or row of a tenant's earlier project is removed: no run replaces it unasked."""
SETTLE_BY_HAND: Final = "add the id of the right one as project_id, then rename or delete the other by hand"


class Claim(Struct, frozen=True):
    """One tenant's claim on the only project that it may be."""

    tenant: Tenant
    project: LiveProject
    confirmed: bool
    """Whether a registry row confirms it. Recoveries and tombstones have rules of their own."""

    @property
    def pinned(self) -> bool:
        """Whether the tenant's file pins the project."""
        return self.tenant.project_id is not None


class Contradiction(Struct, frozen=True):
    """Why a claim does not hold."""

    conflict: Conflict
    created_for_tenant: str | None = None
    """The declared tenant for which the project was created, and which lost it to the claimant's name."""
    disputed: bool = False
    """Whether the project is in doubt for every tenant: somebody pins what seems to be another tenant's."""


Rule: TypeAlias = "Callable[[Claim, DesiredState], Contradiction | None]"


def contradiction(claim: Claim, desired: DesiredState) -> Contradiction | None:
    """Return the first contradiction, or None."""
    project = claim.project
    if not (project.branches or claim.pinned or desired.pins_held_back or desired.partial):
        return None  # every other rule is about an annotation or a pin
    found = (rule(claim, desired) for rule in RULES)
    return next((one for one in found if one is not None), None)


def _created_by_another_fleet(claim: Claim, desired: DesiredState) -> Contradiction | None:
    annotation = owner(claim.project)
    if annotation is None or annotation.get(FLEET) == desired.fleet:
        return None
    message = f"project {_shown(claim.project)} has the annotation of fleet {annotation.get(FLEET, '?')!r}"
    remedy = (
        "if the fleet was renamed, give it its former name again in tiers.yaml; otherwise use a different naming "
        "pattern for each fleet"
    )
    return Contradiction(Conflict.about(claim.tenant, message, remedy))


def _pinned_by_a_broken_file(claim: Claim, desired: DesiredState) -> Contradiction | None:
    if claim.project.id not in desired.pins_held_back:
        return None
    message = f"project {_shown(claim.project)} is pinned in a broken file: its owner is unknown"
    remedy = "repair the broken files first: `reconciler validate` lists them"
    return Contradiction(Conflict.about(claim.tenant, message, remedy))


def _pins_another_tenants_project(claim: Claim, desired: DesiredState) -> Contradiction | None:
    """The author of a tenant's file must not get another tenant's project.

    It may be taken only from a tenant that is no longer declared, or that pins another project. A project with the
    tenant's own name is its own, whoever it was created for. In doubt neither of the two gets it: the other may be
    a new tenant under a reused name, and so may this one, if the project has the other's name.
    """
    tenant, project = claim.tenant, claim.project
    if not claim.pinned:
        return None
    whose = other_owner(tenant, project, desired) or desired.tenant_by_project_name(project.name)
    if whose in (None, tenant.name) or project.name in desired.project_names(tenant.name):
        return None
    declared = desired.tenants.get(whose)
    if whose not in desired.held_back and (declared is None or declared.project_id is not None):
        return None
    conflict = Conflict.about(
        tenant,
        f"the pinned project {_shown(project)} belongs to tenant {whose!r}",
        f"correct project_id; to hand the project over, remove tenant {whose!r} from the files, or give the "
        "project this tenant's name in the console",
    )
    return Contradiction(conflict, disputed=True)


def _created_for_another_tenant(claim: Claim, desired: DesiredState) -> Contradiction | None:
    """A tenant that the files declare, as far as they can be read."""
    annotated = created_for(claim.project, desired)
    if claim.pinned or annotated in (None, claim.tenant.name):
        return None
    if annotated not in desired.tenants and annotated not in desired.held_back:
        return None
    created_for_tenant = annotated if annotated in desired.tenants else None
    remedy = (
        f"if it is this tenant's, add project_id: {claim.project.id} to its file; if it is that of {annotated!r}, "
        "rename it back in the console"
    )
    return Contradiction(
        Conflict.about(claim.tenant, _created_for(claim.project, annotated), remedy), created_for_tenant
    )


def _may_be_of_a_tenant_that_was_not_read(claim: Claim, desired: DesiredState) -> Contradiction | None:
    """No registry row decides between two tenants if the file of the other one was not read."""
    project, tenant = claim.project, claim.tenant
    if not desired.partial or claim.pinned:
        return None
    whose = other_owner(tenant, project, desired)
    if whose is None or whose in desired.tenants:
        return None
    return Contradiction(row_of_another(tenant, project, f"{whose!r}, in none of the files that were read"))


def _created_for_a_tenant_that_is_gone(claim: Claim, desired: DesiredState) -> Contradiction | None:
    project, annotated = claim.project, created_for(claim.project, desired)
    if claim.pinned or claim.confirmed or annotated in (None, claim.tenant.name):
        return None
    conflict = Conflict.about(
        claim.tenant,
        f"{_created_for(project, annotated)}, which no file declares: its data may be another customer's",
        f"if the project is this tenant's, add project_id: {project.id} to its file; if not, delete or rename the "
        "project",
    )
    return Contradiction(conflict)


def _shown(project: LiveProject) -> str:
    return f"{project.id} ({project.name})"


def _created_for(project: LiveProject, annotated: str) -> str:
    return (
        f"project {project.id} has this tenant's name ({project.name}), but was created for tenant {annotated!r}"
    )


RULES: Final[tuple[Rule, ...]] = (
    _created_by_another_fleet,
    _pinned_by_a_broken_file,
    _pins_another_tenants_project,
    _created_for_another_tenant,
    _may_be_of_a_tenant_that_was_not_read,
    _created_for_a_tenant_that_is_gone,
)
"""In this order: only the first contradiction of a claim is reported."""


def other_owner(tenant: Tenant, project: LiveProject, desired: DesiredState) -> str | None:
    """Return the other tenant, declared or not, that the project's annotation names, or else its name."""
    whose = created_for(project, desired) or desired.tenant_by_project_name(project.name)
    return None if whose == tenant.name else whose


def row_of_another(tenant: Tenant, project: LiveProject, owner: str) -> Conflict:
    """The registry names a project that seems to be another tenant's."""
    return Conflict.about(
        tenant,
        f"the registry names project {_shown(project)}, which seems to belong to tenant {owner}",
        f"if it is this tenant's, add project_id: {project.id} to its file; if the row is wrong, add the "
        "project_id of the tenant's own project, and run `reconciler registry rebuild`",
    )


def creation_order(project: LiveProject) -> tuple[datetime, str]:
    """Return the sort key of a tenant's projects: the first one stays."""
    return project.created_at, project.id


def was_moved(tenant: Tenant, project_id: str, organization: str) -> Conflict:
    """A pin or a row names a project in an organization that tiers.yaml does not name."""
    return Conflict.about(
        tenant,
        f"project {project_id} was transferred to organization {organization}, which tiers.yaml does not name",
        "transfer it back in the console, or add that organization to tiers.yaml",
    )


def registered_project_is_gone(tenant: Tenant, project_id: str) -> Conflict:
    """The registry names a project that does not exist."""
    return Conflict.about(
        tenant,
        f"the registry names project {project_id}, which exists in no organization of the fleet: it was "
        "deleted, or transferred to an organization that tiers.yaml does not name",
        f"add recover: {project_id} to its file if it was deleted within 7 days; transfer it back in the console "
        f"if it was transferred; or remove the row with `reconciler registry rebuild`: {ANOTHER}",
    )


def pinned_project_is_gone(tenant: Tenant, project_id: str) -> Conflict:
    """The tenant's file pins a project that does not exist."""
    return Conflict.about(
        tenant,
        f"the pinned project {project_id} exists in no organization of the fleet: it was deleted, or "
        "transferred to an organization that tiers.yaml does not name",
        f"transfer it back in the console, or correct project_id; add recover: {project_id} if it was deleted "
        f"within 7 days; or remove project_id: {ANOTHER}",
    )


def several_projects(tenant: Tenant, candidates: Sequence[LiveProject]) -> Conflict:
    """More than one project may be the tenant's."""
    found = ", ".join(f"{p.id} ({p.name} in {p.organization})" for p in sorted(candidates, key=creation_order))
    message = f"{len(candidates)} live projects may be this tenant's: {found}"
    return Conflict.about(tenant, message, SETTLE_BY_HAND)


def claimed_twice(tenant: Tenant, project_id: str, names: Sequence[str]) -> Conflict:
    """More than one tenant claims the project."""
    others = ", ".join(repr(name) for name in names if name != tenant.name)
    return Conflict.about(
        tenant,
        f"project {project_id} would belong to this tenant and also to {others}",
        "rename the project to its owner's name, or add project_id to each of the files",
    )


def has_the_name_of_another(tenant: Tenant, project: LiveProject, other: str) -> Conflict:
    """The annotation names the tenant, and the name another one: somebody renamed the project, or the other tenant
    was renamed, and this one has its earlier name now.
    """
    return Conflict.about(
        tenant,
        f"project {project.id}, created for a tenant of this name, has the name of {other!r} ({project.name})",
        f"if it is that of {other!r}, add project_id: {project.id} to the file of {other!r}; if it is this "
        "tenant's, rename it back in the console",
    )

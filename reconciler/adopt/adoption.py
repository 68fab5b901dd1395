"""An adoption: the tenants that projects in no file become, the tiers that they need, and what stays open."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.adopt.grant import grant_of_project, grant_of_tier, sections
from reconciler.adopt.inferred_tiers import Sighting, infer
from reconciler.adopt.nearest_tier import nearest
from reconciler.adopt.owners import NOBODY, KnownNames, Owners, Question, Reason, owners
from reconciler.model.values import replace
from reconciler.plan.identity import identify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.adopt.grant import Grant
    from reconciler.adopt.inferred_tiers import InferredTier
    from reconciler.adopt.nearest_tier import Nearest
    from reconciler.adopt.owners import NamedProject
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.model.values import Json


class Adopted(Struct, frozen=True):
    """A tenant that a file is to declare."""

    named: NamedProject
    tier: str
    overrides: Mapping[str, float] = {}
    """What the project has otherwise than its tier, by path."""
    granted: Mapping[str, float] = {}
    """What the tier has of these, for a comment."""
    extra: Mapping[str, Json] = {}
    """Further keys of the document: branches, snapshots, settings."""

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.named.tenant

    @property
    def project(self) -> LiveProject:
        """Its project."""
        return self.named.project

    @property
    def document(self) -> dict[str, Json]:
        """The tenant's document, its keys in the order of `fmt`."""
        own = dict(self.extra)
        settings = own.pop("settings", None)
        overrides = sections(self.overrides)
        if settings:
            overrides["settings"] = settings
        named: dict[str, Json] = {"tenant": self.tenant, "tier": self.tier}
        if overrides:
            named["overrides"] = overrides
        return {**named, **own, "project_id": self.project.id}


class Adoption(Struct, frozen=True):
    """What is to be written, and what is not."""

    tenants: tuple[Adopted, ...] = ()
    """Sorted by name."""
    pinned: tuple[NamedProject, ...] = ()
    """Projects of tenants that a file declares without their ids."""
    tiers: tuple[InferredTier, ...] = ()
    """To be added to tiers.yaml."""
    questions: tuple[Question, ...] = ()
    owners: Owners = NOBODY
    projects: int = 0
    """In no file, and selected."""
    left_out: int = 0
    """In no file, and not selected."""
    in_files: int = 0
    """Projects of declared tenants."""


def in_no_file(
    desired: DesiredState, live: LiveState, select: Sequence[str] = ()
) -> tuple[list[LiveProject], int]:
    """Return the selected projects in no file, and how many others there are in none.

    A project that may belong to a tenant with a broken file is in a file. ``select`` are globs of project names.
    """
    free = [
        project
        for project in identify(desired, live).unmatched
        if project.id not in desired.pins_held_back
        and project.id not in desired.pinned_by
        and desired.tenant_by_project_name(project.name) not in desired.held_back
    ]
    chosen = [one for one in free if not select or any(fnmatchcase(one.name, glob) for glob in select)]
    return chosen, len(free) - len(chosen)


def adopt(
    desired: DesiredState,
    live: LiveState,
    names: KnownNames,
    *,
    select: Sequence[str] = (),
    infer_tiers: bool = False,
) -> Adoption:
    """Return what adopting the projects in no file means. Deterministic: the same inputs give the same adoption.

    ``infer_tiers`` adds tiers for values that many projects share; otherwise each gets the nearest declared tier.
    """
    projects, left_out = in_no_file(desired, live, select)
    found = owners(desired, projects, names)
    pinned = tuple(one for one in found.named if one.tenant in desired.tenants)
    new = [one for one in found.named if one.tenant not in desired.tenants]
    grants = {one.project.id: grant_of_project(one.project) for one in new}
    declared = {name: grant_of_tier(tier) for name, tier in desired.tiers.items()}
    tiers = _inferred(new, grants, declared) if infer_tiers else ()
    known = {**declared, **{tier.name: tier.grant for tier in tiers}}
    adopted, homeless = _with_tiers(new, grants, known)
    return Adoption(
        tenants=tuple(sorted(adopted, key=lambda one: one.tenant)),
        pinned=pinned,
        tiers=tiers,
        questions=(*homeless, *found.questions),
        owners=found,
        projects=len(projects),
        left_out=left_out,
        in_files=len(live.projects) - len(projects) - left_out,
    )


def _inferred(
    new: Sequence[NamedProject], grants: Mapping[str, Grant], declared: Mapping[str, Grant]
) -> tuple[InferredTier, ...]:
    sightings = [Sighting(grants[one.project.id], one.tier) for one in new]
    return infer(sightings, known=frozenset(declared.values()), taken=frozenset(declared))


def _with_tiers(
    new: Sequence[NamedProject], grants: Mapping[str, Grant], tiers: Mapping[str, Grant]
) -> tuple[list[Adopted], list[Question]]:
    """Each with its tier; equal values that name one tier are looked up once."""
    memo: dict[tuple[Grant, str | None], Nearest | None] = {}
    adopted: list[Adopted] = []
    homeless: list[Question] = []
    for one in new:
        key = (grants[one.project.id], one.tier)
        if key not in memo:
            memo[key] = nearest(key[0], tiers, one.tier)
        if (tier := memo[key]) is None:
            homeless.append(Question(one.project, Reason.NO_TIER, one.project.organization))
            continue
        stated = tiers[tier.tier].stated
        granted = {path: stated[path] for path in tier.overrides}
        adopted.append(Adopted(one, tier.tier, tier.overrides, granted))
    return adopted, homeless


def without_invalid(adoption: Adoption, problems: Mapping[str, str]) -> Adoption:
    """Return the adoption without the tenants whose files cannot be written; they become questions.

    ``problems`` are messages by tenant.
    """
    named = (*(one.named for one in adoption.tenants), *adoption.pinned)
    wrong = [
        Question(one.project, Reason.INVALID, problems[one.tenant]) for one in named if one.tenant in problems
    ]
    return replace(
        adoption,
        tenants=tuple(one for one in adoption.tenants if one.tenant not in problems),
        pinned=tuple(one for one in adoption.pinned if one.tenant not in problems),
        questions=(*wrong, *adoption.questions),
    )


def portions(adoption: Adoption, size: int) -> Iterator[Adoption]:
    """Yield the adoption in portions of so many tenants, at least one; tiers and pins are in the first."""
    for start in range(0, max(1, len(adoption.tenants)), size):
        part = replace(adoption, tenants=adoption.tenants[start : start + size])
        yield part if start == 0 else replace(part, tiers=(), pinned=())


def observed_again(adoption: Adoption, live: LiveState) -> Adoption:
    """Return the adoption with what was read of its projects since; tiers and overrides stay."""
    projects = {project.id: project for project in live.projects}
    fresh = [
        replace(one, named=replace(one.named, project=projects.get(one.project.id, one.project)))
        for one in adoption.tenants
    ]
    return replace(adoption, tenants=tuple(fresh))

"""What `adopt` and `collect` have done, in plain values: what their JSON documents contain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.adopt.collecting import NamedBy  # noqa: TC001 - the document is derived from the types
from reconciler.adopt.owners import NamingSource, Reason  # noqa: TC001 - as above
from reconciler.adopt.proposals import SURE, SuggestedPattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.adopt.adoption import Adopted, Adoption
    from reconciler.adopt.collecting import Uncollected
    from reconciler.adopt.owners import NamedProject, Question
    from reconciler.model.values import Json, Value


class AdoptedTier(Struct, frozen=True):
    """A tier that adopted tenants have."""

    tier: str
    tenants: int
    with_overrides: int
    """How many of them need overrides."""
    inferred: Mapping[str, Value] | None
    """The values of a tier that is added to tiers.yaml, by field; null for one that is there."""


class AdoptedTenant(Struct, frozen=True):
    """A project that a file declares from now on."""

    tenant: str
    project_id: str
    project: str
    """The project's name."""
    organization: str
    named_by: NamingSource
    pattern: str
    """The pattern, or the address in an imported file, that names the tenant; may be empty."""
    document: Mapping[str, Json] | None
    """What the file says; null for a tenant whose file only gets the project's id."""
    instead_of: Mapping[str, Value]
    """What the tier has where the document has overrides, by field."""


class OpenQuestion(Struct, frozen=True):
    """A project about which a person has to decide."""

    project_id: str
    project: str
    organization: str
    reason: Reason
    told: str
    """More than the reason; may be empty."""
    proposal: str | None
    """A name for the tenant."""
    sure: str | None
    """How sure the proposal is."""


class AdoptionResult(Struct, frozen=True):
    """What was adopted, or would be."""

    dry_run: bool
    projects: int
    """Selected projects that no file declared."""
    adopted: int
    in_files: int
    """Projects that files declared before."""
    left_alone: int
    """Projects of other fleets, and those that an answer leaves alone."""
    left_out: int
    """Projects that the selection leaves out."""
    unknown: int
    """Projects that the API did not return."""
    tiers: tuple[AdoptedTier, ...]
    tenants: tuple[AdoptedTenant, ...]
    questions: tuple[OpenQuestion, ...]
    patterns: tuple[SuggestedPattern, ...]
    """Patterns to try."""
    created: tuple[str, ...]
    """Files that did not exist."""
    edited: tuple[str, ...]
    """Files that were changed in place."""
    in_no_file: Mapping[str, int]
    """How many things there are that the files do not state, by what they are."""
    terraform: tuple[str, ...]
    """Resources that Terraform has to forget."""
    in_sync: bool
    """Whether the plan with these files is empty, without refusals and conflicts."""


class CollectedTenant(Struct, frozen=True):
    """A sign-up that gets a line."""

    tenant: str
    project_id: str
    named_by: NamedBy
    document: Mapping[str, Json]
    """The line."""


class LeftOutProject(Struct, frozen=True):
    """A project of the fleet that gets no line."""

    tenant: str
    project_id: str
    reason: str
    told: str
    """More than the reason; may be empty."""


class CollectionResult(Struct, frozen=True):
    """The sign-ups that a file of lines holds from now on."""

    dry_run: bool
    file: str
    tenants: tuple[CollectedTenant, ...]
    left_out: tuple[LeftOutProject, ...]


def adopted_tiers(adopted: Adoption) -> tuple[AdoptedTier, ...]:
    """Return the tiers of the tenants, the most frequent first."""
    inferred = {tier.name: tier.grant.stated for tier in adopted.tiers}
    by_tier: dict[str, list[Adopted]] = {}
    for one in adopted.tenants:
        by_tier.setdefault(one.tier, []).append(one)
    tiers = (
        AdoptedTier(name, len(those), sum(bool(one.overrides) for one in those), inferred.get(name))
        for name, those in by_tier.items()
    )
    return tuple(sorted(tiers, key=lambda one: (-one.tenants, one.tier)))


def adopted_tenants(adopted: Adoption) -> Iterator[AdoptedTenant]:
    """Yield the tenants with new documents, then those whose files get an id."""
    for one in adopted.tenants:
        yield _tenant(one.named, one.document, one.granted)
    for named in adopted.pinned:
        yield _tenant(named, None, {})


def _tenant(
    named: NamedProject, document: Mapping[str, Json] | None, instead_of: Mapping[str, Value]
) -> AdoptedTenant:
    project = named.project
    about = (project.id, project.name, project.organization)
    return AdoptedTenant(named.tenant, *about, named.how, named.by, document, instead_of)


def open_questions(questions: Iterable[Question]) -> Iterator[OpenQuestion]:
    """Yield each question with its proposal."""
    for one in questions:
        about = (one.project.id, one.project.name, one.project.organization)
        proposal = one.proposal
        yield OpenQuestion(*about, one.reason, one.detail, proposal.tenant, SURE.get(proposal.sureness))


def left_out_projects(left: Iterable[Uncollected], age: str) -> Iterator[LeftOutProject]:
    """Yield each project that gets no line; ``age`` is the least that one has to have."""
    for one in left:
        yield LeftOutProject(one.tenant, one.project_id, one.why.value.format(age=age), one.detail)

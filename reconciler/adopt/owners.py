"""Which tenant each project in no file is: what names it, and what a person has to decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.adopt.patterns import matches
from reconciler.adopt.proposals import Proposal, Sureness, original, possible, proposal, suggested
from reconciler.desired.naming import identity
from reconciler.model.annotations import FLEET
from reconciler.plan.ownership import created_for, owner

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.adopt.patterns import Pattern
    from reconciler.adopt.proposals import SuggestedPattern
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject

NO_PROPOSAL: Final = Proposal(None, Sureness.NONE)


class NamingSource(Enum):
    """What names a project's tenant, the surest first."""

    ANSWER = "answer"
    IMPORT = "import"
    ANNOTATION = "annotation"
    PATTERN = "pattern"


class Reason(Enum):
    """Why a person has to decide."""

    UNNAMED = "the tenant is not known"
    SEVERAL_NAMES = "several tenants are named"
    CLASH = "several projects name one tenant"
    COPY = "it looks like a copy"
    IMPOSSIBLE = "no tenant can have this name"
    DECLARED = "a file declares the tenant already"
    NO_TIER = "no tier is in its organization"
    INVALID = "its file would not be valid"


class NamedProject(Struct, frozen=True):
    """A project whose tenant is known."""

    project: LiveProject
    tenant: str
    how: NamingSource
    by: str = ""
    """The pattern, or the address in an imported file."""
    tier: str | None = None
    """The tier that the project's name names."""


class Question(Struct, frozen=True):
    """A project about which a person has to decide."""

    project: LiveProject
    reason: Reason
    detail: str = ""
    """More than the reason: names from the account, not yet safe to print."""
    proposal: Proposal = NO_PROPOSAL


class KnownNames(Struct, frozen=True, kw_only=True):
    """Everything that may name tenants, beside annotations."""

    patterns: Sequence[Pattern] = ()
    answers: Mapping[str, str | None] = {}
    """By project id: the tenant that a person named; None to leave the project alone."""
    imported: Mapping[str, str] = {}
    """By project id: the tenant that an imported file names."""
    otherwise: Mapping[str, str] = {}
    """By project id: the tenant where nothing else names one."""
    naming: Sequence[str] = ()
    """Patterns of ``naming`` in tiers.yaml: they are suggested, and name nobody by themselves."""


class Owners(Struct, frozen=True):
    """The result: every project is in one of the three."""

    named: tuple[NamedProject, ...] = ()
    questions: tuple[Question, ...] = ()
    """The surest proposals first."""
    left_alone: tuple[LiveProject, ...] = ()
    """Projects of other fleets, and those that an answer leaves alone."""
    suggestions: tuple[SuggestedPattern, ...] = ()
    """Patterns that names fit which nothing names yet."""


NOBODY: Final = Owners()


@dataclass(slots=True)
class _Search:
    desired: DesiredState
    names: KnownNames
    named: list[NamedProject] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    left_alone: list[LiveProject] = field(default_factory=list)
    unnamed: list[LiveProject] = field(default_factory=list)

    def look(self, project: LiveProject) -> None:
        """Name one project, by the surest of what names it."""
        names = self.names
        if project.id in names.answers:
            self._answered(project, names.answers[project.id])
        elif _of_another_fleet(project, self.desired):
            self.left_alone.append(project)
        else:
            self._by_claims(project, list(self._claims(project)))

    def _answered(self, project: LiveProject, tenant: str | None) -> None:
        if tenant is None:
            self.left_alone.append(project)
        else:
            self.named.append(NamedProject(project, tenant, NamingSource.ANSWER))

    def _claims(self, project: LiveProject) -> Iterator[NamedProject]:
        if (imported := self.names.imported.get(project.id)) is not None:
            yield NamedProject(project, imported, NamingSource.IMPORT)
        if (noted := created_for(project, self.desired)) is not None:
            yield NamedProject(project, noted, NamingSource.ANNOTATION)
        for one, match in matches(self.names.patterns, project.name, project.organization):
            yield NamedProject(project, match.tenant, NamingSource.PATTERN, one.text, match.tier)

    def _by_claims(self, project: LiveProject, claims: Sequence[NamedProject]) -> None:
        if not claims and (tenant := self.names.otherwise.get(project.id)) is not None:
            claims = [NamedProject(project, tenant, NamingSource.IMPORT)]
        if not claims:
            self.unnamed.append(project)
            return
        certain = [one for one in claims if one.how is NamingSource.IMPORT] or claims
        tenants = list(dict.fromkeys(one.tenant for one in certain))
        if len(tenants) > 1:
            detail = ", ".join(f"{one.tenant} by {one.by or one.how.value}" for one in certain)
            self.questions.append(Question(project, Reason.SEVERAL_NAMES, detail))
            return
        tiers = (one.tier for one in claims if one.tier is not None)
        first = certain[0]
        self.named.append(NamedProject(project, first.tenant, first.how, first.by, next(tiers, None)))


def owners(desired: DesiredState, projects: Sequence[LiveProject], names: KnownNames) -> Owners:
    """Return which tenants the projects are; ``projects`` are those in no file.

    Two projects of one tenant are questions, and so are copies, impossible names, and tenants that a file declares
    for another project. Nothing is invented.
    """
    search = _Search(desired, names)
    for project in projects:
        search.look(project)
    counts = Counter(identity(one.tenant) for one in search.named)
    found: list[NamedProject] = []
    for one in search.named:
        question = _doubt(desired, one, counts)
        if question is None:
            found.append(one)
        else:
            search.questions.append(question)
    suggestions = suggested([project.name for project in search.unnamed], names.naming)
    search.questions += _unnamed(desired, search.unnamed, suggestions, counts)
    return Owners(tuple(found), _sorted(search.questions), tuple(search.left_alone), suggestions)


def _doubt(desired: DesiredState, named: NamedProject, counts: Mapping[str, int]) -> Question | None:
    """Return why the project cannot be adopted for the tenant; None if it can."""
    tenant, project = named.tenant, named.project
    if not possible(tenant):
        return Question(project, Reason.IMPOSSIBLE, tenant)
    if counts[identity(tenant)] > 1:
        return Question(project, Reason.CLASH, tenant)
    if (declared := desired.same_name(tenant)) is not None and not _waits(desired, declared, tenant):
        return Question(project, Reason.DECLARED, declared)
    if (
        named.how is NamingSource.PATTERN
        and (bare := original(tenant)) is not None
        and _known(desired, bare, counts)
    ):
        return Question(project, Reason.COPY, bare)
    return None


def _waits(desired: DesiredState, declared: str, tenant: str) -> bool:
    """Whether the declared tenant's file may get the project's id: it pins none, and asks for no deletion."""
    file = desired.tenants.get(declared)
    return file is not None and declared == tenant and file.project_id is None and not file.absent


def _known(desired: DesiredState, tenant: str, counts: Mapping[str, int]) -> bool:
    return counts.get(identity(tenant), 0) > 0 or desired.same_name(tenant) is not None


def _of_another_fleet(project: LiveProject, desired: DesiredState) -> bool:
    note = owner(project)
    return note is not None and note.get(FLEET) != desired.fleet


def _unnamed(
    desired: DesiredState,
    projects: Sequence[LiveProject],
    suggestions: Sequence[SuggestedPattern],
    counts: Mapping[str, int],
) -> Iterator[Question]:
    """A name that somebody else has, or that is proposed for two projects, is no more than a guess."""
    proposals = [proposal(project.name, suggestions) for project in projects]
    proposed = Counter(identity(one.tenant) for one in proposals if one.tenant is not None)
    known = Counter(counts) + proposed
    for project, one in zip(projects, proposals, strict=True):
        if one.tenant is not None and _doubtful(desired, one.tenant, known):
            one = Proposal(one.tenant, Sureness.GUESS)  # noqa: PLW2901 - the same proposal, less sure
        yield Question(project, Reason.UNNAMED, proposal=one)


def _doubtful(desired: DesiredState, tenant: str, known: Mapping[str, int]) -> bool:
    """Whether the name is that of another tenant too, or of a copy of another one's project."""
    if known[identity(tenant)] > 1 or desired.same_name(tenant) is not None:
        return True
    return (bare := original(tenant)) is not None and _known(desired, bare, known)


def _sorted(questions: Iterable[Question]) -> tuple[Question, ...]:
    order = list(Reason)
    return tuple(
        sorted(
            questions,
            key=lambda one: (
                order.index(one.reason) if one.reason is not Reason.UNNAMED else len(order),
                one.proposal.sureness,
                one.project.organization,
                one.project.name,
                one.project.id,
            ),
        )
    )

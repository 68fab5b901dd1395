"""Sign-ups: projects of this fleet whose tenants no file holds, and documents that declare them as they are."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.adopt.adoption import Adopted, in_no_file
from reconciler.adopt.grant import differences, grant_of_project, grant_of_tier
from reconciler.adopt.nearest_tier import nearest
from reconciler.adopt.needs import AdoptRequirements, ids, unstated
from reconciler.adopt.owners import KnownNames, NamedProject, NamingSource
from reconciler.desired.naming import identity
from reconciler.live.project import Needs
from reconciler.plan.ownership import created_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState

CLOCKS_APART: Final = timedelta(hours=1)
"""By how much the clocks of a journal's machine and of Neon may differ."""


class NamedBy(Enum):
    """What names the tenant of a sign-up."""

    REGISTRY = "registry"
    ANNOTATION = "annotation"
    JOURNAL = "journal"


class LeftOutReason(Enum):
    """Why a project is left out."""

    YOUNG = "created less than {age} ago: the run that creates it may still be at work"
    REMOVED = "a commit removed its file: to delete the project, write state: absent"
    DECLARED = "a file, or the base, declares the tenant"
    SEVERAL = "several tenants or projects are named"
    NO_TIER = "no tier is in its organization"
    INVALID = "its document would not be valid"


class SignUp(Struct, frozen=True):
    """A tenant that a line is to declare."""

    adopted: Adopted
    source: NamedBy


class Uncollected(Struct, frozen=True):
    """A project of the fleet that gets no line."""

    tenant: str
    project_id: str
    why: LeftOutReason
    detail: str = ""
    """More than the reason."""


class Collected(Struct, frozen=True):
    """All sign-ups that no file holds, sorted by name."""

    sign_ups: tuple[SignUp, ...]
    left_out: tuple[Uncollected, ...]


class Recorded(Struct, frozen=True):
    """What a journal says of a project: that a run has created it, and for whom."""

    tenant: str
    started_at: datetime
    """When the run began."""
    kept_at: datetime
    """When the run had it."""

    def is_of(self, project: LiveProject) -> bool:
        """Whether the project may be that one: another account, such as a simulator's, has others with its id."""
        since, until = project.created_at - self.started_at, project.created_at - self.kept_at
        return since >= -CLOCKS_APART and until <= CLOCKS_APART


class SignUpHistory(Struct, frozen=True):
    """What is known of tenants beside live state."""

    recorded: Mapping[str, Recorded]
    """By project id."""
    declared: Collection[str]
    """Tenants that the base declares."""
    removed: Collection[str]
    """Tenants whose files a commit removed."""


class CollectRequirements(AdoptRequirements, frozen=True):
    """What has to be known: who owns each project that may be of this fleet, and values that lists leave out."""

    @property
    def max_unowned_reads(self) -> int | None:
        """All of those that ``details`` names."""
        return None

    def details(self, desired: DesiredState, live: LiveState) -> Needs:
        """The annotations of projects named as this fleet names them, and of a few others."""
        projects, _ = in_no_file(desired, live)
        known = set(live.registered_ids.values())
        fit: list[LiveProject] = []
        others: list[LiveProject] = []
        for one in projects:
            if one.id not in known:
                (fit if desired.tenant_by_project_name(one.name) else others).append(one)
        asked = [*fit, *(others if len(others) <= self.reach.unowned_reads else ())]
        return Needs(
            projects=ids(one for one in projects if unstated(one)),
            branches=ids(one for one in asked if one.branches is None),
        )


def requirements() -> CollectRequirements:
    """Return what has to be read."""
    return CollectRequirements(KnownNames())


def collect(
    desired: DesiredState, live: LiveState, past: SignUpHistory, now: datetime, min_age: timedelta
) -> Collected:
    """Return the sign-ups. Deterministic: the same inputs give the same documents."""
    named = sorted(_named(desired, live, past), key=lambda one: (one[0].tenant, one[0].project.id))
    counts: dict[str, set[str]] = {}
    tenants: dict[str, set[str]] = {}
    for one, _ in named:
        counts.setdefault(identity(one.tenant), set()).add(one.project.id)
        tenants.setdefault(one.project.id, set()).add(one.tenant)
    sign_ups: dict[str, SignUp] = {}
    left: dict[str, Uncollected] = {}
    for one, source in named:
        several = len(counts[identity(one.tenant)]) > 1 or len(tenants[one.project.id]) > 1
        why = LeftOutReason.SEVERAL if several else _why_not(desired, past, one, now - min_age)
        adopted = None if why is not None else _adopted(desired, live, one)
        if adopted is not None:
            sign_ups.setdefault(one.tenant, SignUp(adopted, source))
        else:
            left.setdefault(one.project.id, Uncollected(one.tenant, one.project.id, why or LeftOutReason.NO_TIER))
    return Collected(tuple(sign_ups.values()), tuple(sorted(left.values(), key=lambda one: one.tenant)))


def _named(desired: DesiredState, live: LiveState, past: SignUpHistory) -> Iterator[tuple[NamedProject, NamedBy]]:
    """Yield each project in no file with every tenant that something names, the surest first.

    A journal counts only where nothing else names one: it may be of another account.
    """
    rows = {project: tenant for tenant, project in live.registered_ids.items()}
    for project in in_no_file(desired, live)[0]:
        claims = [(NamedBy.REGISTRY, rows.get(project.id)), (NamedBy.ANNOTATION, created_for(project, desired))]
        if all(tenant is None for _, tenant in claims):
            journaled = past.recorded.get(project.id)
            claims = [
                (NamedBy.JOURNAL, journaled.tenant if journaled is not None and journaled.is_of(project) else None)
            ]
        for source, tenant in claims:
            if tenant is not None:
                yield NamedProject(project, tenant, NamingSource.ANNOTATION), source


def _why_not(
    desired: DesiredState, past: SignUpHistory, named: NamedProject, youngest: datetime
) -> LeftOutReason | None:
    if named.tenant in past.removed:
        return LeftOutReason.REMOVED
    if named.tenant in past.declared or desired.same_name(named.tenant) is not None:
        return LeftOutReason.DECLARED
    return LeftOutReason.YOUNG if named.project.created_at > youngest else None


def _adopted(desired: DesiredState, live: LiveState, named: NamedProject) -> Adopted | None:
    """Return the document's values: the registry's tier, else the nearest, and what the project has otherwise."""
    grant = grant_of_project(named.project)
    tiers = {name: grant_of_tier(tier) for name, tier in desired.tiers.items()}
    tier = _registered_tier(live, named.tenant, named.project)
    overrides = differences(grant, tiers[tier]) if tier in tiers else None
    if tier is None or overrides is None:
        found = nearest(grant, tiers)
        if found is None:
            return None
        tier, overrides = found.tier, dict(found.overrides)
    return Adopted(named, tier, overrides)


def _registered_tier(live: LiveState, tenant: str, project: LiveProject) -> str | None:
    row = live.registered.get(tenant)
    return row.record.tier if row is not None and row.project_id == project.id else None

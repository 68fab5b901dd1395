"""The live state of a fleet: what one observation saw, and what it could not see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.live.project import DeletedProject, LiveProject
    from reconciler.live.registered import Registered
    from reconciler.live.runs import Fate


@dataclass(frozen=True, slots=True)
class UnknownProject:
    """An id that the API knows but would not show in time."""

    id: str
    organization: str
    name: str | None = None
    """As listed; None for one that was not even listed: it may be any tenant's project."""


@dataclass(frozen=True, slots=True)
class AnnotationSearch:
    """A look for the projects of tenants that no name finds, by what the projects' annotations say."""

    tenants: frozenset[str]
    listed: int
    """Live projects of all organizations."""
    asked: int
    """Those of them whose annotations were read."""


@dataclass(frozen=True, slots=True)
class LiveState:
    """Projects in (organization, name, id) order, at most one entry per id.

    ``listed`` is the number of live projects per organization where the organization was listed
    whole; an organization that is absent from it was only asked about single projects, so that
    nothing follows from a project being absent but for the names and ids that were asked for.
    """

    projects: tuple[LiveProject, ...] = ()
    unknown: tuple[UnknownProject, ...] = ()
    listed: Mapping[str, int] = field(default_factory=dict)
    deleted: Mapping[str, tuple[DeletedProject, ...]] = field(default_factory=dict)
    """What can be recovered, per organization that was asked for it and showed all of it."""
    registered: Mapping[str, Registered] = field(default_factory=dict)
    """The rows of the tenant registry, by tenant; none where no registry is configured."""
    revisions: Mapping[str, int] = field(default_factory=dict)
    """The revision of each tenant's document that was accepted last, as registry or caller remember it."""

    applied: Mapping[str, int] = field(default_factory=dict)
    """Those of them that the caller remembers as applied."""
    annotation_search: AnnotationSearch | None = None
    """Where few tenants were looked up, and one that had a project was not found by its name."""
    fates: Mapping[str, Fate] = field(default_factory=dict)
    """What is known of runs that made a second project for a tenant, by their ids."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Projects that were asked for by id and are in an organization that no file names: their ids, and Neon's id
    of it."""

    @property
    def places(self) -> dict[str, str]:
        """The project id of each tenant of whom the registry names one."""
        return {name: row.project_id for name, row in self.registered.items() if row.project_id is not None}

    def project(self, project_id: str) -> LiveProject | None:
        """The project of that id, if it was seen."""
        return next((project for project in self.projects if project.id == project_id), None)

    @property
    def recoverable(self) -> Iterator[DeletedProject]:
        """Every deleted project that was seen, in the order of the organizations."""
        return (deleted for of_one in self.deleted.values() for deleted in of_one)

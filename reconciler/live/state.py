"""The live state of a fleet: the result of one observation, what it could not read, and what is known of runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.live.project import DeletedProject, LiveProject
    from reconciler.live.registered import Registered


@dataclass(frozen=True, slots=True)
class UnknownProject:
    """The id of a project that the API did not show in time."""

    id: str
    organization: str
    name: str | None = None
    """Its name in the list; None if it was not listed: it may belong to any tenant."""


@dataclass(frozen=True, slots=True)
class AnnotationSearch:
    """A search by annotation for the projects of tenants that were not found by name."""

    tenants: frozenset[str]
    listed: int
    """The number of live projects in all organizations."""
    asked: int
    """The number of projects whose annotations were read."""


@dataclass(frozen=True, slots=True)
class LiveState:
    """Projects in (organization, name, id) order, at most one entry per id.

    ``listed`` is the number of live projects of each organization that was listed completely. In other
    organizations, only single names and ids were searched for: other projects may exist there.
    """

    projects: tuple[LiveProject, ...] = ()
    unknown: tuple[UnknownProject, ...] = ()
    listed: Mapping[str, int] = field(default_factory=dict)
    list_cursors: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)
    """By listed organization and project id: with which cursor the page of the list was asked for that had the
    project. A run asks for single pages again."""
    deleted: Mapping[str, tuple[DeletedProject, ...]] = field(default_factory=dict)
    """The recoverable projects of each organization that listed all of them."""
    registered: Mapping[str, Registered] = field(default_factory=dict)
    """The rows of the tenant registry by tenant; empty without a registry."""
    revisions: Mapping[str, int] = field(default_factory=dict)
    """The last accepted revision of each tenant, from the registry or the caller."""

    applied: Mapping[str, int] = field(default_factory=dict)
    """The last applied revision of each tenant, from the caller."""
    annotation_search: AnnotationSearch | None = None
    """Present if few tenants were looked up and one with an earlier project was not found by name."""
    run_statuses: Mapping[str, RunStatus] = field(default_factory=dict)
    """What is known about runs that created a second project for a tenant, by id of the run."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Projects that were read by id and are in an organization that no file names: project id to Neon's id of the
    organization."""

    @property
    def registered_ids(self) -> dict[str, str]:
        """The project id of each tenant in the registry."""
        return {name: row.project_id for name, row in self.registered.items() if row.project_id is not None}

    def registered_id(self, tenant: str) -> str | None:
        """The project id of one tenant in the registry; None if it has no row, or the row no project."""
        row = self.registered.get(tenant)
        return None if row is None else row.project_id

    def project(self, project_id: str) -> LiveProject | None:
        """The project with that id, if it was read."""
        return next((project for project in self.projects if project.id == project_id), None)

    @property
    def recoverable(self) -> Iterator[DeletedProject]:
        """Every deleted project that was listed, by organization."""
        return (deleted for of_one in self.deleted.values() for deleted in of_one)


class RunState(Enum):
    """Whether a run is still in progress."""

    RUNNING = "running"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What is known about one run."""

    state: RunState = RunState.UNKNOWN
    evidence: str = ""
    """How that is known, as a sentence; empty if unknown."""
    kept: frozenset[str] | None = None
    """Ids of the projects that it kept for a tenant: it may have reported them, or returned their connection
    strings. None without its journal."""


NOTHING_KNOWN = RunStatus()

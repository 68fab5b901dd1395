"""The live state of a fleet: the result of one observation, what it could not read, and what is known of runs."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotations
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from reconciler.live.project import DeletedProject, LiveProject  # noqa: TC001 - msgspec reads the annotations
from reconciler.live.registered import Registered  # noqa: TC001 - msgspec reads the annotations
from reconciler.model.values import PartlyCompared

if TYPE_CHECKING:
    from collections.abc import Iterator


class UnknownProject(Struct, frozen=True):
    """The id of a project that the API did not show in time."""

    id: str
    organization: str
    name: str | None = None
    """Its name in the list; None if it was not listed: it may belong to any tenant."""


class AnnotationSearch(Struct, frozen=True):
    """A search by annotation for the projects of tenants that were not found by name."""

    tenants: frozenset[str]
    listed: int
    """The number of live projects in all organizations."""
    asked: int
    """The number of projects whose annotations were read."""


class LiveState(PartlyCompared, frozen=True):
    """Projects in (organization, name, id) order, at most one entry per id.

    ``listed`` is the number of live projects of each organization that was listed completely. In other
    organizations, only single names and ids were searched for: other projects may exist there.
    """

    not_compared: ClassVar[frozenset[str]] = frozenset({"list_cursors"})

    projects: tuple[LiveProject, ...] = ()
    unknown: tuple[UnknownProject, ...] = ()
    listed: Mapping[str, int] = {}
    list_cursors: Mapping[str, Mapping[str, str]] = {}
    """By listed organization and project id: with which cursor the page of the list was asked for that had the
    project. A run asks for single pages again."""
    deleted: Mapping[str, tuple[DeletedProject, ...]] = {}
    """The recoverable projects of each organization that listed all of them."""
    registered: Mapping[str, Registered] = {}
    """The rows of the tenant registry by tenant; empty without a registry."""
    revisions: Mapping[str, int] = {}
    """The last accepted revision of each tenant, from the registry or the caller."""

    applied: Mapping[str, int] = {}
    """The last applied revision of each tenant, from the caller."""
    annotation_search: AnnotationSearch | None = None
    """Present if few tenants were looked up and one with an earlier project was not found by name."""
    run_statuses: Mapping[str, RunStatus] = {}
    """What is known about runs that created a second project for a tenant, by id of the run."""
    interrupted_moves: Mapping[str, str] = {}
    """Projects that had a quota when a run moved them, and whose quota no run is known to have looked at since:
    project id to the organization that they were moved to."""
    elsewhere: Mapping[str, str] = {}
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


class RunStatus(Struct, frozen=True):
    """What is known about one run."""

    state: RunState = RunState.UNKNOWN
    evidence: str = ""
    """How that is known, as a sentence; empty if unknown."""
    kept: frozenset[str] | None = None
    """Ids of the projects that it kept for a tenant: it may have reported them, or returned their connection
    strings. None without its journal."""


NOTHING_KNOWN = RunStatus()

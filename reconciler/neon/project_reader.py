"""Reads single projects, in any organization, and their details."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct, field

from reconciler.errors import (
    ApiError,
    AuthenticationError,
    ForeignProjectError,
    IncompleteViewError,
    NotFoundError,
    PermissionDeniedError,
    UnexpectedAnswerError,
)
from reconciler.live.project import LiveProject
from reconciler.live.state import LiveState, UnknownProject
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.neon.pace import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.errors import ReconcilerError
    from reconciler.live.project import Needs
    from reconciler.neon.client import Neon

LiveStatus: TypeAlias = LiveProject | UnknownProject | None
"""The result of reading a project: the project, an id that could not be read, or None if it no longer exists."""

TOO_MANY_UNREADABLE: Final = 100
"""With more unreadable projects than this, the API counts as down."""
MISSING_PAUSES_SECONDS: Final = (2.0, 4.0, 8.0)
"""Before each further look for projects that no key shows: they may have just been moved."""
MISSING_SECONDS: Final = sum(MISSING_PAUSES_SECONDS)
UNREADABLE: Final = (ApiError, UnexpectedAnswerError)
"""Errors that concern one project. An unreachable host ends the run instead."""
_PLACE: Final = attrgetter("organization", "name", "id")


class UnreadProject(Struct, frozen=True):
    """Why a project could not be read, and in which organization."""

    organization: str
    error: ReconcilerError


class ProjectReader(Struct):
    """The reads of one observation. Stops if too many projects cannot be read. Reads no detail twice."""

    neon: Neon
    organizations: tuple[str, ...]
    _unreadable: int = 0
    _asked: set[tuple[str, str, str]] = field(default_factory=set)
    """Details read: kind, organization, project id."""
    elsewhere: dict[str, str] = field(default_factory=dict)
    """As ``LiveState.elsewhere``."""
    unread: dict[str, ReconcilerError] = field(default_factory=dict)
    """The error of each project that could not be read, by id."""
    _patience_ends_at: float | None = None
    """Until when projects that no key sees are looked for again, in event loop time. None: none was missing."""

    async def read(self, project_id: str, *, first: str | None = None, name: str | None = None) -> LiveStatus:
        """Searches all organizations for the project, organization ``first`` before the others.

        ``name`` is its name in a list, if a list contains it. Neon does not document whether a key gets 404 or 403
        for a project of another organization. If no key finds the project and one gets 403, it is unknown.
        """
        return self._noted(await self._look(project_id, first), project_id, name)

    async def read_moving(self, project_id: str, *, first: str | None, name: str | None = None) -> LiveStatus:
        """As ``read``. Looks again for a while for a project that no key sees: it may have just been moved.

        All reads of an observation together wait until ``MISSING_SECONDS`` after the first one that found nothing.
        """
        look = await self._look(project_id, first)
        for pause_seconds in MISSING_PAUSES_SECONDS:
            if not self._may_arrive(project_id, look):
                break
            await asyncio.sleep(pause_seconds)
            look = await self._look(project_id, first)
        return self._noted(look, project_id, name)

    async def _look(self, project_id: str, first: str | None) -> LiveProject | UnreadProject | None:
        denied: UnreadProject | None = None
        for organization in sorted(self.organizations, key=lambda name: name != first):
            try:
                return await self.neon.project(organization, project_id)
            except NotFoundError:
                continue
            except PermissionDeniedError as error:
                denied = UnreadProject(organization, error)
            except ForeignProjectError as error:
                self.elsewhere[project_id] = error.organization_id
                return None
            except UNREADABLE as error:
                return UnreadProject(organization, error)
        return denied

    def _may_arrive(self, project_id: str, look: LiveProject | UnreadProject | None) -> bool:
        """Whether no key sees the project, and it is not too late to look again."""
        denied = isinstance(look, UnreadProject) and isinstance(look.error, PermissionDeniedError)
        if not denied and (look is not None or project_id in self.elsewhere):
            return False
        now = asyncio.get_running_loop().time()
        if self._patience_ends_at is None:
            self._patience_ends_at = now + MISSING_SECONDS
        return now < self._patience_ends_at

    def _noted(self, look: LiveProject | UnreadProject | None, project_id: str, name: str | None) -> LiveStatus:
        if isinstance(look, UnreadProject):
            return self._unknown(UnknownProject(project_id, look.organization, name), look.error)
        return look

    async def merge(self, seen: Iterable[LiveProject], unread: Iterable[UnknownProject]) -> LiveState:
        """One entry per id. Reads unread projects, and again those in two lists: they moved meanwhile."""
        sightings = [*seen]
        latest = {project.id: project for project in sightings}
        doubtful: list[LiveProject | UnknownProject] = []
        if len(latest) < len(sightings):
            times = Counter(project.id for project in sightings)
            doubtful += [project for project in latest.values() if times[project.id] > 1]
        doubtful += {project.id: project for project in unread if project.id not in latest}.values()
        reads = await each(doubtful, lambda one: self.read_moving(one.id, first=one.organization, name=one.name))
        live = LiveState(projects=ordered(latest.values()))
        return _updated(live, {one.id: read for one, read in zip(doubtful, reads, strict=True)})

    async def with_details(
        self,
        live: LiveState,
        needed: Callable[[LiveState], Needs],
        on_done: Callable[[int, int], None],
        *,
        on_round: Callable[[Needs], None] = lambda _: None,
    ) -> LiveState:
        """The same state with details, read in rounds: the result of one round may require more details.

        Calls ``on_round`` before each round, and ``on_done`` with the number of projects of the round that are
        done, and with their total. Raises CallLimitError if a round takes more calls than may be made.
        """
        while wanted := self._wanted(live, needs := needed(live)):
            self.neon.require_calls(
                sum(map(len, wanted.values())), f"read {', '.join(needs.reasons) or 'projects'}"
            )
            on_round(needs)
            live = await self._read_round(live, wanted, on_done)
        return live

    async def _read_round(
        self, live: LiveState, wanted: Mapping[str, Sequence[str]], on_done: Callable[[int, int], None]
    ) -> LiveState:
        projects = [project for project in live.projects if project.id in wanted]
        reads = await each(
            projects,
            lambda project: self._read_details(project, wanted[project.id]),
            on_done=lambda done: on_done(done, len(projects)),
        )
        return _updated(live, {project.id: read for project, read in zip(projects, reads, strict=True)})

    def _wanted(self, live: LiveState, need: Needs) -> dict[str, list[str]]:
        """The kinds of details to read, by project id, without those that were read before."""
        homes = {project.id: project.organization for project in live.projects}
        wanted: dict[str, list[str]] = {}
        details = {
            "project": need.projects,
            "branches": need.branches,
            "endpoints": need.endpoints,
            "snapshots": need.snapshots,
            "integrations": need.integrations,
        }
        asked = [(kind, id_) for kind, ids in details.items() for id_ in ids]
        asked += [(f"roles {branch_id}", id_) for id_, branch_id in need.roles]
        asked += [(f"databases {branch_id}", id_) for id_, branch_id in need.databases]
        for kind, id_ in asked:
            detail = (kind, homes[id_], id_)
            if detail not in self._asked:
                self._asked.add(detail)
                wanted.setdefault(id_, []).append(kind)
        return wanted

    async def _read_details(self, project: LiveProject, kinds: Sequence[str]) -> LiveStatus:
        """The project with these details. If the API does not find it, searches all organizations for it.

        A project that is found there, because its key did not see it yet, is read again for its details. One
        that exists but whose details are not found is unknown: its owner cannot be determined.
        """
        try:
            try:
                return await self._detailed(project, kinds)
            except (NotFoundError, PermissionDeniedError):
                found = await self.read_moving(project.id, first=project.organization, name=project.name)
                if not isinstance(found, LiveProject) or found.organization != project.organization:
                    return found
                return await self._detailed(project, kinds)
        except UNREADABLE as error:
            return self._unknown(UnknownProject(project.id, project.organization, project.name), error)

    async def _detailed(self, project: LiveProject, kinds: Sequence[str]) -> LiveProject:
        neon, home = self.neon, project.organization
        if "project" in kinds:
            project = with_earlier_details(project, await neon.project(home, project.id))
            if None in (project.settings, project.quota, project.compute):
                project = await self._with_listed_settings(project)
            if None in (project.settings, project.quota, project.compute):
                raise UnexpectedAnswerError(f"the API shows no settings of project {project.id}")
        if "branches" in kinds:
            project = replace(project, branches=await neon.branches(home, project.id))
        if "endpoints" in kinds:
            project = replace(project, endpoints=await neon.endpoints(home, project.id))
        if "snapshots" in kinds:
            project = replace(project, snapshots=await neon.snapshots(home, project.id))
        if "integrations" in kinds:
            listed = await neon.named(home, project.name)
            shown = [seen.integrations for seen in listed if seen.id == project.id]
            project = replace(project, integrations=shown[0]) if shown else project
        return await self._with_contents(project, kinds)

    async def _with_listed_settings(self, project: LiveProject) -> LiveProject:
        """The project with the settings that its list shows. Neon: they are optional in every answer.

        A list that shows settings without a quota says that there is none, where it has shown that of others.
        """
        listed = await self.neon.named(project.organization, project.name)
        shown = next((seen for seen in listed if seen.id == project.id), project)
        if shown.settings is not None and shown.quota is None and self.neon.lists_show_quotas:
            shown = replace(shown, quota=Quota())
        return with_earlier_details(shown, project)

    async def _with_contents(self, project: LiveProject, kinds: Sequence[str]) -> LiveProject:
        """The project with the roles and databases of the branches that ``kinds`` name.

        Those of a branch that no longer exists stay unread.
        """
        home, roles, databases = project.organization, dict(project.roles), dict(project.databases)
        for what, _, branch_id in (kind.partition(" ") for kind in kinds):
            with suppress(NotFoundError):
                if what == "roles":
                    roles[branch_id] = await self.neon.roles(home, project.id, branch_id)
                if what == "databases":
                    databases[branch_id] = await self.neon.databases(home, project.id, branch_id)
        return replace(project, roles=roles, databases=databases)

    def _unknown(self, project: UnknownProject, error: ReconcilerError) -> UnknownProject:
        if isinstance(error, AuthenticationError):
            raise error
        self.unread[project.id] = error
        self._unreadable += 1
        if self._unreadable > TOO_MANY_UNREADABLE:
            message = f"more than {TOO_MANY_UNREADABLE} projects cannot be read; the last error: {error}"
            raise IncompleteViewError(message, hint="the API may be down: run again later") from error
        return project


def ordered(projects: Iterable[LiveProject]) -> tuple[LiveProject, ...]:
    """Sorted in the order of ``LiveState.projects``."""
    return tuple(sorted(projects, key=_PLACE))


def _updated(live: LiveState, reads: Mapping[str, LiveStatus]) -> LiveState:
    """The state after these reads: adds details, removes missing projects, and adds unknown ones."""
    if not reads:
        return live
    projects = {project.id: project for project in live.projects}
    unknown = {project.id: project for project in live.unknown}
    for id_, seen in reads.items():
        before = projects.pop(id_, None)
        if isinstance(seen, LiveProject):
            projects[id_] = seen if before is None else with_earlier_details(before, seen)
        elif seen is not None:
            unknown[id_] = seen
    return replace(live, projects=ordered(projects.values()), unknown=tuple(unknown.values()))


def with_earlier_details(before: LiveProject, read: LiveProject) -> LiveProject:
    """The newer project, with the earlier details that a single read does not contain.

    Neon: ``settings`` and ``default_endpoint_settings`` are optional in every answer.
    """
    return replace(
        read,
        quota=before.quota if read.settings is None else read.quota,
        settings=before.settings if read.settings is None else read.settings,
        compute=before.compute if read.compute is None else read.compute,
        integrations=before.integrations if read.integrations is None else read.integrations,
        branches=before.branches if read.branches is None else read.branches,
        roles={**before.roles, **read.roles},
        databases={**before.databases, **read.databases},
        endpoints=before.endpoints if read.endpoints is None else read.endpoints,
        snapshots=before.snapshots if read.snapshots is None else read.snapshots,
    )

"""What has to be read to know the usage, in as few calls as possible.

A list shows sizes, limits, active time and the last activity of 400 projects. The consumption history shows the
compute time and transfer of 100 projects, one call for each span. All else takes a read of the single project.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.live.project import Needs
from reconciler.model.api_limits import PROJECTS_PER_CONSUMPTION_CALL, PROJECTS_PER_PAGE
from reconciler.plan.identity import identify
from reconciler.plan.list_pages import calls_per_list
from reconciler.plan.ownership import created_for
from reconciler.usage.amounts import LOGICAL_SIZE, limits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.usage.period import Period

IN_HISTORY: Final = frozenset({"compute_time_seconds", "data_transfer_bytes"})
NOT_LISTED: Final = "written_data_bytes"
"""Only a read of the single project shows it."""


def matched(desired: DesiredState, live: LiveState, selection: Selection) -> Iterator[tuple[Tenant, LiveProject]]:
    """The selected tenants that have a project, each with it."""
    chosen = (one for one in desired.tenants.values() if selection.includes(one) and not one.absent)
    return identify(desired, live).matched(chosen)


def searches(desired: DesiredState, tenants: Iterable[str], registered: Collection[str]) -> int:
    """The reads that find the projects of a few tenants: by id, or by name in every organization."""
    declared = [desired.tenants[name] for name in tenants]
    by_name = [one.name for one in declared if one.project_id is None and one.name not in registered]
    named = sum(len(desired.project_searches(name)) for name in by_name) * len(desired.organizations)
    return len(declared) - len(by_name) + named


class UsageRequirements(Struct, frozen=True):
    """What an observation for the usage has to know: the limits of the selected tenants' projects."""

    selection: Selection
    max_unowned_reads: int | None = 0

    def details(self, desired: DesiredState, live: LiveState) -> Needs:
        """The projects whose limits no list shows."""
        mine = (project for _, project in matched(desired, live, self.selection))
        return Needs(projects=tuple(project.id for project in mine if project.quota is None))

    def deleted(self, desired: DesiredState, live: LiveState, *, mention: bool = True) -> bool:  # noqa: ARG002
        """Deleted projects use nothing."""
        return False

    def not_found(self, desired: DesiredState, live: LiveState, tenants: Iterable[str]) -> list[str]:  # noqa: ARG002
        """A tenant without a project is reported as such, and not searched for by annotation."""
        return []

    def tenant_of(self, desired: DesiredState, project: LiveProject) -> str | None:
        """The tenant that the annotation of a project names."""
        return created_for(project, desired)


class Reads(Struct, frozen=True):
    """What is read after the lists."""

    histories: Mapping[str, tuple[str, ...]] = {}
    """Ids of projects whose consumption history is read, by organization."""
    projects: tuple[str, ...] = ()
    """Ids of projects that are read by themselves."""

    @property
    def metered(self) -> frozenset[str]:
        """Ids of all projects whose consumption history is read."""
        return frozenset(id_ for ids in self.histories.values() for id_ in ids)


def call_groups(ids: Sequence[str]) -> list[Sequence[str]]:
    """The ids in groups of one call each."""
    size = PROJECTS_PER_CONSUMPTION_CALL
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def after_lists(projects: Iterable[LiveProject], period: Period, spans: int, *, deep: bool = False) -> Reads:
    """What the list lacks for these projects. ``spans``: the calls for each group of the consumption history.

    ``deep`` reads each project that has run by itself: the counters that Neon enforces, with all members.
    """
    alone: list[str] = []
    histories: dict[str, list[str]] = {}
    for project in projects:
        limited = limits(project).keys()
        if project.consumption is not None or project.unused(period.start) or not (limited or deep):
            continue
        if deep or NOT_LISTED in limited or (project.listed_active_seconds is None and limited - {LOGICAL_SIZE}):
            alone.append(project.id)
        elif not IN_HISTORY.isdisjoint(limited):
            histories.setdefault(project.organization, []).append(project.id)
    for organization, ids in list(histories.items()):
        if len(ids) <= len(call_groups(ids)) * spans:
            alone += histories.pop(organization)
    return Reads({name: tuple(ids) for name, ids in histories.items()}, tuple(alone))


def _pages(projects: int) -> int:
    """The pages of a list. An empty page after a full one is confirmed: it may be an error."""
    return calls_per_list(projects) + bool(projects and projects % PROJECTS_PER_PAGE == 0)


def least_calls(live: LiveState, searched: int, reads: Reads, spans: int, confirmed: Needs) -> int:
    """The fewest calls that return the usage: lists or searches, then everything that they lack.

    ``searched`` counts the searches where no organization is listed.
    """
    lists = sum(map(_pages, live.listed.values())) if live.listed else searched
    histories = sum(ceil(len(ids) / PROJECTS_PER_CONSUMPTION_CALL) for ids in reads.histories.values()) * spans
    return lists + histories + len(reads.projects) + len(confirmed.projects) + len(confirmed.branches)

"""Neon's responses in the types of live state."""

from __future__ import annotations

from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.desired.naming import composed
from reconciler.live.project import (
    DeletedProject,
    LiveBranch,
    LiveEndpoint,
    LiveProject,
    LiveSnapshot,
    SnapshotRestore,
)
from reconciler.model.compute import DEFAULT_SUSPEND_TIMEOUT_SECONDS, Compute
from reconciler.model.moments import utc
from reconciler.model.quota import Consumption, Quota
from reconciler.model.values import JsonText
from reconciler.neon import wire
from reconciler.neon.wire import MOST_SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from reconciler.model.values import Json
    from reconciler.neon.wire import (
        BranchAnswer,
        BranchesPage,
        ComputeAnswer,
        EndpointAnswer,
        ProjectAnswer,
        ProjectsPage,
        SnapshotAnswer,
    )

_NO_SETTINGS: Final[Mapping[str, Json]] = {}
_NOT_COUNTED: Final = (None, None, None, None)
OLDEST_YEAR: Final = 2000
"""Neon: a time that is not set may be returned as year 1."""


def live_project(
    answer: ProjectAnswer,
    organization: str,
    integrations: Collection[str] | None = None,
    *,
    listed: bool = False,
) -> LiveProject:
    """The project in the names and units of live state. None: the response lacks the value.

    Neon does not document whether lists contain quotas: where one is ``listed``, a missing quota may be unlimited,
    or not shown.
    """
    stated = _stated(bytes(answer.settings))
    return LiveProject(
        id=answer.id,
        name=composed(answer.name),
        organization=organization,
        region=intern(answer.region_id),
        pg_version=answer.pg_version,
        created_at=utc(answer.created_at),
        quota=stated.listed_quota if listed else stated.quota,
        compute=_default_compute(bytes(answer.default_endpoint_settings)),
        restore_window_seconds=answer.history_retention_seconds,
        settings=stated.others,
        storage_bytes=answer.synthetic_storage_size,
        consumption=_consumption(answer),
        listed_active_seconds=answer.active_time,
        last_active_at=_moment(answer.compute_last_active_at),
        integrations=_sorted(integrations),
    )


def _sorted(integrations: Collection[str] | None) -> tuple[str, ...] | None:
    return tuple(sorted(set(integrations))) if integrations else (None if integrations is None else ())


def live_projects(
    page: ProjectsPage, organization: str, wanted: Callable[[ProjectAnswer], bool] | None = None
) -> list[LiveProject]:
    """A page of the list, with the integrations from their separate maps; only projects that are wanted."""
    answers = page.projects if wanted is None else [one for one in page.projects if wanted(one)]
    if not page.integrations and not page.applications:
        return [live_project(answer, organization, (), listed=True) for answer in answers]
    return [live_project(answer, organization, _integrations(page, answer.id), listed=True) for answer in answers]


def deleted_projects(page: ProjectsPage, organization: str) -> list[DeletedProject]:
    """A page of the list of deleted projects. One without ``recoverable_until`` cannot be recovered."""
    listed = zip(live_projects(page, organization), page.projects, strict=True)
    return [
        DeletedProject(project, _moment(answer.deleted_at), utc(answer.recoverable_until))
        for project, answer in listed
        if answer.recoverable_until is not None
    ]


def _integrations(page: ProjectsPage, project_id: str) -> list[str]:
    return [*page.integrations.get(project_id, ()), *page.applications.get(project_id, ())]


def live_branches(page: BranchesPage) -> list[LiveBranch]:
    """A page of the list, with the annotations from their separate map."""
    notes = {branch_id: annotation.value for branch_id, annotation in page.annotations.items()}
    return [live_branch(answer, notes.get(answer.id, {})) for answer in page.branches]


def live_branch(answer: BranchAnswer, annotations: Mapping[str, str]) -> LiveBranch:
    """The branch with its annotations, which responses have in a separate map."""
    return LiveBranch(
        id=answer.id,
        name=composed(answer.name),
        parent_id=answer.parent_id,
        default=answer.default,
        protected=answer.protected,
        annotations=annotations,
        created_at=utc(answer.created_at),
        logical_size_bytes=answer.logical_size,
        expires_at=_moment(answer.expires_at),
        lifetime_seconds=answer.ttl_interval_seconds,
        reset_at=_moment(answer.last_reset_at),
        restore=_snapshot_restore(answer),
    )


def _snapshot_restore(answer: BranchAnswer) -> SnapshotRestore | None:
    """Neon: ``restored`` until the restore is finalized. ``detaching``, while data moves, says nothing of that."""
    if answer.restored_from is None:
        return None
    waits = answer.restore_status == "restored" or (answer.restore_status == "detaching" and not answer.default)
    return SnapshotRestore(answer.restored_from, answer.restored_as, finalized=not waits)


def live_endpoint(answer: EndpointAnswer) -> LiveEndpoint:
    """The compute. One that is starting counts as running."""
    settings = answer.settings or {}
    return LiveEndpoint(
        id=answer.id,
        branch_id=answer.branch_id,
        kind=answer.type,
        compute=_compute(answer, settings.get("pg_settings")),
        active="active" in (answer.current_state, answer.pending_state),
        disabled=bool(answer.disabled),
        other_settings={name: value for name, value in settings.items() if name != "pg_settings"},
        host=answer.host,
        last_active_at=_moment(answer.last_active),
        name=composed(answer.name or ""),
        created_at=_moment(answer.created_at),
    )


def live_snapshot(answer: SnapshotAnswer) -> LiveSnapshot:
    """The snapshot. It counts as manual unless the response states otherwise, so that it is not created twice."""
    return LiveSnapshot(
        id=answer.id,
        name=composed(answer.name),
        source_branch_id=answer.source_branch_id,
        created_at=utc(answer.created_at),
        expires_at=_moment(answer.expires_at),
        manual=answer.manual,
    )


def _moment(moment: datetime | None) -> datetime | None:
    return None if moment is None or moment.year < OLDEST_YEAR else utc(moment)


class _Stated(Struct, frozen=True):
    """What the settings of a project say."""

    quota: Quota | None = None
    listed_quota: Quota | None = None
    """The quota, if it is stated."""
    others: Mapping[str, Json] | None = None


@lru_cache(maxsize=MOST_SHARED)
def _stated(settings: bytes) -> _Stated:
    """One object for all projects of which the same is stated.

    Neon: a member of a quota that is absent or 0 is unlimited; without ``settings`` the quota is not observed.
    """
    members = wire.project_settings(settings)
    if members is None:
        return _Stated()
    quota = _shared_quota(*(members.get("quota") or {}).items())
    others = {name: value for name, value in members.items() if name != "quota"} or _NO_SETTINGS
    return _Stated(quota, quota if "quota" in members else None, others)


@lru_cache(maxsize=MOST_SHARED, typed=True)
def _shared_quota(*stated: tuple[str, int | float | None]) -> Quota:
    """One object for all projects of which the same is stated: a large fleet has few quotas."""
    members = dict(stated)
    return Quota(*(int(members.get(member) or 0) for member in Quota.__struct_fields__))


def _consumption(answer: ProjectAnswer) -> Consumption | None:
    """Neon: lists contain none of the counters."""
    stated = (
        answer.active_time_seconds,
        answer.compute_time_seconds,
        answer.written_data_bytes,
        answer.data_transfer_bytes,
    )
    return None if stated == _NOT_COUNTED else Consumption(*stated)


@lru_cache(maxsize=MOST_SHARED)
def _default_compute(stated: bytes) -> Compute | None:
    """Neon: a list may contain 0/0/0 for a project that itself returns 0.25/0.25/0."""
    answer = wire.default_compute(stated)
    if answer is None:
        return None
    compute = _compute(answer, answer.pg_settings)
    return None if compute.min_cu is None and compute.max_cu is None else compute


def _compute(answer: ComputeAnswer, parameters: Json) -> Compute:
    """Empty parameters, and what is no object, state nothing."""
    suspend = answer.suspend_timeout_seconds
    return _shared_compute(
        answer.autoscaling_limit_min_cu or None,
        answer.autoscaling_limit_max_cu or None,
        DEFAULT_SUSPEND_TIMEOUT_SECONDS if suspend == 0 else suspend,
        JsonText.of(parameters) if parameters and isinstance(parameters, dict) else None,
    )


@lru_cache(maxsize=MOST_SHARED, typed=True)
def _shared_compute(*members: Any) -> Compute:
    """The same for computes."""
    return Compute(*members)

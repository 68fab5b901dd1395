"""/consumption_history: by project and by branch, and the legacy one by project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from reconciler.simulator import restore_points
from reconciler.simulator.answer import Answer
from reconciler.simulator.clock import timestamp
from reconciler.simulator.keys import KeyKind
from reconciler.simulator.metering import consumption
from reconciler.simulator.metering.consumption import (
    ALWAYS_SHOWN,
    BRANCH_METRICS,
    LEGACY_METRICS,
    PROJECT_METRICS,
    Granularity,
)
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.shapes import PLAN
from reconciler.simulator.store import encoded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.simulator.call import Call
    from reconciler.simulator.metering.consumption import Frame, History, Metric
    from reconciler.simulator.organization import StoredOrganization
    from reconciler.simulator.shapes import Document

LISTED: Final = 100
"""How many ids a request may name."""
Describe: TypeAlias = "Callable[[HistoryQuery, History, Frame], Document]"
"""What becomes of one frame in an answer."""

_ID: Final = re.compile(r"[a-z0-9-]{1,60}")


class Query(Struct, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """What each of the three is asked."""

    start: str
    end: str
    granularity: Granularity
    org_id: str | None = None
    metrics: str = ""
    project_ids: str = ""
    cursor: str = ""


class ProjectsQuery(Query):
    """The query of the history by project."""

    org_id: str
    metrics: str
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


class BranchesQuery(Query):
    """The query of the history by branch."""

    org_id: str
    metrics: str
    project_ids: str
    branch_ids: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class LegacyQuery(Query):
    """The query of the legacy history by project."""

    include_v1_metrics: bool = False
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What every history is asked for."""

    organization: StoredOrganization
    frames: Sequence[Frame]
    metrics: Mapping[str, Metric]
    known_until: float
    """Consumption after that has not been reported yet."""

    def periods(self, past: History, frame: Describe) -> list[Document]:
        """What was asked about one history."""
        plan, org_id = PLAN, self.organization.id
        return consumption.periods(
            plan, org_id, self.frames, lambda span: frame(self, past, span), known_until=self.known_until
        )


def get_projects(call: Call) -> Answer:
    """GET /consumption_history/v2/projects: the projects that were made last come first."""
    query = call.parameters(ProjectsQuery)
    asked = _asked(call, query, _chosen_metrics(query.metrics, PROJECT_METRICS))
    rows = _projects(call, asked.organization, _listed_ids(query.project_ids), query.cursor, query.limit)
    return _page([_project(call, asked, row, _frame_v2) for row in rows], rows)


def get_branches(call: Call) -> Answer:
    """GET /consumption_history/v2/branches: by the ids of their projects, then by their own."""
    query = call.parameters(BranchesQuery)
    asked = _asked(call, query, _chosen_metrics(query.metrics, BRANCH_METRICS))
    wanted, named = _listed_ids(query.project_ids), frozenset(_listed_ids(query.branch_ids))
    if not wanted:
        raise Refusal(400, "invalid request: project_ids is required")
    found = [
        {"project_id": row["id"], "branch_id": branch_id, "periods": asked.periods(past, _frame_v2)}
        for row in sorted(_projects(call, asked.organization, wanted, "", LISTED), key=lambda each: each["id"])
        for branch_id, past in consumption.of_branches(call.world.store, row, asked.known_until).items()
        if not named or branch_id in named
        if f"{row['id']}/{branch_id}" > query.cursor
    ][: query.limit]
    answer: Document = {"branches": found}
    if found:
        answer["pagination"] = {"cursor": f"{found[-1]['project_id']}/{found[-1]['branch_id']}"}
    return Answer(answer)


def get_legacy_projects(call: Call) -> Answer:
    """GET /consumption_history/projects: 403, as on the Agent plan, unless a switch offers it."""
    query = call.parameters(LegacyQuery)
    if not call.world.behaviour.legacy_consumption:
        raise Refusal(403, "this endpoint is only supported with Scale, Business and Enterprise plan accounts")
    metrics = {
        **_chosen_metrics(query.metrics, LEGACY_METRICS),
        **{name: LEGACY_METRICS[name] for name in ALWAYS_SHOWN},
    }
    if query.include_v1_metrics and not query.metrics:
        metrics["data_storage_bytes_hour"] = LEGACY_METRICS["data_storage_bytes_hour"]
    asked = _asked(call, query, metrics)
    rows = _projects(call, asked.organization, _listed_ids(query.project_ids), query.cursor, query.limit)
    return _page([_project(call, asked, row, _frame_legacy) for row in rows], rows)


def _asked(call: Call, query: Query, metrics: Mapping[str, Metric]) -> HistoryQuery:
    if call.key.kind is KeyKind.PROJECT:
        raise Refusal(403, "project-scoped keys are not allowed to perform this action")
    organization = call.organization_of_key(query.org_id)
    if organization.name in call.world.behaviour.consumption_refused_to:
        raise Refusal(403, "consumption history is not available on the plan of this organization")
    now = call.world.clock.now()
    start, end = (
        restore_points.moment(member, text) for member, text in (("from", query.start), ("to", query.end))
    )
    frames = consumption.frames(start, end, query.granularity, now)
    return HistoryQuery(organization, frames, metrics, now - call.world.behaviour.consumption_lag_seconds)


def _chosen_metrics(named: str, known: Mapping[str, Metric]) -> dict[str, Metric]:
    names = [name for name in named.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Refusal(400, f"invalid request: unknown metric {unknown[0]!r}")
    return {name: known[name] for name in names}


def _listed_ids(listed: str) -> list[str]:
    found = [each for each in listed.split(",") if each]
    if len(found) > LISTED or not all(_ID.fullmatch(each) for each in found):
        raise Refusal(400, "invalid request: not a list of at most 100 ids")
    return found


def _projects(
    call: Call, organization: StoredOrganization, ids: Sequence[str], cursor: str, limit: int
) -> list[sqlite3.Row]:
    """A page of projects, the one made last first; a cursor is the id of the last one of the page before."""
    after = call.world.store.row("SELECT created_at, id FROM projects WHERE id = ?", cursor)
    if cursor and after is None:
        raise Refusal(400, "invalid request: unknown cursor")
    return call.world.store.rows_named(
        "SELECT * FROM projects WHERE org_id = :org_id AND deleted_at IS NULL "
        "AND (:any OR id IN (SELECT value FROM json_each(:ids))) "
        "AND (:first OR (created_at, id) < (:created_at, :id)) ORDER BY created_at DESC, id DESC LIMIT :limit",
        org_id=organization.id,
        any=not ids,
        ids=encoded(list(ids)),
        first=after is None,
        created_at=None if after is None else after["created_at"],
        id=cursor,
        limit=limit,
    )


def _project(call: Call, asked: HistoryQuery, row: sqlite3.Row, frame: Describe) -> Document:
    past = consumption.of_project(call.world.store, row, asked.known_until)
    return {"project_id": row["id"], "periods": asked.periods(past, frame)}


def _frame_v2(asked: HistoryQuery, past: History, span: Frame) -> Document:
    """A metric that is 0 is left out (Neon: guides/consumption-metrics)."""
    found = consumption.metric_values(past, span, asked.metrics)
    return {
        "timeframe_start": timestamp(span[0]),
        "timeframe_end": timestamp(span[1]),
        "metrics": [{"metric_name": name, "value": value} for name, value in found if value],
    }


def _frame_legacy(asked: HistoryQuery, past: History, span: Frame) -> Document:
    times = {"timeframe_start": timestamp(span[0]), "timeframe_end": timestamp(span[1])}
    return {**times, **dict(consumption.metric_values(past, span, asked.metrics))}


def _page(found: list[Document], rows: Sequence[sqlite3.Row]) -> Answer:
    answer: Document = {"projects": found}
    if rows:
        answer["pagination"] = {"cursor": rows[-1]["id"]}
    return Answer(answer)

"""Pages of projects, put together from stored JSON: no decoding unless a switch asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.simulator.behaviour import ListOrder
from reconciler.simulator.clock import timestamp
from reconciler.simulator.metering import meters
from reconciler.simulator.metering.usage import NEARLY, month_of
from reconciler.simulator.projects import RECOVERY_SECONDS
from reconciler.simulator.shapes import DEFAULT_COMPUTE
from reconciler.simulator.store import Reading, encoded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.organization import StoredOrganization

_COLUMNS: Final = (
    "SELECT id, body, integrations, deleted_at, usage, metered_at, workload, runs_until FROM projects WHERE"
)
_ALONG_THE_IDS: Final = "org_id = :org_id"
_AMONG_THE_FOUND: Final = "rowid IN (SELECT value FROM json_each(:found)) AND +org_id = :org_id"
"""The sign keeps SQLite from going along the ids all the same."""
_LIVE: Final = "AND deleted_at IS NULL AND created_at <= :shown_since"
_RECOVERABLE: Final = "AND deleted_at IS NOT NULL AND deleted_at > :lost_before"
_MATCHING: Final = "AND instr(searched, :search) AND (:project_id IS NULL OR id = :project_id)"
_PAGE: Final = {
    ListOrder.ID: "AND id > :cursor ORDER BY id LIMIT :limit",
    ListOrder.CHANGED: "ORDER BY changed_at DESC, id LIMIT :limit OFFSET :skipped",
}
SHORTEST_INDEXED: Final = 3
"""The index holds every three characters in a row."""
MANY: Final = 1000
"""A word that so many projects have in their names fills a page soon, wherever one begins to look."""


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which projects, and how many."""

    organization: StoredOrganization
    cursor: str
    limit: int
    search: str
    recoverable: bool
    project_id: str | None
    """The only project that the key opens; None if it opens all."""
    timeout_seconds: float


def page(
    store: Reading, request: ListRequest, behaviour: Behaviour, now: float, unavailable: Iterable[str] = ()
) -> bytes:
    """One page as JSON. Projects named as unavailable are left out of it, but for their ids."""
    rows = _rows(store, request, behaviour, now)
    hidden = frozenset(unavailable) | _too_late(rows, request.timeout_seconds, behaviour.list_seconds_per_project)
    shown = [row for row in rows if row["id"] not in hidden]
    items = b",".join(_item(store, row, request.organization, behaviour, now) for row in shown)
    rest: dict[str, Any] = {"applications": {}, "integrations": _integrations(shown)}
    if rows:
        rest["pagination"] = {"cursor": _cursor(rows, request, behaviour)}
    if len(shown) < len(rows):
        rest["unavailable_project_ids"] = [row["id"] for row in rows if row["id"] in hidden]
    return b'{"projects":[' + items + b"]," + msgspec.json.encode(rest)[1:]


def _cursor(rows: Sequence[sqlite3.Row], request: ListRequest, behaviour: Behaviour) -> str:
    if behaviour.list_order is ListOrder.ID:
        last: str = rows[-1]["id"]
        return last
    return str(_skipped(request) + len(rows))


def _skipped(request: ListRequest) -> int:
    """How many projects come before the page, where the cursor counts them; any other cursor is the start."""
    return int(request.cursor[:9]) if request.cursor.isascii() and request.cursor.isdigit() else 0


def _too_late(rows: Sequence[sqlite3.Row], timeout_seconds: float, seconds_per_project: float) -> frozenset[str]:
    """The projects that the list has no time for."""
    in_time = len(rows) if not seconds_per_project else int(timeout_seconds / seconds_per_project + NEARLY)
    return frozenset(row["id"] for row in rows[in_time:])


def _rows(store: Reading, request: ListRequest, behaviour: Behaviour, now: float) -> list[sqlite3.Row]:
    searched = request.search.lower()
    found = _rows_by_index(store, searched)
    place = _ALONG_THE_IDS if found is None else _AMONG_THE_FOUND
    state = _RECOVERABLE if request.recoverable else _LIVE
    return store.rows_named(
        f"{_COLUMNS} {place} {state} {_MATCHING} {_PAGE[behaviour.list_order]}",
        found=encoded(found),
        org_id=request.organization.id,
        cursor=request.cursor,
        skipped=_skipped(request),
        search=searched,
        project_id=request.project_id,
        limit=request.limit,
        shown_since=now - behaviour.list_lag_seconds,
        lost_before=now - RECOVERY_SECONDS,
    )


def _rows_by_index(store: Reading, searched: str) -> list[int] | None:
    """The rows that hold a word by the index; None if it does not narrow the search."""
    if len(searched) < SHORTEST_INDEXED or "\0" in searched:
        return None
    phrase = '"' + searched.replace('"', '""') + '"'
    rows = store.rows("SELECT rowid FROM project_names WHERE searched MATCH ? LIMIT ?", phrase, MANY)
    return None if len(rows) == MANY else [row["rowid"] for row in rows]


def _integrations(rows: Iterable[sqlite3.Row]) -> dict[str, list[str]]:
    return {row["id"]: msgspec.json.decode(row["integrations"]) for row in rows if row["integrations"]}


def _item(
    store: Reading, row: sqlite3.Row, organization: StoredOrganization, behaviour: Behaviour, now: float
) -> bytes:
    more: dict[str, Any] = {"org_name": organization.name}
    if row["deleted_at"] is not None:
        more["deleted_at"] = timestamp(row["deleted_at"])
        more["recoverable_until"] = timestamp(row["deleted_at"] + RECOVERY_SECONDS)
    body = row["body"].encode()
    if meters.at_rest(row):
        more["active_time"] = _active_time(row, now)
    else:
        body = msgspec.json.encode({**msgspec.json.decode(body), **meters.listed(store, row, now)})
    if behaviour.list_zero_compute or not (behaviour.list_shows_quota and behaviour.list_shows_restore_window):
        body = _impoverished(body, behaviour)
    result: bytes = body[:-1] + b"," + msgspec.json.encode(more)[1:]
    return result


def _active_time(row: sqlite3.Row, now: float) -> int:
    """What the row says, unless a new month has begun."""
    if row["metered_at"] < month_of(now)[0]:
        return 0
    return int(msgspec.json.decode(row["usage"])["active_time_seconds"])


def _impoverished(body: bytes, behaviour: Behaviour) -> bytes:
    document = msgspec.json.decode(body)
    if behaviour.list_zero_compute:
        document["default_endpoint_settings"] = dict.fromkeys(DEFAULT_COMPUTE, 0)
    if not behaviour.list_shows_quota:
        document["settings"].pop("quota", None)
    if not behaviour.list_shows_restore_window:
        document.pop("history_retention_seconds")
    return msgspec.json.encode(document)

"""What is in a simulator's rows: all of it, what no file manages, what a tenant may use up, how it all ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.model.annotations import RUN
from reconciler.model.quota import Quota
from reconciler.plan.concerns.organization import forbids
from reconciler.plan.concerns.restore_window import PATH as RESTORE_WINDOW
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.desired.settings import Settings
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.simulator.simulator import Simulator

Row: TypeAlias = "dict[str, Any]"

PLACES: Final = {
    "min_cu": "autoscaling_limit_min_cu",
    "max_cu": "autoscaling_limit_max_cu",
    "suspend_timeout_seconds": "suspend_timeout_seconds",
}
METERED: Final = ("usage", "metered_at", "runs_until", "compute_last_active_at", "seen_from")
READ_REPLICA: Final = "read_only"
QUOTA: Final = Quota.__struct_fields__


@dataclass(frozen=True, slots=True)
class Rows:
    """Every live row by its id, its JSON decoded; without what meters put down, which goes on by itself."""

    projects: Mapping[str, Row]
    branches: Mapping[str, Row]
    endpoints: Mapping[str, Row]
    snapshots: Mapping[str, Row]

    @classmethod
    def of(cls, simulator: Simulator) -> Rows:
        """What is there now."""
        return cls(*(_rows(simulator, table) for table in ("projects", "branches", "endpoints", "snapshots")))

    def below(self, project_id: str) -> Rows:
        """A project's part."""
        return Rows(
            {key: row for key, row in self.projects.items() if key == project_id},
            {key: row for key, row in self.branches.items() if row["project_id"] == project_id},
            {key: row for key, row in self.endpoints.items() if row["project_id"] == project_id},
            {key: row for key, row in self.snapshots.items() if row["project_id"] == project_id},
        )

    def among(self, branches: Collection[str], snapshots: Collection[str]) -> Rows:
        """With only these branches, their computes, and only these snapshots."""
        return replace(
            self,
            branches={key: row for key, row in self.branches.items() if key in branches},
            endpoints={key: row for key, row in self.endpoints.items() if row["branch_id"] in branches},
            snapshots={key: row for key, row in self.snapshots.items() if key in snapshots},
        )

    def beyond(self, limits: OrganizationLimits) -> bool:
        """Whether a value of a project or a compute is one that an organization with these limits forbids."""
        return any(
            forbids(limits, f"compute.{member}", values[place])
            for row in (*self.projects.values(), *self.endpoints.values())
            for values in (row["body"].get("default_endpoint_settings", row["body"]),)
            for member, place in PLACES.items()
        ) or any(
            forbids(limits, RESTORE_WINDOW, row["body"]["history_retention_seconds"])
            for row in self.projects.values()
        )

    def unmanaged(self, settings: Settings, *, moved: bool) -> Rows:
        """Less what files with these settings manage, read replicas among it, and the times that go with a change.

        ``moved`` leaves out what an organization limits, too.
        """
        default = {key for key, branch in self.branches.items() if branch["is_default"]}
        return Rows(
            {key: _unmanaged_project(row, settings, moved=moved) for key, row in self.projects.items()},
            self.branches,
            {
                key: _unmanaged_endpoint(row, settings, moved=moved) if row["branch_id"] in default else row
                for key, row in self.endpoints.items()
                if row["body"].get("name") not in (settings.replicas or ())
            },
            self.snapshots,
        )

    def end_state(self) -> list[str]:
        """Every project with all that is in it, without ids, times and the run that made it."""
        return sorted(
            json.dumps([self._place(key), [*self._branches(key)], [*self._snapshots(key)]], sort_keys=True)
            for key in self.projects
        )

    def _place(self, project_id: str) -> Row:
        body = self.projects[project_id]["body"]
        kept = ("name", "org_id", "region_id", "pg_version", "default_endpoint_settings", "settings")
        return {key: body[key] for key in (*kept, "history_retention_seconds")}

    def _branches(self, project_id: str) -> Iterator[str]:
        found = {key: row for key, row in self.branches.items() if row["project_id"] == project_id}
        for key, branch in sorted(found.items(), key=lambda item: item[1]["name"]):
            of_creation = {name: value for name, value in notes(branch).items() if name != RUN}
            parent = self.branches.get(branch["parent_id"], {}).get("name")
            state = [branch[column] for column in ("name", "is_default", "protected", "expires_at")]
            computes = [_compute(row) for row in self.endpoints.values() if row["branch_id"] == key]
            yield json.dumps([state, parent, of_creation, sorted(computes, key=json.dumps)], sort_keys=True)

    def _snapshots(self, project_id: str) -> list[str]:
        found = [row for row in self.snapshots.values() if row["project_id"] == project_id]
        return sorted(json.dumps([row["body"]["name"], row["manual"], row["expires_at"]]) for row in found)


def notes(branch: Row) -> dict[str, str]:
    """What is noted on a branch."""
    noted: dict[str, str] = json.loads(branch["annotations"] or "{}").get("value", {})
    return noted


def limits(row: Row) -> dict[str, float]:
    """Everything of a project's or compute's row that is a limit; unlimited is infinite."""
    body = row["body"]
    compute = body.get("default_endpoint_settings", body)
    found = {place: compute[place] for place in (PLACES["min_cu"], PLACES["max_cu"])}
    if "settings" in body and "history_retention_seconds" in body:
        quota = body["settings"].get("quota", {})
        found["history_retention_seconds"] = body["history_retention_seconds"]
        found |= {member: quota.get(member, float("inf")) for member in QUOTA}
    return found


def _rows(simulator: Simulator, table: str) -> dict[str, Row]:
    found = Stored.of(simulator).rows(table)
    return {row["id"]: _unmetered(row) | {"body": _unmetered(row["body"])} for row in found}


def _unmetered(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in METERED}


def _size(row: Row) -> dict[str, float]:
    return {place: row["body"][place] for place in PLACES.values()}


def _compute(row: Row) -> list[Any]:
    """Its type, its size, and the name of a read replica."""
    return [row["type"], _size(row), row["body"].get("name") if row["type"] == READ_REPLICA else None]


def _unmanaged_project(row: Row, settings: Settings, *, moved: bool) -> Row:
    body = dict(row["body"])
    managed = {"updated_at", "org_id", "owner_id"}
    if settings.project_name is not None:
        managed.add("name")
    if settings.restore_window_seconds is not None or moved:
        managed.add("history_retention_seconds")
    compute = _without(body["default_endpoint_settings"], _compute_places(settings, moved=moved))
    free = {key: _unstated(value, settings.settings.get(key, {})) for key, value in body["settings"].items()}
    if settings.quota is not None:
        free.pop("quota", None)
    rest = _without(row, {"body", "org_id", "name", "searched", "changed_at"})
    return rest | {"body": _without(body, managed) | {"default_endpoint_settings": compute, "settings": free}}


def _unmanaged_endpoint(row: Row, settings: Settings, *, moved: bool) -> Row:
    places = _compute_places(settings, moved=moved)
    rest = _without(row, {"body", "active_until"})
    return rest | {"body": _without(row["body"], {"updated_at", *places})}


def _compute_places(settings: Settings, *, moved: bool) -> set[str]:
    compute = settings.compute
    return {p for member, p in PLACES.items() if moved or (compute and getattr(compute, member) is not None)}


def _unstated(live: Any, stated: Any) -> Any:
    """The members of a setting that the files leave out; nothing of one that they state whole."""
    if isinstance(live, dict) and isinstance(stated, dict):
        return {key: value for key, value in live.items() if key not in stated}
    return None


def _without(row: Mapping[str, Any], keys: set[str]) -> Row:
    return {key: value for key, value in row.items() if key not in keys}

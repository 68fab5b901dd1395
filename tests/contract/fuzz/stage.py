"""A project that holds one of everything, made over the API, so that generated calls find what they are about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

ALWAYS: Final = {
    "region_id": "aws-us-east-2",
    "role_name": "app",
    "owner_name": "app",
    "database_name": "shop",
    "from": "2026-11-01T00:00:00Z",
    "to": "2026-11-03T00:00:00Z",
    "granularity": "daily",
    "metrics": ["compute_unit_seconds"],
}
"""What is the same on every stage; the days are in the month in which simulated time starts."""
LEGACY_METRICS: Final = ["active_time_seconds"]
LOCKED: Final = 423
"""While Neon works on a project. Each call lets more time pass than this takes, so the next one is free."""
ON_ROOT_BRANCHES: Final = ("createSnapshot", "getSnapshotSchedule", "setSnapshotSchedule")

Names = dict[str, Any]
"""Values by the names that parameters and members of bodies have in the description."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What exists. ``elsewhere`` is for the operations that are about something else than the others."""

    usual: Names
    elsewhere: Mapping[str, Names]

    def names(self, operation: str) -> Names:
        """What a call of that operation can speak of."""
        return {**self.usual, **self.elsewhere.get(operation, {})}


class Account:
    """A client of a simulated account with at least two organizations."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Make a call that has to succeed, unless the project is locked at that moment: then once more."""
        request = partial(self._http.request, method, path, json=body, params=query)
        response = request()
        if response.status_code == LOCKED:
            response = request()
        response.raise_for_status()
        return response.json() if response.content else None

    def new_stage(self) -> Stage:
        """A stage that nothing has happened on yet."""
        here, there, *_ = self.call("GET", "/users/me/organizations")["organizations"]
        project, main = self._project(here["id"])
        path = f"/projects/{project}"
        developed = self._branch(path, "dev", endpoints=[{"type": "read_write"}])
        branch = developed["branch"]["id"]
        self._fill(f"{path}/branches/{branch}")
        snapshot = self.call("POST", f"{path}/branches/{main}/snapshot", name="nightly")["snapshot"]["id"]
        names = {
            "project_id": project,
            "branch_id": branch,
            "endpoint_id": developed["endpoints"][0]["id"],
            "operation_id": developed["operations"][0]["id"],
            "snapshot_id": snapshot,
            "parent_id": main,
            "source_branch_id": main,
            "target_branch_id": main,
            "project_ids": [project],
            "branch_ids": [main],
            **ALWAYS,
            **self._account_names(path, here["id"], there["id"]),
        }
        return Stage(names, self._elsewhere(path, main, snapshot, here["id"]))

    def _project(self, org_id: str) -> tuple[str, str]:
        made = self.call("POST", "/projects", {"project": {"name": "acme", "org_id": org_id}})
        return made["project"]["id"], made["branch"]["id"]

    def _branch(self, path: str, name: str, **more: Any) -> Any:
        return self.call("POST", f"{path}/branches", {"branch": {"name": name}, **more})

    def _fill(self, branch: str) -> None:
        for role in ("app", "idle"):
            self.call("POST", f"{branch}/roles", {"role": {"name": role}})
        self.call("POST", f"{branch}/databases", {"database": {"name": "shop", "owner_name": "app"}})

    def _account_names(self, path: str, here: str, there: str) -> Names:
        return {
            "org_id": here,
            "source_org_id": here,
            "destination_org_id": there,
            "permission_id": self.call("POST", f"{path}/permissions", {"email": "guest@example.com"})["id"],
            "member_id": self.call("GET", f"/organizations/{here}/members")["members"][0]["member"]["id"],
            "key_id": self.call("POST", "/api_keys", {"key_name": "mine"})["id"],
        }

    def _elsewhere(self, path: str, main: str, snapshot: str, org_id: str) -> dict[str, Names]:
        gone, _ = self._project(org_id)
        self.call("DELETE", f"/projects/{gone}")
        lost = self._branch(path, "lost")["branch"]["id"]
        self.call("DELETE", f"{path}/branches/{lost}")
        preview = self.call("POST", f"{path}/snapshots/{snapshot}/restore", {"name": "preview"})["branch"]["id"]
        key = self.call("POST", f"/organizations/{org_id}/api_keys", {"key_name": "ours"})["id"]
        return {
            "recoverProject": {"project_id": gone},
            "recoverProjectBranch": {"branch_id": lost},
            "finalizeRestoreBranch": {"branch_id": preview},
            "revokeOrgApiKey": {"key_id": key},
            "getConsumptionHistoryPerProject": {"metrics": LEGACY_METRICS},
            "deleteProjectBranchRole": {"role_name": "idle"},
            **{operation: {"branch_id": main} for operation in ON_ROOT_BRANCHES},
        }

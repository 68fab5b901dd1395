"""Every route of the simulator is an operation of the official description, and refuses what that forbids."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.app import ROUTES
from reconciler.simulator.behaviour import Behaviour
from tests.contract import installed as official
from tests.contract.breaking import changed, places
from tests.harness.account import World, world

if TYPE_CHECKING:
    import httpx

SECONDS_PER_OPERATION = 5
EVERYTHING = Behaviour(soft_deletion=True, backup_schedules=True, legacy_consumption=True)
"""What only some accounts have."""
BODIES = 21
"""How many requests of the tour carry one."""
WRONG: tuple[Any, ...] = (None, {}, [], "", "?", -2, 1e9, 0.3, True)
QUOTA = {"active_time_seconds": 360_000, "logical_size_bytes": 536_870_912}
COMPUTE = {"autoscaling_limit_min_cu": 0.25, "autoscaling_limit_max_cu": 1, "suspend_timeout_seconds": 300}
BRANCH_COMPUTE = {"type": "read_write", **COMPUTE}
SCHEDULE = [{"frequency": "weekly", "day": 1, "hour": 3, "retention_seconds": 604_800}]
WINDOW = {"weekdays": [1, 2], "start_time": "01:00", "end_time": "02:00"}
SETTINGS = {"quota": QUOTA, "allowed_ips": {"ips": ["10.0.0.1"]}, "maintenance_window": WINDOW}


class Caller:
    """Sends one request after another, with time for the operations of each to end."""

    def __init__(self, http: httpx.AsyncClient, *, succeeds: bool) -> None:
        self._http = http
        self._succeeds = succeeds

    async def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        response = await self._http.request(method, path, json=body, params=query)
        if self._succeeds:
            assert response.is_success, f"{method} {path}: {response.text}"
        await asyncio.sleep(SECONDS_PER_OPERATION)
        return response.json() if response.content else None


def a_project(org_id: str) -> dict[str, Any]:
    first = {"name": "main", "database_name": "neondb", "role_name": "owner", "annotations": {"tenant": "acme"}}
    values = {"name": "acme", "org_id": org_id, "settings": SETTINGS, "default_endpoint_settings": COMPUTE}
    return {"project": {**values, "pg_version": 17, "history_retention_seconds": 3600, "branch": first}}


async def use_every_route(call: Caller, free: str, paid: str) -> None:
    for path in ("/auth", "/users/me", "/users/me/organizations", "/regions", "/projects/shared"):
        await call("GET", path)
    await use_members(call, f"/organizations/{free}")
    created = await call("POST", "/projects", a_project(free))
    project = f"/projects/{created['project']['id']}"
    values = {"name": "b", "settings": SETTINGS, "history_retention_seconds": 86_400}
    await call("PATCH", project, {"project": values})
    await call("GET", "/projects", org_id=free, limit=400, search="b", recoverable="false", timeout=100)
    for part in ("", "/snapshots", "/operations", "/permissions", "/available_preload_libraries"):
        await call("GET", f"{project}{part}")
    await call("GET", f"{project}/operations/{created['operations'][0]['id']}")
    await call("GET", f"{project}/connection_uri", database_name="neondb", role_name="owner", pooled="true")
    await use_branches(call, project)
    await use_snapshots(call, project, created["branch"]["id"])
    await read_consumption(call, free, created["project"]["id"])
    await use_keys(call, free, created["project"]["id"])
    granted = await call("POST", f"{project}/permissions", {"email": "guest@example.com"})
    await call("DELETE", f"{project}/permissions/{granted['id']}")
    move = {"destination_org_id": paid, "project_ids": [created["project"]["id"]]}
    await call("POST", f"/organizations/{free}/projects/transfer", move)
    await call("DELETE", project)
    await call("POST", f"{project}/recover")


async def read_consumption(call: Caller, org_id: str, project_id: str) -> None:
    span = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-22T00:00:00Z", "granularity": "daily"}
    asked = {**span, "org_id": org_id, "project_ids": project_id}
    await call("GET", "/consumption_history/v2/projects", metrics=["compute_unit_seconds"], limit=100, **asked)
    await call("GET", "/consumption_history/v2/branches", metrics=["compute_unit_seconds"], limit=1000, **asked)
    await call("GET", "/consumption_history/projects", **asked)


async def use_members(call: Caller, organization: str) -> None:
    await call("GET", organization)
    query = {"sort_by": "email", "sort_order": "asc", "limit": 1}
    first = await call("GET", f"{organization}/members", **query)
    await call("GET", f"{organization}/members", cursor=first["pagination"]["next"])
    await call("GET", f"{organization}/members/{first['members'][0]['member']['id']}")


async def use_keys(call: Caller, org_id: str, project_id: str) -> None:
    path = f"/organizations/{org_id}/api_keys"
    made = await call("POST", "/api_keys", {"key_name": "mine"})
    ours = await call("POST", path, {"key_name": "ours"})
    scoped = await call("POST", path, {"key_name": "scoped", "project_id": project_id})
    await call("GET", "/api_keys")
    await call("GET", path)
    await call("DELETE", f"/api_keys/{made['id']}")
    for each in (ours, scoped):
        await call("DELETE", f"{path}/{each['id']}")


async def use_snapshots(call: Caller, project: str, branch_id: str) -> None:
    path = f"{project}/branches/{branch_id}/snapshot"
    made = await call("POST", path, name="nightly", expires_at="2099-01-01T00:00:00Z")
    snapshot = f"{project}/snapshots/{made['snapshot']['id']}"
    await call("PATCH", snapshot, {"snapshot": {"name": "nightly-2"}})
    schedule = f"{project}/branches/{branch_id}/backup_schedule"
    await call("PUT", schedule, {"schedule": SCHEDULE})
    await call("GET", schedule)
    preview = await call("POST", f"{snapshot}/restore", {"name": "look", "finalize_restore": False})
    finalize = f"{project}/branches/{preview['branch']['id']}/finalize_restore"
    await call("POST", finalize, {"name": "main-before"})
    await call("POST", f"{snapshot}/restore", {"target_branch_id": branch_id, "finalize_restore": True})
    await call("DELETE", snapshot)


async def use_branches(call: Caller, project: str) -> None:
    values = {"branch": {"name": "dev"}, "endpoints": [BRANCH_COMPUTE], "annotation_value": {"a": "b"}}
    created = await call("POST", f"{project}/branches", values)
    branch = f"{project}/branches/{created['branch']['id']}"
    await call("GET", f"{project}/branches", limit=10_000, sort_by="created_at", sort_order="asc")
    await call("GET", f"{project}/branches/count")
    await call("GET", branch)
    await call("GET", f"{branch}/endpoints")
    await use_roles_and_databases(call, branch)
    await call("PATCH", branch, {"branch": {"name": "dev-2"}})
    await use_computes(call, project, created["branch"]["id"], created["endpoints"][0]["id"])
    await use_earlier_states(call, project, branch, created["branch"])
    temporary = await call("POST", f"{project}/branches")
    gone = f"{project}/branches/{temporary['branch']['id']}"
    await call("DELETE", gone)
    await call("GET", f"{project}/branches", include_deleted="true")
    await call("POST", f"{gone}/recover")
    await call("POST", f"{branch}/set_as_default")


async def use_roles_and_databases(call: Caller, branch: str) -> None:
    for part in ("roles", "databases"):
        await call("GET", f"{branch}/{part}")
    await call("POST", f"{branch}/roles", {"role": {"name": "app", "no_login": False}})
    await call("GET", f"{branch}/roles/app")
    await call("GET", f"{branch}/roles/app/reveal_password")
    await call("POST", f"{branch}/roles/app/reset_password")
    await call("POST", f"{branch}/databases", {"database": {"name": "app", "owner_name": "app"}})
    await call("GET", f"{branch}/databases/app")
    await call("PATCH", f"{branch}/databases/app", {"database": {"name": "shop", "owner_name": "owner"}})
    for _ in range(2):
        await call("DELETE", f"{branch}/databases/shop")
        await call("DELETE", f"{branch}/roles/app")


async def use_earlier_states(call: Caller, project: str, branch: str, made: dict[str, Any]) -> None:
    reset = await call("POST", f"{branch}/restore", {"source_branch_id": made["parent_id"]})
    earlier = {"source_timestamp": reset["branch"]["last_reset_at"], "preserve_under_name": "kept"}
    await call("POST", f"{branch}/restore", {"source_branch_id": made["id"], **earlier})


async def use_computes(call: Caller, project: str, branch_id: str, endpoint_id: str) -> None:
    await call("GET", f"{project}/endpoints")
    await call("GET", f"{project}/endpoints/{endpoint_id}")
    await call("PATCH", f"{project}/endpoints/{endpoint_id}", {"endpoint": {**COMPUTE, "pooler_enabled": False}})
    for verb in ("suspend", "start", "restart"):
        await call("POST", f"{project}/endpoints/{endpoint_id}/{verb}")
    values = {"endpoint": {"branch_id": branch_id, "type": "read_only", **COMPUTE}}
    reader = await call("POST", f"{project}/endpoints", values)
    await call("DELETE", f"{project}/endpoints/{reader['endpoint']['id']}")


def organization_ids(served: World) -> tuple[str, str]:
    ids = served.simulator.organization_ids
    return ids["free"], ids["paid"]


def exercised() -> World:
    with world(behaviour=EVERYTHING) as served:

        async def main() -> None:
            async with served.http() as http:
                await use_every_route(Caller(http, succeeds=True), *organization_ids(served))

        served.run(main())
    return served


def test_every_route_of_the_simulator_is_declared_and_answers_as_declared() -> None:
    description = official.required()
    declared = {
        (operation.method, shape(operation.template)): operation.name for operation in description.operations
    }
    routes = {(method, shape(path)) for method, path, _ in ROUTES}
    assert routes <= declared.keys()
    used = {exchange.operation for exchange in exercised().judge.exchanges}
    assert used == {declared[route] for route in routes}


def shape(template: str) -> str:
    """``template`` without the names of what stands in the path."""
    return re.sub(r"\{\w+\}", "{}", template)


class EnoughError(Exception):
    """The one broken request has been sent."""


class BreakingCaller(Caller):
    """Breaks one of the bodies, and asks for nothing after that."""

    def __init__(self, http: httpx.AsyncClient, breaks: int, data: st.DataObject) -> None:
        super().__init__(http, succeeds=True)
        self._left = breaks
        self._data = data

    async def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        if body is None or self._left:
            self._left -= body is not None
            return await super().__call__(method, path, body, **query)
        self._succeeds = False
        await super().__call__(method, path, broken(self._data, body), **query)
        raise EnoughError


def broken(data: st.DataObject, body: Any) -> Any:
    """A body with an unknown key in one of its objects, or with another value in one place."""
    path = data.draw(st.sampled_from([path for kind in (dict, str, int, float) for path in places(body, kind)]))
    value = data.draw(st.sampled_from(WRONG))
    return changed(body, path, lambda found: {**found, "surprise": 1} if isinstance(found, dict) else value)


@given(data=st.data())
def test_the_simulator_accepts_no_body_that_the_description_forbids(data: st.DataObject) -> None:
    official.required()
    with world(behaviour=EVERYTHING, refusals_allowed=True) as served:

        async def main() -> None:
            breaks = data.draw(st.integers(min_value=0, max_value=BODIES - 1))
            async with served.http() as http:
                await use_every_route(BreakingCaller(http, breaks, data), *organization_ids(served))

        with pytest.raises(EnoughError):
            served.run(main())

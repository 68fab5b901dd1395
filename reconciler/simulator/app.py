"""The routes of the simulated API, put together."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from reconciler.simulator.front import CALL, PREFIX
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.routes import (
    branches,
    connections,
    consumption,
    databases,
    endpoints,
    keys,
    members,
    operations,
    organizations,
    permissions,
    projects,
    regions,
    restores,
    roles,
    schedules,
    snapshots,
    users,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from reconciler.simulator.call import Call, Handler

ID: Final = re.compile("[a-z0-9-]{1,60}")
ID_SUFFIX: Final = "_id"
"""How places in a path are called that hold an id, and not a name."""

LISTS: Final = frozenset({"project_ids", "branch_ids", "metrics"})
"""Parameters of queries that can be given several times."""

_PROJECT: Final = "/projects/{project_id}"
_BRANCH: Final = f"{_PROJECT}/branches/{{branch_id}}"
_SNAPSHOT: Final = f"{_PROJECT}/snapshots/{{snapshot_id}}"
_ROLE: Final = f"{_BRANCH}/roles/{{role_name}}"
_DATABASE: Final = f"{_BRANCH}/databases/{{database_name}}"
_ENDPOINT: Final = f"{_PROJECT}/endpoints/{{endpoint_id}}"

ROUTES: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("GET", "/projects", projects.list_projects),
    ("POST", "/projects", projects.create_project),
    ("GET", "/projects/shared", projects.list_shared_projects),
    ("GET", _PROJECT, projects.get_project),
    ("PATCH", _PROJECT, projects.update_project),
    ("DELETE", _PROJECT, projects.delete_project),
    ("POST", f"{_PROJECT}/recover", projects.recover_project),
    ("GET", f"{_PROJECT}/available_preload_libraries", projects.list_preload_libraries),
    ("GET", f"{_PROJECT}/permissions", permissions.list_permissions),
    ("POST", f"{_PROJECT}/permissions", permissions.grant_permission),
    ("DELETE", f"{_PROJECT}/permissions/{{permission_id}}", permissions.revoke_permission),
    ("GET", f"{_PROJECT}/connection_uri", connections.get_connection_uri),
    ("GET", f"{_PROJECT}/operations", operations.list_operations),
    ("GET", f"{_PROJECT}/operations/{{operation_id}}", operations.get_operation),
    ("GET", f"{_PROJECT}/snapshots", snapshots.list_snapshots),
    ("PATCH", _SNAPSHOT, snapshots.update_snapshot),
    ("DELETE", _SNAPSHOT, snapshots.delete_snapshot),
    ("POST", f"{_SNAPSHOT}/restore", restores.restore_snapshot),
    ("GET", f"{_PROJECT}/branches", branches.list_branches),
    ("POST", f"{_PROJECT}/branches", branches.create_branch),
    ("GET", f"{_PROJECT}/branches/count", branches.count_branches),
    ("GET", _BRANCH, branches.get_branch),
    ("PATCH", _BRANCH, branches.update_branch),
    ("DELETE", _BRANCH, branches.delete_branch),
    ("POST", f"{_BRANCH}/set_as_default", branches.set_default_branch),
    ("POST", f"{_BRANCH}/restore", restores.restore_branch),
    ("POST", f"{_BRANCH}/recover", restores.recover_branch),
    ("POST", f"{_BRANCH}/finalize_restore", restores.finalize_restore),
    ("GET", f"{_BRANCH}/backup_schedule", schedules.get_schedule),
    ("PUT", f"{_BRANCH}/backup_schedule", schedules.set_schedule),
    ("POST", f"{_BRANCH}/snapshot", snapshots.create_snapshot),
    ("GET", f"{_BRANCH}/endpoints", endpoints.list_endpoints_of_branch),
    ("GET", f"{_BRANCH}/roles", roles.list_roles),
    ("POST", f"{_BRANCH}/roles", roles.create_role),
    ("GET", _ROLE, roles.get_role),
    ("DELETE", _ROLE, roles.delete_role),
    ("GET", f"{_ROLE}/reveal_password", roles.reveal_password),
    ("POST", f"{_ROLE}/reset_password", roles.reset_password),
    ("GET", f"{_BRANCH}/databases", databases.list_databases),
    ("POST", f"{_BRANCH}/databases", databases.create_database),
    ("GET", _DATABASE, databases.get_database),
    ("PATCH", _DATABASE, databases.update_database),
    ("DELETE", _DATABASE, databases.delete_database),
    ("GET", f"{_PROJECT}/endpoints", endpoints.list_endpoints),
    ("POST", f"{_PROJECT}/endpoints", endpoints.create_endpoint),
    ("GET", _ENDPOINT, endpoints.get_endpoint),
    ("PATCH", _ENDPOINT, endpoints.update_endpoint),
    ("DELETE", _ENDPOINT, endpoints.delete_endpoint),
    ("POST", f"{_ENDPOINT}/start", endpoints.start_endpoint),
    ("POST", f"{_ENDPOINT}/suspend", endpoints.suspend_endpoint),
    ("POST", f"{_ENDPOINT}/restart", endpoints.restart_endpoint),
    ("GET", "/api_keys", keys.list_keys),
    ("POST", "/api_keys", keys.create_key),
    ("DELETE", "/api_keys/{key_id}", keys.revoke_key),
    ("GET", "/organizations/{org_id}", organizations.get_organization),
    ("GET", "/organizations/{org_id}/api_keys", keys.list_organization_keys),
    ("POST", "/organizations/{org_id}/api_keys", keys.create_organization_key),
    ("DELETE", "/organizations/{org_id}/api_keys/{key_id}", keys.revoke_organization_key),
    ("GET", "/organizations/{org_id}/members", members.list_members),
    ("GET", "/organizations/{org_id}/members/{member_id}", members.get_member),
    ("POST", "/organizations/{source_org_id}/projects/transfer", organizations.transfer_projects),
    ("GET", "/auth", users.get_auth_details),
    ("GET", "/users/me", users.get_user),
    ("GET", "/users/me/organizations", users.list_organizations),
    ("GET", "/regions", regions.list_regions),
    ("GET", "/consumption_history/projects", consumption.get_legacy_projects),
    ("GET", "/consumption_history/v2/projects", consumption.get_projects),
    ("GET", "/consumption_history/v2/branches", consumption.get_branches),
)
"""Every call that the simulator answers."""


def routes(admin: Sequence[BaseRoute]) -> Starlette:
    """The app behind the front: Neon's API, and the simulator's own pages."""
    handlers: dict[str, dict[str, Handler]] = {}
    for method, path, handler in ROUTES:
        handlers.setdefault(path, {})[method] = handler
    api = [Route(path, _Resource(by_method)) for path, by_method in handlers.items()]
    app = Starlette(
        routes=[Mount(PREFIX, routes=api), Mount("/_simulator", routes=list(admin))],
        exception_handlers={Refusal: _refused, HTTPException: _unrouted},
    )
    app.router.redirect_slashes = False
    return app


class _Resource:
    """One path: the calls it answers, and 405 for every other method, HEAD too."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        request = Request(scope, receive)
        if request.method not in self._handlers:
            raise HTTPException(405, headers={"Allow": ", ".join(self._handlers)})
        answer = _served(self._handlers[request.method], request)
        await answer(scope, receive, send)


def _served(handler: Handler, request: Request) -> Response:
    call: Call = request.scope[CALL]
    path = {name: unquote(text) for name, text in request.path_params.items()}
    _check_ids(path)
    answer = handler(replace(call, path=path, query=_query(request)))
    headers = {} if answer.fault is None else {"x-simulator-fault": answer.fault}
    content = answer.content
    return Response(content, answer.status, headers, media_type="application/json" if content else None)


def _check_ids(path: Mapping[str, str]) -> None:
    """Refuse with 404 what no id can be, before a route takes it for something that is gone."""
    for name, text in path.items():
        if name.endswith(ID_SUFFIX) and not ID.fullmatch(text):
            raise not_found(name.removesuffix(ID_SUFFIX).replace("_", " "))


def _query(request: Request) -> dict[str, str]:
    """A list that is given item by item comes as one text with commas, which Neon takes for the same thing."""
    named = request.query_params
    for name in named:
        times = len(named.getlist(name))
        if times > 1 and name not in LISTS:
            raise Refusal(400, f"invalid request: {name} is given {times} times")
    return {name: ",".join(named.getlist(name)) for name in named}


# Starlette runs handlers that are not async in a thread, which virtual time does not have.
async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, Refusal)  # noqa: S101
    body = error.body or {"code": error.code, "message": str(error)}
    return JSONResponse(body, error.status)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    message = f"{request.method} {request.url.path}: {error.detail}".lower()
    return JSONResponse({"code": "", "message": message}, error.status_code, error.headers)

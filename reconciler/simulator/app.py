"""The routes of the simulated API, put together."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount, compile_path

from reconciler.simulator.answer import Answer
from reconciler.simulator.call import Call
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.request import PREFIX
from reconciler.simulator.routes import (
    branch_routes,
    connection_routes,
    consumption_routes,
    database_routes,
    endpoint_routes,
    key_routes,
    member_routes,
    operation_routes,
    organization_routes,
    permission_routes,
    project_routes,
    region_routes,
    restore_routes,
    role_routes,
    schedule_routes,
    snapshot_routes,
    user_routes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request as HTTPRequest
    from starlette.routing import BaseRoute

    from reconciler.simulator.call import Handler
    from reconciler.simulator.request import Request
    from reconciler.simulator.world import World

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
    ("GET", "/projects", project_routes.list_projects),
    ("POST", "/projects", project_routes.create_project),
    ("GET", "/projects/shared", project_routes.list_shared_projects),
    ("GET", _PROJECT, project_routes.get_project),
    ("PATCH", _PROJECT, project_routes.update_project),
    ("DELETE", _PROJECT, project_routes.delete_project),
    ("POST", f"{_PROJECT}/recover", project_routes.recover_project),
    ("GET", f"{_PROJECT}/available_preload_libraries", project_routes.list_preload_libraries),
    ("GET", f"{_PROJECT}/permissions", permission_routes.list_permissions),
    ("POST", f"{_PROJECT}/permissions", permission_routes.grant_permission),
    ("DELETE", f"{_PROJECT}/permissions/{{permission_id}}", permission_routes.revoke_permission),
    ("GET", f"{_PROJECT}/connection_uri", connection_routes.get_connection_uri),
    ("GET", f"{_PROJECT}/operations", operation_routes.list_operations),
    ("GET", f"{_PROJECT}/operations/{{operation_id}}", operation_routes.get_operation),
    ("GET", f"{_PROJECT}/snapshots", snapshot_routes.list_snapshots),
    ("PATCH", _SNAPSHOT, snapshot_routes.update_snapshot),
    ("DELETE", _SNAPSHOT, snapshot_routes.delete_snapshot),
    ("POST", f"{_SNAPSHOT}/restore", restore_routes.restore_snapshot),
    ("GET", f"{_PROJECT}/branches", branch_routes.list_branches),
    ("POST", f"{_PROJECT}/branches", branch_routes.create_branch),
    ("GET", f"{_PROJECT}/branches/count", branch_routes.count_branches),
    ("GET", _BRANCH, branch_routes.get_branch),
    ("PATCH", _BRANCH, branch_routes.update_branch),
    ("DELETE", _BRANCH, branch_routes.delete_branch),
    ("POST", f"{_BRANCH}/set_as_default", branch_routes.set_default_branch),
    ("POST", f"{_BRANCH}/restore", restore_routes.restore_branch),
    ("POST", f"{_BRANCH}/recover", restore_routes.recover_branch),
    ("POST", f"{_BRANCH}/finalize_restore", restore_routes.finalize_restore),
    ("GET", f"{_BRANCH}/backup_schedule", schedule_routes.get_schedule),
    ("PUT", f"{_BRANCH}/backup_schedule", schedule_routes.set_schedule),
    ("POST", f"{_BRANCH}/snapshot", snapshot_routes.create_snapshot),
    ("GET", f"{_BRANCH}/endpoints", endpoint_routes.list_endpoints_of_branch),
    ("GET", f"{_BRANCH}/roles", role_routes.list_roles),
    ("POST", f"{_BRANCH}/roles", role_routes.create_role),
    ("GET", _ROLE, role_routes.get_role),
    ("DELETE", _ROLE, role_routes.delete_role),
    ("GET", f"{_ROLE}/reveal_password", role_routes.reveal_password),
    ("POST", f"{_ROLE}/reset_password", role_routes.reset_password),
    ("GET", f"{_BRANCH}/databases", database_routes.list_databases),
    ("POST", f"{_BRANCH}/databases", database_routes.create_database),
    ("GET", _DATABASE, database_routes.get_database),
    ("PATCH", _DATABASE, database_routes.update_database),
    ("DELETE", _DATABASE, database_routes.delete_database),
    ("GET", f"{_PROJECT}/endpoints", endpoint_routes.list_endpoints),
    ("POST", f"{_PROJECT}/endpoints", endpoint_routes.create_endpoint),
    ("GET", _ENDPOINT, endpoint_routes.get_endpoint),
    ("PATCH", _ENDPOINT, endpoint_routes.update_endpoint),
    ("DELETE", _ENDPOINT, endpoint_routes.delete_endpoint),
    ("POST", f"{_ENDPOINT}/start", endpoint_routes.start_endpoint),
    ("POST", f"{_ENDPOINT}/suspend", endpoint_routes.suspend_endpoint),
    ("POST", f"{_ENDPOINT}/restart", endpoint_routes.restart_endpoint),
    ("GET", "/api_keys", key_routes.list_keys),
    ("POST", "/api_keys", key_routes.create_key),
    ("DELETE", "/api_keys/{key_id}", key_routes.revoke_key),
    ("GET", "/organizations/{org_id}", organization_routes.get_organization),
    ("GET", "/organizations/{org_id}/api_keys", key_routes.list_organization_keys),
    ("POST", "/organizations/{org_id}/api_keys", key_routes.create_organization_key),
    ("DELETE", "/organizations/{org_id}/api_keys/{key_id}", key_routes.revoke_organization_key),
    ("GET", "/organizations/{org_id}/members", member_routes.list_members),
    ("GET", "/organizations/{org_id}/members/{member_id}", member_routes.get_member),
    ("POST", "/organizations/{source_org_id}/projects/transfer", organization_routes.transfer_projects),
    ("GET", "/auth", user_routes.get_auth_details),
    ("GET", "/users/me", user_routes.get_user),
    ("GET", "/users/me/organizations", user_routes.list_organizations),
    ("GET", "/regions", region_routes.list_regions),
    ("GET", "/consumption_history/projects", consumption_routes.get_legacy_projects),
    ("GET", "/consumption_history/v2/projects", consumption_routes.get_projects),
    ("GET", "/consumption_history/v2/branches", consumption_routes.get_branches),
)
"""Every call that the simulator answers."""


@cache
def _resources(
    routes: tuple[tuple[str, str, Handler], ...],
) -> dict[int, list[tuple[re.Pattern[str], dict[str, Handler]]]]:
    """Paths with their methods, by the number of their slashes. All simulators with these routes have the same."""
    by_path: dict[str, dict[str, Handler]] = {}
    for method, path, handler in routes:
        by_path.setdefault(path, {})[method] = handler
    found: dict[int, list[tuple[re.Pattern[str], dict[str, Handler]]]] = {}
    for path, handlers in by_path.items():
        whole = f"{PREFIX}{path}"
        found.setdefault(whole.count("/"), []).append((compile_path(whole)[0], handlers))
    return found


class Router:
    """Finds the handler of a request by its path and method."""

    def __init__(self) -> None:
        self._resources = _resources(ROUTES)

    def answer(self, world: World, request: Request) -> Answer:
        """What the route answers. Raises Refusal."""
        if request.key is None:
            raise Refusal(401, "authentication failed: the API key is not known")
        handler, path = self._found(request)
        _check_ids(path)
        query = _query(request)
        return handler(Call(world, request.key, path, query, request.content, request.media_type, request.script))

    def _found(self, request: Request) -> tuple[Handler, dict[str, str]]:
        """The handler, and the names and ids in the path. Every method that a path does not have is a 405."""
        line = f"{request.method} {PREFIX}{request.path}"
        for pattern, handlers in self._resources.get(request.raw_path.count("/"), ()):
            match = pattern.match(request.raw_path)
            if match is None:
                continue
            if request.method not in handlers:
                raise Refusal(405, f"{line}: method not allowed".lower(), headers={"allow": ", ".join(handlers)})
            return handlers[request.method], {name: unquote(text) for name, text in match.groupdict().items()}
        raise Refusal(404, f"{line}: not found".lower())


def _check_ids(path: Mapping[str, str]) -> None:
    """Refuse with 404 what no id can be, before a route takes it for something that is gone."""
    for name, text in path.items():
        if name.endswith(ID_SUFFIX) and not ID.fullmatch(text):
            raise not_found(name.removesuffix(ID_SUFFIX).replace("_", " "))


def _query(request: Request) -> dict[str, str]:
    """A list that is given item by item becomes one text with commas, which Neon takes for the same thing."""
    given: dict[str, list[str]] = {}
    for name, text in request.query:
        given.setdefault(name, []).append(text)
    for name, texts in given.items():
        if len(texts) > 1 and name not in LISTS:
            raise Refusal(400, f"invalid request: {name} is given {len(texts)} times")
    return {name: ",".join(texts) for name, texts in given.items()}


def pages(admin: Sequence[BaseRoute]) -> Starlette:
    """The app beside the API: the simulator's own pages, and 404 for everything else."""
    app = Starlette(
        routes=[Mount("/_simulator", routes=list(admin))],
        exception_handlers={Refusal: _refused, HTTPException: _unrouted},
    )
    app.router.redirect_slashes = False
    return app


# Starlette runs handlers that are not async in a thread, which virtual time does not have.
async def _refused(request: HTTPRequest, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, Refusal)  # noqa: S101
    return _response(error)


async def _unrouted(request: HTTPRequest, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    message = f"{request.method} {request.url.path}: {error.detail}".lower()
    return _response(Refusal(error.status_code, message, headers=error.headers))


def _response(refusal: Refusal) -> Response:
    answer = Answer.refused(refusal, "")
    return Response(answer.content, answer.status, dict(answer.headers), media_type=answer.media_type)

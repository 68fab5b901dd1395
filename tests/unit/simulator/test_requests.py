"""Requests that no route should ever see: a method, a media type, an id or a query that the API does not have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reconciler.simulator.app import ROUTES
from tests.unit.simulator.account import Account, account

if TYPE_CHECKING:
    import httpx

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")


def send(
    neon: Account, method: str, path: str, content: bytes = b"", media_type: str | None = None
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {neon.simulator.organization_keys['free']}"}
    if media_type is not None:
        headers["Content-Type"] = media_type
    return neon.runner.run(neon.http.request(method, path, content=content, headers=headers))


def test_every_method_that_a_path_does_not_have_is_refused_with_those_that_it_has() -> None:
    with account(refusals_allowed=True) as neon:
        for path in sorted({path for _, path, _ in ROUTES}):
            declared = [method for method, other, _ in ROUTES if other == path]
            for method in sorted({*METHODS} - {*declared}):
                response = send(neon, method, re.sub(r"{\w+}", "any", path))
                assert response.status_code == 405, (method, path)
                assert response.headers["allow"] == ", ".join(declared), (method, path)


@pytest.mark.parametrize("media_type", [None, "text/plain", "multipart/form-data", "application/jsonp"])
def test_a_body_that_does_not_say_it_is_json_is_refused(media_type: str | None) -> None:
    with account(refusals_allowed=True) as neon:
        response = send(neon, "POST", "/projects", b'{"project": {}}', media_type)
        assert response.status_code == 415
        assert neon.names() == []


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_body_may_say_more_than_that_it_is_json(media_type: str) -> None:
    with account() as neon:
        assert send(neon, "POST", "/projects", b'{"project": {}}', media_type).status_code == 201


@pytest.mark.parametrize("content", [b"{", b"", b"null", b"[]", b"\xff", b'{"project": {"name": "\xff"}}'])
def test_a_body_that_is_no_json_object_is_refused(content: bytes) -> None:
    with account(refusals_allowed=True) as neon:
        response = send(neon, "POST", "/projects", content, "application/json")
        assert response.status_code == 400
        assert response.json()["message"].startswith("invalid request")


@pytest.mark.parametrize("branch_id", ["%C2%84", "Main", "a" * 61, "br%2Fx"])
def test_what_cannot_be_an_id_is_not_taken_for_something_that_is_gone_already(branch_id: str) -> None:
    with account(refusals_allowed=True) as neon:
        path = f"/projects/{neon.create()['project']['id']}/branches"
        assert neon.refused("DELETE", f"{path}/{branch_id}") == (404, "branch not found")
        assert neon.ask("DELETE", f"{path}/br-gone-1").status_code == 204


@pytest.mark.parametrize(
    "query",
    [
        "/projects?timeout=null",
        "/projects?search=a&search=b",
        "/projects/shared?timeout=null",
        "/regions?org_id=A",
        "/regions?org=a",
    ],
)
def test_a_query_that_the_api_does_not_have_is_refused(query: str) -> None:
    with account(refusals_allowed=True) as neon:
        assert neon.ask("GET", query).status_code == 400

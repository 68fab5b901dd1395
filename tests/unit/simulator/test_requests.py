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


@pytest.mark.parametrize("path", sorted({path for _, path, _ in ROUTES}))
def test_every_method_that_a_path_does_not_have_is_refused_with_those_that_it_has(path: str) -> None:
    some = re.sub(r"{\w+}", "any", path)
    declared = [method for method, other, _ in ROUTES if other == path]
    with account(refusals_allowed=True) as neon:
        for method in sorted({*METHODS} - {*declared}):
            response = send(neon, method, some)
            assert response.status_code == 405, method
            assert response.headers["allow"] == ", ".join(declared), method

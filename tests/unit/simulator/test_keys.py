from __future__ import annotations

import pytest

from reconciler.simulator.seed import ProjectSeed
from tests.unit.simulator.account import account


def test_an_unknown_key_is_refused_everywhere() -> None:
    with account() as neon:
        for path in ("/projects", "/users/me", "/projects/quiet-lake-1"):
            assert neon.refused("GET", path, key="napi_nobody")[0] == 401


def test_an_organization_key_is_confined_to_its_organization() -> None:
    with account() as neon:
        other = f"/projects/{neon.simulator.add_project('paid', ProjectSeed('acme')).project_id}"
        assert neon.refused("GET", other)[0] == 404
        assert neon.refused("DELETE", other)[0] == 404
        assert neon.refused("GET", f"/projects?org_id={neon.paid}")[0] == 404
        assert neon.refused("POST", "/projects", {"project": {"org_id": neon.paid}})[0] == 404
        assert neon.refused("GET", f"/organizations/{neon.paid}")[0] == 404
        assert neon.get(f"/organizations/{neon.free}")["name"] == "free"


def test_a_personal_key_opens_every_organization_and_has_to_name_one() -> None:
    with account() as neon:
        personal = neon.simulator.personal_key
        assert "org_id is required" in neon.refused("GET", "/projects", key=personal)[1]
        assert neon.refused("POST", "/projects", {"project": {"name": "a"}}, key=personal)[0] == 400
        made = neon.done("POST", "/projects", {"project": {"name": "a", "org_id": neon.paid}}, key=personal)
        assert made["project"]["org_id"] == neon.paid
        assert len(neon.get("/users/me/organizations", key=personal)["organizations"]) == 3


def test_a_project_key_opens_its_project_and_nothing_else() -> None:
    with account() as neon:
        mine, other = (neon.simulator.add_project("free", ProjectSeed(name)).project_id for name in "ab")
        key = neon.simulator.key_of_project(mine)
        assert neon.get(f"/projects/{mine}", key=key)["project"]["name"] == "a"
        assert neon.refused("GET", f"/projects/{other}", key=key)[0] == 404
        assert neon.names(key=key) == ["a"]
        assert neon.refused("POST", "/projects", {"project": {}}, key=key)[0] == 403
        assert neon.refused("DELETE", f"/projects/{mine}", key=key)[0] == 403


@pytest.mark.parametrize("path", ["/users/me", "/users/me/organizations", "/api_keys"])
def test_what_belongs_to_a_user_is_there_for_a_personal_key_alone(path: str) -> None:
    with account() as neon:
        project = neon.simulator.key_of_project(neon.simulator.add_project("free", ProjectSeed("a")).project_id)
        refusal = (404, "not allowed for organization API keys")
        assert neon.refused("GET", path) == refusal
        assert neon.refused("GET", path, key=project) == refusal
        assert neon.get(path, key=neon.simulator.personal_key)


@pytest.mark.parametrize("path", ["/regions", "/projects/shared"])
def test_what_belongs_to_no_organization_is_there_for_any_key(path: str) -> None:
    with account() as neon:
        assert neon.get(path)


def test_an_unknown_route_is_404_and_an_undeclared_method_405() -> None:
    with account(refusals_allowed=True) as neon:
        assert neon.ask("GET", "/nowhere").status_code == 404
        assert neon.ask("PUT", "/projects").status_code == 405

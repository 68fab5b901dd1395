"""Keys that the API makes: what they open, how lists show them, and that a revoked one is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.simulator import user
from reconciler.simulator.behaviour import Behaviour, RateLimit
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, timestamp
from reconciler.simulator.seed import ProjectSeed
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.simulator.account import Account

NEW = {"key_name": "ci"}


def personally(neon: Account) -> dict[str, str]:
    return {"key": neon.simulator.personal_key}


def of_free(neon: Account) -> str:
    return f"/organizations/{neon.free}/api_keys"


def named(neon: Account, path: str, name: str) -> list[Any]:
    """What a list of keys says of those of that name."""
    return [each for each in neon.get(path, **personally(neon)) if each["name"] == name]


def test_a_personal_key_opens_everything_until_it_is_revoked() -> None:
    with account() as neon:
        made = neon.done("POST", "/api_keys", NEW, **personally(neon))
        assert (made["name"], made["created_by"]) == ("ci", user.ID)
        for org_id in (neon.free, neon.paid):
            neon.get(f"/projects?org_id={org_id}", key=made["key"])
        revoked = neon.done("DELETE", f"/api_keys/{made['id']}", key=made["key"])
        assert (revoked["id"], revoked["revoked"]) == (made["id"], True)
        assert neon.refused("GET", "/regions", key=made["key"])[0] == 401
        assert named(neon, "/api_keys", "ci") == []
        assert neon.refused("DELETE", f"/api_keys/{made['id']}", **personally(neon))[0] == 404


def test_an_organization_key_opens_its_organization_until_it_is_revoked() -> None:
    with account() as neon:
        made = neon.done("POST", of_free(neon), NEW, **personally(neon))
        assert neon.done("POST", "/projects", {"project": {}}, key=made["key"])["project"]["org_id"] == neon.free
        assert neon.refused("GET", f"/projects?org_id={neon.paid}", key=made["key"])[0] == 404
        neon.done("DELETE", f"{of_free(neon)}/{made['id']}")
        assert neon.refused("GET", "/projects", key=made["key"])[0] == 401


def test_a_key_of_one_project_opens_that_alone_and_stops_when_the_project_moves() -> None:
    with account() as neon:
        mine, other = (neon.simulator.add_project("free", ProjectSeed(name)).project_id for name in "ab")
        made = neon.done("POST", of_free(neon), {**NEW, "project_id": mine}, **personally(neon))
        assert made["project_id"] == mine
        assert [each["project_id"] for each in named(neon, of_free(neon), "ci")] == [mine]
        neon.done("PATCH", f"/projects/{mine}", {"project": {"name": "c"}}, key=made["key"])
        assert neon.refused("GET", f"/projects/{other}", key=made["key"])[0] == 404
        assert neon.refused("POST", "/projects", {"project": {}}, key=made["key"])[0] == 403
        move = {"destination_org_id": neon.paid, "project_ids": [mine]}
        neon.done("POST", f"/organizations/{neon.free}/projects/transfer", move, **personally(neon))
        assert neon.refused("GET", f"/projects/{mine}", key=made["key"])[0] == 404
        assert neon.done("DELETE", f"{of_free(neon)}/{made['id']}")["project_id"] == mine


def test_a_key_of_a_project_that_is_elsewhere_deleted_or_unknown_is_not_made() -> None:
    with account() as neon:
        elsewhere = neon.simulator.add_project("paid", ProjectSeed("a")).project_id
        deleted = neon.simulator.add_project("free", ProjectSeed("b")).project_id
        neon.done("DELETE", f"/projects/{deleted}")
        before = neon.get(of_free(neon))
        for project_id in (elsewhere, deleted, "quiet-lake-1"):
            body = {**NEW, "project_id": project_id}
            assert neon.refused("POST", of_free(neon), body, **personally(neon))[0] == 404
        assert neon.get(of_free(neon)) == before


def test_the_token_is_told_once_and_in_no_list() -> None:
    with account() as neon:
        for path in ("/api_keys", of_free(neon)):
            made = neon.done("POST", path, NEW, **personally(neon))
            listed = neon.ask("GET", path, **personally(neon)).text
            assert made["key"] not in listed
            assert neon.simulator.personal_key not in listed
            assert neon.simulator.organization_keys["free"] not in listed
            assert made["key"] not in neon.ask("DELETE", f"{path}/{made['id']}", **personally(neon)).text


def test_a_list_tells_when_a_key_was_made_by_whom_and_when_it_was_last_used(tmp_path: Path) -> None:
    with account(path=tmp_path / "sim.db") as neon:
        made = neon.done("POST", of_free(neon), NEW, **personally(neon))
        (unused,) = named(neon, of_free(neon), "ci")
        assert (unused["last_used_at"], unused["last_used_from_addr"]) == (None, "")
        assert unused["created_by"] == {"id": user.ID, "name": user.NAME, "image": user.IMAGE}
        neon.wait(3600)
        neon.get("/regions", key=made["key"])
        neon.wait(120)
        (used,) = named(neon, of_free(neon), "ci")
        assert used["created_at"] == unused["created_at"]
        assert used["last_used_at"] == timestamp(DEMO_EPOCH_SECONDS + 3601)
        assert used["last_used_from_addr"] == "127.0.0.1"
    with account(path=tmp_path / "sim.db", organizations=()) as neon:
        assert named(neon, of_free(neon), "ci") == [used]


def test_the_use_of_a_key_is_noted_once_a_minute() -> None:
    with account() as neon:
        for seconds, noted in ((0, 0), (30, 0), (30, 60), (59, 60), (60, 179)):
            neon.wait(seconds)
            neon.get("/regions")
            (key,) = named(neon, of_free(neon), "free")
            assert key["last_used_at"] == timestamp(DEMO_EPOCH_SECONDS + noted)


def test_the_keys_that_every_simulator_has_are_listed_and_stay() -> None:
    with account() as neon:
        project_id = neon.simulator.add_project("free", ProjectSeed("a")).project_id
        neon.simulator.key_of_project(project_id)
        (personal,) = named(neon, "/api_keys", "simulator")
        (organization,) = named(neon, of_free(neon), "free")
        (project,) = named(neon, of_free(neon), project_id)
        assert project["project_id"] == project_id
        assert neon.refused("DELETE", f"/api_keys/{personal['id']}", **personally(neon))[0] == 403
        for key in (organization, project):
            assert neon.refused("DELETE", f"{of_free(neon)}/{key['id']}", **personally(neon))[0] == 403
        assert neon.get("/projects")["projects"]


def test_only_a_user_makes_keys_and_an_organization_key_sees_those_of_its_own() -> None:
    with account() as neon:
        project = neon.simulator.key_of_project(neon.simulator.add_project("free", ProjectSeed("a")).project_id)
        assert neon.refused("POST", of_free(neon), NEW)[0] == 403
        assert neon.refused("POST", "/api_keys", NEW)[0] == 404
        assert neon.refused("DELETE", "/api_keys/1")[0] == 404
        assert len(neon.get(of_free(neon))) == 2
        for method, path, key in (
            ("GET", f"/organizations/{neon.paid}/api_keys", None),
            ("POST", f"/organizations/{neon.paid}/api_keys", None),
            ("DELETE", f"/organizations/{neon.paid}/api_keys/1", None),
            ("GET", "/organizations/org-nobody-1/api_keys", neon.simulator.personal_key),
            ("GET", of_free(neon), project),
            ("POST", of_free(neon), project),
        ):
            body = NEW if method == "POST" else None
            assert neon.refused(method, path, body, key=key) == (403, "not an organization member")


def test_a_key_is_revoked_only_where_it_belongs() -> None:
    with account(refusals_allowed=True) as neon:
        mine = neon.done("POST", "/api_keys", NEW, **personally(neon))["id"]
        ours = neon.done("POST", of_free(neon), NEW, **personally(neon))["id"]
        theirs = f"/organizations/{neon.paid}/api_keys"
        for path in (f"/api_keys/{ours}", f"{theirs}/{ours}", f"{of_free(neon)}/{mine}", "/api_keys/none"):
            assert neon.refused("DELETE", path, **personally(neon)) == (404, "API key not found")


def test_the_id_of_a_revoked_key_is_not_given_again() -> None:
    with account() as neon:
        first = neon.done("POST", "/api_keys", NEW, **personally(neon))["id"]
        neon.done("DELETE", f"/api_keys/{first}", **personally(neon))
        assert neon.done("POST", "/api_keys", NEW, **personally(neon))["id"] > first


@pytest.mark.parametrize("body", [{}, {"key_name": "a" * 65}, {"key_name": None}, {**NEW, "project_id": "A"}])
def test_a_key_without_a_proper_name_is_not_made(body: Any) -> None:
    with account(refusals_allowed=True) as neon:
        for path in ("/api_keys", of_free(neon)):
            assert neon.refused("POST", path, body, **personally(neon))[0] == 400


def test_an_account_makes_ten_organization_keys_a_second() -> None:
    with account() as neon:
        paths = [of_free(neon), f"/organizations/{neon.paid}/api_keys"] * 6
        statuses = [neon.ask("POST", path, NEW, **personally(neon)).status_code for path in paths]
        assert statuses == [200] * 10 + [429] * 2
        assert neon.ask("POST", "/api_keys", NEW, **personally(neon)).status_code == 200
        neon.wait(1)
        assert neon.ask("POST", of_free(neon), NEW, **personally(neon)).status_code == 200


def test_roles_and_databases_of_any_name_share_the_limit_of_their_route() -> None:
    with account(behaviour=Behaviour(rate_limit=RateLimit(per_second_and_route=2))) as neon:
        made = neon.simulator.add_project("free", ProjectSeed("a"))
        branch = f"/projects/{made.project_id}/branches/{made.branch_id}"
        for part in ("roles", "databases"):
            statuses = [neon.ask("GET", f"{branch}/{part}/{name}").status_code for name in ("a", "b", "c")]
            assert statuses == [404, 404, 429]

"""Who may do what: members of an organization, guests of a project, and whose key a request comes with."""

from __future__ import annotations

import pytest

from reconciler.simulator import user
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, timestamp
from reconciler.simulator.seed import ProjectSeed
from tests.unit.simulator.account import Account, account

GUEST = {"email": "guest@example.com"}


def a_project(neon: Account, organization: str = "free") -> str:
    return neon.simulator.add_project(organization, ProjectSeed("acme")).project_id


def test_the_one_user_is_an_admin_of_every_organization() -> None:
    with account() as neon:
        personal = neon.simulator.personal_key
        me = neon.get("/users/me", key=personal)
        seen = set()
        for org_id in (neon.free, neon.paid):
            (listed,) = neon.get(f"/organizations/{org_id}/members", key=personal)["members"]
            member = listed["member"]
            assert listed["user"]["email"] == me["email"]
            assert (member["user_id"], member["org_id"], member["role"]) == (me["id"], org_id, "admin")
            assert neon.get(f"/organizations/{org_id}/members/{member['id']}", key=personal) == member
            seen.add(member["id"])
        assert len(seen) == 2


def test_members_are_paged() -> None:
    with account() as neon:
        path = f"/organizations/{neon.free}/members"
        first = neon.get(f"{path}?limit=1&sort_by=role")
        assert first["pagination"]["sort_by"] == "role"
        assert neon.get(f"{path}?limit=1&cursor={first['pagination']['next']}") == {"members": []}
        assert "pagination" not in neon.get(path)
        assert neon.refused("GET", f"{path}?cursor=none")[0] == 400


def test_members_are_shown_to_members_alone() -> None:
    with account() as neon:
        (listed,) = neon.get(f"/organizations/{neon.free}/members")["members"]
        theirs, project = f"/organizations/{neon.paid}/members", neon.simulator.key_of_project(a_project(neon))
        refusal = (403, "not an organization member")
        assert neon.refused("GET", theirs) == refusal
        assert neon.refused("GET", f"{theirs}/{listed['member']['id']}") == refusal
        assert neon.refused("GET", f"/organizations/{neon.free}/members", key=project) == refusal
        paid = neon.simulator.organization_keys["paid"]
        assert neon.refused("GET", f"{theirs}/{listed['member']['id']}", key=paid)[0] == 404


def test_a_guest_is_listed_until_the_permission_is_revoked() -> None:
    with account() as neon:
        path = f"/projects/{a_project(neon)}/permissions"
        assert neon.get(path) == {"project_permissions": []}
        granted = neon.done("POST", path, GUEST)
        assert granted["granted_to_email"] == GUEST["email"]
        assert neon.get(path) == {"project_permissions": [granted]}
        assert neon.refused("POST", path, {"email": "Guest@example.com"})[0] == 409
        neon.wait(59)
        revoked = neon.done("DELETE", f"{path}/{granted['id']}")
        assert revoked == {**granted, "revoked_at": timestamp(DEMO_EPOCH_SECONDS + 60)}
        assert neon.get(path) == {"project_permissions": []}
        assert neon.refused("DELETE", f"{path}/{granted['id']}")[0] == 404
        neon.done("POST", path, GUEST)


def test_a_permission_belongs_to_its_project() -> None:
    with account() as neon:
        mine, other = (f"/projects/{a_project(neon)}/permissions" for _ in range(2))
        granted = neon.done("POST", mine, GUEST)
        assert neon.refused("DELETE", f"{other}/{granted['id']}")[0] == 404
        assert neon.get(other) == {"project_permissions": []}
        neon.done("POST", other, GUEST)


def test_permissions_are_given_by_who_opens_the_organization_of_the_project() -> None:
    with account() as neon:
        mine, theirs = a_project(neon), f"/projects/{a_project(neon, 'paid')}/permissions"
        path, scoped = f"/projects/{mine}/permissions", neon.simulator.key_of_project(mine)
        granted = neon.done("POST", path, GUEST)
        assert neon.get(path, key=scoped) == {"project_permissions": [granted]}
        assert neon.refused("POST", path, {"email": "other@example.com"}, key=scoped)[0] == 403
        assert neon.refused("DELETE", f"{path}/{granted['id']}", key=scoped)[0] == 403
        for method, body in (("GET", None), ("POST", GUEST)):
            assert neon.refused(method, theirs, body)[0] == 404


def test_permissions_wait_for_running_operations() -> None:
    with account() as neon:
        project = f"/projects/{a_project(neon)}"
        granted = neon.done("POST", f"{project}/permissions", GUEST)
        neon.ask("POST", f"{project}/branches")
        assert neon.refused("POST", f"{project}/permissions", {"email": "b@example.com"})[0] == 423
        assert neon.refused("DELETE", f"{project}/permissions/{granted['id']}")[0] == 423


@pytest.mark.parametrize("email", ["first.last+tag@mail.my-company.example", f"{'a' * 64}@{'b' * 63}.com"])
def test_any_usual_email_address_gets_a_permission(email: str) -> None:
    with account() as neon:
        path = f"/projects/{a_project(neon)}/permissions"
        assert neon.done("POST", path, {"email": email})["granted_to_email"] == email


@pytest.mark.parametrize(
    "email",
    [
        f"{'a' * 65}@b.com",
        f"a@{'b' * 64}.com",
        "é@b.com",
        "a@bc--d.com",
        "",
        "guest",
        "guest@",
        "@example.com",
        "a..b@example.com",
        "a b@example.com",
        "a@b.c\n",
        "a@-b.c",
    ],
)
def test_what_is_no_email_address_gets_no_permission(email: str) -> None:
    with account(refusals_allowed=True) as neon:
        path = f"/projects/{a_project(neon)}/permissions"
        assert neon.refused("POST", path, {"email": email})[0] == 400


def test_a_key_tells_whose_it_is() -> None:
    with account() as neon:
        scoped = neon.simulator.key_of_project(a_project(neon))
        assert neon.get("/auth") == {"account_id": neon.free, "auth_method": "api_key_org"}
        assert neon.get("/auth", key=scoped) == {"account_id": neon.free, "auth_method": "api_key_org"}
        assert neon.get("/auth", key=neon.simulator.personal_key) == {
            "account_id": user.ID,
            "auth_method": "api_key_user",
        }


def test_a_project_names_the_libraries_that_it_can_preload() -> None:
    with account() as neon:
        libraries = neon.get(f"/projects/{a_project(neon)}/available_preload_libraries")["libraries"]
        assert any(each["is_default"] for each in libraries)
        assert any(each["is_experimental"] for each in libraries)
        theirs = a_project(neon, "paid")
        assert neon.refused("GET", f"/projects/{theirs}/available_preload_libraries")[0] == 404

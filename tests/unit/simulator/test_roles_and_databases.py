from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from reconciler.simulator.seed import BranchSeed, ProjectSeed
from tests.harness.stored import Stored
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.simulator.account import Account

ROLE = {"role": {"name": "app"}}
DATABASE = {"database": {"name": "shop", "owner_name": "neondb_owner"}}


@contextmanager
def a_branch(**members: Any) -> Iterator[tuple[Account, str]]:
    """An account, and the path of the default branch of its one project."""
    with account(refusals_allowed=True) as neon:
        made = neon.simulator.add_project("free", ProjectSeed("acme", **members))
        yield neon, f"/projects/{made.project_id}/branches/{made.branch_id}"


def names(neon: Account, path: str) -> list[str]:
    (listed,) = neon.get(path).values()
    return [each["name"] for each in listed]


def uri(neon: Account, branch: str, role: str, database: str = "neondb") -> str:
    project = branch.partition("/branches/")[0]
    where = f"database_name={quote(database, safe='')}&role_name={quote(role, safe='')}"
    found: str = neon.get(f"{project}/connection_uri?{where}")["uri"]
    return found


def test_a_role_is_made_read_and_deleted_and_shows_its_password_only_where_it_is_asked_for() -> None:
    with a_branch() as (neon, branch):
        made = neon.done("POST", f"{branch}/roles", ROLE)["role"]
        assert made["authentication_method"] == "password"
        password = made.pop("password")
        assert neon.get(f"{branch}/roles/app") == {"role": made}
        assert made in neon.get(f"{branch}/roles")["roles"]
        assert neon.get(f"{branch}/roles/app/reveal_password") == {"password": password}
        assert f"app:{password}@" in uri(neon, branch, "app")
        assert "password" not in neon.done("DELETE", f"{branch}/roles/app")["role"]
        assert names(neon, f"{branch}/roles") == ["neondb_owner"]


def test_a_reset_password_replaces_the_old_one_wherever_it_is_shown() -> None:
    with a_branch() as (neon, branch):
        role = f"{branch}/roles/neondb_owner"
        before = neon.get(f"{role}/reveal_password")["password"]
        neon.wait(60)
        answer = neon.done("POST", f"{role}/reset_password")["role"]
        assert answer["password"] != before
        assert answer["updated_at"] > answer["created_at"]
        assert neon.get(f"{role}/reveal_password") == {"password": answer["password"]}
        assert f":{answer['password']}@" in uri(neon, branch, "neondb_owner")


def test_a_project_that_stores_no_passwords_tells_them_once_only() -> None:
    with account() as neon:
        created = neon.create(store_passwords=False)
        project = f"/projects/{created['project']['id']}"
        branch = f"{project}/branches/{created['branch']['id']}"
        assert neon.done("POST", f"{branch}/roles", ROLE)["role"]["password"]
        assert neon.refused("GET", f"{branch}/roles/app/reveal_password")[0] == 412
        query = "connection_uri?database_name=neondb&role_name=app"
        assert neon.refused("GET", f"{project}/{query}")[0] == 412
        child = neon.done("POST", f"{project}/branches", {"endpoints": [{"type": "read_write"}]})
        assert "connection_uris" not in child


def test_a_role_that_cannot_log_in_has_no_password_and_may_own_a_database() -> None:
    with a_branch() as (neon, branch):
        made = neon.done("POST", f"{branch}/roles", {"role": {"name": "group", "no_login": True}})["role"]
        assert "password" not in made
        assert made["authentication_method"] == "no_login"
        assert neon.refused("GET", f"{branch}/roles/group/reveal_password")[0] == 412
        assert neon.refused("POST", f"{branch}/roles/group/reset_password")[0] == 412
        neon.done("POST", f"{branch}/databases", {"database": {"name": "a", "owner_name": "group"}})
        project = branch.partition("/branches/")[0]
        child = neon.done("POST", f"{project}/branches", {"endpoints": [{"type": "read_write"}]})
        assert "connection_uris" not in child


def test_a_database_is_made_renamed_handed_over_and_deleted() -> None:
    with a_branch() as (neon, branch):
        neon.done("POST", f"{branch}/roles", ROLE)
        made = neon.done("POST", f"{branch}/databases", DATABASE)["database"]
        assert neon.get(f"{branch}/databases/shop") == {"database": made}
        change = {"database": {"name": "store", "owner_name": "app"}}
        changed = neon.done("PATCH", f"{branch}/databases/shop", change)["database"]
        assert (changed["id"], changed["name"], changed["owner_name"]) == (made["id"], "store", "app")
        assert neon.refused("GET", f"{branch}/databases/shop")[0] == 404
        assert neon.get(f"{branch}/databases/store") == {"database": changed}
        assert uri(neon, branch, "app", "store").partition("?")[0].endswith("/store")
        assert neon.done("DELETE", f"{branch}/databases/store")["database"] == changed
        assert names(neon, f"{branch}/databases") == ["neondb"]


def test_a_change_of_a_database_that_changes_nothing_starts_nothing() -> None:
    with a_branch() as (neon, branch):
        for same in ({}, {"name": "neondb"}, {"owner_name": "neondb_owner"}):
            assert neon.done("PATCH", f"{branch}/databases/neondb", {"database": same})["operations"] == []


def test_a_role_that_owns_a_database_stays_until_the_database_has_another_owner() -> None:
    with a_branch() as (neon, branch):
        status, message = neon.refused("DELETE", f"{branch}/roles/neondb_owner")
        assert (status, "neondb" in message) == (422, True)
        neon.done("POST", f"{branch}/roles", ROLE)
        neon.done("PATCH", f"{branch}/databases/neondb", {"database": {"owner_name": "app"}})
        neon.done("DELETE", f"{branch}/roles/neondb_owner")


@pytest.mark.parametrize("path", ["roles/nobody", "databases/nothing"])
def test_a_deletion_that_finds_nothing_is_204(path: str) -> None:
    with a_branch() as (neon, branch):
        neon.ask("POST", f"{branch}/roles", ROLE)
        assert neon.ask("DELETE", f"{branch}/{path}").status_code == 204
        assert neon.refused("DELETE", f"{branch}-gone/{path}")[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "roles/nobody", None),
        ("GET", "roles/nobody/reveal_password", None),
        ("POST", "roles/nobody/reset_password", None),
        ("GET", "databases/nothing", None),
        ("PATCH", "databases/nothing", {"database": {"name": "a"}}),
        ("POST", "databases", {"database": {"name": "a", "owner_name": "nobody"}}),
        ("PATCH", "databases/neondb", {"database": {"owner_name": "nobody"}}),
    ],
)
def test_what_is_not_there_is_404(method: str, path: str, body: Any) -> None:
    with a_branch() as (neon, branch):
        assert neon.refused(method, f"{branch}/{path}", body)[0] == 404
        assert names(neon, f"{branch}/databases") == ["neondb"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "roles", {"role": {"name": "neondb_owner"}}),
        ("POST", "databases", {"database": {"name": "neondb", "owner_name": "neondb_owner"}}),
        ("PATCH", "databases/neondb", {"database": {"name": "shop"}}),
    ],
)
def test_a_name_is_taken_once_on_a_branch(method: str, path: str, body: Any) -> None:
    with a_branch() as (neon, branch):
        neon.done("POST", f"{branch}/databases", DATABASE)
        status, message = neon.refused(method, f"{branch}/{path}", body)
        assert (status, message.endswith("already exists")) == (409, True)


RESERVED_ROLES = ("pg_monitor", "neon_superuser", "cloud_admin", "zenith_admin", "public", "none")
RESERVED_DATABASES = ("postgres", "template0", "template1")
IMPOSSIBLE = ("", "é" * 32)


@pytest.mark.parametrize("name", [*RESERVED_ROLES, *IMPOSSIBLE])
def test_a_role_name_that_is_reserved_empty_or_longer_than_63_bytes_is_refused(name: str) -> None:
    with a_branch() as (neon, branch):
        assert neon.refused("POST", f"{branch}/roles", {"role": {"name": name}})[0] == 400
        first = {"project": {"branch": {"role_name": name}}}
        assert neon.refused("POST", "/projects", first)[0] == 400
        assert names(neon, f"{branch}/roles") == ["neondb_owner"]


@pytest.mark.parametrize("name", [*RESERVED_DATABASES, *IMPOSSIBLE])
def test_a_database_name_that_is_reserved_empty_or_longer_than_63_bytes_is_refused(name: str) -> None:
    with a_branch() as (neon, branch):
        body = {"database": {"name": name, "owner_name": "neondb_owner"}}
        assert neon.refused("POST", f"{branch}/databases", body)[0] == 400
        assert neon.refused("PATCH", f"{branch}/databases/neondb", body)[0] == 400
        assert names(neon, f"{branch}/databases") == ["neondb"]


@pytest.mark.parametrize("name", ["a" * 63, "Ünïcode näme", "a/b", "a b?c#d%2F", "public2"])
def test_any_other_name_works_in_paths_and_connection_strings(name: str) -> None:
    with a_branch() as (neon, branch):
        encoded = quote(name, safe="")
        neon.done("POST", f"{branch}/roles", {"role": {"name": name}})
        neon.done("POST", f"{branch}/databases", {"database": {"name": name, "owner_name": name}})
        assert neon.get(f"{branch}/roles/{encoded}")["role"]["name"] == name
        password = neon.get(f"{branch}/roles/{encoded}/reveal_password")["password"]
        found = uri(neon, branch, name, name)
        assert found.startswith(f"postgresql://{encoded}:{password}@")
        assert found.partition("?")[0].endswith(f"/{encoded}")
        neon.done("DELETE", f"{branch}/databases/{encoded}")
        neon.done("DELETE", f"{branch}/roles/{encoded}")


def test_a_branch_holds_500_roles_and_500_databases() -> None:
    with a_branch() as (neon, branch):
        branch_id = branch.rpartition("/")[2]
        Stored.of(neon.simulator).fill_branch(branch_id, 499)
        for part, body in (("roles", ROLE), ("databases", DATABASE)):
            response = neon.ask("POST", f"{branch}/{part}", body)
            assert response.status_code == 422
            assert response.json()["code"] == f"{part.upper()}_LIMIT_EXCEEDED"
        neon.done("DELETE", f"{branch}/roles/role1")
        neon.done("POST", f"{branch}/roles", ROLE)
        neon.done("DELETE", f"{branch}/databases/database1")
        neon.done("POST", f"{branch}/databases", DATABASE)


WRITES = (
    ("POST", "roles", {"role": {"name": "second"}}),
    ("POST", "roles/app/reset_password", None),
    ("DELETE", "roles/app", None),
    ("POST", "databases", {"database": {"name": "second", "owner_name": "neondb_owner"}}),
    ("PATCH", "databases/shop", {"database": {"name": "third"}}),
    ("DELETE", "databases/shop", None),
)


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_write_waits_for_running_operations_and_starts_its_own(method: str, path: str, body: Any) -> None:
    with a_branch() as (neon, branch):
        neon.done("POST", f"{branch}/roles", ROLE)
        neon.done("POST", f"{branch}/databases", DATABASE)
        project = branch.partition("/branches/")[0]
        neon.ask("POST", f"{project}/branches")
        before = [neon.get(f"{branch}/{part}") for part in ("roles", "databases")]
        assert neon.refused(method, f"{branch}/{path}", body)[0] == 423
        assert [neon.get(f"{branch}/{part}") for part in ("roles", "databases")] == before
        neon.wait(1)
        answer = neon.ask(method, f"{branch}/{path}", body).json()
        assert [operation["action"] for operation in answer["operations"]] == ["apply_config"]
        assert neon.refused("POST", f"{branch}/roles", {"role": {"name": "late"}})[0] == 423


def test_a_branch_without_a_compute_gets_no_role_and_no_database() -> None:
    with a_branch(branches=(BranchSeed("dev", with_compute=False),)) as (neon, branch):
        project = branch.partition("/branches/")[0]
        (dev,) = [each["id"] for each in neon.get(f"{project}/branches")["branches"] if each["name"] == "dev"]
        for what, body in (("roles", ROLE), ("databases", DATABASE)):
            refused = neon.refused("POST", f"{project}/branches/{dev}/{what}", body)
            assert refused == (404, "no read-write endpoint for branch")


def test_an_idle_compute_is_woken_for_a_moment_and_a_disabled_one_needs_no_work() -> None:
    with a_branch() as (neon, branch):
        neon.wait(3600)
        woken = neon.done("POST", f"{branch}/roles", ROLE)
        assert [each["action"] for each in woken["operations"]] == ["apply_config", "suspend_compute"]
        project = branch.partition("/branches/")[0]
        (endpoint,) = [each["id"] for each in neon.get(f"{project}/endpoints")["endpoints"]]
        neon.done("PATCH", f"{project}/endpoints/{endpoint}", {"endpoint": {"disabled": True}})
        assert neon.done("POST", f"{branch}/databases", DATABASE)["operations"] == []


def test_roles_and_databases_belong_to_their_branch_and_come_along_to_its_children() -> None:
    with a_branch() as (neon, branch):
        neon.done("POST", f"{branch}/roles", ROLE)
        neon.done("POST", f"{branch}/databases", DATABASE)
        project = branch.partition("/branches/")[0]
        child = f"{project}/branches/{neon.done('POST', f'{project}/branches')['branch']['id']}"
        assert names(neon, f"{child}/roles") == ["app", "neondb_owner"]
        assert names(neon, f"{child}/databases") == ["neondb", "shop"]
        password = f"{child}/roles/app/reveal_password"
        assert neon.get(password) == neon.get(f"{branch}/roles/app/reveal_password")
        neon.done("POST", f"{branch}/roles/app/reset_password")
        assert neon.get(password) != neon.get(f"{branch}/roles/app/reveal_password")
        neon.done("DELETE", f"{branch}/databases/shop")
        assert names(neon, f"{child}/databases") == ["neondb", "shop"]

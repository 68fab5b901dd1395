"""What the product relies on about transfers, deletions and recoveries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.verified.facts import listed

if TYPE_CHECKING:
    from tests.verified.account import Account, Project

pytestmark = pytest.mark.verified


def opened(project: Project) -> Project:
    """The project, once the key of its organization opens it."""
    for _ in range(30):
        if project.ask("GET").is_success:
            return project
        project.account.wait(2)
    raise AssertionError(f"the key of {project.organization} does not open {project.id}")


def test_an_upgrade_moves_the_project_with_its_id(account: Account) -> None:
    """A transfer answers with nothing, starts no operations, and keeps id, name and branches."""
    project = account.create()
    branch = project.default_branch()["id"]
    response = project.transfer("paid")
    assert (response.status_code, response.json()) == (200, {})
    assert listed(opened(project))["name"] == project.name
    assert project.default_branch()["id"] == branch


def test_a_downgrade_moves_a_project_that_satisfies_the_limits(account: Account) -> None:
    """The way back is open: a downgrade tries the transfer before anything is reduced."""
    project = account.create("paid", history_retention_seconds=86_400)
    assert project.transfer("free").status_code == 200
    assert opened(project).read()["org_id"] == account.access.organization_ids["free"]


def test_annotations_survive_a_transfer(account: Account) -> None:
    """A tenant is still recognized in the other organization."""
    project = account.create(branch={"annotations": {"tenant": "acme"}})
    assert project.transfer("paid").is_success
    annotations = opened(project).get("/branches")["annotations"]
    assert annotations[project.default_branch()["id"]]["value"] == {"tenant": "acme"}


def test_an_organization_key_cannot_transfer(account: Account) -> None:
    """Only the job that applies has the personal key."""
    project, ids = account.create(), account.access.organization_ids
    body = {"destination_org_id": ids["paid"], "project_ids": [project.id]}
    response = account.ask("POST", f"/organizations/{ids['free']}/projects/transfer", body, key="free")
    assert response.status_code in {401, 403}
    assert project.read()["org_id"] == ids["free"]


def test_two_projects_share_a_transfer(account: Account) -> None:
    """One call moves up to 400."""
    first, second, ids = account.create(), account.create(), account.access.organization_ids
    body = {"destination_org_id": ids["paid"], "project_ids": [first.id, second.id]}
    assert account.ask("POST", f"/organizations/{ids['free']}/projects/transfer", body).status_code == 200
    first.organization = second.organization = "paid"
    assert {opened(first).read()["org_id"], opened(second).read()["org_id"]} == {ids["paid"]}


def test_a_deleted_project_is_gone_and_listed_as_recoverable_for_seven_days(account: Account) -> None:
    """A tombstone leaves a week to change one's mind."""
    project = account.create()
    assert project.ask("DELETE").status_code == 200
    assert project.ask("GET").status_code == 404
    found = account.listed("free", recoverable="true", search=project.name)
    deleted = next(each for each in found if each["id"] == project.id)
    until, since = (datetime.fromisoformat(deleted[name]) for name in ("recoverable_until", "deleted_at"))
    assert abs(until - since - timedelta(days=7)) <= timedelta(hours=1)


def test_a_second_deletion_of_a_project_finds_nothing(account: Account) -> None:
    """404 is taken as done."""
    project = account.create()
    assert project.ask("DELETE").status_code == 200
    assert project.ask("DELETE").status_code == 404


def test_a_recovered_project_is_the_same_with_its_annotations(account: Account) -> None:
    """``recover:`` brings a tenant back by its id."""
    project = account.create(branch={"annotations": {"tenant": "acme"}})
    branch = project.default_branch()["id"]
    assert project.ask("DELETE").status_code == 200
    assert project.ask("POST", "/recover").status_code == 200
    assert project.get("/branches")["annotations"][branch]["value"] == {"tenant": "acme"}


def test_a_protected_branch_protects_its_project(account: Account) -> None:
    """The product unprotects nothing by itself: the deletion is refused."""
    project = account.create("paid")
    branch = project.default_branch()["id"]
    project.write("PATCH", f"/branches/{branch}", {"branch": {"protected": True}})
    assert not project.ask("DELETE").is_success
    assert project.read()["id"] == project.id
    project.remove()  # it would count where another test fills the organization with protected branches


def test_a_pooled_connection_string_names_the_pooler(account: Account) -> None:
    """Connection strings are pooled by default."""
    project = account.create()
    database, role = (project.created[name][0]["name"] for name in ("databases", "roles"))
    answer = project.get("/connection_uri", database_name=database, role_name=role, pooled="true")
    assert "-pooler" in answer["uri"]

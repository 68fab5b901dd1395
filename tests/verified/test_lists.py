"""What the product relies on when it reads lists of projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.verified.account import PREFIX
from tests.verified.facts import listed

if TYPE_CHECKING:
    from tests.verified.account import Account

pytestmark = pytest.mark.verified


def test_a_list_shows_a_project_with_its_organization(account: Account) -> None:
    """An answer with another organization's id means wrong keys, and stops everything."""
    project = account.create()
    assert listed(project)["org_id"] == account.access.organization_ids["free"]


def test_a_search_finds_parts_of_names(account: Account) -> None:
    """The product compares the names that a search finds; the search itself proves no equality."""
    project = account.create(name=f"{PREFIX}{account.run}-search-longer")
    listed(project)
    found = account.listed("free", search=f"{PREFIX}{account.run}-search")
    assert project.id in {each["id"] for each in found}


def test_pages_of_one_follow_each_other_and_end_with_an_empty_one(account: Account) -> None:
    """A list is read until a page is empty: cursors come with the last page, too."""
    wanted = {listed(account.create(name=f"{PREFIX}{account.run}-page-{number}"))["id"] for number in range(3)}
    found: list[str] = []
    query: dict[str, Any] = {"search": f"{PREFIX}{account.run}-page", "limit": 1}
    while (page := account.ask("GET", "/projects", key="free", **query).json())["projects"]:
        found += [project["id"] for project in page["projects"]]
        query["cursor"] = page["pagination"]["cursor"]
        assert len(found) <= len(wanted)
    assert sorted(found) == sorted(wanted)


def test_an_organization_key_sees_no_project_of_the_other(account: Account) -> None:
    """404 or 403: the product takes both for a project that this key does not open."""
    project = account.create("paid")
    assert project.ask("GET", key="free").status_code in {403, 404}
    assert project.id not in {each["id"] for each in account.listed("free", search=project.name)}


def test_a_personal_key_lists_both_organizations(account: Account) -> None:
    """Before the first transfer, the product asks whose key the personal one is."""
    answer = account.ask("GET", "/users/me/organizations").json()
    ids = {organization["id"] for organization in answer["organizations"]}
    assert set(account.access.organization_ids.values()) <= ids


def test_the_operations_of_a_project_end_with_a_status_that_is_known(account: Account) -> None:
    """The product waits until every status is one of an end."""
    project = account.create()
    statuses = {operation["status"] for operation in project.get("/operations", limit=100)["operations"]}
    assert statuses <= {"finished", "skipped", "cancelled"}
    assert statuses


def test_an_answer_repeats_the_request_id(account: Account) -> None:
    """The journal holds an id of our own for each write; Neon names it in an error."""
    response = account.http.get(
        "/projects/no-such-project-12345678",
        headers={"Authorization": f"Bearer {account.access.personal_key}", "X-Request-ID": "reconciler-verified"},
    )
    assert response.status_code == 404
    assert response.json().get("request_id", "reconciler-verified") == "reconciler-verified"

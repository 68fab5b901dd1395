from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator import listing
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.faults import HideProjects
from reconciler.simulator.seed import ProjectSeed
from reconciler.simulator.types import Compute, Quota
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.simulator.account import Account


def pages(neon: Account, limit: int) -> Iterator[list[str]]:
    """Ids, page by page, until a page is empty."""
    cursor = ""
    while True:
        answer = neon.get(f"/projects?limit={limit}{cursor}")
        yield [project["id"] for project in answer["projects"]]
        if "pagination" not in answer:
            return
        cursor = f"&cursor={answer['pagination']['cursor']}"


def test_pages_hold_every_project_once_and_end_with_an_empty_one() -> None:
    with account() as neon:
        ids = {seeded.project_id for seeded in neon.simulator.seed_fleet("free", 25)}
        found = list(pages(neon, 10))
        assert [len(page) for page in found] == [10, 10, 5, 0]
        assert {project_id for page in found for project_id in page} == ids


def test_a_page_holds_ten_projects_unless_told_otherwise_and_at_most_400() -> None:
    with account(refusals_allowed=True) as neon:
        neon.simulator.seed_fleet("free", 11)
        assert len(neon.names()) == 10
        assert len(neon.names("limit=400")) == 11
        assert neon.refused("GET", "/projects?limit=401")[0] == 400
        assert neon.refused("GET", "/projects?limit=ten")[0] == 400


def test_a_project_that_disappears_between_pages_leaves_the_others_in_place() -> None:
    with account() as neon:
        neon.simulator.seed_fleet("free", 9)
        walk = pages(neon, 3)
        (first,) = islice(walk, 1)
        neon.done("DELETE", f"/projects/{first[-1]}")
        assert len([project_id for page in walk for project_id in page]) == 6


@pytest.mark.parametrize("search", ["cme-2", "CME-2", "acme-2"])
def test_a_search_finds_parts_of_names_in_any_case(search: str) -> None:
    with account() as neon:
        neon.simulator.add_projects("free", [ProjectSeed(f"acme-{n}") for n in (1, 2, 3, 20)])
        assert sorted(neon.names(f"search={search}")) == ["acme-2", "acme-20"]


def test_a_search_finds_parts_of_ids_and_takes_signs_literally() -> None:
    with account() as neon:
        seeded = neon.simulator.add_project("free", ProjectSeed("100%"))
        neon.simulator.add_project("free", ProjectSeed("1000"))
        assert neon.names(f"search={seeded.project_id[3:]}") == ["100%"]
        assert neon.names("search=0%25") == ["100%"]


signs = st.text(st.sampled_from("aAbé%'\"\0ß(*"), min_size=1, max_size=6)


@given(names=st.lists(signs, max_size=5), renamed=signs, search=signs)
def test_a_search_finds_what_a_look_at_every_name_would(names: list[str], renamed: str, search: str) -> None:
    with account() as neon:
        made = neon.simulator.add_projects("free", [ProjectSeed(name) for name in names])
        if made:
            neon.done("PATCH", f"/projects/{made[0].project_id}", {"project": {"name": renamed}})
            names = [renamed, *names[1:]]
        named = {each.project_id: name for each, name in zip(made, names, strict=True)}
        wanted = {id_ for id_, name in named.items() if search.lower() in name.lower() or search.lower() in id_}
        page = neon.get(f"/projects?{urlencode({'search': search})}")["projects"]
        assert {item["id"] for item in page} == wanted


def test_a_word_that_many_projects_share_is_found_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MANY", 5)
    with account() as neon:
        names = [f"{word}-{number}" for number in range(6) for word in ("one", "two")]
        neon.simulator.add_projects("free", [ProjectSeed(name) for name in names])
        assert len(neon.names("search=one&limit=400")) == 6
        assert neon.names("search=one-3&limit=400") == ["one-3"]


def test_an_organization_shows_its_own_projects_only() -> None:
    with account() as neon:
        neon.simulator.add_project("free", ProjectSeed("in-free"))
        neon.simulator.add_project("paid", ProjectSeed("in-paid"))
        assert neon.names() == ["in-free"]
        personal = neon.simulator.personal_key
        assert neon.names(f"org_id={neon.paid}", key=personal) == ["in-paid"]


def test_a_list_shows_what_plans_are_made_from() -> None:
    with account() as neon:
        seed = ProjectSeed("acme", quota=Quota(active_time_seconds=7), compute=Compute(0.5, 2, 600))
        neon.simulator.add_project("free", seed)
        (item,) = neon.get("/projects")["projects"]
        assert item["settings"]["quota"] == {"active_time_seconds": 7}
        assert item["default_endpoint_settings"]["suspend_timeout_seconds"] == 600
        assert item["history_retention_seconds"] == 86_400
        assert item["org_id"] == neon.free
        assert item["active_time"] == 0


def test_integrations_are_a_map_beside_the_projects() -> None:
    with account() as neon:
        seeded = neon.simulator.add_project("free", ProjectSeed("acme", integrations=["github"]))
        neon.simulator.add_project("free", ProjectSeed("other"))
        assert neon.get("/projects")["integrations"] == {seeded.project_id: ["github"]}


def test_projects_can_be_unavailable_for_one_list() -> None:
    with account() as neon:
        hidden, shown = (neon.simulator.add_project("free", ProjectSeed(name)).project_id for name in "ab")
        neon.simulator.faults.add(HideProjects((hidden,)), "GET", "/projects")
        partial = neon.get("/projects")
        assert partial["unavailable_project_ids"] == [hidden]
        assert [project["id"] for project in partial["projects"]] == [shown]
        assert neon.get(f"/projects/{hidden}")["project"]["id"] == hidden
        assert len(neon.names()) == 2


def test_a_list_may_hide_quotas() -> None:
    with account(behaviour=Behaviour(list_shows_quota=False)) as neon:
        seeded = neon.simulator.add_project("free", ProjectSeed("a", quota=Quota(active_time_seconds=7)))
        assert "quota" not in neon.get("/projects")["projects"][0]["settings"]
        project = neon.get(f"/projects/{seeded.project_id}")["project"]
        assert project["settings"]["quota"] == {"active_time_seconds": 7}


def test_a_list_may_show_zeros_for_compute_defaults() -> None:
    with account(behaviour=Behaviour(list_zero_compute=True)) as neon:
        neon.simulator.add_project("free", ProjectSeed("a", compute=Compute(0.5, 2, 600)))
        (item,) = neon.get("/projects")["projects"]
        assert set(item["default_endpoint_settings"].values()) == {0}


def test_a_new_project_may_be_late_in_lists() -> None:
    with account(behaviour=Behaviour(list_lag_seconds=5)) as neon:
        project_id = neon.create()["project"]["id"]
        assert neon.names() == []
        assert neon.names("search=acme") == []
        assert neon.get(f"/projects/{project_id}")["project"]["name"] == "acme"
        neon.wait(5)
        assert neon.names() == ["acme"]

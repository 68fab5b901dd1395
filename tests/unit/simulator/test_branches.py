from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, timestamp
from reconciler.simulator.seed import BranchSeed, ProjectSeed, Seeded
from tests.unit.simulator.account import EASY, account

if TYPE_CHECKING:
    from tests.unit.simulator.account import Account


def seeded(neon: Account, **members: Any) -> tuple[Seeded, str]:
    """A project, and the path of its branches."""
    project = neon.simulator.add_project("free", ProjectSeed("acme", **members))
    return project, f"/projects/{project.project_id}/branches"


def in_days(days: float) -> str:
    return timestamp(DEMO_EPOCH_SECONDS + days * 86_400)


def test_a_branch_is_a_child_of_the_default_one_with_its_roles_and_databases() -> None:
    with account() as neon:
        project, path = seeded(neon)
        made = neon.done("POST", path, {"branch": {"name": "dev"}, "endpoints": [{"type": "read_write"}]})
        assert made["branch"]["parent_id"] == project.branch_id
        assert [operation["action"] for operation in made["operations"]] == ["create_branch", "start_compute"]
        assert [role["name"] for role in made["roles"]] == ["neondb_owner"]
        assert [database["name"] for database in made["databases"]] == ["neondb"]
        uri = f"connection_uri?branch_id={made['branch']['id']}&database_name=neondb&role_name=neondb_owner"
        connection = neon.get(f"/projects/{project.project_id}/{uri}")
        assert connection["uri"] == made["connection_uris"][0]["connection_uri"]


def test_a_branch_for_which_nothing_is_asked_is_called_by_its_id_and_has_no_compute() -> None:
    with account() as neon:
        _, path = seeded(neon)
        made = neon.done("POST", path)
        assert made["branch"]["name"] == made["branch"]["id"]
        assert made["endpoints"] == []


def test_annotations_are_a_map_in_the_list_and_one_object_in_the_single_answer() -> None:
    with account() as neon:
        project, path = seeded(neon)
        made = neon.done("POST", path, {"branch": {"name": "dev"}, "annotation_value": {"tenant": "acme"}})
        branch_id = made["branch"]["id"]
        assert "annotation" not in made
        assert {k: a["value"] for k, a in neon.get(path)["annotations"].items()} == {branch_id: {"tenant": "acme"}}
        assert neon.get(f"{path}/{branch_id}")["annotation"]["value"] == {"tenant": "acme"}
        assert neon.get(f"{path}/{project.branch_id}")["annotation"]["value"] == {}


def test_a_name_is_taken_once_in_a_project() -> None:
    with account() as neon:
        _, path = seeded(neon, branches=(BranchSeed("dev"),))
        assert neon.refused("POST", path, {"branch": {"name": "dev"}}) == (409, "branch already exists")


def test_one_branch_more_than_the_plan_holds_is_refused() -> None:
    with account() as neon:
        _, path = seeded(neon, branches=(BranchSeed("a"), BranchSeed("b")))
        response = neon.ask("POST", path, {"branch": {"name": "c"}})
        assert response.status_code == 422
        assert response.json()["code"] == "BRANCHES_LIMIT_EXCEEDED"


def test_a_branch_whose_expiry_has_passed_is_gone_and_so_is_its_compute() -> None:
    with account() as neon:
        project, path = seeded(neon)
        body = {"branch": {"name": "dev", "expires_at": in_days(2)}, "endpoints": [{"type": "read_write"}]}
        branch = neon.done("POST", path, body)["branch"]
        assert branch["expires_at"] == in_days(2)
        assert branch["ttl_interval_seconds"] == 2 * 86_400
        assert neon.get(f"{path}/count") == {"count": 2}
        neon.wait(2 * 86_400)
        assert neon.get(f"{path}/count") == {"count": 1}
        assert len(neon.get(f"/projects/{project.project_id}/endpoints")["endpoints"]) == 1
        neon.done("POST", path, {"branch": {"name": "dev"}})


@pytest.mark.parametrize("expires_at", [in_days(-1), in_days(31)])
def test_an_expiry_in_the_past_or_far_away_is_refused(expires_at: str) -> None:
    with account() as neon:
        _, path = seeded(neon)
        assert neon.refused("POST", path, {"branch": {"expires_at": expires_at}})[0] == 400


@pytest.mark.parametrize(("days", "status"), [(-0.5, 201), (-2, 400), (1, 400)])
def test_a_branch_starts_from_a_moment_within_the_restore_window(days: float, status: int) -> None:
    with account() as neon:
        _, path = seeded(neon, created_at=DEMO_EPOCH_SECONDS - 9 * 86_400)
        response = neon.ask("POST", path, {"branch": {"parent_timestamp": in_days(days)}})
        assert response.status_code == status


def test_an_expiry_can_be_set_and_cleared_later_but_not_on_the_default_branch() -> None:
    with account() as neon:
        project, path = seeded(neon, branches=(BranchSeed("dev"),))
        (dev,) = project.branch_ids
        neon.done("PATCH", f"{path}/{dev}", {"branch": {"expires_at": in_days(1)}})
        assert neon.get(f"{path}/{dev}")["branch"]["expires_at"] == in_days(1)
        neon.done("PATCH", f"{path}/{dev}", {"branch": {"name": "renamed"}})
        assert neon.get(f"{path}/{dev}")["branch"]["expires_at"] == in_days(1)
        neon.done("PATCH", f"{path}/{dev}", {"branch": {"expires_at": None}})
        assert "expires_at" not in neon.get(f"{path}/{dev}")["branch"]
        body = {"branch": {"expires_at": in_days(1)}}
        assert neon.refused("PATCH", f"{path}/{project.branch_id}", body)[0] == 422


def test_a_branch_is_deleted_with_its_computes_and_deleting_it_again_is_204() -> None:
    with account() as neon:
        project, path = seeded(neon, branches=(BranchSeed("dev"),))
        (dev,) = project.branch_ids
        gone = neon.done("DELETE", f"{path}/{dev}")
        assert [operation["action"] for operation in gone["operations"]] == ["suspend_compute", "delete_timeline"]
        assert neon.ask("DELETE", f"{path}/{dev}").status_code == 204
        assert neon.refused("GET", f"{path}/{dev}")[0] == 404
        assert len(neon.get(f"/projects/{project.project_id}/endpoints")["endpoints"]) == 1


def test_the_default_branch_a_parent_and_a_protected_branch_stay() -> None:
    with account(behaviour=replace(EASY, deletion_count_lag_seconds=0.0)) as neon:
        project, path = seeded(neon, branches=(BranchSeed("dev"), BranchSeed("safe", protected=True)))
        dev, safe = project.branch_ids
        assert neon.refused("DELETE", f"{path}/{project.branch_id}")[0] == 422
        assert neon.refused("DELETE", f"{path}/{safe}")[0] == 422
        neon.done("PATCH", f"{path}/{safe}", {"branch": {"protected": False}})
        neon.done("DELETE", f"{path}/{safe}")
        neon.done("POST", path, {"branch": {"name": "grandchild", "parent_id": dev}})
        assert neon.refused("DELETE", f"{path}/{dev}") == (422, "branch has children, delete them first")


def test_another_branch_can_be_made_the_default() -> None:
    with account() as neon:
        project, path = seeded(neon, branches=(BranchSeed("dev"),))
        (dev,) = project.branch_ids
        neon.done("POST", f"{path}/{dev}/set_as_default")
        assert [b["name"] for b in neon.get(path)["branches"] if b["default"]] == ["dev"]


def test_a_branch_is_on_its_way_before_it_is_ready() -> None:
    with account() as neon:
        _, path = seeded(neon)
        branch = neon.ask("POST", path, {"branch": {"name": "dev"}}).json()["branch"]
        assert (branch["current_state"], branch["pending_state"]) == ("init", "ready")
        neon.wait(1)
        assert neon.get(f"{path}/{branch['id']}")["branch"]["current_state"] == "ready"


def test_branches_are_paged_by_a_cursor_of_another_name() -> None:
    with account() as neon:
        project, path = seeded(neon)
        for number in range(4):
            neon.simulator.add_branch(project.project_id, BranchSeed(f"b{number}"))
        query = "sort_by=name&sort_order=asc&limit=2"
        first = neon.get(f"{path}?{query}")
        second = neon.get(f"{path}?{query}&cursor={first['pagination']['next']}")
        third = neon.get(f"{path}?{query}&cursor={second['pagination']['next']}")
        last = neon.get(f"{path}?{query}&cursor={third['pagination']['next']}")
        found = [branch["name"] for page in (first, second, third) for branch in page["branches"]]
        assert found == ["b0", "b1", "b2", "b3", "main"]
        assert (last["branches"], "pagination" in last) == ([], False)
        assert [branch["name"] for branch in neon.get(f"{path}?search=B3")["branches"]] == ["b3"]

"""What branches may be made of, how long they may live, and what stays of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from reconciler.simulator.behaviour import Behaviour, DeletableRoots
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, timestamp
from reconciler.simulator.restore_points import position
from reconciler.simulator.seed import BranchSeed, ProjectSeed, Seeded, SnapshotSeed
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from tests.unit.simulator.account import Account

DAY_SECONDS = 86_400
TEN_DAYS_AGO = DEMO_EPOCH_SECONDS - 10 * DAY_SECONDS


def seeded(neon: Account, organization: str = "free", **members: Any) -> tuple[Seeded, str]:
    """A project that is ten days old, with a restore window of a day; and the path of its branches."""
    members.setdefault("created_at", TEN_DAYS_AGO)
    project = neon.simulator.add_project(organization, ProjectSeed("acme", **members))
    return project, f"/projects/{project.project_id}/branches"


def in_days(days: float) -> str:
    return timestamp(DEMO_EPOCH_SECONDS + days * DAY_SECONDS)


@pytest.mark.parametrize(
    "stated",
    [{"parent_timestamp": in_days(-0.5)}, {"parent_lsn": position(DEMO_EPOCH_SECONDS - DAY_SECONDS / 2)}],
)
def test_a_branch_can_be_of_a_moment_in_the_restore_window(stated: dict[str, str]) -> None:
    with account() as neon:
        _, path = seeded(neon)
        branch = neon.done("POST", path, {"branch": stated})["branch"]
        assert branch["parent_timestamp"] == in_days(-0.5)
        assert branch["parent_lsn"] == position(DEMO_EPOCH_SECONDS - DAY_SECONDS / 2)


@pytest.mark.parametrize(
    "stated",
    [
        {"parent_timestamp": in_days(-1.5)},
        {"parent_timestamp": in_days(1)},
        {"parent_lsn": position(TEN_DAYS_AGO)},
        {"parent_lsn": "?"},
        {"parent_lsn": position(DEMO_EPOCH_SECONDS), "parent_timestamp": in_days(0)},
    ],
)
def test_a_moment_outside_the_restore_window_is_refused(stated: dict[str, str]) -> None:
    with account() as neon:
        _, path = seeded(neon)
        assert neon.refused("POST", path, {"branch": stated})[0] == 400
        assert neon.get(f"{path}/count") == {"count": 1}


def test_a_restore_window_of_zero_holds_the_present_alone() -> None:
    with account() as neon:
        _, path = seeded(neon, restore_window_seconds=0)
        assert neon.refused("POST", path, {"branch": {"parent_timestamp": in_days(-0.01)}})[0] == 400
        neon.done("POST", path)


def test_a_child_has_its_parents_data_and_a_schema_only_branch_is_a_root_without_any() -> None:
    with account() as neon:
        project, path = seeded(neon, storage_bytes=123)
        child = neon.done("POST", path, {"branch": {"init_source": "parent-data"}})["branch"]
        assert (child["parent_id"], child["logical_size"]) == (project.branch_id, 123)
        body = {"branch": {"name": "empty", "init_source": "schema-only", "parent_id": child["id"]}}
        made = neon.done("POST", path, body)
        assert made["branch"].keys() & {"parent_id", "parent_lsn", "parent_timestamp"} == set()
        assert (made["branch"]["init_source"], made["branch"]["logical_size"]) == ("schema-only", 0)
        assert [database["name"] for database in made["databases"]] == ["neondb"]


def test_another_source_than_data_or_schema_is_refused() -> None:
    with account() as neon:
        _, path = seeded(neon)
        assert neon.refused("POST", path, {"branch": {"init_source": "import"}})[0] == 400


@pytest.mark.parametrize(
    ("deletable", "first", "later"),
    [
        (DeletableRoots.ALL, 200, 200),
        (DeletableRoots.ALL_BUT_THE_FIRST, 422, 200),
        (DeletableRoots.NONE, 422, 422),
    ],
)
def test_a_root_branch_beside_the_default_one_can_be_deleted_or_not(
    deletable: DeletableRoots, first: int, later: int
) -> None:
    with account(behaviour=Behaviour(root_branches_deletable=deletable)) as neon:
        roots = (BranchSeed("root", schema_only=True), BranchSeed("default", schema_only=True))
        project, path = seeded(neon, branches=roots)
        neon.done("POST", f"{path}/{project.branch_ids[1]}/set_as_default")
        assert neon.ask("DELETE", f"{path}/{project.branch_id}").status_code == first
        neon.wait(1)
        assert neon.ask("DELETE", f"{path}/{project.branch_ids[0]}").status_code == later


def test_the_first_branch_can_be_deleted_once_a_restore_has_replaced_it() -> None:
    with account(behaviour=Behaviour()) as neon:
        project, path = seeded(neon, snapshots=(SnapshotSeed("before"),))
        neon.simulator.restore(project.project_id)
        assert neon.ask("DELETE", f"{path}/{project.branch_id}").status_code == 200


def test_a_project_holds_so_many_root_branches() -> None:
    with account(behaviour=Behaviour(root_branches=2)) as neon:
        _, path = seeded(neon, branches=(BranchSeed("root", schema_only=True),))
        response = neon.ask("POST", path, {"branch": {"init_source": "schema-only"}})
        assert response.status_code == 422
        assert response.json()["code"] == "ROOT_BRANCHES_LIMIT_EXCEEDED"
        neon.done("POST", path)


def test_a_branch_that_expires_has_no_children_but_its_schema_can_be_copied() -> None:
    with account() as neon:
        project, path = seeded(neon, branches=(BranchSeed("brief", expires_at=DEMO_EPOCH_SECONDS + 60),))
        (brief,) = project.branch_ids
        assert neon.refused("POST", path, {"branch": {"parent_id": brief}})[0] == 422
        neon.done("POST", path, {"branch": {"parent_id": brief, "init_source": "schema-only"}})


def test_what_expires_is_not_protected_in_whatever_order_it_is_asked() -> None:
    with account() as neon:
        project, path = seeded(neon, branches=(BranchSeed("dev"),))
        dev = f"{path}/{project.branch_ids[0]}"
        both = {"protected": True, "expires_at": in_days(1)}
        assert neon.refused("POST", path, {"branch": both})[0] == 422
        assert neon.refused("PATCH", dev, {"branch": both})[0] == 422
        neon.done("PATCH", dev, {"branch": {"expires_at": in_days(1)}})
        assert neon.refused("PATCH", dev, {"branch": {"protected": True}})[0] == 422
        assert neon.refused("POST", f"{dev}/set_as_default")[0] == 422
        neon.done("PATCH", dev, {"branch": {"protected": True, "expires_at": None}})
        assert neon.refused("PATCH", dev, {"branch": {"expires_at": in_days(1)}})[0] == 422


def test_a_parent_cannot_expire() -> None:
    with account() as neon:
        project, path = seeded(neon, branches=(BranchSeed("dev"), BranchSeed("child", parent="dev")))
        body = {"branch": {"expires_at": in_days(1)}}
        assert neon.refused("PATCH", f"{path}/{project.branch_ids[0]}", body)[0] == 422
        neon.done("PATCH", f"{path}/{project.branch_ids[1]}", body)


def test_a_branch_cannot_be_renamed_to_the_name_of_another() -> None:
    with account() as neon:
        project, path = seeded(neon, branches=(BranchSeed("dev"),))
        dev = f"{path}/{project.branch_ids[0]}"
        assert neon.refused("PATCH", dev, {"branch": {"name": "main"}}) == (409, "branch already exists")
        neon.done("PATCH", dev, {"branch": {"name": "dev"}})


def test_a_branch_has_at_most_one_compute_that_writes() -> None:
    with account() as neon:
        _, path = seeded(neon)
        assert neon.refused("POST", path, {"endpoints": [{"type": "read_write"}] * 2})[0] == 400
        neon.done("POST", path, {"endpoints": [{"type": "read_write"}, {"type": "read_only"}]})


def test_deleting_a_branch_that_never_was_or_has_expired_is_204() -> None:
    with account() as neon:
        project, path = seeded(neon, branches=(BranchSeed("brief", expires_at=DEMO_EPOCH_SECONDS + 60),))
        assert neon.ask("DELETE", f"{path}/br-nowhere-1").status_code == 204
        neon.wait(60)
        assert neon.ask("DELETE", f"{path}/{project.branch_ids[0]}").status_code == 204


def test_a_softly_deleted_branch_holds_its_name_and_its_place_for_seven_days() -> None:
    with account(behaviour=Behaviour(soft_deletion=True)) as neon:
        project, path = seeded(neon, branches=(BranchSeed("dev"), BranchSeed("other")))
        dev, other = project.branch_ids
        neon.done("DELETE", f"{path}/{dev}")
        assert neon.get(f"{path}/count") == {"count": 2}
        listed = {branch["name"]: branch for branch in neon.get(f"{path}?include_deleted=true")["branches"]}
        assert listed["dev"]["recovery"]["deletion_method"] == "user"
        assert "recovery" not in listed["other"]
        assert {branch["name"] for branch in neon.get(path)["branches"]} == {"main", "other"}
        assert neon.ask("POST", path, {"branch": {"name": "new"}}).json()["code"] == "BRANCHES_LIMIT_EXCEEDED"
        neon.done("DELETE", f"{path}/{other}?hard_delete=true")
        assert neon.refused("POST", path, {"branch": {"name": "dev"}})[0] == 409
        neon.done("POST", path, {"branch": {"name": "other"}})
        neon.wait(7 * DAY_SECONDS)
        neon.done("POST", path, {"branch": {"name": "dev"}})


def test_an_expired_branch_is_listed_among_the_softly_deleted() -> None:
    with account(behaviour=Behaviour(soft_deletion=True)) as neon:
        _, path = seeded(neon, branches=(BranchSeed("brief", expires_at=DEMO_EPOCH_SECONDS + 60),))
        neon.wait(61)
        listed = neon.get(f"{path}?include_deleted=true&search=brief")["branches"]
        assert [branch["recovery"]["deletion_method"] for branch in listed] == ["ttl"]


def test_without_soft_deletion_a_deleted_branch_is_gone() -> None:
    with account() as neon:
        project, path = seeded(neon, branches=(BranchSeed("dev"),))
        neon.done("DELETE", f"{path}/{project.branch_ids[0]}")
        names = [branch["name"] for branch in neon.get(f"{path}?include_deleted=true")["branches"]]
        assert names == ["main"]
        neon.done("POST", path, {"branch": {"name": "dev"}})


def test_a_name_is_not_blank() -> None:
    with account() as neon:
        project, path = seeded(neon)
        assert neon.refused("POST", path, {"branch": {"name": " "}})[0] == 400
        assert neon.refused("PATCH", f"{path}/{project.branch_id}", {"branch": {"name": "\t"}})[0] == 400
        assert neon.refused("POST", "/projects", {"project": {"branch": {"name": " "}}})[0] == 400


@pytest.mark.parametrize(("count", "status"), [(50, 201), (51, 400)])
def test_a_branch_has_at_most_fifty_annotations(count: int, status: int) -> None:
    with account(refusals_allowed=True) as neon:
        _, path = seeded(neon)
        body = {"annotation_value": {f"key-{number}": "value" for number in range(count)}}
        assert neon.ask("POST", path, body).status_code == status


def test_a_project_holds_so_many_protected_branches() -> None:
    with account(behaviour=Behaviour(protected_branches=1)) as neon:
        project, path = seeded(neon, protected=True, branches=(BranchSeed("dev"),))
        dev, body = f"{path}/{project.branch_ids[0]}", {"branch": {"protected": True}}
        for method, where in (("POST", path), ("PATCH", dev)):
            response = neon.ask(method, where, body)
            assert (response.status_code, response.json()["code"]) == (422, "BRANCHES_PROTECTED_LIMIT_EXCEEDED")
        neon.done("PATCH", f"{path}/{project.branch_id}", body)
        neon.done("PATCH", f"{path}/{project.branch_id}", {"branch": {"protected": False}})
        neon.done("PATCH", dev, body)


def password(neon: Account, project: Seeded, branch_id: str) -> str | None:
    query = f"branch_id={branch_id}&database_name=neondb&role_name=neondb_owner"
    uri: str = neon.get(f"/projects/{project.project_id}/connection_uri?{query}")["uri"]
    return urlsplit(uri).password


@pytest.mark.parametrize("protected", [False, True])
def test_a_child_of_a_protected_branch_has_passwords_of_its_own(protected: bool) -> None:
    with account() as neon:
        project, path = seeded(neon, protected=protected)
        made = neon.done("POST", path, {"endpoints": [{"type": "read_write"}]})
        child = made["branch"]["id"]
        assert (password(neon, project, child) == password(neon, project, project.branch_id)) is not protected
        neon.done("POST", f"{path}/{child}/restore", {"source_branch_id": project.branch_id})
        assert (password(neon, project, child) == password(neon, project, project.branch_id)) is not protected


def test_the_compute_of_a_branch_that_has_expired_is_gone() -> None:
    with account() as neon:
        project, _ = seeded(neon, branches=(BranchSeed("brief", expires_at=DEMO_EPOCH_SECONDS + 60),))
        path = f"/projects/{project.project_id}/endpoints"
        (brief,) = [each for each in neon.get(path)["endpoints"] if each["branch_id"] in project.branch_ids]
        neon.wait(60)
        assert neon.refused("GET", f"{path}/{brief['id']}")[0] == 404


def test_a_compute_of_a_protected_branch_is_not_deleted() -> None:
    with account() as neon:
        project, path = seeded(neon, protected=True)
        compute = f"/projects/{project.project_id}/endpoints/{project.endpoint_id}"
        assert neon.refused("DELETE", compute)[0] == 422
        neon.done("PATCH", f"{path}/{project.branch_id}", {"branch": {"protected": False}})
        neon.done("DELETE", compute)

"""What the product relies on about branches and snapshots."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.verified.account import Account, Project

pytestmark = pytest.mark.verified


def in_days(project: Project, days: int) -> str:
    """So many days after what Neon's own clock says, as it writes times."""
    now = parsedate_to_datetime(project.ask("GET").headers["date"])
    return (now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def names(project: Project) -> set[str]:
    return {branch["name"] for branch in project.get("/branches")["branches"]}


def test_a_branch_takes_its_expiry_and_states_it_in_utc(account: Account) -> None:
    """``expires_at`` is compared as an instant, to the second."""
    project = account.create()
    moment = in_days(project, 7)
    branch = project.branch(name="preview", expires_at=moment)
    found = project.get(f"/branches/{branch['id']}")["branch"]
    assert datetime.fromisoformat(found["expires_at"]) == datetime.fromisoformat(moment)


def test_an_expiry_of_null_is_taken_away(account: Account) -> None:
    """A branch whose file names no end any more stays."""
    project = account.create()
    branch = project.branch(name="preview", expires_at=in_days(project, 7))
    project.write("PATCH", f"/branches/{branch['id']}", {"branch": {"expires_at": None}})
    assert project.get(f"/branches/{branch['id']}")["branch"].get("expires_at") is None


def test_an_expiry_beyond_thirty_days_is_refused(account: Account) -> None:
    """The product reports such a file before any call."""
    project = account.create()
    body = {"branch": {"name": "late", "expires_at": in_days(project, 31)}}
    assert project.ask("POST", "/branches", body).status_code in {400, 422}


def test_annotations_of_a_new_branch_stand_beside_the_name(account: Account) -> None:
    """A branch that the product has created is recognized by them."""
    project = account.create()
    body = {"branch": {"name": "ours"}, "annotation_value": {"managed-by": "reconciler"}}
    branch = project.write("POST", "/branches", body)["branch"]
    assert project.get("/branches")["annotations"][branch["id"]]["value"] == {"managed-by": "reconciler"}


def test_two_branches_of_one_name_are_refused(account: Account) -> None:
    """409: the product reads again, and takes it as done where the branch is the one it wants."""
    project = account.create()
    project.branch(name="development")
    assert project.ask("POST", "/branches", {"branch": {"name": "development"}}).status_code == 409


def test_a_branch_that_was_deleted_is_gone_and_a_second_deletion_is_no_error(account: Account) -> None:
    """A deletion whose answer was lost can be found to be done."""
    project = account.create()
    branch = project.branch(name="old")
    project.write("DELETE", f"/branches/{branch['id']}")
    assert "old" not in names(project)
    assert project.ask("DELETE", f"/branches/{branch['id']}").status_code in {204, 404}


def test_a_branch_with_children_is_not_deleted(account: Account) -> None:
    """The product deletes children before their parents."""
    project = account.create()
    parent = project.branch(name="parent")
    project.branch(name="child", parent_id=parent["id"])
    assert project.ask("DELETE", f"/branches/{parent['id']}").status_code in {400, 409, 422}
    assert "parent" in names(project)


def test_branches_are_listed_page_by_page_in_a_fixed_order(account: Account) -> None:
    """Sorted by creation, a list does not move while it is read."""
    project = account.create()
    for name in ("one", "two"):
        project.branch(name=name)
        account.wait(1)
    found: list[str] = []
    cursor: dict[str, Any] = {}
    for _ in range(5):
        page = project.get("/branches", limit=1, sort_by="created_at", sort_order="asc", **cursor)
        if not page["branches"]:
            break
        found += [branch["name"] for branch in page["branches"]]
        if "next" not in page.get("pagination", {}):
            break
        cursor = {"cursor": page["pagination"]["next"]}
    assert found == ["main", "one", "two"]


def test_a_snapshot_is_taken_by_query_and_listed_with_its_name(account: Account) -> None:
    """A declared snapshot is recognized by its name and its branch."""
    project = account.create()
    taken = project.snapshot("v1.0-stable")
    (found,) = project.get("/snapshots")["snapshots"]
    assert (found["id"], found["name"]) == (taken["id"], "v1.0-stable")
    assert found["source_branch_id"] == project.default_branch()["id"]


def test_a_second_snapshot_in_the_sponsored_organization_is_refused(account: Account) -> None:
    """The limit is one: the product deletes the old one first where the files permit it."""
    project = account.create()
    project.snapshot("first")
    path = f"/branches/{project.default_branch()['id']}/snapshot"
    assert project.ask("POST", path, name="second").status_code == 422
    assert [snapshot["name"] for snapshot in project.get("/snapshots")["snapshots"]] == ["first"]


def test_snapshots_can_have_one_name(account: Account) -> None:
    """Two of one name are reported, and neither is deleted."""
    project = account.create("paid")
    assert project.snapshot("same")["id"] != project.snapshot("same")["id"]


def test_a_branch_with_a_parent_has_no_snapshots(account: Account) -> None:
    """The product refuses such a file with a reason instead of calling."""
    project = account.create("paid")
    branch = project.branch(name="child")
    assert not project.ask("POST", f"/branches/{branch['id']}/snapshot", name="no").is_success


def test_a_finalized_restore_gives_the_default_branch_another_id(account: Account) -> None:
    """The product finds the default branch anew each time, and never deletes what was left as old."""
    project = account.create("paid")
    before, snapshot = project.default_branch(), project.snapshot("before")
    body = {"target_branch_id": before["id"], "finalize_restore": True}
    project.write("POST", f"/snapshots/{snapshot['id']}/restore", body)
    assert project.default_branch()["id"] != before["id"]
    assert project.default_branch()["name"] == before["name"]
    assert before["id"] in {branch["id"] for branch in project.get("/branches")["branches"]}


def test_a_restore_that_is_not_finalized_is_a_branch_of_its_own(account: Account) -> None:
    """A preview of a snapshot leaves the default branch in its place."""
    project = account.create("paid")
    before, snapshot = project.default_branch(), project.snapshot("before")
    body = {"name": "preview", "target_branch_id": before["id"], "finalize_restore": False}
    project.write("POST", f"/snapshots/{snapshot['id']}/restore", body)
    assert project.default_branch()["id"] == before["id"]
    assert "preview" in names(project)


def restored(project: Project) -> dict[str, Any]:
    """The default branch, after it was set back to its own state of a moment ago."""
    before = project.default_branch()
    body = {
        "source_branch_id": before["id"],
        "source_timestamp": before["created_at"],
        "preserve_under_name": "main (old, before restore to then)",
    }
    project.write("POST", f"/branches/{before['id']}/restore", body)
    return before


def test_a_restore_to_an_earlier_moment_keeps_the_id_and_the_state_before_it(account: Account) -> None:
    """The moment before a restore is found on the branch that it keeps, which the restore has created."""
    project = account.create("paid")
    account.wait(5)
    before = restored(project)
    after = project.default_branch()
    (kept,) = [one for one in project.get("/branches")["branches"] if one["name"].startswith("main (old")]
    assert (after["id"], after["name"]) == (before["id"], before["name"])
    apart = datetime.fromisoformat(after["last_reset_at"]) - datetime.fromisoformat(kept["created_at"])
    assert abs(apart) <= timedelta(seconds=5)


def test_a_state_that_a_restore_kept_can_be_restored_again(account: Account) -> None:
    """Undo of an undo: from the present state of the branch that was kept."""
    project = account.create("paid")
    account.wait(5)
    default = restored(project)
    (kept,) = [one for one in project.get("/branches")["branches"] if one["name"].startswith("main (old")]
    body = {"source_branch_id": kept["id"], "preserve_under_name": "main (old, again)"}
    project.write("POST", f"/branches/{default['id']}/restore", body)
    assert project.default_branch()["id"] == default["id"]
    assert {"main (old, before restore to then)", "main (old, again)"} <= names(project)


def test_a_second_restore_under_the_same_name_is_refused(account: Account) -> None:
    """A restore whose answer was lost is not done twice."""
    project = account.create("paid")
    account.wait(5)
    default = restored(project)
    body = {
        "source_branch_id": default["id"],
        "source_timestamp": project.default_branch()["last_reset_at"],
        "preserve_under_name": "main (old, before restore to then)",
    }
    assert project.ask("POST", f"/branches/{default['id']}/restore", body).status_code in {400, 409, 422}


def test_the_restore_of_a_snapshot_that_is_not_finalized_says_so(account: Account) -> None:
    """A preview is recognized by it: it has no annotations. Finalized, it is the default branch."""
    project = account.create("paid")
    before, snapshot = project.default_branch(), project.snapshot("before")
    body = {"target_branch_id": before["id"], "finalize_restore": False, "name": "preview"}
    made = project.write("POST", f"/snapshots/{snapshot['id']}/restore", body)["branch"]
    found = project.get(f"/branches/{made['id']}")["branch"]
    told = (found["restore_status"], found["restored_from"], found["restored_as"])
    assert told == ("restored", snapshot["id"], before["id"])
    project.write("POST", f"/branches/{made['id']}/finalize_restore", {"name": "main (old until now)"})
    assert project.default_branch()["id"] == made["id"]
    assert "main (old until now)" in names(project)

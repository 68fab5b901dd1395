"""What the product relies on when it changes a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.verified.test_creation import QUOTA, SIZES

if TYPE_CHECKING:
    from tests.verified.account import Account

pytestmark = pytest.mark.verified

PRO: Final = {
    "active_time_seconds": 2_700_000,
    "compute_time_seconds": 5_400_000,
    "written_data_bytes": 107_374_182_400,
    "data_transfer_bytes": 53_687_091_200,
    "logical_size_bytes": 10_737_418_240,
}


def test_a_patch_of_all_five_members_of_the_quota_is_what_is_read(account: Account) -> None:
    """The product always sends all five, so it does not matter whether Neon merges."""
    project = account.create(settings={"quota": QUOTA})
    assert project.patch(settings={"quota": PRO})["settings"]["quota"] == PRO


def test_a_quota_of_nought_is_no_limit(account: Account) -> None:
    """``unlimited`` is sent as 0, and an absent member is read as 0."""
    project = account.create(settings={"quota": QUOTA})
    quota = project.patch(settings={"quota": dict.fromkeys(QUOTA, 0)})["settings"].get("quota", {})
    assert not any(quota.values())


def test_settings_that_are_sent_along_with_a_quota_stay(account: Account) -> None:
    """Where a patch removes the settings that it does not name, the product sends them along."""
    allowed = {"ips": ["192.0.2.1"], "protected_branches_only": False}
    project = account.create("paid", settings={"allowed_ips": allowed, "quota": QUOTA})
    settings = project.patch(settings={"allowed_ips": allowed, "quota": PRO})["settings"]
    assert settings["allowed_ips"]["ips"] == ["192.0.2.1"]
    assert settings["quota"] == PRO


def test_new_defaults_leave_an_existing_compute_as_it_is(account: Account) -> None:
    """An upgrade patches computes as well as the project."""
    project = account.create(default_endpoint_settings=SIZES)
    before = project.get("/endpoints")["endpoints"][0]["autoscaling_limit_max_cu"]
    project.patch(default_endpoint_settings={**SIZES, "autoscaling_limit_max_cu": 2})
    assert project.get("/endpoints")["endpoints"][0]["autoscaling_limit_max_cu"] == before


def test_a_patch_of_a_compute_changes_its_size(account: Account) -> None:
    """The other half of an upgrade."""
    project = account.create(default_endpoint_settings=SIZES)
    (compute,) = project.get("/endpoints")["endpoints"]
    project.write("PATCH", f"/endpoints/{compute['id']}", {"endpoint": {"autoscaling_limit_max_cu": 2}})
    assert project.get("/endpoints")["endpoints"][0]["autoscaling_limit_max_cu"] == 2


def test_a_project_is_renamed_in_place(account: Account) -> None:
    """A tenant's new name is a patch, and no other project."""
    project = account.create()
    assert project.patch(name=f"{project.name}-renamed")["name"] == f"{project.name}-renamed"


def test_a_restore_window_beyond_every_plan_is_refused(account: Account) -> None:
    """Neon answers 400, and changes nothing: the product reports it and goes on with other tenants."""
    project = account.create(history_retention_seconds=86_400)
    response = project.ask("PATCH", "", {"project": {"history_retention_seconds": 2_592_001}})
    assert response.status_code == 400
    assert project.read()["history_retention_seconds"] == 86_400


def test_a_write_to_a_busy_project_changes_nothing_or_is_carried_out(account: Account) -> None:
    """Neon may answer 423, which the product repeats: the branch exists exactly if the answer was a success."""
    project = account.create()
    body = {"branch": {"name": "first"}, "endpoints": [{"type": "read_write"}]}
    assert project.ask("POST", "/branches", body).is_success
    status = project.ask("POST", "/branches", {"branch": {"name": "second"}}, checked=False).status_code
    assert status in {201, 423}
    project.settle()
    assert ("second" in {branch["name"] for branch in project.get("/branches")["branches"]}) == (status == 201)


def test_a_locked_write_is_accepted_once_the_operations_have_ended(account: Account) -> None:
    """The product waits for the operations of one call before the next."""
    project = account.create()
    project.branch(name="first")
    assert project.ask("POST", "/branches", {"branch": {"name": "second"}}, checked=False).status_code == 201

from __future__ import annotations

import pytest

from reconciler.simulator.behaviour import Behaviour, Patch
from reconciler.simulator.seed import ProjectSeed
from tests.unit.simulator.account import account


def test_a_new_project_comes_with_branch_compute_role_database_and_operations() -> None:
    with account() as neon:
        made = neon.create(
            branch={"name": "production", "database_name": "app", "annotations": {"tenant": "acme"}}
        )
        assert made["project"]["name"] == "acme"
        assert made["branch"]["name"] == "production"
        assert made["branch"]["default"]
        assert made["endpoints"][0]["branch_id"] == made["branch"]["id"]
        assert made["roles"][0]["name"] == "app_owner"
        assert made["databases"][0]["name"] == "app"
        assert [operation["action"] for operation in made["operations"]] == ["create_timeline", "start_compute"]
        uri = made["connection_uris"][0]["connection_uri"]
        assert made["roles"][0]["password"] in uri
        path = f"/projects/{made['project']['id']}/connection_uri?database_name=app&role_name=app_owner"
        assert neon.get(path)["uri"] == uri
        assert "-pooler." in neon.get(f"{path}&pooled=true")["uri"]


def test_a_project_for_which_nothing_is_asked_gets_the_defaults() -> None:
    with account() as neon:
        project = neon.done("POST", "/projects", {"project": {}})["project"]
        assert project["name"] == project["id"]
        assert project["region_id"] == "aws-us-east-2"
        assert project["pg_version"] == 17
        assert project["history_retention_seconds"] == 86_400
        compute = {
            "autoscaling_limit_min_cu": 0.25,
            "autoscaling_limit_max_cu": 0.25,
            "suspend_timeout_seconds": 0,
        }
        assert project["default_endpoint_settings"] == compute
        assert "quota" not in project["settings"]


def test_names_are_not_unique_and_ids_are() -> None:
    with account() as neon:
        ids = {neon.create("twin")["project"]["id"] for _ in range(3)}
        assert len(ids) == 3
        assert neon.names("search=twin") == ["twin"] * 3


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"nmae": "x"}, "unknown field `nmae`"),
        ({"name": 1}, "Expected `str`, got `int`"),
        ({"name": ""}, "length >= 1"),
        ({"pg_version": 13}, ">= 14"),
        ({"settings": {"quota": {"active_time": 1}}}, "unknown field `active_time`"),
        ({"settings": {"quota": {"active_time_seconds": -1}}}, ">= 0"),
        ({"region_id": "moon-1"}, "moon-1"),
        ({"branch": {"role_name": "pg_me"}}, "reserved"),
        ({"branch": {"database_name": "postgres"}}, "reserved"),
        ({"history_retention_seconds": 86_401}, 'max:"86400"'),
        ({"default_endpoint_settings": {"autoscaling_limit_min_cu": 3, "autoscaling_limit_max_cu": 3}}, "maximum"),
        ({"default_endpoint_settings": {"autoscaling_limit_max_cu": 1.5}}, "unsupported compute size"),
        ({"default_endpoint_settings": {"autoscaling_limit_min_cu": 2}}, "must not exceed"),
        ({"default_endpoint_settings": {"suspend_timeout_seconds": 30}}, "at least 60"),
    ],
)
def test_a_bad_request_is_refused_and_nothing_is_stored(members: dict[str, object], message: str) -> None:
    with account(refusals_allowed=True) as neon:
        status, said = neon.refused("POST", "/projects", {"project": members})
        assert status == 400
        assert message in said
        assert neon.names() == []


def test_an_autoscaling_range_is_at_most_eight_units() -> None:
    with account() as neon:
        compute = {"autoscaling_limit_min_cu": 0.25, "autoscaling_limit_max_cu": 16}
        body = {"project": {"default_endpoint_settings": compute}}
        key = neon.simulator.organization_keys["paid"]
        assert neon.refused("POST", "/projects", body, key=key)[0] == 400


def test_a_suspend_timeout_below_the_plan_is_refused_with_412() -> None:
    with account() as neon:
        body = {"project": {"default_endpoint_settings": {"suspend_timeout_seconds": 120}}}
        assert neon.refused("POST", "/projects", body)[0] == 412


def test_one_project_more_than_the_organization_holds_is_refused() -> None:
    with account() as neon:
        ids = [neon.create(str(number))["project"]["id"] for number in range(3)]
        response = neon.ask("POST", "/projects", {"project": {"name": "fourth"}})
        assert response.status_code == 422
        assert response.json()["code"] == "PROJECTS_LIMIT_EXCEEDED"
        neon.done("DELETE", f"/projects/{ids[0]}")
        neon.create("fourth")


@pytest.mark.parametrize(
    ("patch", "left"),
    [
        (Patch.MERGE, {"active_time_seconds": 9, "logical_size_bytes": 5}),
        (Patch.REPLACE, {"active_time_seconds": 9}),
    ],
)
def test_a_quota_patch_merges_or_replaces(patch: Patch, left: dict[str, int]) -> None:
    with account(behaviour=Behaviour(settings_patch=Patch.MERGE, quota_patch=patch)) as neon:
        quota = {"active_time_seconds": 7, "logical_size_bytes": 5}
        path = f"/projects/{neon.create(settings={'quota': quota})['project']['id']}"
        neon.done("PATCH", path, {"project": {"settings": {"quota": {"active_time_seconds": 9}}}})
        assert neon.get(path)["project"]["settings"]["quota"] == left


def test_a_quota_of_zero_is_unlimited_and_not_reported() -> None:
    with account() as neon:
        quota = {"active_time_seconds": 7, "logical_size_bytes": 5}
        path = f"/projects/{neon.create(settings={'quota': quota})['project']['id']}"
        neon.done("PATCH", path, {"project": {"settings": {"quota": {"logical_size_bytes": 0}}}})
        assert neon.get(path)["project"]["settings"]["quota"] == {"active_time_seconds": 7}


def test_other_settings_merge_by_member_and_replace_within() -> None:
    with account() as neon:
        ips = {"ips": ["192.0.2.1"], "protected_branches_only": True}
        path = f"/projects/{neon.create(settings={'allowed_ips': ips})['project']['id']}"
        neon.done("PATCH", path, {"project": {"settings": {"allowed_ips": {"ips": ["192.0.2.2"]}}}})
        neon.done("PATCH", path, {"project": {"settings": {"block_vpc_connections": True}}})
        settings = neon.get(path)["project"]["settings"]
        assert settings["allowed_ips"] == {"ips": ["192.0.2.2"]}
        assert settings["block_vpc_connections"]
        assert settings["maintenance_window"]["weekdays"] == [5]


@pytest.mark.parametrize(("patch", "smallest"), [(Patch.MERGE, 1), (Patch.REPLACE, 0.25)])
def test_compute_defaults_merge_or_replace(patch: Patch, smallest: float) -> None:
    with account(behaviour=Behaviour(compute_patch=patch)) as neon:
        compute = {"autoscaling_limit_min_cu": 1, "autoscaling_limit_max_cu": 1}
        path = f"/projects/{neon.create(default_endpoint_settings=compute)['project']['id']}"
        body = {"project": {"default_endpoint_settings": {"autoscaling_limit_max_cu": 2}}}
        project = neon.done("PATCH", path, body)["project"]
        assert project["default_endpoint_settings"]["autoscaling_limit_min_cu"] == smallest


def test_compute_defaults_never_reach_the_computes_that_exist() -> None:
    with account() as neon:
        path = f"/projects/{neon.create()['project']['id']}"
        body = {"project": {"default_endpoint_settings": {"autoscaling_limit_max_cu": 2}}}
        assert neon.done("PATCH", path, body)["operations"] == []
        assert neon.get(f"{path}/endpoints")["endpoints"][0]["autoscaling_limit_max_cu"] == 0.25


@pytest.mark.parametrize(("as_zero", "reported"), [(True, 0), (False, 300)])
def test_a_suspend_timeout_of_five_minutes_is_reported_as_the_default(*, as_zero: bool, reported: int) -> None:
    with account(behaviour=Behaviour(default_suspend_as_zero=as_zero, create_shows_settings=True)) as neon:
        made = neon.create(default_endpoint_settings={"suspend_timeout_seconds": 300})
        assert made["project"]["default_endpoint_settings"]["suspend_timeout_seconds"] == reported
        neon.wait(1)
        branches = f"/projects/{made['project']['id']}/branches"
        other = neon.done("POST", branches, {"endpoints": [{"type": "read_write"}]})
        assert other["endpoints"][0]["suspend_timeout_seconds"] == reported


@pytest.mark.parametrize("name", ["enable_logical_replication", "hipaa"])
@pytest.mark.parametrize("refused", [True, False])
def test_what_cannot_be_disabled_stays_enabled(name: str, *, refused: bool) -> None:
    with account(behaviour=Behaviour(one_way_settings_refused=refused)) as neon:
        path = f"/projects/{neon.create(settings={name: True})['project']['id']}"
        body = {"project": {"name": "renamed", "settings": {name: False, "block_vpc_connections": True}}}
        if refused:
            assert neon.refused("PATCH", path, body) == (400, f"{name} cannot be disabled once it is enabled")
        else:
            neon.done("PATCH", path, body)
        project = neon.get(path)["project"]
        assert project["settings"][name] is True
        assert project["settings"]["block_vpc_connections"] is not refused


@pytest.mark.parametrize("entry", ["", "10.0.0", "10.0.0.0/33", "10.0.0.1-::1", "example.com"])
def test_an_allow_list_of_something_else_than_addresses_is_refused(entry: str) -> None:
    with account() as neon:
        settings = {
            "allowed_ips": {"ips": ["10.0.0.1", "10.0.0.1-10.0.0.9", "10.0.0.0/8", "2001:db8::/32", entry]}
        }
        status, message = neon.refused("POST", "/projects", {"project": {"settings": settings}})
        assert status == 400
        assert repr(entry) in message
        path = f"/projects/{neon.create()['project']['id']}"
        assert neon.refused("PATCH", path, {"project": {"settings": settings}})[0] == 400


@pytest.mark.parametrize(
    "window",
    [
        {"weekdays": [0], "start_time": "01:00", "end_time": "02:00"},
        {"weekdays": [8], "start_time": "01:00", "end_time": "02:00"},
        {"weekdays": [1], "start_time": "24:00", "end_time": "02:00"},
        {"weekdays": [1], "start_time": "01:00", "end_time": "2:00"},
    ],
)
def test_a_maintenance_window_has_weekdays_from_1_to_7_and_times_of_day(window: dict[str, object]) -> None:
    with account() as neon:
        assert (
            neon.refused("POST", "/projects", {"project": {"settings": {"maintenance_window": window}}})[0] == 400
        )


def test_a_patch_says_which_work_it_sets_going() -> None:
    with account() as neon:
        path = f"/projects/{neon.create()['project']['id']}"

        def actions(**members: object) -> list[str]:
            return [o["action"] for o in neon.done("PATCH", path, {"project": members})["operations"]]

        assert actions(name="renamed", settings={"quota": {"active_time_seconds": 1}}) == []
        assert actions(history_retention_seconds=3600) == ["apply_storage_config"]
        assert actions(settings={"enable_logical_replication": True}) == ["apply_config"]


def test_writes_are_locked_while_an_operation_runs_and_reads_are_not() -> None:
    with account() as neon:
        path = f"/projects/{neon.ask('POST', '/projects', {'project': {'name': 'a'}}).json()['project']['id']}"
        status, message = neon.refused("PATCH", path, {"project": {"name": "b"}})
        assert status == 423
        assert "already has running conflicting operations" in message
        assert neon.get(path)["project"]["name"] == "a"
        neon.wait(1)
        assert neon.done("PATCH", path, {"project": {"name": "b"}})["project"]["name"] == "b"


@pytest.mark.parametrize("waits", [False, True])
def test_whether_a_deletion_waits_for_operations_is_a_switch(waits: bool) -> None:
    with account(behaviour=Behaviour(delete_waits_for_operations=waits)) as neon:
        path = f"/projects/{neon.ask('POST', '/projects', {'project': {'name': 'a'}}).json()['project']['id']}"
        assert neon.ask("DELETE", path).status_code == (423 if waits else 200)
        assert neon.names() == (["a"] if waits else [])


def test_a_deleted_project_can_be_recovered_for_seven_days() -> None:
    with account() as neon:
        path = f"/projects/{neon.create()['project']['id']}"
        assert "operations" not in neon.done("DELETE", path)
        assert neon.refused("GET", path)[0] == 404
        assert neon.refused("DELETE", path)[0] == 404
        assert neon.names() == []
        assert neon.names("recoverable=true") == ["acme"]
        neon.wait(7 * 86_400 - 60)
        recovered = neon.done("POST", f"{path}/recover")
        assert recovered["branches"][0]["name"] == "main"
        assert neon.names() == ["acme"]
        neon.done("DELETE", path)
        neon.wait(7 * 86_400)
        assert neon.names("recoverable=true") == []
        assert neon.refused("POST", f"{path}/recover")[0] == 404


def test_a_protected_branch_keeps_its_project_from_being_deleted() -> None:
    with account() as neon:
        seeded = neon.simulator.add_project("free", ProjectSeed("acme", protected=True))
        path = f"/projects/{seeded.project_id}"
        assert neon.refused("DELETE", path)[0] == 422
        neon.done("PATCH", f"{path}/branches/{seeded.branch_id}", {"branch": {"protected": False}})
        neon.done("DELETE", path)

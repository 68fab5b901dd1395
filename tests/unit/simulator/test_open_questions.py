"""What each switch changes that stands for a question which Neon's documentation leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.simulator.behaviour import (
    Behaviour,
    ForeignProject,
    Integrations,
    ListOrder,
    Patch,
    Per,
    SuspendTimeout,
)
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Quota
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from tests.unit.simulator.account import Account

ACME = ProjectSeed("acme", quota=Quota(active_time_seconds=5), annotations={"tenant": "acme"})


def made(neon: Account, seed: ProjectSeed = ACME, organization: str = "free") -> str:
    return neon.simulator.add_project(organization, seed).project_id


def project(neon: Account, project_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = neon.get(f"/projects/{project_id}", key=neon.simulator.personal_key)["project"]
    return shown


def transfer(neon: Account, *project_ids: str, to: str | None = None) -> int:
    body = {"destination_org_id": to or neon.paid, "project_ids": list(project_ids)}
    source = neon.free if to is None else neon.paid
    path = f"/organizations/{source}/projects/transfer"
    status: int = neon.ask("POST", path, body, key=neon.simulator.personal_key).status_code
    return status


def annotations_of(neon: Account, project_id: str) -> list[dict[str, str]]:
    listed = neon.get(f"/projects/{project_id}/branches", key=neon.simulator.personal_key)
    return [each["value"] for each in listed["annotations"].values()]


@pytest.mark.parametrize("patch", Patch)
def test_settings_that_a_patch_does_not_mention_stay_or_go(patch: Patch) -> None:
    with account(behaviour=Behaviour(settings_patch=patch, quota_patch=Patch.MERGE)) as neon:
        path = f"/projects/{made(neon)}"
        on = {"settings": {"allowed_ips": {"ips": ["10.0.0.1"]}, "enable_logical_replication": True}}
        neon.done("PATCH", path, {"project": on})
        neon.done("PATCH", path, {"project": {"settings": {"quota": {"written_data_bytes": 7}}}})
        settings = neon.get(path)["project"]["settings"]
        merges = patch is Patch.MERGE
        assert settings["allowed_ips"]["ips"] == (["10.0.0.1"] if merges else [])
        assert settings["enable_logical_replication"] is True
        assert settings["quota"] == ({"active_time_seconds": 5} if merges else {}) | {"written_data_bytes": 7}


@pytest.mark.parametrize("patch", Patch)
def test_settings_of_postgres_that_a_patch_does_not_mention_stay_or_go(patch: Patch) -> None:
    with account(behaviour=Behaviour(pg_settings_patch=patch, compute_patch=Patch.MERGE)) as neon:
        seeded = neon.simulator.add_project("free", ACME)
        of_project = f"/projects/{seeded.project_id}"
        of_compute = f"{of_project}/endpoints/{seeded.endpoint_id}"
        for setting in ({"work_mem": "64MB"}, {"jit": "off"}):
            defaults = {"default_endpoint_settings": {"pg_settings": setting}}
            neon.done("PATCH", of_project, {"project": defaults})
            neon.done("PATCH", of_compute, {"endpoint": {"settings": {"pg_settings": setting}}})
        kept = {"work_mem": "64MB", "jit": "off"} if patch is Patch.MERGE else {"jit": "off"}
        assert neon.get(of_project)["project"]["default_endpoint_settings"]["pg_settings"] == kept
        assert neon.get(of_compute)["endpoint"]["settings"]["pg_settings"] == kept


@pytest.mark.parametrize("takes", [True, False])
def test_the_first_compute_may_have_neons_size_and_not_the_requested_one(takes: bool) -> None:
    with account(behaviour=Behaviour(first_compute_takes_defaults=takes, create_shows_settings=True)) as neon:
        asked = {"autoscaling_limit_min_cu": 1, "autoscaling_limit_max_cu": 2}
        answer = neon.done("POST", "/projects", {"project": {"default_endpoint_settings": asked}})
        assert answer["project"]["default_endpoint_settings"]["autoscaling_limit_max_cu"] == 2
        assert answer["endpoints"][0]["autoscaling_limit_max_cu"] == (2 if takes else 0.25)


@pytest.mark.parametrize("keeps", [True, False])
def test_annotations_of_a_creation_may_be_lost(keeps: bool) -> None:
    with account(behaviour=Behaviour(creation_keeps_annotations=keeps)) as neon:
        answer = neon.done("POST", "/projects", {"project": {"branch": {"annotations": {"a": "b"}}}})
        assert annotations_of(neon, answer["project"]["id"]) == ([{"a": "b"}] if keeps else [])


@pytest.mark.parametrize("keeps", [True, False])
def test_annotations_may_be_lost_with_a_transfer(keeps: bool) -> None:
    with account(behaviour=Behaviour(transfer_keeps_annotations=keeps)) as neon:
        project_id = made(neon)
        assert transfer(neon, project_id) == 200
        assert annotations_of(neon, project_id) == ([{"tenant": "acme"}] if keeps else [])


@pytest.mark.parametrize(("refused_to", "status"), [((), 200), (("free",), 200), (("paid",), 406)])
def test_an_organization_may_take_no_project_of_another(refused_to: tuple[str, ...], status: int) -> None:
    with account(behaviour=Behaviour(transfers_refused_to=refused_to), refusals_allowed=True) as neon:
        assert transfer(neon, made(neon)) == status


@pytest.mark.parametrize(("by", "status"), [(Integrations.GITHUB_AND_VERCEL, 200), (Integrations.ANY, 422)])
def test_an_integration_that_is_not_documented_may_block_a_transfer(by: Integrations, status: int) -> None:
    with account(behaviour=Behaviour(transfer_blocked_by=by), refusals_allowed=True) as neon:
        assert transfer(neon, made(neon, ProjectSeed("acme", integrations=("datadog",)))) == status


@pytest.mark.parametrize(("counted_per", "status"), [(Per.PROJECT, 201), (Per.ORGANIZATION, 422)])
def test_protected_branches_are_counted_in_a_project_or_an_organization(counted_per: Per, status: int) -> None:
    behaviour = Behaviour(protected_branches=1, protected_branches_per=counted_per)
    with account(behaviour=behaviour, refusals_allowed=True) as neon:
        made(neon, ProjectSeed("bluebird", protected=True))
        body = {"branch": {"name": "safe", "protected": True}}
        assert neon.ask("POST", f"/projects/{made(neon)}/branches", body).status_code == status


@pytest.mark.parametrize(("count", "branch", "snapshot"), [(False, 201, 200), (True, 422, 422)])
def test_a_snapshot_may_take_a_place_of_a_branch(count: bool, branch: int, snapshot: int) -> None:
    behaviour = Behaviour(snapshots_count_as_branches=count)
    with account(behaviour=behaviour, refusals_allowed=True) as neon:
        saved = ProjectSeed("saved", branches=[BranchSeed("a")], snapshots=[SnapshotSeed("v1")])
        full = ProjectSeed("full", branches=[BranchSeed("a"), BranchSeed("b")])
        of_branches = neon.ask("POST", f"/projects/{made(neon, saved)}/branches", {"branch": {"name": "c"}})
        assert of_branches.status_code == branch
        seeded = neon.simulator.add_project("free", full)
        path = f"/projects/{seeded.project_id}/branches/{seeded.branch_id}/snapshot"
        assert neon.ask("POST", path).status_code == snapshot


@pytest.mark.parametrize("with_code", [True, False])
def test_the_refusal_of_one_snapshot_too_many_may_have_no_code(with_code: bool) -> None:
    behaviour = Behaviour(snapshot_limit_code=with_code)
    with account(behaviour=behaviour, refusals_allowed=True) as neon:
        seeded = neon.simulator.add_project("free", ProjectSeed("acme", snapshots=[SnapshotSeed("v1")]))
        refused = neon.ask("POST", f"/projects/{seeded.project_id}/branches/{seeded.branch_id}/snapshot")
        assert (refused.status_code, bool(refused.json()["code"])) == (422, with_code)


@pytest.mark.parametrize(
    ("answer", "status", "seconds"),
    [(SuspendTimeout.ALLOWED, 200, 600), (SuspendTimeout.REFUSED, 412, 0), (SuspendTimeout.IGNORED, 200, 0)],
)
def test_a_suspend_timeout_may_be_refused_or_ignored(answer: SuspendTimeout, status: int, seconds: int) -> None:
    with account(behaviour=Behaviour(suspend_timeout=answer), refusals_allowed=True) as neon:
        path = f"/projects/{made(neon)}"
        body = {"project": {"default_endpoint_settings": {"suspend_timeout_seconds": 600}}}
        assert neon.ask("PATCH", path, body).status_code == status
        assert neon.get(path)["project"]["default_endpoint_settings"]["suspend_timeout_seconds"] == seconds


@pytest.mark.parametrize(("allowed", "status"), [(True, 200), (False, 400)])
def test_a_schedule_without_items_may_be_refused(allowed: bool, status: int) -> None:
    behaviour = Behaviour(backup_schedules=True, empty_schedule_allowed=allowed)
    with account(behaviour=behaviour, refusals_allowed=True) as neon:
        seeded = neon.simulator.add_project("free", ACME)
        path = f"/projects/{seeded.project_id}/branches/{seeded.branch_id}/backup_schedule"
        assert neon.ask("PUT", path, {"schedule": []}).status_code == status


@pytest.mark.parametrize(("order", "missed"), [(ListOrder.ID, 0), (ListOrder.CHANGED, 1)])
def test_a_project_that_is_changed_may_move_while_a_list_is_read(order: ListOrder, missed: int) -> None:
    with account(behaviour=Behaviour(list_order=order)) as neon:
        key = neon.simulator.organization_keys["unlimited"]
        ids = [made(neon, ProjectSeed(f"p{number}"), "unlimited") for number in range(4)]
        page = neon.get("/projects?limit=2", key=key)
        seen = [each["id"] for each in page["projects"]]
        neon.wait(1)
        later = next(project_id for project_id in sorted(ids, reverse=True) if project_id not in seen)
        neon.done("PATCH", f"/projects/{later}", {"project": {"name": "renamed"}}, key=key)
        while page["projects"]:
            page = neon.get(f"/projects?limit=2&cursor={page['pagination']['cursor']}", key=key)
            seen += [each["id"] for each in page["projects"]]
        assert len(set(ids) - set(seen)) == missed
        assert len(seen) == len(ids), "what was there before the place of the cursor is listed twice"


@pytest.mark.parametrize("always", [True, False])
def test_the_last_page_of_branches_may_have_no_cursor(always: bool) -> None:
    with account(behaviour=Behaviour(branch_list_always_has_cursor=always)) as neon:
        path = f"/projects/{made(neon, ProjectSeed('acme', branches=[BranchSeed('a')]))}/branches"
        first = neon.get(f"{path}?limit=1")
        last = neon.get(f"{path}?limit=1&cursor={first['pagination']['next']}")
        assert "pagination" in first
        assert ("pagination" in last) is always


@pytest.mark.parametrize("shows", [True, False])
def test_get_may_leave_out_what_is_optional(shows: bool) -> None:
    with account(behaviour=Behaviour(get_shows_settings=shows, get_shows_compute=shows)) as neon:
        shown = project(neon, made(neon))
        assert {"settings" in shown, "default_endpoint_settings" in shown} == {shows}


@pytest.mark.parametrize("answer", ForeignProject)
def test_a_project_of_another_organization_is_not_found_or_forbidden(answer: ForeignProject) -> None:
    with account(behaviour=Behaviour(foreign_project=answer), refusals_allowed=True) as neon:
        foreign = neon.ask("GET", f"/projects/{made(neon, organization='paid')}")
        assert str(foreign.status_code) == answer.value
        assert neon.ask("GET", "/projects/no-such-project").status_code == 404

from __future__ import annotations

from typing import Any

import pytest

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Compute, Quota
from tests.unit.simulator.account import Account, account

ATOMIC, ONE_BY_ONE = Behaviour(transfer_atomic=True), Behaviour(transfer_atomic=False)


def transfer(
    neon: Account, origin: str, destination: str, project_ids: list[str], *, key: str | None = None
) -> tuple[int, Any]:
    ids = neon.simulator.organization_ids
    body = {"destination_org_id": ids[destination], "project_ids": project_ids}
    path = f"/organizations/{ids[origin]}/projects/transfer"
    response = neon.ask("POST", path, body, key=key or neon.simulator.personal_key)
    return response.status_code, response.json()


def test_a_transferred_project_keeps_its_settings_computes_and_connection_string() -> None:
    with account() as neon:
        seed = ProjectSeed("acme", quota=Quota(active_time_seconds=7), compute=Compute(0.5, 2, 600))
        project_id = neon.simulator.add_project("free", seed).project_id
        path = f"/projects/{project_id}"
        uri = f"{path}/connection_uri?database_name=neondb&role_name=neondb_owner"
        before, connection = neon.get(path)["project"], neon.get(uri)
        assert transfer(neon, "free", "paid", [project_id]) == (200, {})
        assert neon.refused("GET", path)[0] == 404
        paid = neon.simulator.organization_keys["paid"]
        after = neon.get(path, key=paid)["project"]
        same = ("settings", "default_endpoint_settings", "history_retention_seconds", "created_at")
        assert {member: after[member] for member in same} == {member: before[member] for member in same}
        assert after["org_id"] == neon.paid
        assert neon.get(uri, key=paid) == connection


def test_only_a_personal_key_may_transfer() -> None:
    with account() as neon:
        project_id = neon.simulator.add_project("free", ProjectSeed("acme")).project_id
        key = neon.simulator.organization_keys["free"]
        assert transfer(neon, "free", "paid", [project_id], key=key)[0] == 403


def test_a_project_that_is_elsewhere_is_not_found() -> None:
    with account() as neon:
        project_id = neon.simulator.add_project("paid", ProjectSeed("acme")).project_id
        assert transfer(neon, "free", "paid", [project_id])[0] == 404


def test_a_batch_holds_between_1_and_400_projects() -> None:
    with account(refusals_allowed=True) as neon:
        seeds = [ProjectSeed(f"t{number}") for number in range(401)]
        ids = [seeded.project_id for seeded in neon.simulator.add_projects("free", seeds)]
        assert transfer(neon, "free", "paid", ids)[0] == 400
        assert transfer(neon, "free", "paid", [])[0] == 400
        assert transfer(neon, "free", "paid", ids[:400])[0] == 200


@pytest.mark.parametrize(("behaviour", "moved"), [(ATOMIC, 0), (ONE_BY_ONE, 1)])
def test_an_integration_blocks_the_batch_from_its_project_on(behaviour: Behaviour, moved: int) -> None:
    with account(behaviour=behaviour) as neon:
        seeds = [ProjectSeed("a"), ProjectSeed("b", integrations=["vercel"]), ProjectSeed("c")]
        ids = [seeded.project_id for seeded in neon.simulator.add_projects("free", seeds)]
        answer = transfer(neon, "free", "paid", ids)
        assert answer == (422, {"projects": [{"id": ids[1], "integration": "vercel"}]})
        assert len(neon.names(key=neon.simulator.organization_keys["paid"])) == moved


@pytest.mark.parametrize(("behaviour", "moved"), [(ATOMIC, 0), (ONE_BY_ONE, 3)])
def test_a_full_organization_takes_what_fits_or_nothing(behaviour: Behaviour, moved: int) -> None:
    with account(behaviour=behaviour) as neon:
        seeds = [ProjectSeed(name) for name in "abcd"]
        ids = [seeded.project_id for seeded in neon.simulator.add_projects("paid", seeds)]
        status, body = transfer(neon, "paid", "free", ids)
        assert status == 406
        assert [limit["name"] for limit in body["limits"]] == ["projects_count"]
        assert len(neon.names()) == moved


@pytest.mark.parametrize(
    "seed",
    [
        ProjectSeed("big", compute=Compute(4, 4, 300)),
        ProjectSeed("big", endpoint_compute=Compute(4, 4, 300)),
        ProjectSeed("old", restore_window_seconds=604_800),
    ],
)
@pytest.mark.parametrize(("checks", "status"), [(True, 406), (False, 200)])
def test_a_destination_may_refuse_settings_that_its_plan_does_not_hold(
    seed: ProjectSeed, *, checks: bool, status: int
) -> None:
    with account(behaviour=Behaviour(transfer_checks_settings=checks)) as neon:
        project_id = neon.simulator.add_project("paid", seed).project_id
        assert transfer(neon, "paid", "free", [project_id])[0] == status


@pytest.mark.parametrize(
    ("seed", "excess"),
    [
        (ProjectSeed("wide", branches=[BranchSeed(name) for name in "abc"]), "4 branches, limit:3"),
        (ProjectSeed("kept", snapshots=[SnapshotSeed("a"), SnapshotSeed("b")]), "2 snapshots, limit:1"),
    ],
)
def test_a_destination_refuses_more_branches_or_snapshots_than_it_holds(seed: ProjectSeed, excess: str) -> None:
    with account() as neon:
        project_id = neon.simulator.add_project("paid", seed).project_id
        status, body = transfer(neon, "paid", "free", [project_id])
        assert status == 406
        assert body["limits"] == [
            {"name": "subscription_type", "expected": "free", "actual": f"{project_id}: {excess}"}
        ]


def test_scheduled_and_expired_snapshots_and_branches_do_not_hinder_a_transfer() -> None:
    with account() as neon:
        past = DEMO_EPOCH_SECONDS - 60
        seed = ProjectSeed(
            "fits",
            created_at=past - 3600,
            branches=[BranchSeed("a"), BranchSeed("b"), BranchSeed("gone", expires_at=past)],
            snapshots=[SnapshotSeed("a"), SnapshotSeed("b", manual=False), SnapshotSeed("c", expires_at=past)],
        )
        project_id = neon.simulator.add_project("paid", seed).project_id
        assert transfer(neon, "paid", "free", [project_id]) == (200, {})


def test_a_destination_may_take_more_branches_and_snapshots_than_it_holds() -> None:
    with account(behaviour=Behaviour(transfer_checks_contents=False, transfer_lag_seconds=0)) as neon:
        seed = ProjectSeed("wide", branches=[BranchSeed(name) for name in "abc"])
        project_id = neon.simulator.add_project("paid", seed).project_id
        assert transfer(neon, "paid", "free", [project_id]) == (200, {})
        assert neon.refused("POST", f"/projects/{project_id}/branches")[0] == 422

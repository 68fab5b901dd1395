"""Neon's own SDKs find in the simulator the Neon that they wait for, page through and forgive."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.simulator.faults import AnswerWith, FailOperations
from reconciler.simulator.metering.usage import Workload
from reconciler.simulator.seed import BranchSeed, ProjectSeed, Seeded
from tests.contract.clients import API_CLIENT, SDK, ServedNeon, package, run_node, served
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.simulator.exchanges import Exchange

pytestmark = [pytest.mark.slow, pytest.mark.drawn(4)]
sdk = pytest.mark.client("SDK")

SCRIPTS = Path(__file__).parent / "sdk"
MANY = 250
"""More than two pages of projects hold."""


@dataclass(frozen=True, slots=True)
class Scripts:
    """The scripts beside this file, run against an account."""

    neon: ServedNeon
    folder: Path

    def run(self, script: str, *args: str) -> Any:
        """The JSON that a script prints."""
        environ = {**self.neon.environ(self.folder), "NEON_ORG_ID": self.neon.paid}
        ended = run_node(SCRIPTS / script, *args, environ=environ, cwd=self.folder)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def call(self, method: str, given: dict[str, Any], **options: Any) -> Any:
        """What one call of the SDK gives; it has to succeed."""
        answer = self.run("call.mjs", method, json.dumps(given), json.dumps(options))
        assert answer["error"] is None
        return answer["data"]

    def fail(self, method: str, given: dict[str, Any], **options: Any) -> dict[str, Any]:
        """The error of a call that has to fail."""
        error: dict[str, Any] = self.run("call.mjs", method, json.dumps(given), json.dumps(options))["error"]
        return error

    def seed(self, **members: Any) -> Seeded:
        """One project, made by hand."""
        return self.neon.simulator.add_project("paid", ProjectSeed("acme", **members))

    def seed_many(self) -> list[str]:
        """More projects than a page holds; their names."""
        names = [f"tenant-{number:03}" for number in range(MANY)]
        self.neon.simulator.add_projects("paid", map(ProjectSeed, names))
        return names

    @property
    def requests(self) -> list[Exchange]:
        return self.neon.simulator.requests


@pytest.fixture
def scripts(tmp_path: Path) -> Iterator[Scripts]:
    """An account without projects."""
    package(SDK)
    with served(tmp_path) as neon:
        yield Scripts(neon, tmp_path)


@sdk
def test_a_sign_up_waits_for_its_operations_and_hands_out_what_works(scripts: Scripts) -> None:
    told = scripts.run("sign_up.mjs")
    made, dev = told["made"], told["dev"]
    assert Stored.of(scripts.neon.simulator).project("acme")["org_id"] == scripts.neon.paid
    assert dev["branch"]["parent_id"] == told["parent"]["id"]
    assert dev["endpoint"]["branch_id"] == dev["branch"]["id"]
    assert dev["endpoint"]["autoscaling_limit_max_cu"] == 1
    assert "-pooler" not in made["connectionString"]
    assert told["found"] == dev["connectionString"]
    assert {operation["status"] for operation in told["operations"]} == {"finished"}
    polled = {exchange.path.rpartition("/")[2] for exchange in scripts.requests if "/operations/" in exchange.path}
    assert polled == {operation["id"] for operation in told["operations"]}
    writes = [exchange.status for exchange in scripts.requests if exchange.method != "GET"]
    assert writes == [201, 201]  # no 423, because the first operations were awaited before the second write


@sdk
def test_a_list_is_read_to_its_end_without_gap_or_repetition(scripts: Scripts) -> None:
    names = scripts.seed_many()
    found = [project["name"] for project in scripts.call("projects.list", {"limit": 100})]
    assert len(found) == MANY
    assert sorted(found) == names
    cursors = [exchange.query.get("cursor") for exchange in scripts.requests]
    assert cursors[0] is None
    assert len(set(cursors)) == 4  # Neon: a cursor comes with the last page, too, and behind it is an empty one
    many = [BranchSeed(f"b-{number:03}", with_compute=False) for number in range(120)]
    project = scripts.seed(branches=many)
    listed = scripts.call("branches.list", {"projectId": project.project_id})
    assert sorted(branch["name"] for branch in listed) == [*(each.name for each in many), "main"]


@sdk
@pytest.mark.parametrize(
    ("fault", "times", "statuses", "kind"),
    [
        (AnswerWith(423), 2, [423, 423, 200], None),
        (AnswerWith(429, retry_after="1"), 1, [429, 200], None),
        (AnswerWith(503), 2, [503, 503, 200], None),
        (AnswerWith(423), 3, [423, 423, 423], "api"),
        (AnswerWith(429), 3, [429, 429, 429], "rate_limit"),
        (AnswerWith(429, retry_after="11"), 1, [429], "rate_limit"),
        (AnswerWith(500), 1, [500], "api"),
    ],
)
def test_what_was_not_carried_out_is_tried_again_as_often_as_the_sdk_says(
    scripts: Scripts, fault: AnswerWith, times: int, statuses: list[int], kind: str | None
) -> None:
    project = scripts.seed()
    scripts.neon.simulator.faults.add(fault, "PATCH", times=times)
    given = {"projectId": project.project_id, "name": "renamed"}
    answer = scripts.run("call.mjs", "projects.update", json.dumps(given))
    line = f"PATCH /projects/{project.project_id}"
    assert scripts.neon.answered() == [(line, status) for status in statuses]
    if kind is None:
        assert answer["data"]["name"] == "renamed"
    else:
        error = answer["error"]
        assert (error["kind"], error["status"], error["message"]) == (kind, statuses[-1], fault.message)
        assert error["requestId"] == scripts.requests[-1].request_id
    if fault.retry_after == "1":
        first, second = (exchange.at for exchange in scripts.requests)
        assert second - first >= 1


@sdk
def test_an_operation_that_fails_is_the_error_of_the_call_that_began_it(scripts: Scripts) -> None:
    project = scripts.seed()
    scripts.neon.simulator.faults.add(FailOperations(), "POST")
    error = scripts.fail("branches.create", {"projectId": project.project_id, "name": "dev"})
    polls = [exchange for exchange in scripts.requests if "/operations/" in exchange.path]
    assert (error["kind"], error["status"]) == ("operation", "failed")
    assert error["operationId"] in {exchange.path.rpartition("/")[2] for exchange in polls}


@sdk
def test_errors_are_of_the_kind_that_their_status_stands_for_and_name_the_request(scripts: Scripts) -> None:
    missing = scripts.fail("projects.get", {"projectId": "no-such-12345678"})
    assert (missing["kind"], missing["status"]) == ("not_found", 404)
    project = scripts.seed(branches=[BranchSeed("dev")])
    taken = {"projectId": project.project_id, "name": "dev"}
    double = scripts.fail("branches.create", taken)
    assert (double["kind"], double["status"], double["message"]) == ("api", 409, "branch already exists")
    schedule = [{"frequency": "daily", "hour": 3}]
    beyond = {"projectId": project.project_id, "branchId": project.branch_id, "schedule": schedule}
    forbidden = scripts.fail("snapshots.setSchedule", beyond)
    assert (forbidden["kind"], forbidden["status"]) == ("auth", 403)
    errors = [missing, double, forbidden]
    assert [error["requestId"] for error in errors] == [exchange.request_id for exchange in scripts.requests]


@sdk
@pytest.mark.parametrize(("decision", "names"), [("keep", ["main", "main (old)"]), ("drop", ["main"])])
def test_a_snapshot_is_looked_at_and_then_taken_or_left(scripts: Scripts, decision: str, names: list[str]) -> None:
    project = scripts.seed()
    answer = scripts.run("roll_back.mjs", project.project_id, project.branch_id, decision)
    assert answer["error"] is None
    found = Stored.of(scripts.neon.simulator).branches(project.project_id)
    assert sorted(found) == names
    (default,) = [branch["id"] for branch in found.values() if branch["is_default"]]
    assert default == (answer["data"]["id"] if decision == "keep" else project.branch_id)


@sdk
def test_the_consumption_of_a_day_is_what_was_consumed_on_it(scripts: Scripts) -> None:
    project = scripts.seed(workload=Workload(active_share=0.5, cu=1))
    simulator = scripts.neon.simulator
    midnight = datetime.fromtimestamp(simulator.clock.now(), UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    simulator.clock.advance(4 * 86_400)
    span = {"from": day(midnight, 2), "to": day(midnight, 3), "granularity": "daily"}
    given = {**span, "metrics": ["compute_unit_seconds"], "project_ids": [project.project_id]}
    (found,) = scripts.call("consumption.perProjectV2", given)
    assert found["project_id"] == project.project_id
    ((consumed,),) = [period["consumption"] for period in found["periods"]]
    assert consumed["metrics"] == [{"metric_name": "compute_unit_seconds", "value": 43_200}]
    (branch,) = scripts.call("consumption.perBranchV2", given)
    assert branch["branch_id"] == project.branch_id


def day(midnight: datetime, number: int) -> str:
    return f"{(midnight + timedelta(days=number)).replace(tzinfo=None).isoformat()}Z"


@sdk
def test_a_tenant_moves_to_the_other_organization(scripts: Scripts) -> None:
    project = scripts.seed()
    scripts.call("projects.transfer", {"toOrgId": scripts.neon.free, "projectIds": [project.project_id]})
    assert scripts.call("projects.get", {"projectId": project.project_id})["org_id"] == scripts.neon.free
    assert scripts.call("projects.list", {}) == []


@pytest.mark.client("api-client")
def test_the_older_client_lists_all_projects_as_well(scripts: Scripts) -> None:
    package(API_CLIENT)
    names = scripts.seed_many()
    assert sorted(scripts.run("api_client.mjs", scripts.neon.paid)) == names

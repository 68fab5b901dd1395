"""The tally: outcomes come in any order and go out in the plan's."""

from __future__ import annotations

from datetime import timedelta

from reconciler.apply.stop import Breaker, StopSignal
from reconciler.apply.tally import Tally
from reconciler.errors import ApiError
from reconciler.plan.outcome import Deletion, Result
from tests.builders import NOON, a_fleet, a_project, a_tenant, a_view, make_plan

PLAN = make_plan(
    a_fleet(a_tenant("acme", "pro"), a_tenant("gone", absent=True), a_tenant("new")),
    a_view(a_project("acme"), a_project("gone")),
)
UPGRADE, DELETION, CREATION = (tenant.actions for tenant in PLAN.tenants)


def a_tally(stop: StopSignal | None = None) -> Tally:
    return Tally(PLAN.tenants, breaker=Breaker(), stop=stop or StopSignal())


def test_outcomes_come_out_in_the_order_of_the_plan() -> None:
    tally = a_tally()
    for action in (*CREATION, *DELETION, *UPGRADE):
        tally.applied(action)
    assert [outcome.tenant for outcome in tally.outcomes()] == ["acme", "gone", "new"]
    assert {outcome.result for outcome in tally.outcomes()} == {Result.APPLIED}


def test_what_follows_a_failure_is_skipped_for_that_tenant_alone() -> None:
    tally = a_tally()
    tally.applied(UPGRADE[0])
    tally.failed(UPGRADE[1], ApiError("no", status=400, request_id="r1-2", hint="do this"))
    tally.applied(DELETION[0])
    acme, gone, _ = tally.outcomes()
    assert acme.result is Result.FAILED
    assert [outcome.result for outcome in acme.actions] == [Result.APPLIED, Result.FAILED, Result.SKIPPED]
    assert (acme.actions[1].message, acme.actions[1].hint, acme.actions[1].request_id) == ("no", "do this", "r1-2")
    assert acme.actions[2].message == "an earlier action of this tenant did not go through"
    assert gone.result is Result.APPLIED


def test_what_a_stopped_run_never_tried_is_skipped_with_the_reason() -> None:
    stop = StopSignal()
    stop.request("interrupted by SIGTERM")
    tally = a_tally(stop)
    tally.applied(UPGRADE[0])
    acme, _, new = tally.outcomes()
    assert [outcome.result for outcome in acme.actions] == [Result.APPLIED, Result.SKIPPED, Result.SKIPPED]
    assert acme.result is Result.SKIPPED
    assert new.actions[0].message == "the run was stopped: interrupted by SIGTERM"


def test_a_deleted_project_leaves_its_record() -> None:
    tally = a_tally()
    record = Deletion("p-gone", "r1-1", NOON, NOON + timedelta(days=7))
    tally.applied(DELETION[0], request_id="r1-1", deletion=record)
    outcome = tally.outcomes()[1]
    assert outcome.deletion == record
    assert outcome.recoverable_until == NOON + timedelta(days=7)
    assert (outcome.project_id, outcome.actions[0].request_id) == ("p-gone", "r1-1")


def test_the_id_of_a_created_project_becomes_known() -> None:
    tally = a_tally()
    assert tally.outcomes()[2].project_id is None
    tally.located("new", "p-new")
    assert tally.outcomes()[2].project_id == "p-new"


def test_progress_counts_tenants_that_are_finished_however_it_went() -> None:
    told: list[tuple[int, int, str]] = []
    tally = Tally(
        PLAN.tenants,
        breaker=Breaker(),
        stop=StopSignal(),
        on_progress=lambda *progress: told.append(progress),
    )
    tally.applied(UPGRADE[0])
    tally.failed(UPGRADE[1], ApiError("no", status=400))
    tally.skipped(CREATION[0], "it has appeared")
    tally.applied(DELETION[0])
    assert told == [(1, 3, "tenants"), (2, 3, "tenants"), (3, 3, "tenants")]


def test_a_tenant_counts_as_tried_once_and_from_its_first_call_on() -> None:
    breaker = Breaker()
    tally = Tally(PLAN.tenants, breaker=breaker, stop=StopSignal())
    tally.went_well("new")
    assert (breaker.tried, breaker.failed) == (1, 0)
    tally.applied(CREATION[0])
    tally.applied(UPGRADE[0])
    tally.failed(UPGRADE[1], ApiError("no", status=400))
    assert (breaker.tried, breaker.failed) == (2, 1)

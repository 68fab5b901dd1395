"""Outcomes are collected in any order and returned in the order of the plan."""

from __future__ import annotations

from datetime import timedelta

from reconciler.apply.run.outcomes import Outcomes, with_lost_snapshots
from reconciler.apply.stop import Breaker, StopSignal
from reconciler.errors import ApiError, PermissionDeniedError
from reconciler.model.annotations import Purpose
from reconciler.plan.outcome import ActionOutcome, Deletion, Result
from tests.harness.builders import NOON, a_fleet, a_project, a_tenant, a_view, make_plan
from tests.unit.apply.plans import discard, drop, make, take

DONE, FAILED, SKIPPED = Result.APPLIED, Result.FAILED, Result.SKIPPED

PLAN = make_plan(
    a_fleet(a_tenant("acme", "pro"), a_tenant("gone", absent=True), a_tenant("new")),
    a_view(a_project("acme"), a_project("gone")),
)
UPGRADE, DELETION, CREATION = (tenant.actions for tenant in PLAN.tenants)


def empty_outcomes(stop: StopSignal | None = None) -> Outcomes:
    return Outcomes(PLAN.tenants, breaker=Breaker(), stop=stop or StopSignal())


def test_outcomes_come_out_in_the_order_of_the_plan() -> None:
    outcomes = empty_outcomes()
    for action in (*CREATION, *DELETION, *UPGRADE):
        outcomes.applied(action)
    assert [outcome.tenant for outcome in outcomes.of_tenants()] == ["acme", "gone", "new"]
    assert {outcome.result for outcome in outcomes.of_tenants()} == {Result.APPLIED}


def test_what_follows_a_failure_is_skipped_for_that_tenant_alone() -> None:
    outcomes = empty_outcomes()
    outcomes.applied(UPGRADE[0])
    outcomes.failed(UPGRADE[1], ApiError("no", status=400, request_id="r1-2", hint="do this"))
    outcomes.applied(DELETION[0])
    acme, gone, _ = outcomes.of_tenants()
    assert acme.result is Result.FAILED
    assert [outcome.result for outcome in acme.actions] == [Result.APPLIED, Result.FAILED, Result.SKIPPED]
    assert (acme.actions[1].message, acme.actions[1].hint, acme.actions[1].request_id) == ("no", "do this", "r1-2")
    assert acme.actions[2].message == "an earlier action of this tenant did not succeed"
    assert gone.result is Result.APPLIED


def test_a_key_that_has_changed_a_project_is_not_what_a_later_refusal_is_about() -> None:
    outcomes, refusal = empty_outcomes(), PermissionDeniedError("no access", status=403, request_id="r1-2")
    outcomes.applied(UPGRADE[0])
    outcomes.failed(UPGRADE[1], refusal)
    outcomes.failed(DELETION[0], refusal)
    acme, gone, _ = outcomes.of_tenants()
    assert [acme.actions[1].denied, gone.actions[0].denied] == [False, True]


def test_what_a_stopped_run_never_tried_is_skipped_with_the_reason() -> None:
    stop = StopSignal()
    stop.request("interrupted by SIGTERM")
    outcomes = empty_outcomes(stop)
    outcomes.applied(UPGRADE[0])
    acme, _, new = outcomes.of_tenants()
    assert [outcome.result for outcome in acme.actions] == [Result.APPLIED, Result.SKIPPED, Result.SKIPPED]
    assert acme.result is Result.SKIPPED
    assert new.actions[0].message == "the run was stopped: interrupted by SIGTERM"


def test_a_deleted_project_leaves_its_record() -> None:
    outcomes = empty_outcomes()
    record = Deletion("p-gone", "r1-1", NOON, NOON + timedelta(days=7))
    outcomes.applied(DELETION[0], request_id="r1-1", deletion=record)
    outcome = outcomes.of_tenants()[1]
    assert outcome.deletion == record
    assert outcome.recoverable_until == NOON + timedelta(days=7)
    assert (outcome.project_id, outcome.actions[0].request_id) == ("p-gone", "r1-1")


def test_the_id_of_a_created_project_becomes_known() -> None:
    outcomes = empty_outcomes()
    assert outcomes.of_tenants()[2].project_id is None
    outcomes.located("new", "p-new")
    assert outcomes.of_tenants()[2].project_id == "p-new"


def test_progress_counts_tenants_that_are_finished_however_it_went() -> None:
    told: list[tuple[int, int, str]] = []
    outcomes = Outcomes(
        PLAN.tenants,
        breaker=Breaker(),
        stop=StopSignal(),
        on_progress=lambda *progress: told.append(progress),
    )
    outcomes.applied(UPGRADE[0])
    outcomes.failed(UPGRADE[1], ApiError("no", status=400))
    outcomes.skipped(CREATION[0], "it has appeared")
    outcomes.applied(DELETION[0])
    assert told == [(1, 3, "tenants"), (2, 3, "tenants"), (3, 3, "tenants")]


def test_a_tenant_counts_as_tried_once_and_from_its_first_call_on() -> None:
    breaker = Breaker()
    outcomes = Outcomes(PLAN.tenants, breaker=breaker, stop=StopSignal())
    outcomes.call_succeeded("new")
    assert (breaker.tried, breaker.failed) == (1, 0)
    outcomes.applied(CREATION[0])
    outcomes.applied(UPGRADE[0])
    outcomes.failed(UPGRADE[1], ApiError("no", status=400))
    assert (breaker.tried, breaker.failed) == (2, 1)


def test_a_failed_replacement_says_what_the_tenant_is_without() -> None:
    deleted = ActionOutcome(discard("v1", "snap-1"), DONE)
    failed = ActionOutcome(take("v2"), FAILED, "Neon answers 422", "do this", "r1-2")
    kept, told = with_lost_snapshots((deleted, failed))
    assert kept == deleted
    assert told.message == "Neon answers 422; the tenant no longer has snapshot 'v1': deleted to make room"
    assert (told.result, told.hint, told.request_id) == (FAILED, "do this", "r1-2")


def test_a_replacement_that_a_stopped_run_left_half_done_says_so_too() -> None:
    deleted = [ActionOutcome(discard(name, name), DONE) for name in ("v1", "v2")]
    skipped = ActionOutcome(take("v3"), SKIPPED, "the run was stopped: interrupted by SIGTERM")
    *_, told = with_lost_snapshots((*deleted, skipped))
    assert told.message.endswith("the tenant no longer has snapshots 'v1' and 'v2': deleted to make room")


def test_a_snapshot_kept_as_a_branch_is_told_alike() -> None:
    deleted = ActionOutcome(drop("v1", "br-1", purpose=Purpose.SNAPSHOT), DONE)
    _, told = with_lost_snapshots((deleted, ActionOutcome(make("v2", purpose=Purpose.SNAPSHOT), FAILED, "no")))
    assert told.message == "no; the tenant no longer has snapshot 'v1': deleted to make room"


def test_only_a_deletion_that_went_through_and_a_snapshot_that_was_not_taken_are_a_loss() -> None:
    whole = (ActionOutcome(discard("v1", "snap-1"), DONE), ActionOutcome(take("v2"), DONE))
    untouched = (ActionOutcome(discard("v1", "snap-1"), FAILED, "no"), ActionOutcome(take("v2"), SKIPPED, "no"))
    moving = (
        ActionOutcome(discard("v1", "snap-1", before_transfer=True), DONE),
        ActionOutcome(take(), FAILED, "no"),
    )
    branches = (ActionOutcome(drop("dev", "br-1"), DONE), ActionOutcome(make(), FAILED, "no"))
    for outcomes in (whole, untouched, moving, branches):
        assert with_lost_snapshots(outcomes) == outcomes

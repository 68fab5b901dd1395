"""A snapshot that was deleted to make room for one that was then not taken is told in the report."""

from __future__ import annotations

from reconciler.apply.cover import with_losses
from reconciler.model.annotations import Purpose
from reconciler.plan.outcome import ActionOutcome, Result
from tests.unit.apply.plans import discard, drop, make, take

DONE, FAILED, SKIPPED = Result.APPLIED, Result.FAILED, Result.SKIPPED


def test_a_failed_replacement_says_what_the_tenant_is_without() -> None:
    deleted = ActionOutcome(discard("v1", "snap-1"), DONE)
    failed = ActionOutcome(take("v2"), FAILED, "Neon answers 422", "do this", "r1-2")
    kept, told = with_losses((deleted, failed))
    assert kept == deleted
    assert told.message == "Neon answers 422; the tenant is without snapshot 'v1' now: deleted to make room"
    assert (told.result, told.hint, told.request_id) == (FAILED, "do this", "r1-2")


def test_a_replacement_that_a_stopped_run_left_half_done_says_so_too() -> None:
    deleted = [ActionOutcome(discard(name, name), DONE) for name in ("v1", "v2")]
    skipped = ActionOutcome(take("v3"), SKIPPED, "the run was stopped: interrupted by SIGTERM")
    *_, told = with_losses((*deleted, skipped))
    assert told.message.endswith("the tenant is without snapshot 'v1' and 'v2' now: deleted to make room")


def test_a_snapshot_kept_as_a_branch_is_told_alike() -> None:
    deleted = ActionOutcome(drop("v1", "br-1", purpose=Purpose.SNAPSHOT), DONE)
    _, told = with_losses((deleted, ActionOutcome(make("v2", purpose=Purpose.SNAPSHOT), FAILED, "no")))
    assert told.message == "no; the tenant is without snapshot 'v1' now: deleted to make room"


def test_only_a_deletion_that_went_through_and_a_snapshot_that_was_not_taken_are_a_loss() -> None:
    whole = (ActionOutcome(discard("v1", "snap-1"), DONE), ActionOutcome(take("v2"), DONE))
    untouched = (ActionOutcome(discard("v1", "snap-1"), FAILED, "no"), ActionOutcome(take("v2"), SKIPPED, "no"))
    moving = (
        ActionOutcome(discard("v1", "snap-1", before_transfer=True), DONE),
        ActionOutcome(take(), FAILED, "no"),
    )
    branches = (ActionOutcome(drop("dev", "br-1"), DONE), ActionOutcome(make(), FAILED, "no"))
    for outcomes in (whole, untouched, moving, branches):
        assert with_losses(outcomes) == outcomes

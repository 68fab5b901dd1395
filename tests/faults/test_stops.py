"""A run that is asked to end at any of its calls ends in order, and the next one does what is left."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.apply.stop import StopSignal
from reconciler.apply.units.lost_quotas import LOST
from reconciler.errors import ExitCode
from reconciler.plan.outcome import Result
from tests import profiles
from tests.faults.rich_fleet import AFTER, opened
from tests.faults.test_every_fault import Account, undisturbed, untrue
from tests.harness.wire import Passing, Wire, writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.faults.rich_fleet import Scene

SIGNALS: Final = profiles.size(5, 24, 1000)
"""The signal comes with so many calls; `make nightly` tries all."""
PARTS: Final = 4
NOT_RESIZED: Final = "was created, but its compute does not have the requested size"
"""What a run tells of a creation whose last call it does not send any more."""


def journal(scene: Scene) -> list[dict[str, Any]]:
    text = (scene.folder / "journal.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def wrong(at: int) -> Iterator[str]:
    """What does not hold where the signal comes with that call."""
    expected = undisturbed()
    with opened() as scene:
        stop = StopSignal()
        begun_after: list[str] = []

        async def stopping(passing: Passing) -> httpx.Response:
            if stop.requested and writes(passing):
                begun_after.append(passing.call)
            if passing.number == at:
                stop.signal("SIGTERM")
            return await passing.answer()

        ended = scene.apply(Wire(scene.world.via, stopping), stop)
        account = Account.of(scene.simulator)
        assert ended.report is not None
        if ended.code is not ExitCode.INTERRUPTED:
            yield f"exit code {ended.code!r}"
        if [outcome.tenant for outcome in ended.report.outcomes] != list(AFTER.tenants):
            yield "the report leaves tenants out"
        actions = [action for outcome in ended.report.outcomes for action in outcome.actions]
        failed = [action.message for action in actions if action.result is Result.FAILED]
        if any(NOT_RESIZED not in message for message in failed):
            yield f"an action failed: {failed}"
        yield from untrue(ended, expected, account, stopped=True)
        lines = journal(scene)
        if begun := Counter(begun_after) - Counter(given_back(lines)):
            yield f"begun after the signal: {list(begun.elements())}"
        yield from incomplete(lines)
        if scene.apply().code is not ExitCode.DONE or Account.of(scene.simulator) != expected.after:
            yield "the next run does not do what is left"


def given_back(lines: list[dict[str, Any]]) -> Iterator[str]:
    """The patches that give a project the quota back that its transfer has removed: no tenant is left without."""
    for line in lines:
        if line["line"] == "intent" and line["reason"] == LOST:
            assert all(change["before"] == change["after"] for change in line["changes"])
            yield from (f"PATCH /projects/{project_id}" for project_id in line["project_ids"])


def incomplete(lines: list[dict[str, Any]]) -> Iterator[str]:
    intents = [line["request_id"] for line in lines if line["line"] == "intent"]
    outcomes = [line["request_id"] for line in lines if line["line"] == "outcome"]
    if sorted(intents) != sorted(outcomes) or lines[-1]["line"] != "end":
        yield "the journal is not complete"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_that_is_asked_to_end_at_a_call_begins_nothing_more_and_tells_the_truth(part: int) -> None:
    calls = undisturbed().calls
    first_write = next(at for at, call in enumerate(calls, 1) if not call.reads)
    drawn = profiles.drawn("calls with a signal", range(first_write, len(calls) + 1), SIGNALS)
    found = [f"at call {at}: {what}" for at in drawn[part::PARTS] for what in wrong(at)]
    assert not found, "\n".join(found)

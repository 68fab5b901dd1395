"""A run that is asked to end at any of its calls ends in order, and the next one does what is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.apply.stop import StopSignal
from reconciler.errors import ExitCode
from reconciler.plan.outcome import Result
from tests.faults.rich_fleet import AFTER, opened
from tests.faults.test_every_fault import Account, undisturbed, untrue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.rich_fleet import Scene


class Stopping(httpx.AsyncBaseTransport):
    """A way to the simulator on which a signal comes with the n-th call."""

    def __init__(self, via: httpx.AsyncBaseTransport, stop: StopSignal, at: int) -> None:
        self._via = via
        self._stop = stop
        self._at = at
        self._calls = 0
        self.begun_after: list[str] = []
        """Writes that were begun once it had come."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._calls += 1
        if self._stop.requested and request.method != "GET":
            self.begun_after.append(f"{request.method} {request.url.path}")
        if self._calls == self._at:
            self._stop.signal("SIGTERM")
        return await self._via.handle_async_request(request)


def journal(scene: Scene) -> list[dict[str, Any]]:
    text = (scene.folder / "journal.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def wrong(at: int) -> Iterator[str]:
    """What does not hold where the signal comes with that call."""
    expected = undisturbed()
    with opened() as scene:
        stop = StopSignal()
        way = Stopping(scene.world.via, stop, at)
        ended = scene.apply(way, stop)
        account = Account.of(scene.simulator)
        assert ended.report is not None
        if ended.code is not ExitCode.INTERRUPTED:
            yield f"exit code {ended.code!r}"
        if [outcome.tenant for outcome in ended.report.outcomes] != list(AFTER.tenants):
            yield "the report leaves tenants out"
        if any(outcome.result is Result.FAILED for outcome in ended.report.outcomes):
            yield f"a tenant failed: {ended.report.outcomes}"
        yield from untrue(ended, expected, account, stopped=True)
        if way.begun_after:
            yield f"begun after the signal: {way.begun_after}"
        yield from incomplete(journal(scene))
        if scene.apply().code is not ExitCode.DONE or Account.of(scene.simulator) != expected.after:
            yield "the next run does not do what is left"


def incomplete(lines: list[dict[str, Any]]) -> Iterator[str]:
    intents = [line["request_id"] for line in lines if line["line"] == "intent"]
    outcomes = [line["request_id"] for line in lines if line["line"] == "outcome"]
    if sorted(intents) != sorted(outcomes) or lines[-1]["line"] != "end":
        yield "the journal is not complete"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_a_run_that_is_asked_to_end_at_any_call_begins_nothing_more_and_tells_the_truth(part: int) -> None:
    calls = undisturbed().calls
    first_write = next(at for at, call in enumerate(calls, 1) if not call.reads)
    found = [f"at call {at}: {what}" for at in range(first_write + part, len(calls) + 1, 4) for what in wrong(at)]
    assert not found, "\n".join(found)

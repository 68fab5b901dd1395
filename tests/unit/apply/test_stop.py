"""The stop signal and the circuit breaker."""

from __future__ import annotations

import pytest

from reconciler.apply.stop import Breaker, StopSignal
from reconciler.errors import (
    ApiError,
    AuthenticationError,
    ExitCode,
    LostRaceError,
    ReconcilerError,
    UnavailableError,
    UnreachableError,
)

REFUSED = ApiError("no such plan", status=400)
DOWN = UnavailableError("down", status=503)


def after(*happened: ReconcilerError | None) -> StopSignal:
    """The signal after tenants that failed with these errors, or succeeded (None)."""
    breaker, stop = Breaker(), StopSignal()
    for error in happened:
        if error is None:
            breaker.call_succeeded(first=True)
        else:
            breaker.tenant_failed(error, stop, first=True)
    return stop


def test_the_first_reason_to_stop_stays() -> None:
    stop = StopSignal()
    assert not stop.requested
    stop.request("interrupted by SIGINT")
    stop.request("the API is down", ExitCode.ERROR)
    assert (stop.reason, stop.exit_code) == ("interrupted by SIGINT", ExitCode.INTERRUPTED)


def test_what_ends_one_run_ends_neither_the_callers_signal_nor_another_run() -> None:
    caller = StopSignal()
    one, other = caller.of_run(), caller.of_run()
    one.request("the key is unknown", ExitCode.DENIED)
    assert (one.requested, other.requested, caller.requested) == (True, False, False)
    caller.signal("SIGTERM")
    assert (one.reason, other.reason) == ("the key is unknown; then by SIGTERM", "by SIGTERM")
    assert one.signalled
    assert caller.of_run().requested


def test_one_failure_in_twenty_is_borne_and_two_are_not() -> None:
    assert not after(*[None] * 19, REFUSED).requested
    stop = after(*[None] * 18, REFUSED, REFUSED)
    assert stop.reason == "2 of 20 tenants failed"
    assert stop.exit_code is ExitCode.ERROR


def test_few_tenants_may_all_fail_without_stopping_the_run() -> None:
    assert not after(*[REFUSED] * 19).requested


def test_five_server_errors_in_a_row_stop_a_run_however_short_it_is() -> None:
    assert not after(DOWN, DOWN, DOWN, DOWN).requested
    assert after(DOWN, DOWN, UnreachableError("gone"), DOWN, DOWN).requested


@pytest.mark.parametrize("between", [None, REFUSED])
def test_an_answer_between_server_errors_ends_the_row(between: ReconcilerError | None) -> None:
    assert not after(DOWN, DOWN, DOWN, DOWN, between, DOWN).requested


def test_an_unknown_key_stops_at_once() -> None:
    stop = after(AuthenticationError("the key is unknown", status=401))
    assert (stop.reason, stop.exit_code) == ("the key is unknown", ExitCode.DENIED)


def test_a_lost_race_is_no_failure_of_the_api() -> None:
    assert not after(*[LostRaceError("another run was first")] * 100).requested

"""Retries, errors and request ids: every status with every method, and every way a connection ends."""

from __future__ import annotations

import asyncio
import gc
import gzip
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from reconciler.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    ExitCode,
    InvalidInputError,
    LockedError,
    NotFoundError,
    NotSentError,
    PermissionDeniedError,
    RateLimitedError,
    ReconcilerError,
    UnavailableError,
    UnexpectedAnswerError,
    UnknownOutcomeError,
    UnreachableError,
)
from reconciler.neon import transport
from reconciler.neon.attempts import PATIENCE_SECONDS
from reconciler.neon.client import Neon
from reconciler.neon.pace import Pace
from reconciler.neon.transport import Transport
from tests.harness.scripted_api import Asked, Reply, ScriptedApi, project, replies, using
from tests.harness.wire import Passing, Wire

Work = Callable[[Neon], Awaitable[object]]

GOOD = Reply(body={"project": project("p1"), "operations": []})


async def read(neon: Neon) -> object:
    return await neon.project("free", "p1")


async def write(neon: Neon) -> object:
    return await neon.update_project("free", "p1", {"name": "new"}, request_id="req-1")


def general_error(status: int, message: str = "no", code: str = "", **headers: str) -> Reply:
    return Reply(status, {"code": code, "message": message}, headers)


def error_of(api: ScriptedApi, work: Work) -> ReconcilerError:
    with pytest.raises(ReconcilerError) as caught:
        using(api, work)
    return caught.value


@pytest.mark.parametrize("status", [423, 429, 503])
@pytest.mark.parametrize("work", [read, write])
def test_a_call_that_was_not_carried_out_is_sent_again_whatever_its_method(status: int, work: Work) -> None:
    api = ScriptedApi(replies(general_error(status), general_error(status), GOOD))
    using(api, work)
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("status", "kind"), [(423, LockedError), (429, RateLimitedError), (503, UnavailableError)]
)
@pytest.mark.parametrize("work", [read, write])
def test_patience_ends_with_an_error_of_its_kind(status: int, kind: type[ApiError], work: Work) -> None:
    api = ScriptedApi(replies(general_error(status, "later")))
    error = error_of(api, work)
    assert type(error) is kind
    assert "later" in str(error)
    assert 10 < len(api.asked) < 60
    assert api.asked[-1].at < PATIENCE_SECONDS + 30


@pytest.mark.parametrize("status", [408, 500, 502, 504, 522, 524])
def test_a_read_that_broke_on_the_server_is_tried_again(status: int) -> None:
    api = ScriptedApi(replies(Reply(status, "<html>"), GOOD))
    using(api, read)
    assert len(api.asked) == 2


def test_a_read_that_always_breaks_on_the_server_fails_after_few_tries() -> None:
    api = ScriptedApi(replies(Reply(500)))
    assert type(error_of(api, read)) is UnavailableError
    assert len(api.asked) == 4


@pytest.mark.parametrize("status", [408, 500, 502, 504, 522, 524])
def test_a_write_that_broke_on_the_server_has_an_unknown_outcome_and_is_sent_once(status: int) -> None:
    api = ScriptedApi(replies(Reply(status, "<html>oops</html>"), GOOD))
    error = error_of(api, write)
    assert type(error) is UnknownOutcomeError
    assert len(api.asked) == 1
    assert f"could not patch project p1: the response is {status}" in str(error)


@pytest.mark.parametrize(
    "failure", [httpx.ReadError, httpx.ReadTimeout, httpx.WriteError, httpx.RemoteProtocolError]
)
def test_a_write_whose_answer_is_lost_has_an_unknown_outcome_and_is_sent_once(failure: type[Exception]) -> None:
    api = ScriptedApi(replies(failure("broke"), GOOD))
    error = error_of(api, write)
    assert type(error) is UnknownOutcomeError
    assert len(api.asked) == 1
    assert "req-1" in str(error)


@pytest.mark.parametrize("failure", [httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_read_whose_answer_is_lost_is_tried_again(failure: type[Exception]) -> None:
    api = ScriptedApi(replies(failure("broke"), GOOD))
    using(api, read)
    assert len(api.asked) == 2


@pytest.mark.parametrize("work", [read, write])
def test_without_a_connection_nothing_was_sent_so_that_any_call_is_tried_again(work: Work) -> None:
    api = ScriptedApi(replies(httpx.ConnectError("refused"), httpx.ConnectTimeout(""), GOOD))
    using(api, work)
    assert len(api.asked) == 3


@pytest.mark.parametrize("work", [read, write])
def test_a_host_that_cannot_be_reached_is_named(work: Work) -> None:
    api = ScriptedApi(replies(httpx.ConnectError("name not known")))
    error = error_of(api, work)
    assert type(error) is UnreachableError
    assert "neon.test cannot be reached: name not known" in str(error)
    assert len(api.asked) == 4


@pytest.mark.parametrize(("work", "kind"), [(read, UnreachableError), (write, UnknownOutcomeError)])
def test_an_answer_that_never_comes_ends_the_call(work: Work, kind: type[ReconcilerError]) -> None:
    api = ScriptedApi(replies(Reply(after_seconds=10_000)))
    error = error_of(api, work)
    assert type(error) is kind
    assert "no response within 60 s" in str(error)


@pytest.mark.parametrize("body", ["<html>hello</html>", '{"project": {"id": "p', b"\xff\xfe", ""])
def test_a_body_that_is_cut_short_or_no_json_is_read_again(body: str | bytes) -> None:
    api = ScriptedApi(replies(Reply(body=body), GOOD))
    using(api, read)
    assert len(api.asked) == 2
    assert type(error_of(ScriptedApi(replies(Reply(body=body))), read)) is UnexpectedAnswerError


@pytest.mark.parametrize(
    ("work", "kind"), [(read, UnexpectedAnswerError), (write, UnknownOutcomeError)], ids=["read", "write"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_not_kept(
    work: Work, kind: type[ReconcilerError], monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 2**20)
    endless = b" " * 2**20 + b"{}"
    headers = {"Content-Encoding": "gzip"} if packed else {}
    api = ScriptedApi(replies(Reply(body=gzip.compress(endless) if packed else endless, headers=headers)))
    error = error_of(api, work)
    assert type(error) is kind
    assert "it is larger than 1 MiB" in str(error)
    assert len(api.asked) == 1


@pytest.mark.parametrize("body", ["<html>hello</html>", '{"project": {"id": "p', [], {"project": {"id": 7}}])
def test_a_write_that_was_taken_but_answered_unreadably_has_an_unknown_outcome(body: object) -> None:
    api = ScriptedApi(replies(Reply(body=body), GOOD))
    assert type(error_of(api, write)) is UnknownOutcomeError
    assert len(api.asked) == 1


@pytest.mark.parametrize("body", [[], {}, {"project": None}, {"project": {**project("p1"), "pg_version": "17"}}])
def test_an_answer_of_another_shape_is_said_at_once(body: object) -> None:
    api = ScriptedApi(replies(Reply(body=body)))
    error = error_of(api, read)
    assert type(error) is UnexpectedAnswerError
    assert len(api.asked) == 1


@pytest.mark.parametrize("malformed", ["", "P1", "p/1", "9999-12-31T23:59:59Z", "p" * 61, "p1\n"])
def test_nothing_is_sent_about_an_id_that_no_object_can_have(malformed: str) -> None:
    api = ScriptedApi(replies(GOOD))
    error = error_of(api, lambda neon: neon.update_project("free", malformed, {"name": "new"}, request_id="req-1"))
    assert type(error) is UnexpectedAnswerError
    assert error.hint is not None
    assert api.asked == []


@pytest.mark.parametrize(
    ("status", "kind", "exit_code"),
    [
        (400, ApiError, ExitCode.ERROR),
        (401, AuthenticationError, ExitCode.DENIED),
        (403, PermissionDeniedError, ExitCode.DENIED),
        (404, NotFoundError, ExitCode.ERROR),
        (406, ApiError, ExitCode.ERROR),
        (409, ConflictError, ExitCode.ERROR),
        (412, ApiError, ExitCode.ERROR),
        (422, ApiError, ExitCode.ERROR),
        (501, ApiError, ExitCode.ERROR),
    ],
)
@pytest.mark.parametrize("work", [read, write])
def test_a_refusal_is_final(status: int, kind: type[ApiError], exit_code: ExitCode, work: Work) -> None:
    api = ScriptedApi(replies(general_error(status, "not like this", code="SOME_CODE")))
    error = error_of(api, work)
    assert isinstance(error, ApiError)
    assert type(error) is kind
    assert len(api.asked) == 1
    assert (error.status, error.code, error.exit_code) == (status, "SOME_CODE", exit_code)
    assert f"Neon answers {status}" in str(error)
    assert "not like this" in str(error)


@pytest.mark.parametrize("body", ["", "<html>", "[]", '"text"', '{"message": 7, "code": null}', b"\xff"])
@pytest.mark.parametrize("status", [400, 401, 404, 409, 422])
def test_a_refusal_without_a_proper_body_is_still_told(status: int, body: str | bytes) -> None:
    error = error_of(ScriptedApi(replies(Reply(status, body))), write)
    assert isinstance(error, ApiError)
    assert f"could not patch project p1: the response is {status} " in str(error)


def test_a_wrong_key_is_told_by_the_name_of_its_variable() -> None:
    error = error_of(ScriptedApi(replies(general_error(401))), read)
    assert error.hint == "the key is unknown to the API: check $FREE_KEY"


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize(
    "body", ["<html>Access denied</html>", "Access denied", "\n <!DOCTYPE html>", b"\xff", "[]"]
)
def test_where_something_else_has_answered_the_key_is_not_the_first_to_blame(
    status: int, body: str | bytes
) -> None:
    error = error_of(ScriptedApi(replies(Reply(status, body))), read)
    assert isinstance(error, ApiError)
    assert "and not JSON" in str(error)
    assert error.hint is not None
    network, _, key = error.hint.partition("; if not, ")
    assert "a proxy or a firewall" in network
    assert "$FREE_KEY" in key


@pytest.mark.parametrize("body", ["", '{"message": ""}', "{}"])
def test_a_refusal_of_the_api_blames_the_key(body: str) -> None:
    error = error_of(ScriptedApi(replies(Reply(403, body))), read)
    assert isinstance(error, ApiError)
    assert error.hint == "the key in $FREE_KEY does not have permission for this call"


def test_a_redirect_is_not_followed() -> None:
    elsewhere = Reply(302, "", {"Location": "https://login.example/"})
    for work in (read, write):
        api = ScriptedApi(replies(elsewhere))
        error = error_of(api, work)
        assert type(error) is UnexpectedAnswerError
        assert "https://login.example/" in str(error)
        assert [asked.path for asked in api.asked] == ["/projects/p1"]


def test_retry_after_in_seconds_is_waited_for() -> None:
    api = ScriptedApi(replies(general_error(429, **{"Retry-After": "17"}), GOOD))
    using(api, write)
    assert 17 <= api.asked[1].at < 18


def test_retry_after_as_a_date_is_read_against_the_date_of_the_answer() -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC)
    headers = {"Date": format_datetime(now, usegmt=True)}
    headers["Retry-After"] = format_datetime(now + timedelta(seconds=30), usegmt=True)
    api = ScriptedApi(replies(general_error(503, **headers), GOOD))
    using(api, write)
    assert 30 <= api.asked[1].at < 31


ENDLESS = f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"


@pytest.mark.parametrize(
    "date",
    [
        ENDLESS,
        f"Mon, 01 Jan 2026 00:00:00 +{'9' * 20}",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 1000 00:00:00 GMT",
        "yesterday",
    ],
)
def test_a_date_that_nobody_could_reckon_with_is_passed_over(date: str) -> None:
    async def then(neon: Neon) -> datetime | None:
        await read(neon)
        return neon.clock.now()

    assert using(ScriptedApi(replies(Reply(body=GOOD.body, headers={"Date": date}))), then) is None


@pytest.mark.parametrize("nonsense", ["soon", "-5", "", "Mon, 99 Foo 2026", ENDLESS, "1e9", "٣"])
def test_a_retry_after_that_makes_no_sense_is_passed_over(nonsense: str) -> None:
    headers = {"Retry-After": nonsense} if nonsense.isascii() else {}
    api = ScriptedApi(replies(general_error(429, **headers), GOOD))
    using(api, write)
    assert api.asked[1].at < 1


def test_a_retry_after_beyond_our_patience_ends_the_call_at_once() -> None:
    api = ScriptedApi(replies(general_error(429, **{"Retry-After": "3600"}), GOOD))
    error = error_of(api, write)
    assert type(error) is RateLimitedError
    assert error.hint == "the API asks to wait 3600 s"
    assert len(api.asked) == 1


def test_every_attempt_of_a_call_carries_the_same_request_id_and_calls_differ() -> None:
    api = ScriptedApi(replies(general_error(423), GOOD))

    async def work(neon: Neon) -> int:
        await write(neon)
        await read(neon)
        await read(neon)
        return neon.calls

    assert using(api, work) == 4
    ids = [asked.headers["x-request-id"] for asked in api.asked]
    assert ids[:2] == ["req-1", "req-1"]
    assert len(set(ids)) == 3


def test_the_request_id_is_on_the_error() -> None:
    error = error_of(ScriptedApi(replies(general_error(409))), write)
    assert isinstance(error, ApiError)
    assert error.request_id == "req-1"
    assert "(request req-1)" in str(error)


def test_no_key_or_password_shows_in_an_error() -> None:
    echo = "bad napi_free_secret in postgresql://owner:hunter2@host/db, napi_other"
    redirect = Reply(302, "", {"Location": "https://u:hunter2@x/"})
    for answer in (general_error(400, echo), httpx.ReadError(echo), httpx.ConnectError(echo), redirect):
        error = error_of(ScriptedApi(replies(answer)), write)
        assert "***" in str(error)
        assert "secret" not in f"{error} {error!r} {error.hint}"
        assert "hunter2" not in str(error)
        assert "napi_" not in str(error)


def test_calls_in_flight_are_bounded() -> None:
    in_flight = most = 0

    async def counted(passing: Passing) -> httpx.Response:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        try:
            return await passing.answer()
        finally:
            in_flight -= 1

    async def work(neon: Neon) -> None:
        await asyncio.gather(*(read(neon) for _ in range(60)))

    using(Wire(ScriptedApi(replies(Reply(body=GOOD.body, after_seconds=20))), counted), work)
    assert most == 20


@pytest.mark.parametrize(
    "host",
    [
        "https://console.neon.tech/api/v2",
        "http://localhost:8090/api/v2",
        "http://127.0.0.1",
        "http://[::1]:80/x",
    ],
)
def test_a_host_may_be_any_https_address_or_this_machine(host: str) -> None:
    transport = Transport(host, pace=Pace(requests_per_minute=700, burst_per_second=40))
    assert transport.place == (str(httpx.URL(host)), None)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "console.neon.tech",
        "http://console.neon.tech",
        "http://10.0.0.1",
        "http://localhost.evil.example",
        "ftp://x",
        "https://",
        "https://user:pw@x",
        "https://x/?a=b",
        "https://x:port",
    ],
)
def test_a_key_never_travels_in_clear_nor_to_something_that_is_no_address(host: str) -> None:
    with pytest.raises(InvalidInputError):
        Transport(host, pace=Pace(requests_per_minute=700, burst_per_second=40))


def test_a_run_that_ends_begins_nothing_that_still_waits_for_its_turn() -> None:
    """Of forty moves the first burst is on its way; the others wait at the rate limit, and are not sent."""
    ended = []

    def end(_asked: Asked) -> Reply:
        ended.append(True)
        return Reply(body={})

    async def move_forty(neon: Neon) -> list[object]:
        neon = neon.of_run(lambda: not ended)
        moves = (neon.transfer_projects("free", "paid", [f"p{number}"]) for number in range(40))
        return list(await asyncio.gather(*moves, return_exceptions=True))

    api = ScriptedApi(end)
    outcomes = using(api, move_forty)
    unsent = [outcome for outcome in outcomes if isinstance(outcome, NotSentError)]
    assert len(api.asked) + len(unsent) == 40
    assert len(unsent) >= 20


def test_a_run_that_ends_ends_no_other_on_the_same_transport() -> None:
    """Whichever of them began last."""

    async def delete(neon: Neon) -> list[object]:
        before, ended, after = (neon.of_run(lambda going=going: going) for going in (True, False, True))  # type: ignore[misc]
        deletions = [run.delete_project("free", "own") for run in (before, ended, after)]
        told: list[object] = list(await asyncio.gather(*deletions, return_exceptions=True))
        return [*told, before.calls, ended.calls, after.calls]

    first, unsent, last, *calls = using(ScriptedApi(lambda _asked: Reply(body={})), delete)
    assert (first, last, calls) == (True, True, [1, 0, 1])
    assert isinstance(unsent, NotSentError)


def test_a_run_that_ends_still_finishes_with_what_it_must_not_leave_behind() -> None:
    async def delete(neon: Neon) -> list[object]:
        neon = neon.of_run(lambda: False)
        neon.finish_with("own")
        deletions = (neon.delete_project("free", project_id) for project_id in ("own", "other"))
        return list(await asyncio.gather(*deletions, return_exceptions=True))

    done, unsent = using(ScriptedApi(lambda _asked: Reply(body={})), delete)
    assert not isinstance(done, Exception)
    assert isinstance(unsent, NotSentError)


@pytest.mark.parametrize("tries", [1, 2])
def test_a_call_leaves_nothing_that_only_a_search_for_garbage_would_find(tries: int) -> None:
    """A run of many thousands of calls would keep the answers of hundreds until the next search."""

    async def garbage_of_ten_calls(neon: Neon) -> int:
        gc.collect()
        gc.freeze()  # of what other tests have left, nothing is gone through again
        gc.disable()
        try:
            for _ in range(10):
                await read(neon)
            return gc.collect()
        finally:
            gc.enable()

    async def count_garbage(neon: Neon) -> int:
        """The least of several rounds: other threads, and objects of earlier tests, leave some in one of them."""
        await read(neon)
        return min([await garbage_of_ten_calls(neon) for _ in range(5)])

    answers = itertools.cycle([Reply(503)] * (tries - 1) + [GOOD])
    assert using(ScriptedApi(lambda _asked: next(answers)), count_garbage) < 10

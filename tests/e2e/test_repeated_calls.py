"""Calls that are repeated are told on stderr: why, when the next attempt follows, when a call is given up."""

from __future__ import annotations

import asyncio
import json
from http.server import BaseHTTPRequestHandler
from random import Random
from typing import TYPE_CHECKING, ClassVar

import httpx
import pytest

from reconciler.cli import neon_connection
from reconciler.cli.neon_connection import RepeatedCalls
from reconciler.desired.state import Api
from reconciler.errors import ReconcilerError
from reconciler.neon.client import connect
from tests.harness.local_server import listening
from tests.harness.scripted_api import ACCESS, Reply, ScriptedApi, project, replies, virtually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.shell import Shell

GOOD = Reply(body={"project": project("p1"), "operations": []})


def told(capsys: pytest.CaptureFixture[str], *answers: Reply | Exception) -> list[str]:
    """What is written about one read of a project."""

    async def main() -> None:
        observer = RepeatedCalls(clock=asyncio.get_running_loop().time)
        api = Api(host="https://neon.test/api/v2")
        via = ScriptedApi(replies(*answers))
        async with connect(ACCESS, api, via=via, random=Random(1), observer=observer) as neon:  # noqa: S311
            try:
                await neon.project("free", "p1")
            except ReconcilerError:
                return

    virtually(main())
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("answer", "why", "end"),
    [
        (Reply(503), "503 Service Unavailable", "s of such pauses"),
        (Reply(429, {"code": "", "message": "slow down"}), "429 Too Many Requests: slow down", "s of such pauses"),
        (Reply(502, headers={"Retry-After": "5"}), "502 Bad Gateway", "3 more attempts"),
        (httpx.ReadError("reset"), "the connection broke: reset", None),
        (Reply(after_seconds=1_000), "no response within 60 s", "3 more attempts"),
    ],
    ids=["503", "429", "502", "broken connection, given up within seconds", "timeout"],
)
def test_a_call_that_fails_for_some_seconds_is_told_whatever_the_reason(
    capsys: pytest.CaptureFixture[str], answer: Reply | Exception, why: str, end: str | None
) -> None:
    lines = told(capsys, answer)
    assert bool(lines) == (end is not None)
    assert len(lines) < 15, "one message every 10 s"
    for line in lines[:1]:
        assert line.startswith("warning: could not read project p1: ")
        assert why in line
        assert "the call is sent again in " in line
        assert line.endswith(end or "")


def test_a_call_that_succeeds_at_the_second_attempt_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, Reply(503), Reply(429), GOOD) == []


class _Outage(BaseHTTPRequestHandler):
    """Answers 503 to the first attempt of each call, then 401, which ends the command."""

    seen: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        request_id = self.headers["X-Request-ID"]
        self.send_response(401 if request_id in self.seen else 503)
        self.seen.add(request_id)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def outage(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.setattr(neon_connection, "SECONDS_BEFORE", 0.0)
    shell.tenant("acme")
    shell.environ |= {
        "NEON_FREE_ORG_ID": "org-free",
        "NEON_PAID_ORG_ID": "org-paid",
        "FREE_ORG_API_KEY": "marked-free-key",
        "PAID_ORG_API_KEY": "marked-paid-key",
        "NO_PROXY": "127.0.0.1",
    }
    with listening(_Outage) as port:
        shell.environ["NEON_API_HOST"] = f"http://127.0.0.1:{port}/api/v2"
        yield shell


@pytest.mark.parametrize("command", ["plan", "usage", "drift", "doctor"])
def test_every_command_tells_it(outage: Shell, command: str) -> None:
    ended = outage.run(command)
    assert "503 Service Unavailable" in ended.err
    assert "the call is sent again in " in ended.err


def test_a_json_log_has_the_figures(outage: Shell) -> None:
    ended = outage.run("drift", "--log-format", "json")
    logged = [json.loads(line) for line in ended.err.splitlines()]
    message = next(one for one in logged if one.get("attempt"))
    assert (message["level"], message["status"], message["attempt"]) == ("warning", 503, 1)
    assert message["next_in_seconds"] >= 0
    assert message["request_id"]

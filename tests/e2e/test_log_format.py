"""``--log-format json``: every line on stderr is a JSON object, whatever happens; stdout is as ever."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.cli.main import COMMANDS
from reconciler.views.json_log import logging_as_json
from tests.harness.wire import answering, first, writes

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

JSON = ("--log-format", "json")


def messages(ended: Ended) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in ended.err.splitlines()]
    assert all({"time", "level", "message"} <= message.keys() for message in found), found
    return found


def of_level(ended: Ended, level: str) -> list[dict[str, Any]]:
    return [message for message in messages(ended) if message["level"] == level]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_usage_error_is_a_message_too(shell: Shell, command: str) -> None:
    ended = shell.run(command, *JSON, "--no-such-flag")
    (error,) = of_level(ended, "error")
    assert "No such option" in error["message"]
    assert error["hint"].startswith("see 'reconciler ")
    assert ended.code == 3


def test_a_problem_of_a_file_has_its_place_and_its_remedy(shell: Shell) -> None:
    shell.tenant("acme", "tier: fre")
    ended = shell.run("diff", "HEAD", *JSON)
    assert of_level(ended, "error")
    ended = shell.simulated("plan", *JSON)
    problem, error = of_level(ended, "error")
    assert (problem["file"], problem["line"]) == ("tenants/acme.yaml", 2)
    assert "did you mean" in problem["hint"]
    assert (error["exit_code"], ended.code) == (3, 3)
    assert "listed before this" in error["hint"]


def test_what_failed_names_the_tenant_and_the_run(shell: Shell) -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"code": "", "message": "no ##[error] today"})

    shell.tenant("acme")
    shell.act = first(writes, answering(refused))
    ended = shell.simulated("apply", "--yes", "--journal", "journal.jsonl", "--format", "json", *JSON)
    (failure,) = of_level(ended, "error")
    report = ended.document
    assert (failure["tenant"], failure["run"]) == ("acme", report["run"])
    assert failure["message"] == report["tenants"][0]["actions"][0]["message"]
    assert failure["request_id"].startswith(report["run"])
    assert (failure["file"], failure["line"]) == ("tenants/acme.yaml", 1)
    assert "##[error]" not in ended.err


def test_an_error_that_ends_a_run_names_the_run(shell: Shell) -> None:
    shell.tenant("acme", "tier: fre")
    ended = shell.simulated("apply", "--yes", *JSON)
    assert len({message["run"] for message in of_level(ended, "error")}) == 1


def test_a_refusal_and_a_pause_are_warnings(shell: Shell) -> None:
    def busy(_: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "3"}, json={"code": "", "message": "slow down"})

    shell.tenant("acme", "tier: pro")
    shell.applied()
    shell.tenant("acme", "tier: free")
    shell.tenant("bluebird")
    shell.act = first(writes, answering(busy))
    ended = shell.simulated("apply", "--yes", "--journal", "journal.jsonl", *JSON)
    told = of_level(ended, "warning")
    assert [message["tenant"] for message in told if "rule" in message] == ["acme"]
    assert [message["status"] for message in told if "status" in message] == [429]


def test_a_plan_beside_a_report_is_one_message(shell: Shell) -> None:
    shell.tenant("acme")
    ended = shell.applied("--format", "json", *JSON)
    (plan,) = [message for message in messages(ended) if "myapp-acme" in message["message"]]
    assert "\n" in plan["message"]
    assert ended.document["counts"]["applied"] == 1


def test_a_defect_is_a_message_without_the_secrets_of_the_environment(shell: Shell) -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise RuntimeError("sesame-open-1")

    shell.environ = {"MY_TOKEN": "sesame-open-1"}
    shell.tenant("acme")
    shell.act = first(writes, answering(broken))
    ended = shell.simulated("apply", "--yes", "--journal", "journal.jsonl", *JSON)
    (defect,) = [message for message in of_level(ended, "error") if "a defect" in message["message"]]
    assert "sesame" not in ended.err
    assert "report it" in defect["hint"]


def test_text_is_the_default(shell: Shell) -> None:
    shell.tenant("acme", "tier: fre")
    assert shell.simulated("plan").err == shell.simulated("plan", "--log-format", "text").err
    assert shell.simulated("plan", "--log-format", "xml").code == 3


def test_words_of_a_child_program_are_its_own(shell: Shell) -> None:
    ended = shell.run("connections", "acme", "--", "psql", *JSON)
    assert "\nerror: no file declares" in ended.err


def test_what_a_library_writes_is_a_message_too() -> None:
    file = io.StringIO()
    with contextlib.redirect_stderr(file), logging_as_json(lambda: 0.0):
        print("one\n\ntwo", file=sys.stderr)
    assert [json.loads(line)["message"] for line in file.getvalue().splitlines()] == ["one", "two"]

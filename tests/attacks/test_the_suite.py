"""The suite itself: its table names every case, and each of its invariants does fail where it is broken."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.attacks import case, formats, invariants, marked, rendered, stage
from tests.attacks.case import ATTACKS
from tests.attacks.stranger import Stranger
from tests.harness.forks import Ended

if TYPE_CHECKING:
    from pathlib import Path

NAMES = case.names()
KEY = marked.KEYS["FREE_ORG_API_KEY"]


def titles() -> dict[str, str]:
    """What each case is called, as the head of its README.md has it."""
    return {name: (ATTACKS / name / "README.md").read_text(encoding="utf-8").splitlines()[0] for name in NAMES}


def test_there_are_enough_cases_and_the_table_names_each() -> None:
    text = (ATTACKS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([\w-]+)\]\(\1/README\.md\) \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) >= 40
    assert {name: f"# {title}" for name, title in rows} == titles()
    assert [name for name, _ in rows] == NAMES


def test_each_case_says_what_it_tries_and_what_happens() -> None:
    for name in NAMES:
        text = (ATTACKS / name / "README.md").read_text(encoding="utf-8")
        told = re.fullmatch(r"# .+\n\n\*\*It tries:\*\* (.+\n)+\n\*\*What happens:\*\* (.+\n)+", text)
        assert told, name
        assert case.read(name).expected.commands, name


@pytest.mark.parametrize(
    "said",
    [
        KEY.encode(),
        KEY[:11].encode(),
        f"Basic {base64.b64encode(f'x:{KEY}'.encode()).decode()}".encode(),
        base64.b64encode(KEY.encode()),
        base64.b64encode(f"xy{KEY}".encode()),
        json.dumps({"key": KEY}).encode(),
        KEY.upper().encode(),
    ],
)
def test_a_secret_is_found_whole_in_part_and_encoded(said: bytes) -> None:
    assert list(invariants.nothing_is_told({"stdout": b"before " + said + b" after"}))
    assert not list(invariants.nothing_is_told({"stdout": b"before and after"}))


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (("plan",), "\x1b[2J"),
        (("plan",), "a\u202eb"),
        (("plan",), "a\u2028b"),
        (("plan",), "one\r\n"),
        (("plan",), "one\n  ::error::x\n"),
        (("plan",), "x ##vso[task.complete]\n"),
        (("plan", "--format", "json"), '{"a": 1} x'),
        (("plan", "--format", "markdown"), "[x](https://evil.example)"),
        (("simulator", "env"), "export LD_PRELOAD=x\n"),
        (("simulator", "env"), "export A=$(id) B\n"),
    ],
)
def test_text_that_steers_is_found(arguments: tuple[str, ...], out: str) -> None:
    assert list(invariants.text_is_text(arguments, Ended(0, out.encode(), b"")))


@pytest.mark.parametrize(
    "markdown",
    [
        "www.evil.example",
        "https://evil.example",
        "a@evil.example",
        "![x](y)",
        "<img src=x>",
        "<h1>x</h1>",
        "<!-- x -->",
        "x </details>",
        "x @octocat",
        ":shipit:",
        "fixes #1",
        "`a` @octocat",
        "<details onclick=x></details>",
        "[x]\n\n[x]: https://evil.example",
    ],
)
def test_what_a_reader_could_click_see_or_be_called_by_is_found(markdown: str) -> None:
    assert rendered.foreign(markdown)


def test_our_own_markdown_is_none_of_it() -> None:
    ours = "**1 to create.**\n\n<details open><summary>Create (1)</summary>\n\n| a | b |\n|---|---|\n"
    ours += "| `www.evil.example`<br>`@octocat` | `:shipit:` |\n\n</details>\n"
    assert rendered.foreign(ours) == []


@pytest.mark.parametrize(
    "line",
    [
        "::set-output name=x::y",
        "  ::add-mask::x",
        "::stop-commands::x",
        "::group::x",
        "::error::without a title of ours",
        "::notice title=Plan::fine\r::error title=Plan::x",
        "##[group]x",
        "x section_start:1:y",
    ],
)
def test_a_line_that_a_runner_obeys_is_found(line: str) -> None:
    first = "::notice title=Plan::In sync.\n::error file=tenants/a.yaml,line=2,col=7,title=Invalid::%0A::x\n"
    assert not list(formats.obeyed(first)), "annotations of ours are none of it"
    assert list(formats.obeyed(f"{first}{line}\n"))


@pytest.mark.parametrize(
    "inside",
    [
        "<script>x</script>",
        "<img src=x>",
        "<a href='https://evil.example'>x</a>",
        "<p onclick=x>y</p>",
        "<!-- x -->",
        '<script type="application/json">{"a": "</script><b>"}</script>',
        "<iframe></iframe>",
    ],
)
def test_what_a_page_loads_or_runs_is_found(inside: str) -> None:
    assert list(formats.in_html(f"<html><body>{inside}</body></html>"))
    assert not list(formats.in_html("<html><body><a href='#x'>x</a><p>y</p></body></html>"))


def test_other_xml_and_formulas_are_found() -> None:
    assert not list(formats.in_xml("<testsuites><testsuite><testcase/></testsuite></testsuites>"))
    for text in ("<testsuites><evil/></testsuites>", "<testsuites>", "<!DOCTYPE x><testsuites/>"):
        assert list(formats.in_xml(text))
    assert not list(formats.in_csv("tenant,change\nacme,-0.5\n'=1+1,2\n"))
    for cell in ("=1+1", "+cmd|x", "@SUM(A1)", "-2+3", '"\t=1"'):
        assert list(formats.in_csv(f"tenant\n{cell}\n"))


@pytest.mark.parametrize(
    "ended",
    [
        Ended(None, b"", b""),
        Ended(-9, b"", b""),
        Ended(1, b"", b"Traceback (most recent call last)"),
        Ended(1, b"", b"error: a defect in reconciler: x"),
    ],
)
def test_a_bad_end_is_found(ended: Ended) -> None:
    assert list(invariants.ended_in_words(ended))


def test_changes_of_projects_are_found() -> None:
    before = {"one": ("myapp-acme", "a"), "two": ("myapp-vault", "b")}
    assert list(invariants.others_are_as_they_were(before, before, [])) == []
    assert list(invariants.others_are_as_they_were(before, {**before, "one": ("myapp-acme", "c")}, []))
    assert list(invariants.others_are_as_they_were(before, {**before, "one": ("myapp-acme", "c")}, ["acme"])) == []
    assert list(invariants.others_are_as_they_were(before, {"one": before["one"]}, ["acme", "vault"]))
    assert list(invariants.others_are_as_they_were(before, {**before, "new": ("myapp-new", "n")}, ["acme"]))


def test_a_write_of_a_command_that_reads_is_found() -> None:
    assert list(invariants.only_writers_wrote(("plan",), ["POST /projects"]))
    assert list(invariants.only_writers_wrote(("apply",), ["POST /projects"])) == []


def test_the_trap_makes_the_canary_and_the_stage_can_tell(tmp_path: Path) -> None:
    staged = stage.build(tmp_path, case.read(NAMES[0]), {}, {})
    assert list(invariants.nothing_ran(staged)) == []
    subprocess.run([staged.outside / "trap"], check=True)
    assert list(invariants.nothing_ran(staged))
    assert list(invariants.nothing_else_is_touched(staged)) == []
    (staged.outside / "precious.txt").write_text("mine", encoding="utf-8")
    assert list(invariants.nothing_else_is_touched(staged))


def test_the_strangers_host_keeps_what_it_is_told() -> None:
    with Stranger() as stranger:
        assert stranger.heard() == []
        with socket.create_connection(("127.0.0.1", stranger.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nAuthorization: Bearer x\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 403")
        with socket.create_connection(("127.0.0.1", stranger.port)) as client:
            client.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
            assert client.recv(1) == b"N"
        assert [said[:5] for said in stranger.heard()] == [b"GET /", b"\x00\x00\x00\x08\x04"]
        assert stranger.heard() == []

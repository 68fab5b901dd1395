"""``--format html`` of each command, to stdout and to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness.html_page import check_harmless, check_readable, read_page

if TYPE_CHECKING:
    from tests.harness.shell import Shell


def test_usage_writes_a_page_to_stdout_and_to_a_file(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied("--expect-empty")
    ended = shell.simulated("usage", "--format", "html", "--output", "usage.html")
    assert (ended.code, ended.err) == (0, "")
    written = (shell.folder / "usage.html").read_text(encoding="utf-8")
    assert written == ended.out
    found = read_page(written)
    check_harmless(found)
    check_readable(found)
    assert "no tenant above a threshold; 1 tenant looked at." in found.all("header")[0].text


def test_a_plan_drift_and_a_diff_are_pages_too(shell: Shell) -> None:
    shell.tenant("acme")
    for command in (("plan", "--expect-empty"), ("drift", "--expect-empty")):
        ended = shell.simulated(*command, "--format", "html", "--output", f"{command[0]}.html")
        written = (shell.folder / f"{command[0]}.html").read_text(encoding="utf-8")
        assert written == ended.out
        found = read_page(written)
        check_harmless(found)
        check_readable(found)
        assert "acme" in found.all("main")[0].text


def test_a_report_is_a_page_too(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied("--expect-empty", "--output", "report.html")
    found = read_page((shell.folder / "report.html").read_text(encoding="utf-8"))
    check_harmless(found)
    check_readable(found)
    assert "Applied: 1 tenant." in found.all("header")[0].text

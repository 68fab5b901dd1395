"""The formats for CI: annotations of GitHub, JUnit and SARIF say what the text says, and hold text only."""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given

from reconciler.model.problem import Location, Problem, Severity
from reconciler.model.values import replace
from reconciler.plan.plan import Authored
from reconciler.views import github_annotations, junit, sarif
from reconciler.views.view import DiffView, DriftView, PlanView, ProblemsView, ReportView
from tests.unit.plan.test_shared_changes import of_a_raised_tier
from tests.unit.views import builders as build
from tests.unit.views.everything import everything_called, report_called
from tests.unit.views.runners import obeyed, steering
from tests.unit.views.test_any_text import texts

_COMMAND: Final = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")
"""GitHub: ``::name key=value,key=value::data`` in a line of its own."""


class Shown(NamedTuple):
    level: str
    properties: dict[str, str]
    message: str


def decoded(line: str) -> Shown:
    """What GitHub makes of the line (actions/toolkit: command.ts escapes the other way)."""
    found = _COMMAND.fullmatch(line)
    assert found is not None, line
    pairs = (pair.partition("=") for pair in found[2].split(","))
    return Shown(found[1], {key: unquote(value) for key, _, value in pairs}, unquote(found[3]))


def shown(text: str) -> list[Shown]:
    return [decoded(line) for line in text.splitlines()]


def problems(count: int) -> ProblemsView:
    numbers = range(1, count + 1)
    return ProblemsView([Problem(Location(f"tenants/{n:03}.yaml", n, 3), f"bad {n}", "do this") for n in numbers])


def test_a_problem_stands_beside_its_line() -> None:
    warning = Problem(Location("tiers.yaml", 7, 2), "odd: 50%, or so", severity=Severity.WARNING)
    first, second = shown(github_annotations.render(ProblemsView([*problems(1).problems, warning])))
    place = {"file": "tenants/001.yaml", "line": "1", "col": "3"}
    assert first == ("error", {**place, "title": "Invalid"}, "bad 1\ndo this")
    assert second.level == "warning"
    assert second.message == "odd: 50%, or so"


@pytest.mark.parametrize(("count", "kept"), [(10, 10), (11, 10), (500, 10)])
def test_no_more_are_written_than_github_shows_and_the_last_tells_the_rest(count: int, kept: int) -> None:
    found = shown(github_annotations.render(problems(count)))
    assert len(found) == kept
    told = 0 if count == kept else int(found[-1].message.split()[0])
    assert kept - bool(told) + told == count
    assert len(shown(github_annotations.render(problems(count), full=True))) == count


def test_a_plan_tells_refusals_conflicts_and_risks_at_their_places() -> None:
    plan = build.rich_plan()
    found = shown(github_annotations.render(PlanView(plan, build.MADE), full=True))
    titles = [one.properties["title"] for one in found]
    assert {refusal.rule.value for refusal in plan.refusals} <= set(titles)
    assert titles.count("Conflict") == len(plan.conflicts)
    assert "Destructive" in titles
    assert all(one.level != "error" or "to " in one.message for one in found)


def test_a_changed_line_of_a_tier_tells_what_it_does_and_to_how_many() -> None:
    line = Location("tiers.yaml", 70, 7)
    author = Authored(line, "pro", None, "compute.max_cu", "b276dcf0", "Ada", "Raise pro")
    of_a_tenant = replace(author, tier=None, tenant="ada", source=Location("tenants/ada.yaml", 1, 1))
    plan = replace(of_a_raised_tier(), authored=(author, of_a_tenant))
    for view in (PlanView(plan), DiffView(plan, build.MADE)):
        (found,) = [one for one in shown(github_annotations.render(view)) if one.properties["title"] == "Changes"]
        assert (found.level, found.properties["file"], found.properties["line"]) == ("warning", "tiers.yaml", "70")
        assert found.message.split("\n") == [
            "tier pro: compute.max_cu 4 CU -> 9 CU",
            "3 tenants: ada, bob and cyd",
            "restarts compute",
        ]


def test_a_report_tells_what_failed() -> None:
    report = build.rich_report()
    failed = [one for outcome in report.outcomes for one in outcome.actions if one.result.value == "failed"]
    found = shown(github_annotations.render(ReportView(report, "run.jsonl"), full=True))
    assert sum(one.properties["title"] == "Failed" for one in found) == len(failed) > 0


@given(texts)
def test_annotations_hold_one_command_in_a_line_whatever_comes_from_outside(text: str) -> None:
    plan = everything_called(text)
    views = (
        PlanView(plan, build.MADE),
        DriftView(plan),
        DiffView(plan, build.MADE),
        ReportView(report_called(text), text),
        ProblemsView([Problem(Location(text, 1, 2), text, text)]),
    )
    for view in views:
        written = github_annotations.render(view, full=True)
        assert not steering(written)
        for one in shown(written):
            assert not obeyed(one.properties["title"])
            assert set(one.properties) <= {"file", "line", "col", "title"}


@given(texts)
def test_junit_is_xml_and_obeyed_by_no_runner_whatever_comes_from_outside(text: str) -> None:
    plan = everything_called(text)
    views = (
        PlanView(plan, build.MADE),
        DriftView(plan),
        ReportView(report_called(text), text),
        ProblemsView([Problem(Location(text, 1, 2), text, text)]),
    )
    for view in views:
        written = junit.render(view)
        assert not steering(written)
        assert not obeyed(written)
        root = ElementTree.fromstring(written)  # noqa: S314 - our own text
        cases = root.findall("testsuite/testcase")
        assert int(root.attrib["tests"]) == len(cases) > 0
        assert int(root.attrib["failures"]) == len(root.findall("testsuite/testcase/failure"))


def test_junit_fails_for_what_is_refused_and_for_drift() -> None:
    plan = build.rich_plan()
    held = ElementTree.fromstring(junit.render(PlanView(plan, build.MADE)))  # noqa: S314
    drifted = ElementTree.fromstring(junit.render(DriftView(plan)))  # noqa: S314
    asked = sum(refusal.asked_for for refusal in plan.refusals)
    assert int(held.attrib["failures"]) == asked + len(plan.conflicts)
    assert int(drifted.attrib["failures"]) > int(held.attrib["failures"])


@given(texts)
def test_sarif_holds_the_text_as_it_is(text: str) -> None:
    written = sarif.render(ProblemsView([Problem(Location(text or "a", 4, 2), text, None)]))
    assert written.isascii()
    assert not obeyed(written)
    [result] = json.loads(written)["runs"][0]["results"]
    assert result["message"]["text"] == text
    where = result["locations"][0]["physicalLocation"]
    assert where["region"] == {"startLine": 4, "startColumn": 2}

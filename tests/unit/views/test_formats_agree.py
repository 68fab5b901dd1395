"""Every number and name that text says is said by Markdown, HTML, JSON and JUnit too.

Annotations stand beside lines: they say all of what is refused or needs a decision, and of what takes something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.model.problem import Location, Problem, Severity
from reconciler.model.values import replace
from reconciler.plan.approval import Stale
from reconciler.plan.change import Risk
from reconciler.plan.outcome import Result
from reconciler.plan.plan import FileChange, Waiting
from reconciler.views import (
    coverage_sentences,
    markdown,
    markdown_findings,
    markdown_report,
    markdown_tables,
    markdown_usage,
)
from reconciler.views.formats import render
from reconciler.views.grouping import field_changes
from reconciler.views.html import plan_blocks
from reconciler.views.markup import text
from reconciler.views.values import label, worded
from reconciler.views.view import DriftView, PlanView, ProblemsView, ReportView, UsageView
from tests.harness.facts import facts, lacking, of_annotations, of_junit, of_sarif
from tests.unit.views import builders as build
from tests.unit.views import usages
from tests.unit.views.everything import forecast_called

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan
    from reconciler.views.view import View

RAISED: Final = [build.price_change(f"tenant-{number}") for number in range(17)]


def whole_plan() -> Plan:
    """One of everything, a change that many share, and numbers that occur nowhere else."""
    return replace(
        build.rich_plan(),
        tenants=(*build.rich_plan().tenants, *RAISED),
        forecast=forecast_called("gold"),
        refused_forecast=forecast_called("silver"),
        file_changes=(FileChange("labels.team", "a1", "b2", "no effect", ("zoe",), build.at("zoe", 77)),),
        waiting=(Waiting("0123456789abcdef", "refused", ("yan", "yve"), changed=True),),
    )


STALE: Final = [Stale("kai", (build.drifted("kai"),), (build.delete("kai", "p-777"),), "it has other actions")]
VIEWS: Final[dict[str, View]] = {
    "plan": PlanView(whole_plan(), build.MADE),
    "stale plan": PlanView(whole_plan(), build.MADE, stale=STALE),
    "saved plan": PlanView(whole_plan(), build.MADE, saved=True),
    "drift": DriftView(whole_plan()),
    "report": ReportView(build.rich_report(), "log/7f3a91.jsonl"),
    "report of a run that harms": ReportView(build.harmful_report(), "log/7f3a91.jsonl", STALE),
    "usage": UsageView(usages.a_usage(12)),
}
_OF: Final = {"sarif": of_sarif, "junit": of_junit, "github": of_annotations}
AT_LIMITS: Final = UsageView(usages.at_limits([f"tenant-{number}" for number in range(100, 128)]))


@pytest.mark.parametrize("name", VIEWS)
def test_no_format_loses_a_number_or_a_name(name: str) -> None:
    assert lacking(VIEWS[name]) == {}


def test_no_page_loses_who_is_at_a_limit_or_what_helps() -> None:
    assert lacking(AT_LIMITS) == {}


def beside_lines(plan: Plan) -> list[str]:
    """What has to stand beside a line: why something is refused, who decides, and what a tenant loses."""
    risky = [action for action in plan.actions if action.risk is not Risk.SAFE]
    return [
        *(f"{one.message} {one.remedy}" for one in plan.refusals),
        *(f"{one.message} {one.remedy}" for one in plan.conflicts),
        *(one.message for one in plan.warnings),
    ] + [
        f"{label(change.path)} {worded(change.path, change.before)} {worded(change.path, change.after)}"
        for action in risky
        for change in field_changes(action)
    ]


@pytest.mark.parametrize("name", ["plan", "saved plan", "drift"])
def test_annotations_lose_nothing_of_what_is_refused_or_takes_something(name: str) -> None:
    told = of_annotations(str(render(VIEWS[name], "github", full=True)))
    expected = facts("\n".join(beside_lines(whole_plan())), frozenset())
    assert expected >= {"1m", "5m"}
    assert expected <= facts(told, frozenset())


def test_annotations_lose_nothing_of_what_failed() -> None:
    report = build.harmful_report()
    told = " ".join(of_annotations(str(render(ReportView(report, "run.jsonl"), "github", full=True))).split())
    failed = [
        one
        for outcome in report.outcomes
        for one in outcome.actions
        if one.result is Result.FAILED and one.message
    ]
    assert failed
    assert [one.message for one in failed if " ".join(one.message.split()) not in told] == []


@pytest.mark.parametrize("format_name", ["sarif", "junit", "github"])
def test_no_format_loses_a_problem_of_the_files(format_name: str) -> None:
    place = Location("tenants/acme.yaml", 14, 15)
    problems = [
        Problem(place, "31 snapshots are more than 10", hint="at most 10"),
        Problem(Location("tiers.yaml", 92, 65), "the price list is of 2025", severity=Severity.WARNING),
    ]
    told = _OF[format_name](str(render(ProblemsView(problems), format_name, full=True)))
    for one in problems:
        for word in (*one.message.split(), *(one.hint or "").split(), str(one.location.line), one.location.file):
            assert word in told, word


def test_a_number_is_a_fact_wherever_it_stands_and_so_is_a_name() -> None:
    told = facts("acme pays (5GiB -> 10GiB), since 2026-11-23 12:00:07 UTC; and 3 more", frozenset({"acme"}))
    assert told == {"acme", "5GiB", "10GiB", "2026-11-23T12:00"}


@pytest.mark.parametrize(
    ("module", "name", "format_name", "lost"),
    [
        (markdown_findings, "_actions", "markdown", "still-moon-11223344"),
        (markdown_findings, "_note", "markdown", "2026-11-30"),
        (markdown_tables, "changes", "markdown", "172.16.0.9"),
        (plan_blocks, "_turns", "html", "172.16.0.9"),
    ],
)
def test_an_omission_is_found(
    module: object, name: str, format_name: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = text("") if name == "_note" else ()
    monkeypatch.setattr(module, name, lambda *_: nothing)
    assert lost in lacking(VIEWS["plan"])[format_name]


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("_ending", "req-northwind"),
        ("_deletion", "2026-11-30T12:00"),
        ("_tenants_with_verb", "calm-sea-00000001"),
        ("_warning", "5432"),
        ("_closing", "31"),
    ],
)
def test_an_omission_of_a_report_is_found(name: str, lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: dict[str, object] = {"_ending": text(""), "_warning": text(""), "_tenants_with_verb": [text("")] * 3}
    monkeypatch.setattr(markdown_report, name, lambda *_: nothing.get(name, ()))
    assert lost in lacking(VIEWS["report of a run that harms"])["markdown"]


@pytest.mark.parametrize(
    ("name", "lost"),
    [("_at_limits", "tenant-120"), ("_crossing", "90.0%"), ("coverage", "41")],
)
def test_an_omission_of_a_usage_is_found(name: str, lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = [text("")] * 6 if name == "_crossing" else ()
    monkeypatch.setattr(markdown_usage, name, lambda *_: nothing)
    assert lost in lacking(AT_LIMITS)["markdown"]


def test_an_omission_of_what_was_compared_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "coverage", lambda _: [])
    assert "15" in lacking(VIEWS["plan"])["markdown"]
    assert coverage_sentences.coverage(whole_plan().coverage)

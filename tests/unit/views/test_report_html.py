"""The report of an apply as a page."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from reconciler.model.values import replace
from reconciler.plan.approval import Stale
from reconciler.views.view import ReportView
from tests.harness.html_page import check_harmless, check_readable, elements, read_page
from tests.unit.views import builders as build
from tests.unit.views import nasty
from tests.unit.views.everything import report_called
from tests.unit.views.test_plan_html import MANY, check_short, page, tile
from tests.unit.views.test_usage_html import HOSTILE

if TYPE_CHECKING:
    from reconciler.plan.outcome import Report
    from tests.harness.html_page import Element


def shown(report: Report, *stale: Stale) -> Element:
    return read_page(page(ReportView(report, "run.jsonl", stale)))


@cache
def tags_of_a_name() -> list[str]:
    """Those of the page in which every text is a name."""
    return [one.tag for one in elements(shown(report_called("name")))]


def test_it_needs_nothing_else_and_can_be_read_by_everybody() -> None:
    found = shown(build.rich_report(), Stale("old", (), (), "its project has changed"))
    check_harmless(found)
    check_readable(found)


def test_failures_come_first_and_everything_is_told() -> None:
    found = shown(build.rich_report(), Stale("old", (), (), "its project has changed"))
    assert [one.text.split(" (")[0] for one in found.all("h2")] == [
        *("Overview", "Failed", "Skipped", "Applied", "Unchanged"),
        "Stale",
    ]
    assert (tile(found, "failed"), tile(found, "applied"), tile(found, "projects deleted")) == (2, 3, 1)
    for words in (
        "Neon answered 423: the project has running operations",
        "the run stopped before its turn",
        "12 of the last 20 tenants failed",
        "brings it back until 2026-11-30 12:00 UTC",
        "its project has changed",
        "Journal: run.jsonl",
    ):
        assert words in found.text


def test_a_request_id_that_the_message_has_is_not_repeated() -> None:
    message = "could not change project p-acme: no (request req-acme)"
    found = shown(build.report(build.failed(build.price_change("acme"), after=0, message=message)))
    assert message in found.text
    assert "request id: req-acme" not in found.text


@pytest.mark.drawn(20)
@pytest.mark.parametrize("text", [*HOSTILE, *filter(None, nasty.EVERYTHING)], ids=repr)
def test_no_text_runs_loads_or_leaves_its_place(text: str) -> None:
    found = shown(report_called(text))
    check_harmless(found)
    assert [one.tag for one in elements(found)] == tags_of_a_name()


def test_many_tenants_are_a_short_page() -> None:
    (one,) = build.report(build.applied(build.price_change("t"))).outcomes
    outcomes = tuple(replace(one, tenant=f"t{number:05}") for number in range(MANY))
    report = replace(build.rich_report(), outcomes=outcomes)
    check_short(page(ReportView(report, "run.jsonl")), MANY)
    assert f"and {MANY - 101:,} more" in shown(report).text
    assert f"t{MANY - 1:05}" in page(ReportView(report, "run.jsonl"), full=True)

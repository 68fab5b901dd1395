"""Search, filters, sorting and the parts of single tenants, as a reader uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.plan.change import Risk
from reconciler.views.view import PlanView, ReportView, UsageView
from tests.unit.views import builders as build
from tests.unit.views.usages import a_usage

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan
    from tests.browser.browser import Page
    from tests.browser.conftest import Opened

RICH: Final = PlanView(build.rich_plan(), build.MADE)
REPORT: Final = ReportView(build.rich_report(), "run.jsonl")
HEADINGS: Final = "#found h2"

pytestmark = [pytest.mark.slow, pytest.mark.drawn(8)]


def many(count: int) -> Plan:
    """A change of its own for each of so many tenants."""
    return build.plan(
        *(
            build.tenant(name, build.patch(name, "renamed", build.change("name", f"old {name}", f"new {name}")))
            for name in (f"t{number:05}" for number in range(count))
        )
    )


def search(page: Page, words: str) -> None:
    page.run("document.getElementById('words').focus()")
    page.type(words)


def names(page: Page) -> list[str]:
    return page.texts("#found th[scope=row] a")


def test_a_search_leaves_what_mentions_all_words(opened: Opened) -> None:
    page = opened(RICH)
    search(page, "NORTHWIND 50gib")
    assert page.texts(HEADINGS) == ["Upgrade (1)"]
    assert names(page) == ["northwind"]
    assert page.text("#shown") == "Showing 1 of 13."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("tiers.yaml:14", ["amber", "birch", "cedar"]),
        ("quiet-sun-00000012", ["harbor"]),
        ("allowed_ips 172.16.0.9", ["gamma"]),
        ("no such thing", []),
    ],
)
def test_a_search_finds_sources_projects_fields_and_values(
    opened: Opened, words: str, expected: list[str]
) -> None:
    page = opened(RICH)
    search(page, words)
    assert names(page) == expected
    assert bool(expected) != ("Nothing fits" in page.text("#found"))


def test_filters_leave_what_has_both_values_and_count_what_each_would_leave(opened: Opened) -> None:
    page = opened(RICH)
    page.choose("Risk", "destructive")
    destructive = names(page)
    page.choose("Kind", "Delete")
    (deleted,) = page.texts(HEADINGS)
    assert deleted.startswith("Delete (1)")
    assert set(names(page)) < set(destructive)
    risks = page.run("[...document.querySelectorAll('select.facet')[2].options].map((one) => one.label)")
    assert risks[0] == "any risk"
    assert "destructive (1)" in risks


def test_clear_shows_everything_again(opened: Opened) -> None:
    page = opened(RICH)
    before = page.texts(HEADINGS)
    search(page, "northwind")
    page.choose("Risk", "disruptive")
    assert page.texts(HEADINGS) != before
    page.run("document.getElementById('clear').click()")
    assert page.texts(HEADINGS) == before
    assert page.text("#shown") == "Showing all 13."


def test_rows_are_sorted_by_size_by_risk_and_by_name(opened: Opened) -> None:
    lowered = build.change("quota.data_transfer_bytes", 2, 1, Risk.DESTRUCTIVE, lowering=True)
    plan = build.plan(
        *(
            build.tenant(name, build.patch(name, "tier changed", build.change("quota.data_transfer_bytes", 1, 2)))
            for name in ("b1", "b2")
        ),
        build.tenant("c", build.patch("c", "tier changed", lowered)),
        build.tenant("a", build.patch("a", "tier changed", build.change("name", "x", "y"))),
    )
    page = opened(PlanView(plan, build.MADE))
    assert names(page)[:2] == ["b1", "b2"]
    page.choose("Sort", "riskiest first")
    assert names(page)[0] == "c"
    page.choose("Sort", "by name")
    assert names(page) == ["a", "b1", "b2", "c"]


def test_the_address_of_a_tenant_shows_all_that_the_page_tells_of_it(opened: Opened) -> None:
    page = opened(RICH, "#tenant:northwind")
    shown = page.text("#one")
    assert "northwind" in shown
    assert "transfer from free to paid" in shown
    assert "quiet-sun-00000015" in shown
    assert page.run("document.activeElement.id") == "one-name"
    page.act("location.hash = '#tenant:nobody'", "hashchange")
    assert "tells nothing of this tenant" in page.text("#one")
    page.act("location.hash = '#controls'", "hashchange")
    assert page.run("document.getElementById('one').hidden")


@pytest.mark.parametrize("name", ["user@example.com", "a b/c%d&e", "ä🎉", "%E0%A4%A"])
def test_each_name_has_an_address(opened: Opened, name: str) -> None:
    plan = build.plan(build.tenant(name, build.patch(name, "tier changed", build.change("name", "x", "y"))))
    page = opened(PlanView(plan, build.MADE))
    page.act("document.querySelector('#found th a').click()", "hashchange")
    assert page.text("#one-name") == name
    assert "tier changed" in page.text("#one")


def test_an_overview_leads_to_a_section_whatever_is_filtered(opened: Opened) -> None:
    page = opened(RICH)
    search(page, "northwind")
    page.act("document.querySelector('a[href=\"#refused\"]').click()", "hashchange")
    assert page.run("document.activeElement.id") == "refused"
    assert page.text("#shown") == "Showing all 13."


def test_a_report_is_filtered_by_its_results(opened: Opened) -> None:
    page = opened(REPORT)
    page.choose("Result", "Failed")
    assert page.texts(HEADINGS) == ["Failed (2)"]
    assert "Neon answered 423" in page.text("#found")


def test_a_usage_lists_every_tenant_and_the_fullest_first(opened: Opened) -> None:
    usage = a_usage(400)
    page = opened(UsageView(usage))
    assert page.texts(HEADINGS) == ["Tenants (400)"]
    page.choose("State", "at a limit")
    full = [one.tenant for one in usage.tenants if one.suspended or one.writes_fail]
    assert sorted(names(page)) == sorted(full)
    page.choose("State", "below")
    assert not set(names(page)) & set(full)


def test_long_lists_are_shown_in_parts(opened: Opened) -> None:
    page = opened(PlanView(many(300), build.MADE))
    assert len(names(page)) == 50
    page.run("document.querySelector('.more').click()")
    assert len(names(page)) == 250
    assert page.run("document.activeElement.innerText") == "t00050"
    page.run("document.querySelector('.more').click()")
    assert len(names(page)) == 300
    assert page.run("document.querySelector('.more').hidden")


def test_a_group_shows_its_other_names_when_it_is_opened(opened: Opened) -> None:
    change = build.change("quota.data_transfer_bytes", 1, 2)
    members = (build.tenant(f"t{n:03}", build.patch(f"t{n:03}", "tier changed", change)) for n in range(500))
    page = opened(PlanView(build.plan(*members), build.MADE))
    assert names(page) == ["t000"]
    page.act("document.querySelector('#found summary').click()", "toggle")
    assert names(page)[-1] == "t200"
    page.run("document.querySelector('#found details button').click()")
    assert names(page)[-1] == "t400"

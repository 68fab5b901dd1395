"""The overview of the pages: its numbers are those of the plan and of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.change import Risk
from reconciler.plan.outcome import Result
from tests.browser.fleets import BUSY, FULL, a_plan, a_report
from tests.harness.html_page import check_readable, read_page
from tests.unit.views.test_plan_html import page

if TYPE_CHECKING:
    from reconciler.views.view import View
    from tests.harness.html_page import Element


def rows(found: Element, caption: str) -> list[tuple[str, list[str]]]:
    """The name of each row of a table, with its cells but for the bar."""
    (one,) = [one for one in found.all("table") if one.all("caption")[0].text.startswith(caption)]
    return [
        (row.all("th")[0].text, [cell.text.strip() for cell in row.all("td")][:-1])
        for row in one.all("tbody")[0].all("tr")
    ]


def table(found: Element, caption: str) -> dict[str, list[str]]:
    """The cells of each row by the name of the row."""
    return dict(rows(found, caption))


def shown(view: View) -> Element:
    found = read_page(page(view))
    check_readable(found)
    return found


def test_tenants_are_counted_by_kind_and_by_their_highest_risk() -> None:
    view = a_plan(40)
    found = shown(view)
    kinds = table(found, "Tenants by kind of change")
    assert kinds == {"Create": ["3"], "Upgrade": ["12"], "Downgrade": ["4"], "Change": ["41"], "Delete": ["1"]}
    worst = [max(action.risk for action in one.actions) for one in view.plan.tenants]
    assert table(found, "Tenants by risk") == {
        "lose something permanently": [str(worst.count(Risk.DESTRUCTIVE))],
        "are interrupted": [str(worst.count(Risk.DISRUPTIVE))],
        "are not interrupted": [str(worst.count(Risk.SAFE))],
    }


def test_the_fleet_is_told_by_tier_and_state_and_the_room_before_and_after() -> None:
    view = a_plan(40)
    assert view.plan.overview is not None
    found = shown(view)
    tiers = table(found, "The fleet by tier and state")
    for one in view.plan.overview.tiers:
        told = [one.tenants, one.changed, one.refused, one.undecided, one.suspended, one.unchanged]
        assert tiers[one.tier] == [f"{count:,}" for count in told]
    free, paid = view.plan.overview.organizations
    assert free.limit is not None
    assert free.after > free.limit
    rooms = table(found, "Room in the organizations")
    assert rooms["free"] == [str(free.projects), str(free.after), str(free.limit), "0"]
    assert rooms["paid"] == [str(paid.projects), str(paid.after), "none", ""]


def test_a_report_tells_results_by_tier_and_why_actions_failed() -> None:
    view = a_report(50)
    found = shown(view)
    results = table(found, "Tenants by tier and result")
    numbers = [[int(cell.replace(",", "")) for cell in cells] for cells in results.values()]
    order = (Result.FAILED, Result.SKIPPED, Result.APPLIED, Result.UNCHANGED)
    assert [sum(column) for column in zip(*numbers, strict=True)] == [view.report.count(one) for one in order]
    assert table(found, "Why actions failed") == {BUSY: ["7"], FULL: ["2"]}

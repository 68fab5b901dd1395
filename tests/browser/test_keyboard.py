"""All that a mouse does, with the keyboard alone; and axe-core, which looks for faults that exclude people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.plan.approval import Stale
from reconciler.views.view import DiffView, DriftView, PlanView, ReportView, UsageView
from tests.browser.axe import findings
from tests.browser.fleets import a_plan, a_report
from tests.unit.views import builders as build
from tests.unit.views.usages import a_usage

if TYPE_CHECKING:
    from reconciler.views.view import View
    from tests.browser.browser import Page
    from tests.browser.conftest import Opened

PLAN: Final = PlanView(build.rich_plan(), build.MADE)
VIEWS: Final = (
    PLAN,
    DriftView(build.rich_plan()),
    DiffView(build.rich_plan(), build.MADE),
    ReportView(build.rich_report(), "run.jsonl", [Stale("old", (), (), "its project has changed")]),
    UsageView(a_usage(300)),
    PlanView(build.plan(), build.MADE),
    a_plan(40),
    a_report(50),
)
MOST_TABS: Final = 60

pytestmark = pytest.mark.slow


def focused(page: Page) -> str:
    found: str = page.run("document.activeElement.id || document.activeElement.innerText")
    return found


def test_tab_leads_through_the_page_in_its_order_and_everything_shows_its_focus(opened: Opened) -> None:
    page = opened(PLAN)
    seen = []
    for _ in range(MOST_TABS):
        page.press("Tab")
        seen.append(focused(page))
        if seen[-1] == "gamma":
            break
        outline = page.run("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
    assert seen[0] == "Skip to the content"
    wanted = ["words", "sort", "clear", "acme", "northwind", "harbor", "amber", "gamma"]
    assert [one for one in seen if one in wanted] == wanted


def test_slash_searches_escape_clears_and_enter_opens_a_tenant(opened: Opened) -> None:
    page = opened(PLAN)
    page.press("/")
    assert focused(page) == "words"
    page.type("harbor")
    assert page.text("#shown") == "Showing 1 of 13."
    for _ in range(MOST_TABS):
        page.press("Tab")
        if focused(page) == "harbor":
            break
    page.press("Enter")
    page.run("new Promise((done) => requestAnimationFrame(() => done()))")
    assert focused(page) == "one-name"
    page.press("/")
    page.press("Escape")
    assert (focused(page), page.text("#shown")) == ("words", "Showing all 13.")
    page.press("/")
    assert page.run("document.getElementById('words').value") == "/"


def test_what_was_found_is_announced_to_a_screen_reader(opened: Opened) -> None:
    page = opened(PLAN)
    assert page.run("document.getElementById('shown').getAttribute('role')") == "status"
    names = page.run("[...document.querySelectorAll('#controls label')].map((one) => one.control !== null)")
    assert len(names) == 8
    assert all(names)


@pytest.mark.drawn(2)
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(opened: Opened, view: View, dark: bool) -> None:
    page = opened(view)
    page.medium(dark=dark)
    assert findings(page) == []
    if isinstance(view, PlanView) and view.plan.tenants:
        page.act("document.querySelector('#found th a').click()", "hashchange")
        assert findings(page) == []


def test_axe_is_at_work(opened: Opened) -> None:
    page = opened(PLAN)
    page.run("document.getElementById('words').parentElement.replaceWith(document.getElementById('words'))")
    assert any("label" in found for found in findings(page))

"""A page of 30,000 tenants: as quick as a page can be that somebody reads, whatever the machine."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.views.view import PlanView, UsageView
from tests.browser.conftest import written
from tests.browser.test_search import many
from tests.unit.views import builders as build
from tests.unit.views.test_plan_html import one_kind
from tests.unit.views.usages import a_usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.views.view import View
    from tests.browser.browser import Page

TENANTS: Final = 30_000
VIEWS: Final[dict[str, Callable[[], View]]] = {
    "one change of all": lambda: PlanView(one_kind(TENANTS), build.MADE),
    "a change of its own for each": lambda: PlanView(many(TENANTS), build.MADE),
    "usage": lambda: UsageView(a_usage(TENANTS)),
}
MOST_ELEMENTS: Final = 20_000
"""Of a document that stays quick to use."""
MOST_BYTES: Final = 10_000_000
MOST_TIMES: Final = 100
"""How much longer than an empty page it may take to open; it takes about a tenth of that."""

pytestmark = pytest.mark.slow


def seconds(page: Page, file: Path) -> float:
    """How long the page takes to open, the least of several times."""
    took = []
    for _ in range(3):
        began = perf_counter()
        page.open(file)
        page.run("new Promise((done) => requestAnimationFrame(() => done()))")
        took.append(perf_counter() - began)
    return min(took)


@pytest.mark.drawn(1)
@pytest.mark.parametrize("name", VIEWS)
def test_thirty_thousand_tenants_are_opened_and_searched(
    browser: Page, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, file = tmp_path / "empty.html", tmp_path / "page.html"
    empty.write_text("<!DOCTYPE html><title>empty</title>", encoding="utf-8")
    file.write_text(written(VIEWS[name]()), encoding="utf-8")
    nothing = seconds(browser, empty)
    ratio = seconds(browser, file) / nothing
    size = file.stat().st_size
    with capsys.disabled():
        print(f"\n{name}: {size:,} bytes for {TENANTS:,} tenants, opened in {ratio:.0f} times an empty page")
    assert size < MOST_BYTES
    assert ratio < MOST_TIMES
    assert browser.run("document.querySelectorAll('*').length") < MOST_ELEMENTS
    assert browser.text("#shown") == "Showing all 30,000."
    found = browser.run("document.querySelector('#found th a').textContent")
    browser.run("document.getElementById('words').focus()")
    browser.type(found)
    assert browser.text("#shown") == "Showing 1 of 30,000."

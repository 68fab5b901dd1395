"""Nothing in a name runs, loads, hides or leaves its place, in a real browser that runs the page's script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.views.safe_text import printable
from reconciler.views.view import DriftView, PlanView, ReportView, UsageView
from tests.browser.browser import browsing
from tests.browser.conftest import written
from tests.harness.html_page import elements, read_page
from tests.unit.views import builders as build
from tests.unit.views import nasty
from tests.unit.views.everything import everything_called, report_called
from tests.unit.views.test_usage_html import HOSTILE, called

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.views.view import View
    from tests.browser.browser import Page
    from tests.browser.conftest import Opened

VIEWS: Final[tuple[Callable[[str], View], ...]] = (
    lambda text: PlanView(everything_called(text), build.MADE),
    lambda text: DriftView(everything_called(text)),
    lambda text: ReportView(report_called(text), text),
    lambda text: UsageView(called(text)),
)
SEEN: Final = "[...new Set([...document.querySelectorAll('*')].map((one) => one.tagName.toLowerCase()))]"
HANDLERS: Final = (
    "[...document.querySelectorAll('*')].flatMap((one) => [...one.attributes])"
    ".map((one) => one.name).filter((name) => name.startsWith('on') || name === 'src' || name === 'style')"
)
LINKS: Final = "[...document.links].map((one) => one.getAttribute('href')).filter((to) => !to.startsWith('#'))"

pytestmark = pytest.mark.slow


def check(page: Page, file: Path) -> None:
    """Asserts that nothing was said, loaded or opened up to now."""
    assert page.complaints == []
    assert page.requests == [file.absolute().as_uri()]
    assert page.run(HANDLERS) == []
    assert page.run(LINKS) == []


@pytest.mark.drawn(1)
@pytest.mark.parametrize("of", VIEWS, ids=["plan", "drift", "report", "usage"])
def test_no_text_does_anything(browser: Page, tmp_path: Path, of: Callable[[str], View]) -> None:
    file = tmp_path / "page.html"
    file.write_text(written(of("name")), encoding="utf-8")
    browser.open(file)
    known = {*browser.run(SEEN), "del", "ins"}
    for text in HOSTILE:
        file.write_text(written(of(text)), encoding="utf-8")
        browser.open(file)
        check(browser, file)
        assert set(browser.run(SEEN)) <= known, text
        name = browser.run("document.querySelector('#found th a').textContent")
        assert name == printable(text)
        browser.act("document.querySelector('#found th a').click()", "hashchange")
        assert browser.run("document.getElementById('one-name').textContent") == name
        check(browser, file)


def test_no_text_does_anything_to_others(browser: Page, tmp_path: Path) -> None:
    """All of them in one page, each in the place of a name, a field, a value and a reason."""
    texts = [*HOSTILE, *filter(None, nasty.EVERYTHING)]
    tenants = (
        build.tenant(text, build.patch(text, text, build.change("name", text, f"{text}{number}")))
        for number, text in enumerate(dict.fromkeys(texts))
    )
    file = tmp_path / "page.html"
    file.write_text(written(PlanView(build.plan(*tenants), build.MADE), full=True), encoding="utf-8")
    browser.open(file)
    while browser.run("!document.querySelector('.more').hidden"):
        browser.run("document.querySelector('.more').click()")
    names = browser.run("[...document.querySelectorAll('#found th a')].map((one) => one.textContent)")
    assert sorted(names) == sorted(map(printable, dict.fromkeys(texts)))
    check(browser, file)


def test_without_scripts_a_browser_finds_no_more_than_was_written(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    with browsing(scripts=False) as page:
        for number, text in enumerate(HOSTILE):
            page_text = written(VIEWS[number % len(VIEWS)](text))
            file.write_text(page_text, encoding="utf-8")
            page.open(file)
            tags = [one.tag for one in elements(read_page(page_text)) if one.tag != "document"]
            assert [one.tag for one in elements(read_page(page.run(OUTER)))] == tags
            check(page, file)


OUTER: Final = "'<!DOCTYPE html>' + document.documentElement.outerHTML"


def test_a_script_that_is_not_the_pages_own_does_not_run(opened: Opened, tmp_path: Path) -> None:
    """The content security policy is at work: what somebody adds to the file is blocked."""
    text = written(VIEWS[0]("name"))
    file = tmp_path / "changed.html"
    file.write_text(text.replace("</main>", "<script>document.title = 'run'</script></main>"), encoding="utf-8")
    page = opened(VIEWS[0]("name"))
    page.open(file)
    assert page.run("document.title") == "Plan of name"
    assert any("Content Security Policy" in one for one in page.complaints)

"""Pages in one browser for each test process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from reconciler.views.formats import render
from tests.browser.browser import WIDE, browsing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.views.view import View
    from tests.browser.browser import Page


class Opened(Protocol):
    """Opens the page of a view."""

    def __call__(self, view: View, anchor: str = "", *, full: bool = False) -> Page: ...


def written(view: View, *, full: bool = False) -> str:
    """The page of the view."""
    return "".join(map(str, render(view, "html", full=full)))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def _started() -> Iterator[Page]:
    with browsing() as page:
        yield page


@pytest.fixture
def browser(_started: Page) -> Page:
    """On a desk, by day."""
    _started.medium()
    _started.resize(WIDE)
    return _started


@pytest.fixture
def opened(browser: Page, tmp_path: Path) -> Opened:
    """Opens pages in it."""

    def of(view: View, anchor: str = "", *, full: bool = False) -> Page:
        file = tmp_path / "page.html"
        file.write_text(written(view, full=full), encoding="utf-8")
        browser.open(file, anchor)
        return browser

    return of

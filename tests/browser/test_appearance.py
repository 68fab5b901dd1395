"""What a page looks like: by day and by night, on a phone, on paper, and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.views.view import PlanView, ReportView, UsageView
from tests.browser.browser import NARROW, browsing
from tests.browser.conftest import written
from tests.browser.fleets import a_plan
from tests.browser.test_search import many
from tests.unit.views import builders as build
from tests.unit.views.usages import a_usage

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.views.view import View
    from tests.browser.conftest import Opened

VIEWS: Final = (
    PlanView(build.rich_plan(), build.MADE),
    ReportView(build.rich_report(), "run.jsonl"),
    UsageView(a_usage(300)),
)
FLAT_BYTES: Final = 20_000
"""A picture of one colour is smaller."""
PAPER: Final = 700
"""Units of a page between the margins of a sheet (A4)."""
GROUND: Final = "getComputedStyle(document.body).backgroundColor"

pytestmark = [pytest.mark.slow, pytest.mark.drawn(6)]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
def test_it_is_light_by_day_and_dark_by_night(opened: Opened, view: View) -> None:
    page = opened(view)
    light, ground = page.picture(), page.run(GROUND)
    page.medium(dark=True)
    dark = page.picture()
    assert light.startswith(b"\x89PNG")
    assert min(len(light), len(dark)) > FLAT_BYTES
    assert light != dark
    assert (ground, page.run(GROUND)) == ("rgb(246, 247, 249)", "rgb(14, 17, 22)")


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
def test_a_phone_scrolls_it_in_one_direction_only(opened: Opened, view: View) -> None:
    page = opened(view)
    page.resize(NARROW)
    assert page.run("document.documentElement.scrollWidth") <= NARROW


def test_paper_has_no_controls_and_all_rows_that_one_can_read(opened: Opened) -> None:
    page = opened(PlanView(many(300), build.MADE))
    page.medium("print")
    assert page.run("getComputedStyle(document.getElementById('controls')).display") == "none"
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    assert len(page.texts("#found th a")) == 300
    assert page.run("[...document.querySelectorAll('#found button')].every((one) => one.offsetHeight === 0)")
    assert page.run(GROUND) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("view", [*VIEWS, a_plan(40)], ids=lambda view: type(view).__name__)
def test_paper_is_as_wide_as_the_page(opened: Opened, view: View) -> None:
    page = opened(view)
    page.medium("print")
    page.resize(PAPER)
    assert page.run("document.documentElement.scrollWidth") <= PAPER


def test_a_page_on_paper_is_a_document(opened: Opened) -> None:
    page = opened(VIEWS[0])
    assert page.printed().startswith(b"%PDF")


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
def test_without_scripts_it_tells_what_it_tells_with_them(opened: Opened, tmp_path: Path, view: View) -> None:
    page = opened(view)
    page.run("document.getElementById('controls').remove()")
    scripted = page.text("main")
    file = tmp_path / "plain.html"
    file.write_text(written(view), encoding="utf-8")
    with browsing(scripts=False) as page:
        page.open(file)
        assert page.run("document.getElementById('controls').hidden")
        plain = page.text("main")
    assert "Without JavaScript" in plain
    if not isinstance(view, UsageView):
        assert not set(scripted.split()) - set(plain.split())


def test_without_scripts_the_address_of_a_tenant_leads_to_it(tmp_path: Path) -> None:
    file = tmp_path / "plain.html"
    file.write_text(written(VIEWS[0]), encoding="utf-8")
    with browsing(scripts=False) as page:
        page.open(file, "#tenant:gamma")
        place = page.run("document.querySelector(':target').getBoundingClientRect().top")
        assert page.text(":target") == "gamma"
        assert -1 < place < 1000

"""The table of formats: each row shows every view that it claims to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

import pytest

from reconciler.model.problem import Location, Problem
from reconciler.views import view as views
from reconciler.views.console import as_text
from reconciler.views.formats import EVERY, FORMATS, formats_of, render
from reconciler.views.view import DriftView, PlanView, ProblemsView, ReportView
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from reconciler.views.formats import Rendered
    from reconciler.views.view import View

VIEWS: tuple[View, ...] = (
    PlanView(build.rich_plan(), build.MADE),
    PlanView(build.rich_plan(), build.MADE, saved=True),
    DriftView(build.rich_plan()),
    ReportView(build.rich_report(), "run.jsonl"),
    ProblemsView([Problem(Location("tiers.yaml", 1, 2), "bad")]),
)


def as_one_text(rendered: Rendered) -> str:
    if isinstance(rendered, Iterator):
        return "".join(rendered)
    return rendered if isinstance(rendered, str) else as_text(rendered)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
def test_each_format_shows_the_views_of_its_row(view: View) -> None:
    for row in formats_of(type(view).__name__):
        shown = render(view, row.name)
        assert len(as_one_text(shown)) > 20, row.name


def test_names_and_endings_are_told_apart() -> None:
    assert len({row.name for row in FORMATS}) == len({row.suffix for row in FORMATS}) == len(FORMATS)


def test_a_saved_plan_says_where_it_comes_from_in_each_format_for_people() -> None:
    for name in ("text", "markdown"):
        shown = render(PlanView(build.rich_plan(), build.MADE, saved=True), name)
        assert "Saved plan of fleet" in as_one_text(shown)


def test_every_view_has_its_formats() -> None:
    assert {view.__name__ for view in get_args(views.View)} == set(EVERY)

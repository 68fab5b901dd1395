"""Markdown in which nothing from outside is more than text, as a renderer of GitHub's shows it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from reconciler.plan.approval import Stale
from reconciler.views import markdown
from reconciler.views.formatted_text import formatted
from reconciler.views.markup import MAX_SPAN, bullets, code, document, paragraph, row, stacked, table, text
from reconciler.views.safe_text import printable
from reconciler.views.view import DriftView, PlanView, ReportView, UsageView
from tests.unit.views import builders as build
from tests.unit.views import nasty
from tests.unit.views.everything import everything_called, report_called, usage_called
from tests.unit.views.rendered import only_text, rendered, shape

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan

VIEWS = Path(markdown.__file__).parent

texts = (
    some.text(max_size=40)
    | some.lists(some.sampled_from(nasty.EVERYTHING), max_size=4).map(" ".join)
    | some.lists(some.sampled_from(nasty.EVERYTHING), max_size=4).map("".join)
    | some.text("`|\\ \n<>&*_~[]()#@:.-+!$^/0a", max_size=12)
)


@given(texts)
@example("a\\|b")
@example("`a`")
@example(" a ")
def test_a_name_stands_in_a_code_span_as_it_is(name: str) -> None:
    comment = rendered(document([paragraph([row(text("before"), code(name), text("after"))])]))
    assert shape(comment) == ["p"]
    assert comment.code == ([printable(name)] if name else [])
    assert only_text(comment)


@given(texts)
@example("\\|")
@example("|")
def test_a_name_leaves_no_cell_of_a_table(name: str) -> None:
    cells = (code(name), stacked((text(name), code(name))), text(formatted("of {}, {}", name, name)))
    comment = rendered(document([table([text("a"), text("b"), text("c")], [cells, cells])]))
    breaks = len([element for element in comment.elements if element == "br"])
    assert shape(comment) == [
        *("table", "thead", "tr", "th", "th", "th", "tbody"),
        *(["tr", "td", "td", *["br"] * (breaks // 2), "td"] * 2),
    ]
    assert only_text(comment)
    written = printable(name)
    if name and "\\|" not in written:
        assert comment.code[0] == written


@given(texts)
def test_a_sentence_says_the_same_in_plain_words_and_code(sentence: str) -> None:
    comment = rendered(document([bullets([text(sentence)])]))
    assert shape(comment) in (["ul", "li"], ["ul", "li", "p"])
    assert only_text(comment)


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("plain words, a number (12) and 1,234 more.", "plain words, a number (12) and 1,234 more."),
        ("tier 'gold' does not exist", "tier 'gold' does not exist"),
        ("tier free -> pro", "tier free &rarr; pro"),
        ("see https://evil.example/click.", "see `https://evil.example/click`."),
        ("ask @octocat (or #12)", "ask `@octocat` (or `#12`)"),
        ("1. first", "`1`. first"),
        ("1 project", "1 project"),
        ("set by a :shipit: commit deadbeef", "set by a `:shipit` : commit `deadbeef`"),
        ("run apply --allow lowering", "run apply `--allow` lowering"),
        ("a *b* c", "a `*b*` c"),
        ("calls f(x) twice", "calls `f(x)` twice"),
    ],
)
def test_plain_words_stay_outside_of_code(sentence: str, source: str) -> None:
    assert text(sentence).source == source.replace("` :", "`:")


def test_a_long_name_is_cut_and_the_rest_counted() -> None:
    assert code("x" * (MAX_SPAN + 1234)).source == f"`{'x' * MAX_SPAN}` and 1,234 characters more"


@pytest.mark.drawn(20)
@pytest.mark.parametrize("hostile", nasty.EVERYTHING)
def test_no_text_of_a_plan_becomes_more_than_text(hostile: str) -> None:
    check(hostile)


@given(texts)
def test_nor_does_any_other(hostile: str) -> None:
    check(hostile)


def check(hostile: str) -> None:
    plan = everything_called(hostile)
    for view, usual in zip(VIEWS_OF_A_PLAN, usual_shapes(), strict=True):
        comment = rendered(view(plan))
        assert only_text(comment), comment.prose
        if hostile.strip(" "):  # of a blank reason there is nothing to show
            assert shape(comment) == usual


@cache
def usual_shapes() -> list[list[str]]:
    """Of each view, where every text is a name."""
    plan = everything_called("acme")
    return [shape(rendered(view(plan))) for view in VIEWS_OF_A_PLAN]


def planned(plan: Plan) -> str:
    return markdown.render(PlanView(plan))


def drifted(plan: Plan) -> str:
    return markdown.render(DriftView(plan))


def saved(plan: Plan) -> str:
    return markdown.render(PlanView(plan, build.MADE, saved=True))


def reported(plan: Plan) -> str:
    """A report of tenants with the text of this plan's first name."""
    text = plan.tenants[0].tenant
    held = [Stale(text, one.actions, one.actions, text) for one in plan.tenants]
    return markdown.render(ReportView(report_called(text), text, held))


def used(plan: Plan) -> str:
    """A usage of tenants with the text of this plan's first name."""
    return markdown.render(UsageView(usage_called(plan.tenants[0].tenant)))


VIEWS_OF_A_PLAN = (planned, drifted, saved, reported, used)


@pytest.mark.drawn(1)
@pytest.mark.parametrize(
    ("text", "often"),
    [("x", 100_000), ("\U0001f600", 20_000), ("\u202e", 20_000), ("`", 50_000), ("`x", 50_000)],
)
def test_a_plan_of_long_texts_stays_within_what_a_comment_may_hold(text: str, often: int) -> None:
    plan = everything_called(text * often)
    for view in VIEWS_OF_A_PLAN:
        assert len(view(plan)) <= 65_536


@pytest.mark.parametrize(("kind", "home"), [("Markdown", "markup"), ("Block", "markup"), ("Styled", "terminal")])
def test_no_other_module_makes_one(kind: str, home: str) -> None:
    """mypy refuses a plain string in its place, so that nothing gets into an output but through that module."""
    making = re.compile(rf"(?<!class )\b{kind}\(")
    modules = [path for path in VIEWS.glob("*.py") if making.search(path.read_text(encoding="utf-8"))]
    assert [path.stem for path in modules if path.stem != "grouping"] == [home]

"""Each list of things that need attention says once what a reader can do, in every format for people."""

from __future__ import annotations

import ast
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import reconciler.views
from reconciler.model.values import replace
from reconciler.plan.approval import Stale
from reconciler.plan.plan import Orphan, PolicyWarning
from reconciler.plan.registration import RowChange, RowChanges
from reconciler.views.remedies import EACH_SAYS_IT, NOTES, NOTHING_TO_DO, REMEDIES, remedy_of
from reconciler.views.view import DriftView, PlanView, ReportView, RowChangesView, UsageView
from tests.harness.facts import rendered
from tests.unit.views import builders as build
from tests.unit.views import usages
from tests.unit.views.test_formats_agree import whole_plan

if TYPE_CHECKING:
    from reconciler.views.view import View

STALE: Final = [Stale("kai", (build.drifted("kai"),), (build.delete("kai", "p-777"),), "it has other actions")]
PLAN: Final = replace(
    whole_plan(),
    orphans=(Orphan(build.project("stray"), "stray", owned=True),),
    warnings=(PolicyWarning("naming", "the name is too long", ("zoe",), build.at("zoe", 7)),),
)
ROWS: Final = RowChanges((RowChange("acme", "added"),), (RowChange("zoe", "claimed by run 1"),), (), 2)
VIEWS: Final[dict[str, View]] = {
    "plan": PlanView(PLAN, build.MADE, stale=STALE),
    "drift": DriftView(PLAN),
    "report": ReportView(build.harmful_report(), "log/7f3a91.jsonl", STALE),
    "usage": UsageView(usages.at_limits([f"tenant-{number}" for number in range(8)])),
    "rows that differ": RowChangesView(ROWS, verified=True),
}
FORMATS: Final = ("text", "markdown", "html")
HEADINGS: Final = {
    "text": re.compile(r"^(?P<title>\S[^\n]*) \([\d,]+\)$", re.MULTILINE),
    "markdown": re.compile(r"<summary>(?P<title>.*?) \([\d,]+\)</summary>"),
    "html": re.compile(r'<h2 id="[^"]*"[^>]*>(?P<title>.*?) \([\d,]+\)</h2>'),
}
OF_AN_ITEM: Final = ("to allow it:", "to resolve it:", "to go ahead:", "hint:")
HELPS: Final = "next step:"


def lists(view: View, format_name: str) -> dict[str, str]:
    """What stands below each heading, without markup and line breaks."""
    whole = rendered(view, format_name)
    found = list(HEADINGS[format_name].finditer(whole))
    ends = [*(one.start() for one in found[1:]), len(whole)]
    return {
        unescape(one["title"]): " ".join(unescape(re.sub(r"<[^>]*>|`", " ", whole[one.end() : end])).split())
        for one, end in zip(found, ends, strict=True)
    }


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", VIEWS)
def test_every_list_that_needs_attention_says_once_what_to_do(name: str, format_name: str) -> None:
    if format_name not in formats_of(VIEWS[name]):
        return
    wrong = []
    for title, below in lists(VIEWS[name], format_name).items():
        told = below.lower().count(HELPS)
        if title in REMEDIES and not (told == 1 or any(words in below.lower() for words in OF_AN_ITEM)):
            wrong.append(f"{title}: {told} remedies: {below}")
        if title in EACH_SAYS_IT - {NOTES} and not any(words in below.lower() for words in OF_AN_ITEM):
            wrong.append(f"{title}: no remedy: {below}")
    assert wrong == []


def formats_of(view: View) -> tuple[str, ...]:
    return ("text",) if isinstance(view, RowChangesView) else FORMATS


@pytest.mark.parametrize("title", sorted(REMEDIES))
def test_each_remedy_is_shown_somewhere(title: str) -> None:
    assert any(title in lists(view, "text") for view in VIEWS.values())


def test_a_list_of_which_nobody_says_what_to_do_is_not_shown() -> None:
    with pytest.raises(LookupError, match="no next step for 'Strange'"):
        remedy_of("Strange")


def test_no_title_has_two_meanings() -> None:
    tables = (frozenset(REMEDIES), EACH_SAYS_IT, NOTHING_TO_DO)
    assert sum(map(len, tables)) == len(frozenset().union(*tables))


def test_no_view_makes_a_list_of_findings_past_the_table() -> None:
    """Such a list is made by three functions, which look its title up: they get no title of their own."""
    makers = {"section", "FindingList", "_of", "_section", "_alike", "_ended", "_table"}
    literal = []
    for path in sorted(Path(reconciler.views.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            first = node.args[0] if node.args else None
            if name in makers and isinstance(first, ast.Constant) and first.value not in ("", "Deleted projects"):
                literal.append(f"{path.name}:{node.lineno}: {first.value!r}")
    assert literal == []

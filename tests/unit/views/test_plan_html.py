"""A plan, drift and a diff as pages: they say what the text says, and everybody can read them."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.model.values import replace
from reconciler.plan.plan import TenantTier
from reconciler.views.formats import render
from reconciler.views.safe_text import harmless
from reconciler.views.view import DiffView, DriftView, PlanView
from tests import profiles
from tests.harness.html_page import check_harmless, check_readable, elements, read_page
from tests.unit.views import builders as build
from tests.unit.views import nasty
from tests.unit.views.everything import everything_called
from tests.unit.views.test_usage_html import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.plan.plan import Plan
    from reconciler.views.view import View
    from tests.harness.html_page import Element

VIEWS: Final = (
    PlanView(build.rich_plan(), build.MADE),
    PlanView(build.rich_plan(), build.MADE, saved=True),
    DriftView(build.rich_plan()),
    DiffView(build.rich_plan(), build.MADE),
    PlanView(build.plan()),
)
MANY: Final = profiles.size(6_000, 30_000, 30_000)
"""Tenants of one page."""
MOST_BYTES: Final = 300_000
"""Of a page without its data."""
MOST_BYTES_OF_ONE: Final = 100
"""Of the data, for each of many tenants with the same change."""


def page(view: View, *, full: bool = False) -> str:
    shown = render(view, "html", full=full)
    assert not isinstance(shown, str)
    return "".join(map(str, shown))  # type: ignore[arg-type]


def one_kind(count: int) -> Plan:
    """The same change of so many tenants, and another change of each hundredth."""
    same = build.change("quota.active_time_seconds", 360_000, 720_000)
    tenants = (
        build.tenant(
            f"t{number:05}",
            build.patch(
                f"t{number:05}",
                "tier free changed",
                *([build.change("name", f"a{number}", f"b{number}")] if number % 100 == 0 else [same]),
            ),
        )
        for number in range(count)
    )
    return build.plan(*tenants)


def pages_called(text: str) -> Iterator[str]:
    """A plan and drift, all that comes from outside being this text."""
    plan = everything_called(text)
    yield page(PlanView(plan, build.MADE))
    yield page(DriftView(plan))


@cache
def allowed_tags() -> list[set[str]]:
    """What these consist of where the text is a name, and the marks of what differs within a text."""
    return [{one.tag for one in elements(read_page(plain))} | {"del", "ins"} for plain in pages_called("name")]


def check_short(written: str, count: int) -> None:
    """The page does not grow with the number of tenants, and its data do so by little for each."""
    data = len(read_page(written).all("script")[0].text.encode())
    assert len(written.encode()) - data < MOST_BYTES
    assert data < MOST_BYTES_OF_ONE * count


def tile(found: Element, words: str) -> int:
    (one,) = (each.text for each in found.all("li") if each.all("strong") and words in each.text)
    return int(one.split()[0].replace(",", ""))


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
def test_a_page_needs_nothing_else_and_can_be_read_by_everybody(view: View) -> None:
    found = read_page(page(view))
    check_harmless(found)
    check_readable(found)


@pytest.mark.drawn(20)
@pytest.mark.parametrize("text", [*HOSTILE, *filter(None, nasty.EVERYTHING)], ids=repr)
def test_no_text_runs_loads_or_leaves_its_place(text: str) -> None:
    for hostile, allowed in zip(pages_called(text), allowed_tags(), strict=True):
        found = read_page(hostile)
        check_harmless(found)
        assert {one.tag for one in elements(found)} <= allowed
        assert hostile.replace("\n", "").isprintable()


def test_each_change_refusal_conflict_and_note_is_told() -> None:
    plan = build.rich_plan()
    text = read_page(page(PlanView(plan, build.MADE))).text
    for refusal in plan.refusals:
        assert refusal.message in text
        assert refusal.rule.value in text
        assert refusal.remedy in text
    for conflict in plan.conflicts:
        assert conflict.message in text
    for note in plan.notes:
        assert note.message in text
    for orphan in plan.orphans:
        assert orphan.project.name in text
    for planned in plan.tenants:
        assert planned.tenant in text
        assert all(action.reason in text for action in planned.actions)


def test_many_tenants_with_one_change_are_a_short_page() -> None:
    written = page(PlanView(one_kind(MANY)))
    found = read_page(written)
    check_harmless(found)
    check_readable(found)
    check_short(written, MANY)
    assert f"and {MANY - MANY // 100 - 1:,} more" in found.text
    assert tile(found, "tenants change") == MANY


def test_the_data_name_every_tenant_and_every_action_once() -> None:
    plan = replace(one_kind(1_000), refusals=build.rich_plan().refusals)
    data = json.loads(read_page(page(PlanView(plan, build.MADE))).all("script")[0].text)
    names = [data["texts"][row[0]] for row in data["rows"] if row[4]]
    refused = [name for refusal in plan.refusals for name in refusal.tenants]
    assert sorted(names) == sorted([*(one.tenant for one in plan.tenants), *refused])
    assert len(data["texts"]) == len(set(data["texts"]))
    assert len(data["blocks"]) == 11 + len(plan.refusals)
    for refusal in plan.refusals:
        assert {refusal.message, refusal.rule.value, f"To allow it: {refusal.remedy}"} <= set(data["texts"])


def test_the_sources_of_the_script_are_what_every_output_may_hold() -> None:
    """What goes to stdout is made harmless for CI runners; that would change a script, and end its permission."""
    written = page(PlanView(build.rich_plan(), build.MADE))
    assert harmless(written) == written


def test_full_names_every_tenant() -> None:
    written = page(PlanView(one_kind(1_000)), full=True)
    assert all(f"t{number:05}" in written for number in range(1_000))


def test_the_tiles_count_tenants() -> None:
    plan = build.rich_plan()
    found = read_page(page(PlanView(plan, build.MADE)))
    assert tile(found, "tenants change") == len(plan.tenants)
    assert tile(found, "need a decision") == len(plan.conflicts)
    assert tile(found, "refused") == sum(len(one.tenants) for one in plan.refusals if one.asked_for)
    lowering = [one for one in plan.tenants if any(c.lowering for a in one.actions for c in a.changes)]
    assert tile(found, "get less") == len(lowering)


def test_a_host_that_is_not_neons_stands_at_the_top() -> None:
    plan = replace(build.rich_plan(), api_host="https://other.example")
    for view in (PlanView(plan), DriftView(plan)):
        assert "https://other.example" in read_page(page(view)).all("header")[0].text


def test_a_plan_of_few_tenants_can_be_filtered_by_tier_too() -> None:
    """Such a plan lists no organization, so that it has no overview of the fleet."""
    tiers = {name: TenantTier(f"tier-{name}", None, {}) for name in ("t00000", "t00001")}
    shown = page(PlanView(replace(one_kind(2), tiers=tiers), build.MADE))
    assert all(tier.tier in shown for tier in tiers.values())

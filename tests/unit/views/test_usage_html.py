"""The usage as a page: what it says, that no name can do anything in it, and that everybody can read it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.model.values import replace
from reconciler.plan.plan import Note
from reconciler.usage.ranking import crossings
from reconciler.views.formats import render
from reconciler.views.html.charts import Count, chart, parts
from reconciler.views.view import UsageView
from tests import profiles
from tests.harness.html_page import check_harmless, check_readable, elements, read_page
from tests.unit.views import nasty
from tests.unit.views.usages import a_usage

if TYPE_CHECKING:
    from reconciler.usage.usage import Usage
    from tests.harness.html_page import Element

MANY: Final = profiles.size(2_000, 10_000, 10_000)
MOST_BYTES: Final = 300_000
"""Of the page of any fleet, without its data."""
MOST_BYTES_OF_ONE: Final = 200
"""Of the data, for each tenant."""
HOSTILE: Final = (
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "</title><base href=https://evil.example>",
    "<!-- ",
    "</script ><script >alert(1)</script >",
    "<!--<script >",
    "]]>",
    "&lt;script&gt;",
    "\u202egnp.exe",
    "##[error]forged",
)


def page(usage: Usage, *, full: bool = False) -> str:
    shown = render(UsageView(usage), "html", full=full)
    assert not isinstance(shown, str)
    return "".join(map(str, shown))  # type: ignore[arg-type]


@cache
def large() -> Element:
    return read_page(page(a_usage(MANY)))


def called(text: str) -> Usage:
    """A usage in which all that comes from outside is this text."""
    usage = a_usage(40, names=(text,))
    return replace(
        usage,
        fleet=text,
        tenants=tuple(replace(one, tenant=text, tier=text, organization=text) for one in usage.tenants),
        organizations=tuple(replace(one, organization=text) for one in usage.organizations),
        without_project=(text,),
        unread=(text,),
        notes=(Note(text, text),),
        api_host=text,
    )


@cache
def tags_of_a_name() -> list[str]:
    """Those of the page in which every text is a name."""
    return [one.tag for one in elements(read_page(page(called("name"))))]


@pytest.mark.drawn(20)
@pytest.mark.parametrize("text", [*HOSTILE, *filter(None, nasty.EVERYTHING)], ids=repr)
def test_no_text_runs_loads_or_leaves_its_place(text: str) -> None:
    hostile = page(called(text))
    found = read_page(hostile)
    check_harmless(found)
    assert [one.tag for one in elements(found)] == tags_of_a_name()
    assert hostile.replace("\n", "").isprintable()


@pytest.mark.parametrize("count", [0, 1, 30])
def test_the_page_of_a_small_fleet_needs_nothing_else_and_can_be_read_by_everybody(count: int) -> None:
    found = read_page(page(a_usage(count)))
    check_harmless(found)
    check_readable(found)


def test_so_does_the_page_of_a_large_one() -> None:
    check_harmless(large())
    check_readable(large())
    data = len(large().all("script")[0].text.encode())
    assert len(page(a_usage(MANY)).encode()) - data < MOST_BYTES
    assert data < MOST_BYTES_OF_ONE * MANY


def test_full_shows_every_crossing_and_every_idle_tenant() -> None:
    usage = a_usage(MANY)
    shown = page(usage, full=True)
    assert all(f">{one.tenant.tenant}<" in shown for one in crossings(usage.tenants))
    assert all(f"<li>{one.tenant}</li>" in shown for one in usage.tenants if one.idle)


def test_the_numbers_at_the_top_are_those_of_the_usage() -> None:
    usage = a_usage(MANY)
    tiles = [one.text.split() for one in large().all("li") if one.all("strong")]
    numbers = [int(words[0].replace(",", "")) for words in tiles]
    at_limit = [one for one in usage.tenants if one.suspended or one.writes_fail]
    assert numbers == [
        MANY,
        sum(one.suspended for one in usage.tenants),
        sum(one.writes_fail for one in usage.tenants),
        sum(one.threshold is not None for one in usage.tenants if one not in at_limit),
        sum(quota.reached_on is not None for one in usage.tenants for quota in one.quotas),
        sum(one.idle for one in usage.tenants),
    ]


def test_each_tenant_stands_in_one_column_of_each_chart() -> None:
    usage = a_usage(MANY)
    for table in large().all("details"):
        name = table.all("caption")[0].text.partition(":")[0]
        total = sum(int(cell.text.replace(",", "")) for cell in table.all("td"))
        quotas = [q for one in usage.tenants for q in one.quotas if q.quota.startswith(f"quota.{name}")]
        days = sum(q.reached_on is not None for one in usage.tenants for q in one.quotas)
        assert total == (sum(q.limit is not None for q in quotas) if quotas else days)


def test_a_host_that_is_not_neons_stands_at_the_top() -> None:
    usage = replace(a_usage(1), api_host="https://other.example")
    assert "https://other.example" in read_page(page(usage)).all("header")[0].text


@pytest.mark.parametrize("count", [1, 2, 10**6])
def test_what_is_counted_is_seen(count: int) -> None:
    drawn = chart("x", [Count("a", 10**6, "a"), Count("b", count, "b"), Count("c", 0, "c")])
    heights = [column.height for column in drawn.columns]
    assert heights[0] == 120
    assert 3 <= heights[1] <= 120
    assert heights[2] == 0


def test_a_bar_shows_the_smallest_part_and_never_more_than_all() -> None:
    found = parts([(1, "bad"), (0, "warn"), (10**6, "plain")], 10**6 + 1)
    assert [(one.tone, one.width) for one in found] == [("bad", 1.0), ("plain", 99.0)]
    assert parts([(5, "plain")], 0) == ()

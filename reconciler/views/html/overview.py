"""The overview of a page: the kinds of changes, their risk, the fleet by tier and state, and the organizations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.change import Risk
from reconciler.plan.outcome import Result
from reconciler.views.grouping import grouped
from reconciler.views.html.charts import BAD, PLAIN, QUIET, WARN, parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import OrganizationRoom, Overview, TenantPlan, TierOverview
    from reconciler.views.html.blocks import PageSection
    from reconciler.views.html.charts import Part

MOST_MESSAGES: Final = 6
"""Of failures."""
STATES: Final = {
    "changed": ("change", PLAIN),
    "refused": ("refused or reported", WARN),
    "undecided": ("need a decision", BAD),
    "suspended": ("suspended", QUIET),
    "absent": ("absent", QUIET),
    "unchanged": ("unchanged", QUIET),
    "left_out": ("left out", QUIET),
}
"""The states of the tenants of a tier, by member of TierOverview, with their words and tones."""
RISKS: Final = {
    Risk.DESTRUCTIVE: ("lose something permanently", BAD),
    Risk.DISRUPTIVE: ("are interrupted", WARN),
    Risk.SAFE: ("are not interrupted", PLAIN),
}

RESULTS: Final = {Result.FAILED: BAD, Result.SKIPPED: WARN, Result.APPLIED: PLAIN, Result.UNCHANGED: QUIET}


class CountedBar(Struct, frozen=True):
    """One thing that is counted, with a bar."""

    name: str
    cells: Sequence[str]
    bar: Sequence[Part] | None
    caption: str
    """The bar in words, or the text in its place."""
    anchor: str = ""
    """The section that lists it."""


class Figure(Struct, frozen=True):
    """Lines under one heading."""

    title: str
    columns: Sequence[str]
    lines: Sequence[CountedBar]
    wide: bool = False
    """Whether it takes the whole width."""
    legend: Sequence[tuple[str, str]] = ()
    """Words and tones of the parts of its bars."""


def plan_figures(
    changes: Sequence[PageSection], tenants: Sequence[TenantPlan], overview: Overview | None
) -> list[Figure]:
    """The figures of a plan's page; those without a line are left out."""
    found = [_kinds(changes), _risks(tenants)]
    if overview is not None:
        found += [_tiers(overview.tiers), _rooms(overview.organizations)]
    return [one for one in found if one.lines]


def report_figures(report: Report, tier_of: Mapping[str, str]) -> list[Figure]:
    """The figures of a report's page; those without a line are left out."""
    return [one for one in (_results(report, tier_of), _failures(report)) if one.lines]


def _results(report: Report, tier_of: Mapping[str, str]) -> Figure:
    """The results of the tenants of each tier."""
    by_tier = grouped(report.outcomes, lambda outcome: tier_of.get(outcome.tenant, ""))
    results = [one for one in RESULTS if report.count(one)]
    lines = []
    for tier, outcomes in sorted(by_tier.items()):
        counts = Counter(outcome.result for outcome in outcomes)
        bar = parts([(counts[one], RESULTS[one]) for one in results], len(outcomes))
        caption = ", ".join(f"{counts[one]:,} {one.value}" for one in results)
        lines.append(CountedBar(tier or "no tier", [f"{counts[one]:,}" for one in results], bar, caption))
    legend = [(one.value, RESULTS[one]) for one in results]
    columns = ["tier", *(one.value for one in results)]
    return Figure("Tenants by tier and result", columns, lines if tier_of else [], wide=True, legend=legend)


def _failures(report: Report) -> Figure:
    """The messages of failures that are the most frequent."""
    failed = (one for outcome in report.outcomes for one in outcome.actions if one.result is Result.FAILED)
    counts = Counter(one.message for one in failed)
    shown = counts.most_common(MOST_MESSAGES)
    most = shown[0][1] if shown else 0
    lines = [
        CountedBar(message, [f"{count:,}"], parts([(count, BAD)], most), f"{count:,}") for message, count in shown
    ]
    return Figure("Why actions failed", ["message", "actions"], lines, wide=True)


def _kinds(sections: Sequence[PageSection]) -> Figure:
    most = max((one.count for one in sections), default=0)
    lines = [
        CountedBar(one.title, [f"{one.count:,}"], parts([(one.count, PLAIN)], most), f"{one.count:,}", one.anchor)
        for one in sections
    ]
    return Figure("Tenants by kind of change", ["kind", "tenants"], lines)


def _risks(tenants: Sequence[TenantPlan]) -> Figure:
    worst = Counter(max(action.risk for action in one.actions) for one in tenants if one.actions)
    lines = [
        CountedBar(words, [f"{worst[risk]:,}"], parts([(worst[risk], tone)], len(tenants)), f"{worst[risk]:,}")
        for risk, (words, tone) in RISKS.items()
        if tenants
    ]
    return Figure("Tenants by risk", ["risk", "tenants"], lines)


def _tiers(tiers: Sequence[TierOverview]) -> Figure:
    states = [state for state in STATES if any(getattr(one, state) for one in tiers)]
    lines = [_tier(one, states) for one in tiers if one.tenants]
    legend = list(dict.fromkeys((STATES[state][0], STATES[state][1]) for state in states))
    columns = ["tier", "tenants", *(STATES[state][0] for state in states)]
    return Figure("The fleet by tier and state", columns, lines, wide=True, legend=_quiet_as_one(legend))


def _quiet_as_one(legend: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    quiet = [words for words, tone in legend if tone == QUIET]
    return [*(one for one in legend if one[1] != QUIET), *([(" or ".join(quiet), QUIET)] if quiet else [])]


def _tier(one: TierOverview, states: Sequence[str]) -> CountedBar:
    counts = [getattr(one, state) for state in states]
    bar = parts([(count, STATES[state][1]) for state, count in zip(states, counts, strict=True)], one.tenants)
    caption = ", ".join(f"{count:,} {STATES[state][0]}" for state, count in zip(states, counts, strict=True))
    return CountedBar(one.tier, [f"{one.tenants:,}", *(f"{count:,}" for count in counts)], bar, caption)


def _rooms(rooms: Sequence[OrganizationRoom]) -> Figure:
    columns = ["organization", "projects", "after the plan", "limit", "room left"]
    return Figure("Room in the organizations", columns, list(map(_room, rooms)), wide=True)


def _room(one: OrganizationRoom) -> CountedBar:
    cells = [f"{one.projects:,}", f"{one.after:,}"]
    if one.limit is None:
        return CountedBar(one.organization, [*cells, "none", ""], None, "no limit in tiers.yaml")
    left = one.limit - one.after
    tone = BAD if left <= 0 else WARN if 10 * left < one.limit else PLAIN
    bar = parts([(min(one.after, one.limit), tone)], one.limit)
    return CountedBar(one.organization, [*cells, f"{one.limit:,}", f"{max(0, left):,}"], bar, f"{left:,} left")

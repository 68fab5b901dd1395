"""The effect of a plan on the monthly cost, in sentences for every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.views.formatted_text import formatted
from reconciler.views.money import charge_label, money
from reconciler.views.sentences import counted, names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from reconciler.plan.plan import Plan
    from reconciler.plan.plan_cost import CostRange, PastCost, PlanCost
    from reconciler.views.formatted_text import FormattedText

MOST_NAMED: Final = 5


def cost_sentences(plan: Plan, past: PastCost | None = None) -> Iterator[FormattedText]:
    """The range before and after, what is not in it, and what a past month's use costs."""
    if plan.monthly_cost is not None:
        yield from _of_range(plan.monthly_cost)
    if past is not None:
        yield from _of_past(past)


def _of_range(cost: PlanCost) -> Iterator[FormattedText]:
    who = f"Within their limits, {counted(len(cost.tenants), 'tenant')} can cost {_range(cost.before)}"
    change = _change(cost.before.high, cost.after.high)
    after = f"{_range(cost.after)} after this plan (maximum {change}); prices of {cost.prices_as_of}."
    yield formatted(f"{who} {{}} a month now, {after}", cost.currency)
    if cost.after.unlimited:
        charges = names([charge_label(name) for name in cost.after.unlimited], None)
        yield formatted("For some of them no quota limits {}: the cost of that use is not included.", charges)
    if cost.not_known:
        yield formatted("Not included, because their limits are not known: {}.", names(cost.not_known, MOST_NAMED))


def _range(cost: CostRange) -> str:
    """``0.00 to 12.34``; ``0.00`` alone where both ends are the same."""
    if cost.low == cost.high:
        return money(cost.high)
    return f"{money(cost.low)} to {money(cost.high)}"


def _of_past(past: PastCost) -> Iterator[FormattedText]:
    if not past.tenants and not past.unread:
        yield formatted("No use of {} was read: no tenant with a project changes.", past.month)
        return
    costs = f"{money(past.before)} {{}} now, {money(past.after)} after this plan"
    change = _change(past.before, past.after)
    used = f"What {counted(len(past.tenants), 'tenant')} used in {{}} costs"
    yield formatted(
        f"{used} {costs} ({change}); {counted(past.calls, 'call')} read it.", past.month, past.currency
    )
    if past.unread:
        unread = names(past.unread, MOST_NAMED)
        yield formatted("Not in it, because their organization has no consumption history: {}.", unread)


def _change(before: Decimal, after: Decimal) -> str:
    difference = after - before
    if not difference:
        return "unchanged"
    return f"+{money(difference)}" if difference > 0 else money(difference)

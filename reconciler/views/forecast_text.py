"""The effects of a plan on the tenants that it changes, in sentences for every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.views.formatted_text import FormattedText, formatted, joined
from reconciler.views.sentences import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.plan.forecast import Forecast, TierCount
    from reconciler.plan.plan import Plan

TITLE: Final = "Forecast"
MOST_TIERS: Final = 20
"""Pairs of tiers that are named."""
REFUSED: Final = "If the refused changes were allowed"


def forecast_sentences(plan: Plan) -> Iterator[FormattedText]:
    """What the actions mean, and what the refused ones would; nothing where there is nothing to say."""
    if plan.forecast is not None:
        yield from _sentences(plan.forecast)
    if plan.refused_forecast is not None:
        refused = list(_sentences(plan.refused_forecast))
        if refused:
            yield formatted(f"{REFUSED}: {{}}", joined(refused, " "))


def _sentences(found: Forecast) -> Iterator[FormattedText]:
    if tiers := _tiers(found):
        yield tiers
    for sentence in (_effects(found), _today(found), _after(found)):
        if sentence:
            yield FormattedText((sentence,))


def _tiers(found: Forecast) -> FormattedText:
    """``By tier: 12 free -> pro, 3 new in free; 405 keep the tier.``"""
    moved = [one for one in found.tiers if one.before != one.after]
    if not moved:
        return FormattedText()
    tiers = joined(map(_tier, moved[:MOST_TIERS]))
    more = f" and {counted(len(moved) - MOST_TIERS, 'more pair')} of tiers" if len(moved) > MOST_TIERS else ""
    kept = sum(one.tenants for one in found.tiers) - sum(one.tenants for one in moved)
    rest = f"; {kept:,} keep{'s' if kept == 1 else ''} the tier" if kept else ""
    return formatted(f"By tier: {{}}{more}{rest}.", tiers)


def _tier(one: TierCount) -> FormattedText:
    count = f"{one.tenants:,}"
    if one.before is None:
        return formatted(f"{count} new in {{}}", str(one.after))
    if one.after is None:
        return formatted(f"{count} deleted from {{}}", one.before)
    return formatted(f"{count} {{}} -> {{}}", one.before, one.after)


def _effects(found: Forecast) -> str:
    """``405 tenants restart, 3 wake for a moment and 1 loses history.``"""
    counts = (
        (found.restarting, "restarts", "restart"),
        (found.waking, "wakes for a moment", "wake for a moment"),
        (found.losing_history, "loses history", "lose history"),
        (
            found.losing_keys,
            "changes the organization: its project-scoped API keys stop working",
            "change the organization: their project-scoped API keys stop working",
        ),
    )
    effects = [f"{count:,} {{}}{one if count == 1 else many}" for count, one, many in counts if count]
    nouns = ("tenant " if effects and effects[0].startswith("1 ") else "tenants ", "", "", "")
    sentence = listed([words.format(noun) for words, noun in zip(effects, nouns, strict=False)])
    return f"{sentence}." if effects else ""


def _today(found: Forecast) -> str:
    """``Today 3 are suspended and 12 above a threshold (usage read of 40 tenants).``"""
    parts = []
    if found.suspended or found.above:
        usage = _suspended_and_above(found.suspended, found.above)
        parts.append(f"{usage} (usage read of {counted(found.usage_known, 'tenant')})")
    if found.suspended_at_most or found.above_at_most:
        usage = _suspended_and_above(found.suspended_at_most, found.above_at_most)
        parts.append(f"at most {usage} (active time of {counted(found.usage_listed, 'tenant')} from the list)")
    return f"Today {'; '.join(parts)}." if parts else ""


def _suspended_and_above(suspended: int, above: int) -> str:
    counts = ((suspended, "suspended"), (above, "above a threshold"))
    return listed([f"{count:,} {'is' if count == 1 else 'are'} {state}" for count, state in counts if count])


def _after(found: Forecast) -> str:
    """``A changed quota would be used up for 2 tenants and no longer used up for 1 tenant.``"""
    counts = (
        (found.used_up_after, "used up"),
        (found.above_after, "above a threshold"),
        (found.resumed_after, "no longer used up"),
    )
    parts = [f"{words} for {counted(count, 'tenant')}" for count, words in counts if count]
    return f"A changed quota would be {listed(parts)}." if parts else ""

"""Where the tiers of earlier files live, in the words of later ones.

An organization is told by its id: its name, or the variable that holds its id, may be another later on, and
nobody has moved by that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Organization, Tier


def homes_in(now: DesiredState, then: DesiredState) -> dict[str, Organization]:
    """By tier of the earlier files, its organization as the later ones have it, where that is another in words."""
    found = {name: _home(tier, then.organizations[tier.organization], now) for name, tier in then.tiers.items()}
    own = {name: then.organizations[tier.organization] for name, tier in then.tiers.items()}
    return {name: home for name, home in found.items() if _differs(home, own[name])}


def _home(tier: Tier, own: Organization, now: DesiredState) -> Organization:
    """A tier whose words are the same has not moved, whatever its organization's id is now: ids may be swapped.

    What is not found by its id is found by its name. What is found by neither has no live project that a run could
    see: then the tier is where it is now.
    """
    same = now.tiers.get(tier.name)
    if same is not None and same.organization == tier.organization:
        return now.organizations[same.organization]
    by_id = (organization for organization in now.organizations.values() if organization.id == own.id)
    found = next(by_id, None) or now.organizations.get(own.name)
    if found is None and same is not None:
        found = now.organizations[same.organization]
    return found or own


def _differs(home: Organization, own: Organization) -> bool:
    return (home.name, home.limits) != (own.name, own.limits)

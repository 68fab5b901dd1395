"""What a plan means for the tenants that it changes: the types. ``usage.forecast`` counts."""

from msgspec import Struct


class TierCount(Struct, frozen=True):
    """How many changed tenants have a tier now, and had one before."""

    before: str | None
    """None for new tenants."""
    after: str | None
    """None where the project is deleted."""
    tenants: int


class Forecast(Struct, frozen=True):
    """Numbers of tenants, of those that change."""

    tenants: int
    tiers: tuple[TierCount, ...]
    """New tenants, and those whose earlier tier is known: another tier first, then the same; the most first."""
    restarting: int
    """A compute that runs now is restarted: connections drop."""
    waking: int
    """A compute that does not run is started for a moment (Neon: updateProjectEndpoint)."""
    losing_history: int
    """The restore window gets shorter, or a branch is reset."""
    losing_keys: int
    """The project leaves its organization: keys for this project alone stop working (Neon: manage/api-keys)."""
    usage_known: int
    """Those whose use of the billing period was read; ``suspended`` and ``above`` count among them."""
    suspended: int
    """A quota of the period is used up today."""
    above: int
    """The first threshold of a quota is crossed today, and none is used up."""
    usage_listed: int
    """Those of which only a list tells the active time, which may be more than that of the period."""
    suspended_at_most: int
    """Those of them that have used up their active time, if it is that of the period."""
    above_at_most: int
    """Those of them that have crossed the first threshold of it, if it is that of the period."""
    used_up_after: int
    """A quota that the plan changes is used up with its new value."""
    above_after: int
    """A threshold of a quota that the plan changes is crossed with its new value."""
    resumed_after: int
    """A used-up quota is raised: computes can start again."""

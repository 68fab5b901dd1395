"""The options of a run about waves: where they end, how long each is left alone, what earlier runs did."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.units import share

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.model.values import Value
    from reconciler.plan.harm import HarmLimit


class WaveEnd(Struct, frozen=True):
    """How many tenants have been tried after a wave: a number, or a share of all tenants."""

    count: int = 0
    percent: float = 0.0

    def of(self, total: int) -> int:
        """The number of tenants out of ``total``. A share is at least one tenant."""
        return min(total, self.count or ceil(share(self.percent, total)))


class Bake(Struct, frozen=True):
    """How long the tenants of a wave are left alone before they are looked at, and how much harm is too much."""

    seconds: float
    limit: HarmLimit


class UncheckedWave(Struct, frozen=True):
    """A wave that no run has looked at: its run ended during the bake."""

    run: str
    number: int
    tenants: tuple[str, ...]
    began_at: datetime
    lowered: Mapping[str, Mapping[str, Value]]
    """Quotas before the run by tenant and path, where it lowered them."""


class EarlierWaves(Struct, frozen=True):
    """What earlier runs of the same commit have done in waves."""

    done: frozenset[str]
    """The tenants of their waves."""
    unchecked: tuple[UncheckedWave, ...] = ()

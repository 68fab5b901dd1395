"""What differs: one field of one thing, with what the change does to the tenant."""

from collections.abc import Collection
from enum import Enum
from functools import total_ordering

from msgspec import Struct

from reconciler.model.values import Value


@total_ordering
class Risk(Enum):
    """What carrying it out does to a tenant at work. Ordered, the least first."""

    SAFE = "safe"
    DISRUPTIVE = "disruptive"
    DESTRUCTIVE = "destructive"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Risk):
            return NotImplemented
        order = list(Risk)
        return order.index(self) < order.index(other)


def highest(risks: Collection[Risk]) -> Risk:
    """The highest of them; SAFE of none. In a large plan, membership is cheaper than order."""
    return next((risk for risk in (Risk.DESTRUCTIVE, Risk.DISRUPTIVE) if risk in risks), Risk.SAFE)


class Origin(Enum):
    """Why it differs."""

    CONFIG = "config"
    """The files ask for it: they moved since the base, in this direction."""
    DRIFT = "drift"
    """The live side moved."""
    BASE_AHEAD = "base-ahead"
    """The base moved, and the files at hand are older."""
    UNKNOWN = "unknown"
    """There is nothing to tell it by."""


class FieldChange(Struct, frozen=True, gc=False):
    """One field. ``path`` ends in its unit: ``quota.data_transfer_bytes``, ``compute.max_cu``."""

    path: str
    before: Value
    """None where the thing does not exist yet, or the API states no value."""
    after: Value
    risk: Risk = Risk.SAFE
    lowering: bool = False
    """True where it takes something from the tenant: a smaller limit, a shorter restore window."""
    origin: Origin = Origin.UNKNOWN

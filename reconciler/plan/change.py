"""A change of one field, and its effect on the tenant."""

from collections.abc import Collection
from enum import Enum
from functools import total_ordering

from msgspec import Struct

from reconciler.model.values import Value


@total_ordering
class Risk(Enum):
    """The effect on a tenant whose computes run. Ordered, the lowest first."""

    SAFE = "safe"
    DISRUPTIVE = "disruptive"
    DESTRUCTIVE = "destructive"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Risk):
            return NotImplemented
        order = list(Risk)
        return order.index(self) < order.index(other)


def highest(risks: Collection[Risk]) -> Risk:
    """The highest risk; SAFE without any. In a large plan, membership is cheaper than order."""
    return next((risk for risk in (Risk.DESTRUCTIVE, Risk.DISRUPTIVE) if risk in risks), Risk.SAFE)


class Origin(Enum):
    """Why a field differs."""

    CONFIG = "config"
    """The files ask for the change: a commit since the base changed the field in this direction."""
    DRIFT = "drift"
    """The live value was changed."""
    BASE_AHEAD = "base-ahead"
    """The base changed the field, and these files are older."""
    UNKNOWN = "unknown"
    """The earlier files are unknown."""
    COMMAND = "command"
    """A person asks for the change, by a command on this tenant, or by the rollback of a run."""


class FieldChange(Struct, frozen=True, gc=False):
    """One field. ``path`` ends in its unit: ``quota.data_transfer_bytes``, ``compute.max_cu``."""

    path: str
    before: Value
    """None if the object does not exist yet, or the API returns no value."""
    after: Value
    risk: Risk = Risk.SAFE
    lowering: bool = False
    """Whether it reduces something for the tenant: a smaller limit, a shorter restore window."""
    origin: Origin = Origin.UNKNOWN

"""What differs: one field of one thing, with what the change does to the tenant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.values import Value


class Risk(IntEnum):
    """What carrying it out does to a tenant at work. Ordered."""

    SAFE = 0
    DISRUPTIVE = 1
    DESTRUCTIVE = 2


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


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field. ``path`` ends in its unit: ``quota.data_transfer_bytes``, ``compute.max_cu``."""

    path: str
    before: Value
    """None where the thing does not exist yet, or the API states no value."""
    after: Value
    risk: Risk = Risk.SAFE
    lowering: bool = False
    """True where it takes something from the tenant: a smaller limit, a shorter restore window."""
    origin: Origin = Origin.UNKNOWN

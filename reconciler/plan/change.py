"""What differs: one field of one thing, with what the change does to the tenant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from reconciler.live.project import Json


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
class JsonText:
    """A structured value as canonical JSON (sorted keys), so that a change can be compared and hashed."""

    text: str

    @classmethod
    def of(cls, value: Json) -> JsonText:
        """The canonical text of a value."""
        return cls(json.dumps(value, sort_keys=True, separators=(",", ":")))

    @property
    def value(self) -> Json:
        """The value again."""
        loaded: Json = json.loads(self.text)
        return loaded


Value: TypeAlias = str | int | float | bool | JsonText | None


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

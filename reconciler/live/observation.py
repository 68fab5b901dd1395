"""The live state of a whole fleet as it was recorded, for plans that make no call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.live.state import LiveState


@dataclass(frozen=True, slots=True)
class Observation:
    """What one run read, and of which fleet. It contains no key, and no connection string."""

    fleet: str
    at: datetime
    """When the run began to read."""
    organizations: Mapping[str, str]
    """Neon's id of each organization, by its name in tiers.yaml."""
    api_host: str | None
    """The address of the API if it is not Neon's own."""
    live: LiveState

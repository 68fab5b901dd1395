"""The live state of a whole fleet as it was recorded, for plans that make no call."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotations
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations

from msgspec import Struct

from reconciler.live.state import LiveState  # noqa: TC001 - msgspec reads the annotations


class Observation(Struct, frozen=True):
    """What one run read, and of which fleet. It contains no key, and no connection string."""

    fleet: str
    at: datetime
    """When the run began to read."""
    organizations: Mapping[str, str]
    """Neon's id of each organization, by its name in tiers.yaml."""
    api_host: str | None
    """The address of the API if it is not Neon's own."""
    live: LiveState

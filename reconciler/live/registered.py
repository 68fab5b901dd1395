"""The rows of the tenant registry, and the leases on a fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime


WHOLE: Final = "all"
"""The name of the whole fleet as a part."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One row. It names a tenant's project, as a pin does; without a project it is the claim of a run."""

    project_id: str | None
    """None while the tenant is claimed: a run is creating its project, or died before it could."""
    organization: str | None
    claimed_by: str
    """The run that claimed the tenant, or that wrote the row."""
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Placement:
    """The project of a tenant and its organization, to be written to a row."""

    tenant: str
    project_id: str
    organization: str
    """Its name in tiers.yaml."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right of a run to apply a fleet, or a part of it."""

    part: str
    """``WHOLE``, or the shard as it is named on the command line: ``2/4``."""
    run: str
    token: int
    """Higher than that of every earlier lease of the fleet."""
    since: datetime
    renewed_at: datetime


def part_of(shard: tuple[int, int] | None) -> str:
    """The part of the fleet that a run applies: its shard, or the whole fleet whatever else selects tenants."""
    return WHOLE if shard is None else f"{shard[0]}/{shard[1]}"


def overlap(one: str, other: str) -> bool:
    """Whether two parts may share a tenant. Different shards of the same count share none."""
    counts = {part.partition("/")[2] for part in (one, other)}
    return one == other or len(counts) > 1 or counts == {""}

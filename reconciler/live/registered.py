"""What the tenant registry says of a tenant, and of who applies the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime


WHOLE: Final = "all"
"""The part of a fleet that is all of it."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One row. It finds a tenant's project as a pin does; without a project it is the claim of a run."""

    project_id: str | None
    """None while the tenant is claimed: a run is about to create its project, or died on the way."""
    organization: str | None
    claimed_by: str
    """The run that claimed the tenant, or that wrote the row."""
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a tenant's project is: what a row of the registry is to say."""

    tenant: str
    project_id: str
    organization: str
    """Its name in tiers.yaml."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A run's right to apply a fleet, or a part of it, alone."""

    part: str
    """``WHOLE``, or the shard as it is named on the command line: ``2/4``."""
    run: str
    token: int
    """Higher than that of every earlier lease of the fleet, none of which can be taken for this one."""
    since: datetime
    renewed_at: datetime


def part_of(shard: tuple[int, int] | None) -> str:
    """The part of the fleet that a run is about, by its shard; whatever else it selects may be anywhere in it."""
    return WHOLE if shard is None else f"{shard[0]}/{shard[1]}"


def overlap(one: str, other: str) -> bool:
    """Whether two parts may have a tenant in common: different shards of as many have none."""
    counts = {part.partition("/")[2] for part in (one, other)}
    return one == other or len(counts) > 1 or counts == {""}

"""What the tenant registry says of a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


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

"""/regions: where projects can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType

from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import ResourceId  # noqa: TC001 - msgspec reads it
from reconciler.simulator.shapes import DEFAULT_REGION, REGIONS

if TYPE_CHECKING:
    from reconciler.simulator.call import Call


class ListRegions(Struct, forbid_unknown_fields=True):
    """The query of the list; here every organization has the same regions."""

    org_id: ResourceId | UnsetType = UNSET


def list_regions(call: Call) -> Answer:
    """GET /regions."""
    call.parameters(ListRegions)
    regions = [
        {
            "region_id": region_id,
            "name": name,
            "default": region_id == DEFAULT_REGION,
            "geo_lat": latitude,
            "geo_long": longitude,
        }
        for region_id, (name, latitude, longitude) in REGIONS.items()
    ]
    return Answer({"regions": regions})

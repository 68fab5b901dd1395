"""/regions: where projects can be."""

from __future__ import annotations

from reconciler.simulator.call import Answer, Call
from reconciler.simulator.documents import DEFAULT_REGION, REGIONS


def list_regions(call: Call) -> Answer:  # noqa: ARG001
    """GET /regions."""
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

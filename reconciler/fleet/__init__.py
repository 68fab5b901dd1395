"""The use cases of a fleet: what the command line calls and a platform imports.

desired = read("fleet-repository")
async with Fleet.connect(desired) as fleet:
    signed_up = await fleet.converge({"tenant": "acme", "tier": "free"})
    uri = signed_up.connections["acme"].reveal()
"""

from reconciler.apply.run import Planned, RunOptions
from reconciler.files.inputs import parse, read
from reconciler.fleet.context import utc_now
from reconciler.fleet.fleet import Fleet
from reconciler.fleet.request import Converged, Request, TenantJson

__all__ = [
    "Converged",
    "Fleet",
    "Planned",
    "Request",
    "RunOptions",
    "TenantJson",
    "parse",
    "read",
    "utc_now",
]

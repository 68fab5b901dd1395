"""The use cases of a fleet: what the command line calls and a platform imports.

desired = read("fleet-repository")
async with Fleet.connect(desired) as fleet:
    signed_up = await fleet.converge({"tenant": "acme", "tier": "free"})
    uri = signed_up.connections["acme"].pooled.reveal()
"""

from reconciler.apply.run.planned import Planned, RunOptions
from reconciler.files.inputs import parse, read
from reconciler.fleet.connections import Which
from reconciler.fleet.context import utc_now
from reconciler.fleet.fleet import Fleet
from reconciler.fleet.request import Commanded, Converged, Request, Rotated, TenantJson
from reconciler.neon.connection import Connection
from reconciler.plan.rotation import Rotate

__all__ = [
    "Commanded",
    "Connection",
    "Converged",
    "Fleet",
    "Planned",
    "Request",
    "Rotate",
    "Rotated",
    "RunOptions",
    "TenantJson",
    "Which",
    "parse",
    "read",
    "utc_now",
]

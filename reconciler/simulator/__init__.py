"""The embedded Neon: the control-plane API as an ASGI app over SQLite, with a clock of its own.

    from reconciler.simulator import Organization, ProjectSeed, Simulator

    with Simulator.open(organizations=[Organization("free")]) as simulator:
        simulator.add_project("free", ProjectSeed("acme"))

``__all__`` is the public interface. A name is imported when it is first used: pytest loads the plugin of this
package in every project of the environment, and that must stay cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from reconciler.simulator.behaviour import Behaviour, Patch, RateLimit
    from reconciler.simulator.clock import LoopTime
    from reconciler.simulator.exchanges import Exchange
    from reconciler.simulator.faults import (
        AnswerAfter,
        AnswerWith,
        CommitLater,
        Delay,
        DropAfter,
        DropBefore,
        FailOperations,
        Fault,
        HideProjects,
        StickOperations,
        Truncate,
    )
    from reconciler.simulator.gateway import Latency
    from reconciler.simulator.metering.usage import Workload
    from reconciler.simulator.seed import BranchSeed, ProjectSeed, Seeded, SnapshotSeed
    from reconciler.simulator.serve import serving
    from reconciler.simulator.simulator import Simulator
    from reconciler.simulator.types import GUIDE_ORGANIZATIONS, Compute, Limits, Organization, Quota
    from reconciler.simulator.virtual_time import VirtualLoop

__all__ = (
    "GUIDE_ORGANIZATIONS",
    "AnswerAfter",
    "AnswerWith",
    "Behaviour",
    "BranchSeed",
    "CommitLater",
    "Compute",
    "Delay",
    "DropAfter",
    "DropBefore",
    "Exchange",
    "FailOperations",
    "Fault",
    "HideProjects",
    "Latency",
    "Limits",
    "LoopTime",
    "Organization",
    "Patch",
    "ProjectSeed",
    "Quota",
    "RateLimit",
    "Seeded",
    "Simulator",
    "SnapshotSeed",
    "StickOperations",
    "Truncate",
    "VirtualLoop",
    "Workload",
    "serving",
)

_PACKAGE: Final = "reconciler.simulator"
_MODULES: Final = {
    "behaviour": (
        "Behaviour",
        "Patch",
        "RateLimit",
    ),
    "clock": ("LoopTime",),
    "exchanges": ("Exchange",),
    "faults": (
        "AnswerAfter",
        "AnswerWith",
        "CommitLater",
        "Delay",
        "DropAfter",
        "DropBefore",
        "FailOperations",
        "Fault",
        "HideProjects",
        "StickOperations",
        "Truncate",
    ),
    "gateway": ("Latency",),
    "seed": (
        "BranchSeed",
        "ProjectSeed",
        "Seeded",
        "SnapshotSeed",
    ),
    "serve": ("serving",),
    "simulator": ("Simulator",),
    "types": (
        "Compute",
        "GUIDE_ORGANIZATIONS",
        "Limits",
        "Organization",
        "Quota",
    ),
    "metering.usage": ("Workload",),
    "virtual_time": ("VirtualLoop",),
}


def __getattr__(name: str) -> Any:
    """The public name, from its module. Raises AttributeError for any other."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{_PACKAGE}.{module}"), name)
    raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")

"""Values of the product as the simulator takes them: its types are its own, so that the two share no mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict

from reconciler.simulator.types import Compute, Limits, Quota

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.tier import OrganizationLimits
    from reconciler.model.compute import Compute as ProductCompute
    from reconciler.model.quota import Quota as ProductQuota


def simulated_limits(limits: OrganizationLimits) -> Limits:
    return Limits(**asdict(limits))


def simulated_quota(quota: ProductQuota | None) -> Quota | None:
    return None if quota is None else Quota(**asdict(quota))


def simulated_replicas(replicas: Mapping[str, ProductCompute] | None) -> dict[str, Compute]:
    found = {name: simulated_compute(compute) for name, compute in (replicas or {}).items()}
    return {name: compute for name, compute in found.items() if compute is not None}


def simulated_compute(compute: ProductCompute | None) -> Compute | None:
    return None if compute is None else Compute(compute.min_cu, compute.max_cu, compute.suspend_timeout_seconds)

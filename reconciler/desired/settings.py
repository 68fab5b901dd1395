"""A tenant's settings: its tier with its overrides, resolved to the values that the project is to have."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.tenant import DevBranch, Snapshot, Tenant
    from reconciler.desired.tier import SnapshotPolicy, Tier
    from reconciler.model.compute import Compute
    from reconciler.model.quota import Quota
    from reconciler.model.values import Json


@dataclass(frozen=True, slots=True)
class Settings:
    """What a tenant's project is to have. A None is not managed: the live value is left alone."""

    tier: str
    organization: str
    project_name: str | None
    """None for an adopted project (``project_id``): its name is left alone."""
    quota: Quota | None
    compute: Compute | None
    restore_window_seconds: int | None
    settings: Mapping[str, Json]
    dev_branches: tuple[DevBranch, ...] | None
    """With their computes resolved: the branch's, else the tier's, over the project's; None is not managed."""
    most_dev_branches: int | None
    """What the tier allows; None is any number."""
    snapshots: tuple[Snapshot, ...] | None
    snapshot_policy: SnapshotPolicy


def resolve(tenant: Tenant, tier: Tier, project_name: str | None) -> Settings:
    """The tier's values, each replaced by the tenant's override where there is one."""
    overrides = tenant.overrides
    quota = tier.quota
    if quota is not None and overrides.quota:
        quota = replace(quota, **overrides.quota)
    compute = override_compute(tier.compute, overrides.compute)
    return Settings(
        tier=tier.name,
        organization=tier.organization,
        project_name=project_name,
        quota=quota,
        compute=compute,
        restore_window_seconds=(
            tier.restore_window_seconds
            if overrides.restore_window_seconds is None
            else overrides.restore_window_seconds
        ),
        settings={**tier.settings, **overrides.settings},
        dev_branches=_dev_branches(tenant, tier, compute),
        most_dev_branches=tier.dev_branches.max,
        snapshots=tenant.snapshots,
        snapshot_policy=tier.snapshots,
    )


def _dev_branches(tenant: Tenant, tier: Tier, project: Compute | None) -> tuple[DevBranch, ...] | None:
    if tenant.dev_branches is None:
        return None
    return tuple(
        replace(branch, compute=_branch_compute(branch.compute, tier.dev_branches.compute, project))
        for branch in tenant.dev_branches
    )


def _branch_compute(own: Compute | None, tier: Compute | None, project: Compute | None) -> Compute | None:
    """A development branch's compute is managed where the branch or the tier states a member of it."""
    stated = override_compute(tier, own)
    if stated is None:
        return None
    whole = override_compute(project, stated)
    if whole is not None and whole.min_cu is not None and whole.max_cu is not None:
        whole = replace(whole, min_cu=min(whole.min_cu, whole.max_cu))
    return whole


def override_compute(tier: Compute | None, override: Compute | None) -> Compute | None:
    """The tier's compute with the members that the override states in their place."""
    if tier is None or override is None:
        return override or tier
    stated = {member.name: getattr(override, member.name) for member in fields(override)}
    return replace(tier, **{name: value for name, value in stated.items() if value is not None})

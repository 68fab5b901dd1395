"""The live side of the demonstration: a fleet that differs from its files in every way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reconciler.desired.tenant import DevBranch, Overrides
from reconciler.desired.tier import AtLimit, SnapshotPolicy
from reconciler.model.annotations import Purpose, branch_annotations, creation_annotations
from reconciler.model.compute import Compute
from reconciler.model.quota import Quota
from reconciler.plan.concerns.organization import is_downgrade
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed, add_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.simulator.simulator import Simulator

ORPHAN: Final = "zombie"
PREVIOUS: Final = "v1-published"
SURPLUS: Final = "feature-42"
GENEROUS: Final = 4
"""A limit that somebody raised by hand is so many times what the files say."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A project and the organization it is to be in."""

    organization: str
    seed: ProjectSeed


def _is_free_to_change(_desired: DesiredState, tenant: Tenant) -> bool:
    return not (tenant.absent or tenant.protect)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to differ from the files, and the tenants that it suits."""

    words: str
    make: Callable[[DesiredState, Tenant], Placed | None]
    """Makes the tenant's project; None where it is to have none."""
    suits: Callable[[DesiredState, Tenant], bool] = _is_free_to_change


def set_the_scene(desired: DesiredState, simulator: Simulator) -> dict[str, str]:
    """Makes the projects, the same for the same files; tells of each tenant in which way it differs."""
    story = {}
    unused = list(WAYS)
    for tenant in desired.tenants.values():
        way = next((way for way in unused if way.suits(desired, tenant)), IN_SYNC)
        if tenant.absent and way is IN_SYNC:
            way = GONE
        if way in unused:
            unused.remove(way)
        story[tenant.name] = way.words
        if placed := way.make(desired, tenant):
            add_project(simulator, placed.organization, placed.seed)
    add_project(simulator, next(iter(desired.organizations)), _orphan(desired))
    return story


def _as_declared(desired: DesiredState, tenant: Tenant) -> Placed:
    settings = desired.settings(tenant)
    annotations = creation_annotations(fleet=desired.fleet, tenant=tenant.name, run="seed")
    seed = ProjectSeed(
        name=desired.project_name(tenant),
        quota=settings.quota,
        compute=settings.compute,
        settings=settings.settings,
        annotations=annotations,
        active=True,
        region=tenant.pins.region or desired.defaults.region,
        pg_version=tenant.pins.pg_version or desired.defaults.pg_version,
        branch=desired.defaults.branch,
        branches=tuple(_branch(desired, tenant, branch) for branch in settings.dev_branches or ()),
        snapshots=tuple(SnapshotSeed(snapshot.name) for snapshot in settings.snapshots or ()),
    )
    if settings.restore_window_seconds is not None:
        seed = replace(seed, restore_window_seconds=settings.restore_window_seconds)
    return Placed(settings.organization, seed)


def _branch(desired: DesiredState, tenant: Tenant, branch: DevBranch) -> BranchSeed:
    notes = branch_annotations(
        fleet=desired.fleet, tenant=tenant.name, run="seed", branch=branch.name, purpose=Purpose.DEV_BRANCH
    )
    return BranchSeed(
        branch.name, notes, compute=branch.compute, parent=branch.parent, schema_only=branch.schema_only
    )


def _as_in_a_lower_tier(desired: DesiredState, tenant: Tenant) -> Placed:
    """With nothing below it: the upgrade is what allows its branches and snapshots."""
    bare = replace(tenant, overrides=Overrides(), dev_branches=(), snapshots=())
    return _as_declared(desired, replace(bare, tier=_lower_tiers(desired, tenant)[0]))


def _as_in_a_higher_tier(desired: DesiredState, tenant: Tenant) -> Placed:
    return _as_declared(desired, replace(tenant, tier=_higher_tiers(desired, tenant)[0], overrides=Overrides()))


def _lower_tiers(desired: DesiredState, tenant: Tenant) -> list[str]:
    here = _limits(desired, tenant.tier)
    return [name for name in desired.tiers if is_downgrade(here, _limits(desired, name))]


def _higher_tiers(desired: DesiredState, tenant: Tenant) -> list[str]:
    here = _limits(desired, tenant.tier)
    return [name for name in desired.tiers if is_downgrade(_limits(desired, name), here)]


def _limits(desired: DesiredState, tier: str) -> OrganizationLimits:
    return desired.organizations[desired.tiers[tier].organization].limits


def _missing(_desired: DesiredState, _tenant: Tenant) -> None:
    return None


def _with_another_quota(desired: DesiredState, tenant: Tenant) -> Placed:
    placed = _as_declared(desired, tenant)
    declared = placed.seed.quota or Quota()
    other = replace(declared, data_transfer_bytes=declared.data_transfer_bytes // GENEROUS)
    return replace(placed, seed=replace(placed.seed, quota=other))


def _with_a_raised_quota(desired: DesiredState, tenant: Tenant) -> Placed:
    placed = _as_declared(desired, tenant)
    declared = placed.seed.quota or Quota()
    other = replace(declared, data_transfer_bytes=declared.data_transfer_bytes * GENEROUS)
    return replace(placed, seed=replace(placed.seed, quota=other))


def _with_another_compute(desired: DesiredState, tenant: Tenant) -> Placed:
    placed = _as_declared(desired, tenant)
    return replace(placed, seed=replace(placed.seed, endpoint_compute=Compute(0.25, 0.25, 300)))


def _renamed(desired: DesiredState, tenant: Tenant) -> Placed:
    placed = _as_declared(desired, tenant)
    return replace(placed, seed=replace(placed.seed, name=f"{tenant.name} (do not touch)"))


def _with_the_previous_snapshot(desired: DesiredState, tenant: Tenant) -> Placed:
    placed = _as_declared(desired, tenant)
    return replace(placed, seed=replace(placed.seed, snapshots=(SnapshotSeed(PREVIOUS),)))


def _with_a_branch_too_many(desired: DesiredState, tenant: Tenant) -> Placed:
    placed = _as_declared(desired, tenant)
    surplus = _branch(desired, tenant, DevBranch(SURPLUS))
    return replace(placed, seed=replace(placed.seed, branches=(*placed.seed.branches, surplus)))


def _without_its_last_branch(desired: DesiredState, tenant: Tenant) -> Placed:
    placed = _as_declared(desired, tenant)
    return replace(placed, seed=replace(placed.seed, branches=placed.seed.branches[:-1]))


def _orphan(desired: DesiredState) -> ProjectSeed:
    return ProjectSeed(
        name=desired.project_names(ORPHAN)[0],
        annotations=creation_annotations(fleet=desired.fleet, tenant=ORPHAN, run="seed"),
    )


def _is_protected(_desired: DesiredState, tenant: Tenant) -> bool:
    return tenant.protect and not tenant.absent


def _is_tombstone(desired: DesiredState, tenant: Tenant) -> bool:
    return tenant.absent and desired.home(tenant) is not None


def _may_move_up(desired: DesiredState, tenant: Tenant) -> bool:
    return _is_free_to_change(desired, tenant) and bool(_lower_tiers(desired, tenant))


def _may_move_down(desired: DesiredState, tenant: Tenant) -> bool:
    accepts = bool(tenant.accept.history_loss)
    return accepts and _is_free_to_change(desired, tenant) and bool(_higher_tiers(desired, tenant))


def _replaces_its_snapshot(desired: DesiredState, tenant: Tenant) -> bool:
    settings = desired.settings(tenant)
    replaces = settings.snapshot_policy == SnapshotPolicy(AtLimit.REPLACE_OLDEST)
    return _is_free_to_change(desired, tenant) and replaces and len(settings.snapshots or ()) == 1


def _wants_no_branch(desired: DesiredState, tenant: Tenant) -> bool:
    return _is_free_to_change(desired, tenant) and tenant.dev_branches == ()


def _wants_branches(desired: DesiredState, tenant: Tenant) -> bool:
    return _is_free_to_change(desired, tenant) and bool(tenant.dev_branches)


GONE: Final = Way("closed its account; its project is gone", _missing)
IN_SYNC: Final = Way("in sync", _as_declared, lambda _desired, _tenant: True)

WAYS: Final = (
    Way("closed its account; the project is still there", _as_declared, _is_tombstone),
    Way("protected, with a limit that somebody raised by hand", _with_a_raised_quota, _is_protected),
    Way("upgraded: still in its old organization, with its old limits", _as_in_a_lower_tier, _may_move_up),
    Way("downgraded: still in its old organization, with its old limits", _as_in_a_higher_tier, _may_move_down),
    Way("published again: its one snapshot makes room", _with_the_previous_snapshot, _replaces_its_snapshot),
    Way("gave up a development branch, which is still there", _with_a_branch_too_many, _wants_no_branch),
    Way("one of its development branches was deleted by hand", _without_its_last_branch, _wants_branches),
    Way("signed up: has no project yet", _missing),
    Way("its quota was cut by hand", _with_another_quota),
    Way("its compute was resized by hand", _with_another_compute),
    Way("its project was renamed in the console", _renamed),
    Way("signed up: has no project yet", _missing),
)
"""Each is used once, for the first tenant that it suits; all other tenants are in sync."""

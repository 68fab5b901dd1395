"""The organization of a project, and what a transfer between two organizations changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.tier import OrganizationLimits
from reconciler.model.compute import NEVER_SUSPEND
from reconciler.model.units import format_cu, format_seconds
from reconciler.plan.change import FieldChange, Risk
from reconciler.plan.concerns.compute import MAX, MIN, SUSPEND
from reconciler.plan.concerns.concern import changed
from reconciler.plan.concerns.restore_window import PATH as RESTORE_WINDOW

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.model.values import Value
    from reconciler.plan.concerns.concern import Fields

NAME: Final = "organization"
PATH: Final = "organization"

_LOWER_IS_MORE: Final = frozenset({"min_cu", "min_suspend_timeout_seconds"})
_NOT_A_TENANTS: Final = frozenset({"projects"})


def is_downgrade(source: OrganizationLimits, destination: OrganizationLimits) -> bool:
    """Return whether the destination grants less than the source in any limit. An absent limit means unlimited."""
    return bool(granted_less(source, destination))


def granted_less(source: OrganizationLimits, destination: OrganizationLimits) -> frozenset[str]:
    """Return the names of the limits in which the destination grants less than the source."""
    names = (name for name in OrganizationLimits.__struct_fields__ if name not in _NOT_A_TENANTS)
    return frozenset(name for name in names if _less(name, getattr(source, name), getattr(destination, name)))


def _less(name: str, before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return after is not None
    return after > before if name in _LOWER_IS_MORE else after < before


def move(source: str, destination: str, *, downgrade: bool) -> FieldChange:
    """Return the change of organization. Neon keeps data, connections and credentials (organization transfer)."""
    risk = Risk.DISRUPTIVE if downgrade else Risk.SAFE
    return FieldChange(PATH, source, destination, risk, lowering=downgrade)


def branches_allowed(organization: str, limits: OrganizationLimits) -> str:
    """Return the branch limit as text."""
    branches = "branch" if limits.branches == 1 else "branches"
    return f"organization {organization} allows {limits.branches} {branches} per project"


def snapshots_allowed(organization: str, limits: OrganizationLimits) -> str:
    """Return the snapshot limit as text."""
    snapshots = "snapshot" if limits.snapshots == 1 else "snapshots"
    return f"organization {organization} allows {limits.snapshots} {snapshots} per project"


def bound_text(limits: OrganizationLimits, path: str) -> str:
    """Return the limit of an organization for a compute field as text: ``at most 2``, ``at least 5m``."""
    bound = _bound(limits, path) or 0
    if path == SUSPEND:
        return f"at least {format_seconds(int(bound))}"
    return f"{'at least' if path == MIN else 'at most'} {format_cu(bound)}"


def forbids(limits: OrganizationLimits, path: str, value: Value) -> bool:
    """Return whether an organization with these limits forbids this value."""
    bound = _bound(limits, path)
    if bound is None or not isinstance(value, int | float):
        return False
    if path == SUSPEND and value == NEVER_SUSPEND:
        return not limits.always_on
    if path in (MIN, SUSPEND):
        return 0 <= value < bound
    return value > bound


def clamps(
    limits: OrganizationLimits, observed: Fields, wanted: Collection[str], *, at_work: bool
) -> Iterator[FieldChange]:
    """Yield changes of unmanaged values that the destination forbids: each is set to the limit.

    ``at_work`` says that the values belong to an existing compute, which a new size restarts. A minimum size above
    the allowed maximum is reduced to that maximum.
    """
    for path, before in observed.items():
        bound = limits.max_cu if _above(limits, path, before) else _bound(limits, path)
        if path not in wanted and (forbids(limits, path, before) or _above(limits, path, before)):
            yield changed(path, before, bound, at_work=at_work)


def _above(limits: OrganizationLimits, path: str, value: Value) -> bool:
    largest = limits.max_cu
    return path == MIN and largest is not None and isinstance(value, int | float) and value > largest


def _bound(limits: OrganizationLimits, path: str) -> float | None:
    return {
        MIN: limits.min_cu,
        MAX: limits.max_cu,
        SUSPEND: limits.min_suspend_timeout_seconds,
        RESTORE_WINDOW: limits.restore_window_seconds,
    }.get(path)

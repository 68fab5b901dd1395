"""Units of work: which tenants share a call or a check, fixed before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from reconciler.model.api_limits import CREATES_PER_CHECK, PROJECTS_PER_TRANSFER
from reconciler.plan.action import CreateProject, DeleteProject, RecoverProject, TransferProject
from reconciler.plan.making_way import would_lose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan


@dataclass(frozen=True, slots=True)
class LoneTenant:
    """A tenant that shares nothing."""

    tenant: TenantPlan


@dataclass(frozen=True, slots=True)
class CreateCohort:
    """Up to 400 new tenants with one look before their creation and one check after it."""

    tenants: tuple[TenantPlan, ...]


@dataclass(frozen=True, slots=True)
class SharedTransfer:
    """Up to 400 tenants that move in one call, each with its own steps before and after."""

    origin: str
    destination: str
    tenants: tuple[TenantPlan, ...]


@dataclass(frozen=True, slots=True)
class Recovery:
    """A tenant whose deleted project comes back."""

    tenant: TenantPlan


Unit: TypeAlias = Recovery | LoneTenant | CreateCohort | SharedTransfer


def units(tenants: Iterable[TenantPlan]) -> tuple[Unit, ...]:
    """In the order in which they begin: recoveries, creates, upgrades, changes in place, downgrades, deletions.

    Several run at once: one may begin before an earlier one has ended.
    """
    recoveries: list[TenantPlan] = []
    creates: list[TenantPlan] = []
    changes: list[TenantPlan] = []
    deletions: list[TenantPlan] = []
    routes: dict[tuple[str, str], list[TenantPlan]] = {}
    for tenant in tenants:
        if _holds(tenant, RecoverProject):
            recoveries.append(tenant)
        elif _holds(tenant, CreateProject):
            creates.append(tenant)
        elif moves(tenant):
            move = transfer(tenant)
            routes.setdefault((move.origin, move.destination), []).append(tenant)
        elif _holds(tenant, DeleteProject):
            deletions.append(tenant)
        else:
            changes.append(tenant)
    upgrades = [moving for moving in routes.values() if not transfer(moving[0]).downgrade]
    downgrades = [moving for moving in routes.values() if transfer(moving[0]).downgrade]
    return (
        *(Recovery(tenant) for tenant in recoveries),
        *(CreateCohort(part) for part in _parts(creates, CREATES_PER_CHECK)),
        *_transfers(upgrades),
        *(LoneTenant(tenant) for tenant in changes),
        *_transfers(downgrades),
        *(LoneTenant(tenant) for tenant in deletions),
    )


def moves(tenant: TenantPlan) -> bool:
    """Whether the tenant's plan moves its project."""
    return _holds(tenant, TransferProject)


def transfer(tenant: TenantPlan) -> TransferProject:
    """The tenant's transfer. Raises StopIteration where it has none."""
    return next(action for action in tenant.actions if isinstance(action, TransferProject))


def _holds(tenant: TenantPlan, kind: type[Action]) -> bool:
    return any(isinstance(action, kind) for action in tenant.actions)


def _transfers(routes: Iterable[list[TenantPlan]]) -> Iterator[SharedTransfer]:
    for moving in routes:
        move = transfer(moving[0])
        moving.sort(key=lambda tenant: not would_lose(tenant))  # those of whom something may be taken go first
        for part in _parts(moving, PROJECTS_PER_TRANSFER):
            yield SharedTransfer(move.origin, move.destination, part)


def _parts(tenants: list[TenantPlan], size: int) -> Iterator[tuple[TenantPlan, ...]]:
    for start in range(0, len(tenants), size):
        yield tuple(tenants[start : start + size])

"""The units of a wave: tenants that share a call or a check. They are fixed before the first call."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler.model.api_limits import PROJECTS_PER_TRANSFER
from reconciler.model.values import replace
from reconciler.plan.actions.project import CreateProject, DeleteProject, RecoverProject, TransferProject
from reconciler.plan.list_pages import creates_per_check
from reconciler.plan.moves import may_need_reductions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.live.state import LiveState
    from reconciler.plan.plan import TenantPlan


class SingleTenant(Struct, frozen=True):
    """A tenant that shares no call with others."""

    tenant: TenantPlan


class CreateCohort(Struct, frozen=True):
    """New tenants that share the check after their creation: 400, more in a large fleet."""

    tenants: tuple[TenantPlan, ...]


class SharedTransfer(Struct, frozen=True):
    """Up to 400 tenants that move in one call. Each has steps of its own before and after it."""

    source: str
    destination: str
    tenants: tuple[TenantPlan, ...]


class Recovery(Struct, frozen=True):
    """A tenant whose deleted project is recovered."""

    tenant: TenantPlan


NO_PAGES: Final[Mapping[str, int]] = MappingProxyType({})

Unit: TypeAlias = Recovery | SingleTenant | CreateCohort | SharedTransfer


def page_numbers(live: LiveState) -> Mapping[str, int]:
    """By project id: on which page of the lists it was. Late turns of one page share a call."""
    numbers: dict[tuple[str, str], int] = {}
    return {
        id_: numbers.setdefault((organization, cursor), len(numbers))
        for organization, cursors in live.list_cursors.items()
        for id_, cursor in cursors.items()
    }


def units(
    tenants: Iterable[TenantPlan], pages: Mapping[str, int] = NO_PAGES, listed: Mapping[str, int] = NO_PAGES
) -> tuple[Unit, ...]:
    """The units in starting order: recoveries, creations, upgrades, changes in place, downgrades, deletions.

    Changes, moves and deletions are in the order of the ``pages`` of their projects, then in that of the plan.
    Several units run at once: a unit may start before an earlier one has ended. ``listed`` is as in ``LiveState``.
    """

    def page(tenant: TenantPlan) -> int:
        return -1 if tenant.project is None else pages.get(tenant.project.id, -1)

    recoveries: list[TenantPlan] = []
    creates: list[TenantPlan] = []
    changes: list[TenantPlan] = []
    deletions: list[TenantPlan] = []
    routes: dict[tuple[str, str], list[TenantPlan]] = {}
    for tenant in tenants:
        if tenant.includes(RecoverProject):
            recoveries.append(tenant)
        elif tenant.includes(CreateProject):
            creates.append(tenant)
        elif (move := tenant.transfer) is not None:
            routes.setdefault((move.origin, move.destination), []).append(tenant)
        elif tenant.includes(DeleteProject):
            deletions.append(tenant)
        else:
            changes.append(tenant)
    changes.sort(key=page)
    deletions.sort(key=page)
    for moving in routes.values():
        moving.sort(key=page)
    upgrades = [moving for moving in routes.values() if not transfer(moving[0]).downgrade]
    downgrades = [moving for moving in routes.values() if transfer(moving[0]).downgrade]
    return (
        *(Recovery(tenant) for tenant in recoveries),
        *(CreateCohort(part) for part in _parts(creates, creates_per_check(listed, len(creates)))),
        *_transfers(upgrades),
        *(SingleTenant(tenant) for tenant in changes),
        *_transfers(downgrades),
        *(SingleTenant(tenant) for tenant in deletions),
    )


def members(unit: Unit) -> tuple[TenantPlan, ...]:
    """The tenants of a unit."""
    return (unit.tenant,) if isinstance(unit, SingleTenant | Recovery) else unit.tenants


def without(unit: Unit, left_out: Collection[str]) -> Unit | None:
    """The unit without some of its tenants; None if none is left."""
    kept = tuple(tenant for tenant in members(unit) if tenant.tenant not in left_out)
    if not kept:
        return None
    return unit if isinstance(unit, SingleTenant | Recovery) else replace(unit, tenants=kept)


def transfer(tenant: TenantPlan) -> TransferProject:
    """The tenant's transfer. Raises StopIteration if it has none."""
    return next(action for action in tenant.actions if isinstance(action, TransferProject))


def _transfers(routes: Iterable[list[TenantPlan]]) -> Iterator[SharedTransfer]:
    for moving in routes:
        move = transfer(moving[0])
        moving.sort(key=lambda tenant: not may_need_reductions(tenant))  # those who may lose something go first
        for part in _parts(moving, PROJECTS_PER_TRANSFER):
            yield SharedTransfer(move.origin, move.destination, part)


def _parts(tenants: list[TenantPlan], size: int) -> Iterator[tuple[TenantPlan, ...]]:
    for start in range(0, len(tenants), size):
        yield tuple(tenants[start : start + size])

"""Which lines of the files ask for the changes of a plan, and the commits that wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from reconciler.model.values import replace
from reconciler.plan.change import Origin
from reconciler.plan.plan import Authored, Layer
from reconciler.plan.shared_changes import TIER, shared_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from reconciler.plan.plan import Plan
    from reconciler.plan.shared_changes import SharedChange


class FileKey(NamedTuple):
    """A key of the files: of a tier, of a tenant's file, or of tiers.yaml if it has neither."""

    tier: str | None
    tenant: str | None
    key: str
    """With the unit of the field: ``compute.max_cu``, ``overrides.quota.data_transfer_bytes``, ``tier``."""


FindAuthors: TypeAlias = "Callable[[Collection[FileKey]], Mapping[FileKey, Authored]]"
"""Finds who wrote keys since the base. What was not changed since, or is not committed, is missing."""

_KEYS: Final = {Layer.OVERRIDE: "overrides.", Layer.BOOST: "boosts"}


def with_authors(plan: Plan, find: FindAuthors) -> Plan:
    """Return the plan with the commits that ask for its changes.

    A value of a tier that no commit changed there is asked for in the tenants' files: an override was removed.
    """
    asked = [change for change in shared_changes(plan) if change.cause is Origin.CONFIG]
    found = dict(find(list(dict.fromkeys(filter(None, map(_of_tier, asked))))))
    others = (change for change in asked if _of_tier(change) not in found)
    found |= find(list(dict.fromkeys(place for change in others for place in _of_tenants(change))))
    return replace(plan, authored=tuple(found.values()))


def authors_of(change: SharedChange, authored: Mapping[FileKey, Authored]) -> Iterator[Authored]:
    """Yield who asks for a change, one for each place; ``authored`` is ``by_place``."""
    if change.cause is not Origin.CONFIG:
        return
    place = _of_tier(change)
    places: Iterable[FileKey] = [place] if place in authored and place is not None else _of_tenants(change)
    yield from (authored[place] for place in places if place in authored)


def by_place(plan: Plan) -> dict[FileKey, Authored]:
    """Return who asks for the changes of a plan, by the key of the files."""
    return {FileKey(one.tier, one.tenant, one.key): one for one in plan.authored}


def _of_tier(change: SharedChange) -> FileKey | None:
    if change.layer is Layer.NAMING:
        return FileKey(None, None, "naming")
    if change.layer is not Layer.TIER or change.thing == TIER or change.path is None or change.tier is None:
        return None
    below = "dev_branches." if change.thing == "branch" else ""
    return FileKey(change.tier, None, f"{below}{change.path}")


def _of_tenants(change: SharedChange) -> Iterator[FileKey]:
    if change.layer is Layer.TIER and change.path is None:
        return  # by a policy of the tier that goes by time: no commit asks for it
    for tenant in change.tenants:
        yield FileKey(None, tenant, _key(change))


def _key(change: SharedChange) -> str:
    """Return the key of a tenant's file that asks for the change; empty for the whole file."""
    if change.thing == TIER:
        return TIER
    if change.layer in _KEYS:
        prefix = _KEYS[change.layer]
        return f"{prefix}{change.path}" if prefix.endswith(".") else prefix
    return _THINGS.get(change.thing, "")


_THINGS: Final = {
    "branch": "dev_branches",
    "snapshot": "snapshots",
    "role": "roles",
    "database": "databases",
}

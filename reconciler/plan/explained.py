"""Each value that the files give a tenant, where they state it, what it is in place of, and the live one."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler.desired.tenant import Overrides
from reconciler.model.problem import Location  # noqa: TC001 - documents are derived from the types
from reconciler.model.values import Value, replace
from reconciler.plan.concerns import branches, compute, organization, replicas, snapshots
from reconciler.plan.concerns.concern import POLICY, Assignment
from reconciler.plan.declared_fields import PINS, RECOVER, fields
from reconciler.plan.live_values import PRESENT, LiveValues, Nothing
from reconciler.plan.plan import Layer
from reconciler.plan.tenant_history import STATE
from reconciler.plan.tenant_tier import layer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.plan.concerns.concern import Stated

TIER: Final = "tier"
_OF_FILES: Final = (TIER, STATE, RECOVER)
_LISTS: Final = (branches.NAME, snapshots.NAME, "roles", "databases")
"""Whole lists, beside the things in them."""


class StatedIn(Enum):
    """Where the files state a value."""

    TIER = "tier"
    OVERRIDE = "override"
    BOOST = "boost"
    FILE = "file"
    """The tenant's file, outside of its overrides."""
    NAMING = "naming"
    DEFAULTS = "defaults"
    """``defaults`` of tiers.yaml, or what applies without it: for new projects only."""


class LiveStatus(Enum):
    """What was seen of the live value."""

    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing"
    """The project has no such value."""
    NOT_READ = "not_read"
    NOT_LIVE = "not_live"
    """Neon has no such thing: it is a matter of the files."""


class StatedValue(Struct, frozen=True, kw_only=True):
    """A value that the files state."""

    value: Value
    stated_in: StatedIn
    location: Location | None
    """None where no file has the key."""


class ExplainedValue(Struct, frozen=True, kw_only=True):
    """One value of a tenant."""

    path: str
    """The field, as in a plan: with its unit."""
    value: Value
    stated_in: StatedIn
    location: Location | None
    """None where no file has the key."""
    instead_of: tuple[StatedValue, ...]
    """What other layers of the files state, the nearest first."""
    live: Value
    """None if it was not read, or is missing."""
    seen: LiveStatus


class Explained(Struct, frozen=True, kw_only=True):
    """Every value that the files give a tenant."""

    fleet: str
    tenant: str
    tier: str
    organization: str | None
    location: Location
    project_id: str | None
    """The live project; None if none was found, or none was looked for."""
    values: tuple[ExplainedValue, ...]


Locate: TypeAlias = "Callable[[StatedIn, str], Location | None]"
"""Finds where a layer of the files states a field."""


def explained(desired: DesiredState, tenant: Tenant, locate: Locate, project: LiveProject | None) -> Explained:
    """Return each value of a tenant.

    ``desired`` is that at the time that decides which boosts are in force. ``project`` is None if none was found,
    or if live state was not read.
    """
    stated = _stated(desired, tenant)
    layers = _layers(desired, tenant)
    live = None if project is None else LiveValues(project, desired.fleet, stated)
    values = (
        _value(path, value, layers(path), locate, _below(desired, tenant, path), _live(live, project, path))
        for path, value in stated.items()
        if path not in _LISTS and not (path.startswith(POLICY) or _is_method(path, stated))
    )
    return Explained(
        fleet=desired.fleet,
        tenant=tenant.name,
        tier=tenant.tier,
        organization=desired.organization_of(tenant),
        location=tenant.location,
        project_id=None if project is None else project.id,
        values=tuple(values),
    )


def _is_method(path: str, stated: Stated) -> bool:
    """Return whether the path is how a declared snapshot is taken, which the tier says once for all."""
    return path.startswith(f"{snapshots.NAME}.") and path.removesuffix(".method") in stated.keys() - {path}


def _stated(desired: DesiredState, tenant: Tenant) -> dict[str, Value]:
    """Return the tier, then every declared field, then what only a new project gets."""
    found: dict[str, Value] = {TIER: tenant.tier}
    for path, value in fields(desired, tenant).items():
        found[path] = value.organization if isinstance(value, Assignment) else value
    if not tenant.absent:
        found.update({word: getattr(desired.defaults, word) for word in PINS if word not in found})
    return found


def _layers(desired: DesiredState, tenant: Tenant) -> Callable[[str], StatedIn]:
    boosts = [boost for boost in tenant.boosts if boost.in_force(desired.moment)]

    def layer(path: str) -> StatedIn:
        if path == TIER:
            return StatedIn.FILE
        if path in PINS:
            stated = getattr(tenant.pins, path) is not None
            return StatedIn.FILE if stated else StatedIn.DEFAULTS
        if path == organization.PATH:
            return StatedIn.TIER
        if path.startswith(f"{branches.NAME}.") and ".compute." not in path:
            return StatedIn.FILE
        return StatedIn[layer_of(tenant, boosts, path).name]

    return layer


def _below(desired: DesiredState, tenant: Tenant, path: str) -> Iterator[tuple[StatedIn, Value]]:
    """Yield what the layers below the boosts and a suspension state for a field, the nearest first."""
    if tenant.absent or path.partition(".")[0] in _LISTS:
        return
    granted = replace(tenant, boosts=(), suspended=False)
    of_tier = replace(granted, overrides=Overrides())
    for one in (granted, of_tier):
        stated = fields(desired, one)
        value, layer = stated.get(path), layer_of(one, (), path)
        if value is not None and not isinstance(value, Assignment) and layer in (Layer.TIER, Layer.OVERRIDE):
            yield StatedIn[layer.name], value


def _value(
    path: str,
    value: Value,
    layer: StatedIn,
    locate: Locate,
    below: Iterator[tuple[StatedIn, Value]],
    live: Value | Nothing,
) -> ExplainedValue:
    others = dict(one for one in below if one[0] is not layer)
    return ExplainedValue(
        path=path,
        value=value,
        stated_in=layer,
        location=locate(layer, path),
        instead_of=tuple(
            StatedValue(value=other, stated_in=each, location=locate(each, path)) for each, other in others.items()
        ),
        live=None if isinstance(live, Nothing) else live,
        seen=LiveStatus.NOT_LIVE if path in _OF_FILES else _seen(path, value, live),
    )


def _seen(path: str, value: Value, live: Value | Nothing) -> LiveStatus:
    part = value not in PRESENT and path.startswith((f"{branches.NAME}.", f"{snapshots.NAME}."))
    if live is None or (isinstance(live, Nothing) and part):
        return LiveStatus.NOT_READ
    if isinstance(live, Nothing):
        return LiveStatus.MISSING
    return LiveStatus.SAME if live == value or (value in PRESENT and live in PRESENT) else LiveStatus.DIFFERENT


def _live(values: LiveValues | None, project: LiveProject | None, path: str) -> Value | Nothing:
    """Return the live value; of the main compute, that of the compute itself where it was read."""
    if values is None or project is None:
        return None
    if path == organization.PATH:
        return project.organization
    if path == "branch":
        return None if project.default_branch is None else project.default_branch.name
    if path.startswith("compute.") and not path.startswith(f"{replicas.PATH}."):
        endpoint = project.read_write(project.default_branch)
        members: Mapping[str, Value] = {} if endpoint is None else compute.members(endpoint.compute)
        if path in members:
            return members[path]
    return values.value(path)

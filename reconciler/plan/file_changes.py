"""What a commit changed in the files besides fields of projects, so that no change of a key is silent.

One walk over everything in a tenant's file and in tiers.yaml: a new key is reported as soon as the types have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from reconciler.desired.rotation import Rotation
from reconciler.desired.tenant import Boost
from reconciler.desired.tier import EnvReference
from reconciler.model.moments import rfc3339
from reconciler.model.problem import Location
from reconciler.model.values import JsonText
from reconciler.plan.concerns import compute
from reconciler.plan.plan import FileChange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconciler.desired.prices import Prices, Rates
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.desired.tier import Tier
    from reconciler.model.compute import Compute
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.concerns.concern import Fields
    from reconciler.plan.history import History

TENANT_KEYS: Final[Mapping[str, str]] = {
    "state": "a removed tombstone has no effect while its project is live",
    "tier": "no live value changes",
    "labels": "labels select tenants; they change nothing in Neon",
    "protect": "whether a run may reduce or delete something of theirs",
    "accept": "what a reduction may cost them",
    "project_id": "which project is theirs",
    "previously": "earlier names by which their projects are found",
    "recover": "has no effect while their projects are live",
    "disposable": "which idle branches may be deleted",
    "before": "before which changes a snapshot is taken",
    "retake": "whether lost snapshots are taken again",
    "reset": "a number that grows resets its branch to its parent, once",
    "suspended": "whether their quotas and computes are switched off",
    "reason": "why they are suspended",
    "boosts": "what they have in addition to their tier, and until when",
    "hold": "until when no run changes anything of theirs",
}
"""Keys of a tenant's file that are not fields of its project, each with its effect."""

FLEET_KEYS: Final[Mapping[str, str]] = {
    "fleet": "marks the fleet's projects",
    "naming": "how projects are named and found",
    "organizations": "where projects are created, and the limits of each organization",
    "api": "how the API is called",
    "defaults": "applies to new projects only",
    "tiers": "applies to objects created from now on",
    "guards": "how much one run may do",
    "drift_policy": "which drift is repaired automatically",
    "prices": "what `cost` and plans say of money; no project changes",
}
"""Keys of tiers.yaml, each with its effect; changes that decide where keys are sent are checked before the first
call (``desired.destinations``).
"""
NAMED: Final = ("tiers", "organizations")
"""Keys whose members are names."""
CARRIED_OUT: Final = (
    "organization",
    "quota",
    "compute",
    "restore_window_seconds",
    "protected",
    "settings",
    "dev_branches.compute",
    "replicas",
    "roles",
    "databases",
)
"""Members of a tier that are fields of its tenants' projects."""
OF_USAGE: Final = frozenset({("guards", "idle_seconds"), ("tiers", "usage_thresholds")})
"""Keys that change no project."""
BY_TIME: Final = ("snapshots.rotate.", "cleanup.")
"""Members of a tier that have an effect on existing projects when their time comes."""
BEFORE: Final = ("snapshots.before", "snapshots.keep_before")
"""Members of a tier that have an effect when something is taken from a tenant."""
_DESTINATION: Final = re.compile(r"organizations\.[^.]*\.(id|api_key)|api\.host")
_TIER_NAMING: Final = "naming.tiers."
POLICIES: Final = "policies"
PRESENT: Final = "present"
JUDGES: Final = "a pull request is judged by the policies of its base"
NO_TENANT: Final = "no tenant uses this value of the tier"


def file_changes(
    desired: DesiredState, history: History, tenants: Iterable[Tenant], planned: Mapping[str, Collection[Action]]
) -> tuple[FileChange, ...]:
    """Return the changes of tiers.yaml, then those of tenants' files, grouped if they are equal.

    ``planned`` are each tenant's actions, refused or not.
    """
    alike: dict[tuple[str, Value, Value], dict[str, Location]] = {}
    for tenant in tenants:
        for path, before, after in _of_tenant(desired, history, tenant):
            if not _seen(path, planned.get(tenant.name, ())):
                alike.setdefault((path, before, after), {})[tenant.name] = tenant.location
    of_tenants = (
        FileChange(*key, TENANT_KEYS[key[0].partition(".")[0]], tuple(sorted(places)), min(places.values()))
        for key, places in alike.items()
    )
    return (*_of_fleet(desired, history), *_of_policies(desired, history), *of_tenants)


def _of_policies(desired: DesiredState, history: History) -> Iterator[FileChange]:
    """Yield the policies that the files declare differently from the base, and from where the two parted."""
    earlier = [files for files in (history.base, history.fork) if files is not None]
    if not earlier or any(files.unread_policies for files in earlier):
        return
    now, *before = ({one.name: one for one in files.policies} for files in (desired, *earlier))
    for name in sorted({*now, *before[0]}):
        if all(now.get(name) != policies.get(name) for policies in before):
            is_there, was_there = (PRESENT if name in policies else None for policies in (now, before[0]))
            place = (now.get(name) or before[0][name]).location
            yield FileChange(f"{POLICIES}.{name}", was_there, is_there, JUDGES, (), place)


def _seen(path: str, actions: Collection[Action]) -> bool:
    """Return whether the tenant's planned actions already show the change of the key."""
    key, *below = path.split(".", 2)
    if key == "boosts":
        return any(change.path in below for action in actions for change in action.changes)
    if key == "reset":
        numbered = f"dev_branches.{path.removeprefix('reset.')}.reset"
        return any(change.path == numbered for action in actions for change in action.changes)
    if key == "accept":
        return any(action.lowering for action in actions)
    return bool(actions) and key in ("tier", "recover", "suspended", "reason")


def _of_tenant(desired: DesiredState, history: History, tenant: Tenant) -> Iterator[tuple[str, Value, Value]]:
    earlier = [] if tenant.absent or history.same(desired, tenant) else history.earlier(tenant.name)
    if any(files.tenants[tenant.name].absent for files in earlier):
        yield "state", "absent", None
    elif earlier and tenant.name not in history.uncommitted:
        before = [files.tenants[tenant.name] for files in earlier]
        keys = [key for key in TENANT_KEYS if any(_stated(one, key) != _stated(tenant, key) for one in before)]
        yield from _differing([_tenant_keys(one, keys) for one in before], _tenant_keys(tenant, keys))


def _tenant_keys(tenant: Tenant, keys: Iterable[str]) -> Fields:
    return {path: value for key in keys for path, value in _flat(key, _stated(tenant, key))}


def _stated(tenant: Tenant, key: str) -> object:
    """Return what the file says under one of the keys."""
    return getattr(tenant, key, None)


def _of_fleet(desired: DesiredState, history: History) -> Iterator[FileChange]:
    earlier = [files for files in (history.base, history.fork) if files is not None]
    if not earlier:
        return
    keys = [key for key in FLEET_KEYS if any(_part(files, key) != _part(desired, key) for files in earlier)]
    before_now = [_fleet_keys(files, keys) for files in earlier]
    for path, before, after in _differing(before_now, _fleet_keys(desired, keys)):
        root, name, member = (*path.split(".", 2), "", "")[:3]
        stays = (
            root not in NAMED or not member or all(name in getattr(files, root) for files in (desired, *earlier))
        )
        field = root == "tiers" and any(f"{member}.".startswith(f"{one}.") for one in CARRIED_OUT)
        if stays and not (field and any(_reaches(files, name, member) for files in (desired, *earlier))):
            effect = NO_TENANT if field else _effect(root, name, member)
            yield FileChange(path, before, after, effect, (), _place(desired, root, name))


def _reaches(files: DesiredState, tier: str, member: str) -> bool:
    """Return whether a tenant uses this member of the tier, without an own value."""
    granted = files.tiers.get(tier)
    those = (tenant for tenant in files.tenants.values() if tenant.tier == tier and not tenant.absent)
    return granted is not None and not all(_overrides(tenant, granted, member) for tenant in those)


def _overrides(tenant: Tenant, tier: Tier, member: str) -> bool:
    """Return whether the tenant has own values in the place of this member of its tier."""
    own, (part, _, name) = tenant.overrides, member.rpartition(".")
    if part == "dev_branches.compute":
        below = tier.dev_branches.compute
        return all(_states(branch.compute, name, below) for branch in tenant.dev_branches or ())
    if member.startswith("settings."):
        return member.split(".")[1] in own.settings
    if part == "quota":
        return name in own.quota
    return _states(own.compute, name, tier.compute) if part else getattr(own, name, None) is not None


def _states(own: Compute | None, name: str, below: Compute | None) -> bool:
    """Return whether a compute has its own value of a member, so that the one below has no effect; of parameters,
    all that the one below has.
    """
    if name == "pg_settings":
        return compute.parameters(below) <= compute.parameters(own)
    return getattr(own, name, None) is not None


def _place(desired: DesiredState, root: str, name: str) -> Location:
    known = desired.tiers.get(name) if root == "tiers" else None
    return known.location if known else desired.places.get(root, Location("tiers.yaml"))


def _names(files: DesiredState) -> Fields:
    """Return the tiers and organizations; members of added or removed ones are not reported."""
    return {f"{root}.{name}": PRESENT for root in NAMED for name in getattr(files, root)}


def _fleet_keys(files: DesiredState, keys: Iterable[str]) -> Fields:
    values = {_as_written(path): value for key in keys for path, value in _flat(key, _part(files, key))}
    return {**_names(files), **{path: value for path, value in values.items() if not _DESTINATION.fullmatch(path)}}


def _as_written(path: str) -> str:
    """Return the key of a tier's naming, which the core has among the patterns."""
    tier = path.removeprefix(_TIER_NAMING)
    return path if tier == path else f"tiers.{tier}.naming"


def _effect(root: str, name: str, member: str) -> str:
    if (root, name) in OF_USAGE or (root, member) in OF_USAGE:
        return "what `usage` reports"
    if root == "tiers" and member in BEFORE:
        return "before which changes a snapshot is taken, and how many of these are kept"
    if root == "tiers" and f"{member}.".startswith(BY_TIME):
        return "which snapshots and branches its tenants' projects rotate and expire"
    return FLEET_KEYS["naming" if member == "naming" else root]


def _part(files: DesiredState, key: str) -> object:
    """What the files say under one of the keys of tiers.yaml."""
    if key == "drift_policy":
        return files.policy.drift
    if key == "prices":
        return _prices(files.prices)
    if key != "guards":
        return getattr(files, key)
    thresholds = {
        name: {"max": one.count, "percent": one.percent} for name, one in _members(files.policy.thresholds).items()
    }
    policy = files.policy
    return {
        "prune.min_age_seconds": policy.prune_min_age_seconds,
        "idle_seconds": policy.idle_seconds,
        **thresholds,
    }


def _prices(prices: Prices | None) -> dict[str, object]:
    """What the files say of prices, by key; of an organization that has its own, all that counts there."""
    if prices is None:
        return {}
    own = {name: _rates(rates) for name, rates in prices.own.items()}
    about = {"as_of": str(prices.as_of), "currency": prices.currency}
    return {**about, **_rates(prices.rates), "organizations": own}


def _rates(rates: Rates) -> dict[str, object]:
    return {**rates.prices, **{name: value for name, value in _members(rates).items() if name != "prices"}}


def _differing(earlier: list[Fields], now: Fields) -> Iterator[tuple[str, Value, Value]]:
    """Each path that differs from the base, and from the commit where the base and the current files parted."""
    for path in dict.fromkeys((*earlier[0], *now)):
        if all(before.get(path) != now.get(path) for before in earlier):
            yield path, earlier[0].get(path), now.get(path)


def _flat(path: str, value: Any) -> Iterator[tuple[str, Value]]:
    """Yield values by path; absent and false values are left out, but not a setting that is false."""
    if isinstance(value, Enum):
        yield path, str(value.value)
    elif isinstance(value, tuple):
        yield from _flat_list(path, value)
    elif isinstance(value, JsonText):
        yield path, value
    elif isinstance(value, Mapping) or (isinstance(value, Struct) and not isinstance(value, EnvReference)):
        for key, member in (value if isinstance(value, Mapping) else _members(value)).items():
            if member is False and isinstance(value, Mapping):
                yield f"{path}.{key}", False
            yield from _flat(f"{path}.{key}", member)
    elif isinstance(value, datetime):
        yield path, rfc3339(value)
    elif value is not None and value is not False:
        yield path, value if isinstance(value, (str, int, float)) else str(value)


def _flat_list(path: str, items: tuple[Any, ...]) -> Iterator[tuple[str, Value]]:
    """Yield the values of mappings by their number, and plain values as one list."""
    if any(isinstance(item, Boost) for item in items):
        for number, item in enumerate(items, 1):
            yield from _flat(f"{path}.{number}", item)
    elif items:
        yield path, JsonText.of([str(item.value if isinstance(item, Enum) else item) for item in items])


def _members(value: Any) -> dict[str, Any]:
    return {
        name: member
        for name, member in asdict(value).items()
        if (name != "name" or isinstance(value, Rotation)) and not isinstance(member, Location)
    }

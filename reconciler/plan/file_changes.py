"""What a commit changed in the files besides fields of projects, so that no change of a key is silent.

One walk over everything in a tenant's file and in tiers.yaml: a new key is reported as soon as the types have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.tier import EnvReference
from reconciler.model.problem import Location
from reconciler.model.values import JsonText
from reconciler.plan.plan import FileChange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
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
    "retake": "whether lost snapshots are taken again",
}
"""Keys of a tenant's file that are not fields of its project, each with its effect."""

FLEET_KEYS: Final[Mapping[str, str]] = {
    "fleet": "marks the fleet's projects",
    "naming": "how projects are named and found",
    "organizations": "where projects are and what they may have",
    "api": "how the API is called",
    "defaults": "applies to new projects only",
    "tiers": "applies to objects created from now on",
    "guards": "how much one run may do",
    "drift_policy": "which drift is repaired automatically",
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
    "settings",
    "dev_branches.compute",
)
"""Members of a tier that are fields of its tenants' projects."""
_DESTINATION: Final = re.compile(r"organizations\.[^.]*\.(id|api_key)|api\.host")
_TIER_NAMING: Final = "naming.tiers."
NO_TENANT: Final = "no tenant uses this value of the tier"


def file_changes(
    desired: DesiredState, history: History, tenants: Iterable[Tenant], planned: Mapping[str, Collection[Action]]
) -> tuple[FileChange, ...]:
    """Return the changes of tiers.yaml, then those of tenants' files, grouped where they are equal.

    ``planned`` are each tenant's actions, refused or not.
    """
    alike: dict[tuple[str, Value, Value], dict[str, Location]] = {}
    for tenant in tenants:
        for path, before, after in _of_tenant(desired, history, tenant):
            if not _seen(path.partition(".")[0], planned.get(tenant.name, ())):
                alike.setdefault((path, before, after), {})[tenant.name] = tenant.location
    told = (
        FileChange(*key, TENANT_KEYS[key[0].partition(".")[0]], tuple(sorted(places)), min(places.values()))
        for key, places in alike.items()
    )
    return (*_of_fleet(desired, history), *told)


def _seen(key: str, actions: Collection[Action]) -> bool:
    """Return whether the tenant's planned actions already show the change of the key."""
    if key == "accept":
        return any(action.lowering for action in actions)
    return bool(actions) and key in ("tier", "recover")


def _of_tenant(desired: DesiredState, history: History, tenant: Tenant) -> Iterator[tuple[str, Value, Value]]:
    earlier = [] if tenant.absent or history.same(desired, tenant) else history.earlier(tenant.name)
    if any(files.tenants[tenant.name].absent for files in earlier):
        yield "state", "absent", None
    elif earlier and tenant.name not in history.unheld:
        yield from _differing(
            [_tenant_keys(files.tenants[tenant.name]) for files in earlier], _tenant_keys(tenant)
        )


def _tenant_keys(tenant: Tenant) -> Fields:
    return {path: value for key in TENANT_KEYS for path, value in _flat(key, getattr(tenant, key, None))}


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
            effect = NO_TENANT if field else _effect(root, member)
            yield FileChange(path, before, after, effect, (), _place(desired, root, name))


def _reaches(files: DesiredState, tier: str, member: str) -> bool:
    """Return whether a tenant uses this member of the tier, without an own value."""
    part, _, name = member.rpartition(".")
    for tenant in files.tenants.values():
        own = tenant.overrides
        if tenant.tier != tier or tenant.absent:
            continue
        if part == "dev_branches.compute":
            if any(getattr(branch.compute, name, None) is None for branch in tenant.dev_branches or ()):
                return True
        elif member.startswith("settings."):
            if member.split(".")[1] not in own.settings:
                return True
        elif not (name in own.quota if part == "quota" else getattr(own.compute if part else own, name, None)):
            return True
    return False


def _place(desired: DesiredState, root: str, name: str) -> Location:
    known = desired.tiers.get(name) if root == "tiers" else None
    return known.location if known else desired.places.get(root, Location("tiers.yaml"))


def _names(files: DesiredState) -> Fields:
    """Return the tiers and organizations; members of added or removed ones are not reported."""
    return {f"{root}.{name}": "present" for root in NAMED for name in getattr(files, root)}


def _fleet_keys(files: DesiredState, keys: Iterable[str]) -> Fields:
    said = {_as_written(path): value for key in keys for path, value in _flat(key, _part(files, key))}
    return {**_names(files), **{path: value for path, value in said.items() if not _DESTINATION.fullmatch(path)}}


def _as_written(path: str) -> str:
    """Return the key of a tier's naming, which the core has among the patterns."""
    tier = path.removeprefix(_TIER_NAMING)
    return path if tier == path else f"tiers.{tier}.naming"


def _effect(root: str, member: str) -> str:
    return FLEET_KEYS["naming" if member == "naming" else root]


def _part(files: DesiredState, key: str) -> object:
    """What the files say under one of the keys of tiers.yaml."""
    if key == "drift_policy":
        return files.policy.drift
    if key != "guards":
        return getattr(files, key)
    thresholds = {
        name: {"max": one.count, "percent": one.percent} for name, one in _members(files.policy.thresholds).items()
    }
    return {"prune.min_age_seconds": files.policy.prune_min_age_seconds, **thresholds}


def _differing(earlier: list[Fields], now: Fields) -> Iterator[tuple[str, Value, Value]]:
    """Yield each path that differs from the base, and from the commit where the base and the current files
    parted.
    """
    for path in dict.fromkeys((*earlier[0], *now)):
        if all(before.get(path) != now.get(path) for before in earlier):
            yield path, earlier[0].get(path), now.get(path)


def _flat(path: str, value: Any) -> Iterator[tuple[str, Value]]:
    """Yield values by path; absent and false values are left out, but not a setting that is false."""
    if isinstance(value, Enum):
        yield path, str(value.value)
    elif isinstance(value, tuple):
        if value:
            yield path, JsonText.of([str(item) for item in value])
    elif isinstance(value, Mapping) or (is_dataclass(value) and not isinstance(value, EnvReference)):
        for key, member in (value if isinstance(value, Mapping) else _members(value)).items():
            if member is False and isinstance(value, Mapping):
                yield f"{path}.{key}", False
            yield from _flat(f"{path}.{key}", member)
    elif value is not None and value is not False:
        yield path, value if isinstance(value, (str, int, float)) else str(value)


def _members(value: Any) -> dict[str, Any]:
    members = {field.name: getattr(value, field.name) for field in fields(value)}
    return {
        name: member for name, member in members.items() if name != "name" and not isinstance(member, Location)
    }

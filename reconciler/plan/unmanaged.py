"""Fields that the files no longer manage: an absent key is not managed, so its live value is kept and reported.

One walk over everything that the files declared before: at the base, and where the base and the current files
parted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.tenant import Overrides
from reconciler.model.values import JsonText, replace
from reconciler.plan import declared_fields
from reconciler.plan.concerns import compute, concern_name, databases, free_form, protection, quota
from reconciler.plan.live_values import ENTRY_LISTS, PRESENT, LiveValues, Nothing, path_prefixes
from reconciler.plan.plan import Unmanaged
from reconciler.plan.tenant_history import STATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.model.problem import Location
    from reconciler.model.values import Json, Value
    from reconciler.plan.concerns.concern import Assignment, Stated
    from reconciler.plan.history import History
    from reconciler.plan.tenant_history import TenantHistory

NEW_TENANTS_GET: Final = {
    quota.QUOTA.name: "new tenants get no limit",
    databases.NAME: "new tenants get none",
}
"""By concern, for a tier that no longer declares a field."""
NEONS_DEFAULT: Final = "new tenants get Neon's default"


class _Kept(Struct, frozen=True):
    """A field that a tenant's files no longer manage."""

    path: str
    live: tuple[tuple[str, Value], ...]
    tier: str | None


def unmanaged(
    desired: DesiredState,
    history: History,
    projects: Mapping[str, LiveProject],
    planned: Mapping[str, Collection[str]],
    only: Collection[str],
) -> tuple[Unmanaged, ...]:
    """Return the kept fields of these tenants' projects, grouped if they are equal, in tenant and field order.

    ``planned`` are the paths in each tenant's actions and refusals; ``only`` names the concerns.
    """
    alike: dict[_Kept, dict[str, Location]] = {}
    for name, project in projects.items():
        tenant = desired.tenants[name]
        for kept in _kept(desired, history, tenant, project, planned.get(name, ())):
            if concern_name(kept.path) in only:
                place = desired.tiers[kept.tier].location if kept.tier else tenant.location
                alike.setdefault(kept, {})[name] = place
    return tuple(_reported(kept, places) for kept, places in alike.items())


def _reported(kept: _Kept, places: Mapping[str, Location]) -> Unmanaged:
    new_tenants = ""
    if kept.tier is not None:
        new_tenants = NEW_TENANTS_GET.get(concern_name(kept.path), NEONS_DEFAULT)
    sources = tuple(sorted(set(places.values())))
    return Unmanaged(kept.path, kept.live, tuple(sorted(places)), kept.tier, new_tenants, sources)


def _kept(
    desired: DesiredState, history: History, tenant: Tenant, project: LiveProject, planned: Collection[str]
) -> Iterator[_Kept]:
    past = None if tenant.absent or history.same(desired, tenant) else history.past(tenant.name)
    if past is None:
        return
    stated = {path: value for one in reversed(past.each()) for path, value in one.base.items()}
    now, live = declared_fields.fields(desired, tenant), LiveValues(project, desired.fleet, stated)
    since = dict.fromkeys(path for one in past.each() for path in _gone(one, now))
    gone = [path for path in since if path not in planned]
    earlier = next(iter(history.earlier(tenant.name)), None)
    for path, members in _together(gone, now).items():
        values = [(member, live.value(member)) for member in members]
        there = tuple((member, value) for member, value in values if not isinstance(value, Nothing))
        if there:
            of_tier = earlier is not None and _of_its_tier(earlier, earlier.tenants[tenant.name], members[0])
            yield _Kept(path, there, tenant.tier if of_tier else None)


def _gone(past: TenantHistory, now: Stated) -> Iterator[str]:
    """Yield each path that base and fork declared and the files do not, without those below another one."""
    gone = {path: stated for path, stated in past.base.items() if path in past.fork and path not in now}
    for path, stated in gone.items():
        above = any(other in gone for other in path_prefixes(path) if other != path)
        if path not in (STATE, declared_fields.RECOVER) and not above and not _counts_once(path, stated):
            yield path
    for path, becomes in now.items():
        earlier = [before.get(path) for before in (past.base, past.fork)]
        for member in _members_gone(earlier, becomes):
            yield f"{path}.{member}"


def _counts_once(path: str, stated: Value | Assignment) -> bool:
    """Return whether the member is refused or its absence has a meaning: an expiry, or a creation-only field."""
    in_list = path.partition(".")[0] in ENTRY_LISTS and "." in path
    lists = stated is True or isinstance(stated, JsonText)
    of_lists = lists and any(f".{one}" in path for one in (databases.ROLES, databases.DATABASES))
    kept = ".compute." in path or path.endswith(protection.path("")) or of_lists
    return in_list and stated not in PRESENT and not kept


def _members_gone(before: list[Value | Assignment], now: Value | Assignment) -> list[str]:
    """Return the members that a structured value no longer has, at any depth; a replaced one does not count."""
    values = [value.value for value in (*before, now) if isinstance(value, JsonText)]
    if len(values) < len(before) + 1:
        return []
    *earlier, stated = values
    found = [dict.fromkeys(_lost(one, stated)) for one in earlier]
    return [member for member in found[0] if all(member in others for others in found)]


def _lost(before: Json, now: Json) -> Iterator[str]:
    if not isinstance(before, dict) or not isinstance(now, dict):
        return
    for key, value in before.items():
        if key not in now:
            yield key
        else:
            yield from (f"{key}.{member}" for member in _lost(value, now[key]))


def _together(gone: Iterable[str], now: Stated) -> dict[str, list[str]]:
    """Group members of a quota or compute if all of it is gone; otherwise list them separately."""
    found: dict[str, list[str]] = {}
    left = {path.rpartition(".")[0] for path in now}
    for path in gone:
        parent, _, member = path.rpartition(".")
        grouped = f"{parent.rpartition('.')[2]}.{member}" in (*quota.PATHS, *compute.PATHS)
        found.setdefault(parent if grouped and parent not in left else path, []).append(path)
    return found


def _of_its_tier(files: DesiredState, tenant: Tenant, path: str) -> bool:
    """Return whether the tier declared it, not the tenant's own file."""
    root, _, rest = path.partition(".")
    if (root in ENTRY_LISTS and ".compute." not in path) or root in (*declared_fields.PINS, "name"):
        return False
    if root == free_form.FREE_FORM.name and any(key in tenant.overrides.settings for key in path_prefixes(rest)):
        return False
    declared = tenant.dev_branches and tuple(replace(branch, compute=None) for branch in tenant.dev_branches)
    plain = replace(tenant, overrides=Overrides(), dev_branches=declared, roles=None, databases=None)
    bare = declared_fields.fields(files, plain)
    return path in bare or (root == free_form.FREE_FORM.name and any(one in bare for one in path_prefixes(path)))

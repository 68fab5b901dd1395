"""New tenants that look like removed ones: a rename without ``previously``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.desired.naming import identity
from reconciler.desired.roster import lacking
from reconciler.model.problem import Location
from reconciler.model.values import JsonText, replace
from reconciler.plan.ownership import created_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.plan.baseline import Baseline
    from reconciler.plan.history import History

_NOWHERE: Final = Location("")
_MIN_PREFIX: Final = 3
"""Minimum length of a name prefix: shorter ones match unrelated names."""
_SEPARATORS: Final = re.compile(r"[._+@-]")
_PUNCTUATION: Final = re.compile(r"[^a-z0-9]")


def similar_removed_tenants(
    desired: DesiredState, history: History, tenants: Iterable[Tenant], unmatched: Iterable[LiveProject] | None
) -> dict[str, tuple[str, ...]]:
    """Return, by new tenant, the tenants removed since its base that it looks like.

    It has all the same settings, or one name is a prefix of the other. ``unmatched`` are the live projects that
    match no tenant: a removed tenant without one does not count. None if they were not listed.
    """
    new = [tenant for tenant in tenants if history.may_be_renamed(tenant.name)] if history.gone else []
    if not new:
        return {}
    meant = history.gone if unmatched is None else history.gone & _owners(desired, unmatched)
    known: dict[int, _RemovedTenants] = {}
    found: dict[str, tuple[str, ...]] = {}
    for tenant in new:
        if (before := history.baseline(tenant.name)) is None:
            continue
        if id(before) not in known:
            known[id(before)] = _RemovedTenants({**_tried(meant, history), **declared_before(meant, before)})
        if alike := known[id(before)].alike(tenant):
            found[tenant.name] = alike
    return found


def _owners(desired: DesiredState, projects: Iterable[LiveProject]) -> frozenset[str]:
    """Return the tenants that projects may belong to, by annotation or by any reading of their name."""
    owners: set[str] = set()
    for project in projects:
        named = (frame.tenant(project.name) for frame in desired.frames)
        owners.update(name for name in (created_for(project, desired), *named) if name is not None)
    return frozenset(owners)


def no_longer_declared(history: History, now: DesiredState) -> frozenset[str]:
    """Return tenants that were declared in any form and no longer are. Needs all of the files."""
    gone = set() if history.base is None else lacking(now.tenants, history.base.tenants)
    gone.update(name for name in (*history.owed, *history.tried) if name not in now.tenants)
    return frozenset(gone - now.held_back)


def declared_before(names: Iterable[str], before: Baseline) -> dict[str, Tenant]:
    """Return those of these tenants that the files declared, not as absent."""
    declared, fork = before.base.tenants, before.fork or before.base
    return {
        name: declared[name]
        for name in sorted(names)
        if name in declared and not declared[name].absent and name in fork.tenants
    }


def _tried(names: Iterable[str], history: History) -> dict[str, Tenant]:
    """Return those of these tenants that a tried commit declared: their projects may have been created."""
    declared = ((n, attempt.base.tenants.get(n)) for n in sorted(names) for attempt in history.tried.get(n, ()))
    return {name: tenant for name, tenant in declared if tenant is not None and not tenant.absent}


class _RemovedTenants:
    """Removed tenants, indexed by what a renamed tenant would have in common with them."""

    def __init__(self, tenants: Mapping[str, Tenant]) -> None:
        self._by_settings: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        self._by_beginning: dict[str, list[str]] = {}
        for name, tenant in tenants.items():
            self._by_settings.setdefault(_settings(tenant), []).append(name)
            *beginnings, full_name = _beginnings(name)
            self._by_name.setdefault(full_name, []).append(name)
            for beginning in (*beginnings, full_name):
                self._by_beginning.setdefault(beginning, []).append(name)

    def alike(self, tenant: Tenant) -> tuple[str, ...]:
        """Return those that the tenant looks like, each once."""
        *_, full_name = beginnings = _beginnings(tenant.name)
        found = [
            *self._by_settings.get(_settings(tenant), ()),
            *(name for beginning in beginnings for name in self._by_name.get(beginning, ())),
            *self._by_beginning.get(full_name, ()),
        ]
        return tuple(dict.fromkeys(found))


def _settings(tenant: Tenant) -> str:
    """Return everything that the file says except the tenant's identity. The order of its keys means nothing."""
    ordered = JsonText.of([dict(tenant.labels), dict(tenant.overrides.settings)])
    overrides = replace(tenant.overrides, settings={})
    bare = replace(
        tenant,
        name="",
        location=_NOWHERE,
        labels={},
        overrides=overrides,
        files=(),
        previously=(),
        revision=None,
    )
    return f"{bare!r} {ordered.text}"


def _beginnings(name: str) -> list[str]:
    """Return normalized prefixes of a name; the whole name last."""
    ends = [found.start() for found in _SEPARATORS.finditer(name)]
    parts = [_PUNCTUATION.sub("", identity(name[:end])) for end in ends]
    return [*(part for part in parts if len(part) >= _MIN_PREFIX), _PUNCTUATION.sub("", identity(name))]

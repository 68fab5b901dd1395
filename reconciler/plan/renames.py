"""Tenants that look like others who are gone from the files: a rename that the file does not tell."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.desired.naming import identity
from reconciler.model.problem import Location
from reconciler.plan.ownership import created_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.plan.history import Before, History

_NOWHERE: Final = Location("")
_TELLING: Final = 3
"""Letters of a beginning: of fewer, many unlike names begin with them."""
_BREAKS: Final = re.compile(r"[._+@-]")
_SIGNS: Final = re.compile(r"[^a-z0-9]")


def lookalikes(
    desired: DesiredState, history: History, tenants: Iterable[Tenant], unmatched: Iterable[LiveProject] | None
) -> dict[str, tuple[str, ...]]:
    """By new tenant, those who are gone from the files since its base and whom it looks like.

    It has all the same settings, or a name that begins with the other's, or that one's with it. ``unmatched`` are
    the live projects of no tenant: who has none of them is not meant. None where they were not listed.
    """
    new = [tenant for tenant in tenants if history.new(tenant.name)] if history.gone else []
    if not new:
        return {}
    meant = history.gone if unmatched is None else history.gone & _owners(desired, unmatched)
    known: dict[int, _Gone] = {}
    found: dict[str, tuple[str, ...]] = {}
    for tenant in new:
        if (before := history.before(tenant.name)) is None:
            continue
        if id(before) not in known:
            known[id(before)] = _Gone({**_tried(meant, history), **declared_before(meant, before)})
        if alike := known[id(before)].alike(tenant):
            found[tenant.name] = alike
    return found


def _owners(desired: DesiredState, projects: Iterable[LiveProject]) -> frozenset[str]:
    """The tenants that projects speak of, by their annotation or by any reading of their name."""
    owners: set[str] = set()
    for project in projects:
        named = (frame.tenant(project.name) for frame in desired.frames)
        owners.update(name for name in (created_for(project, desired), *named) if name is not None)
    return frozenset(owners)


def gone(history: History, now: DesiredState) -> frozenset[str]:
    """Tenants whom the files declared, whatever they said, and declare no more. Needs all of the files."""
    base = () if history.base is None else history.base.tenants
    return frozenset({*base, *history.owed, *history.tried} - now.tenants.keys() - now.held_back)


def declared_before(names: Iterable[str], before: Before) -> dict[str, Tenant]:
    """Those of these tenants whom the files declared, and that not as a tombstone."""
    declared, fork = before.base.tenants, before.fork or before.base
    return {
        name: declared[name]
        for name in sorted(names)
        if name in declared and not declared[name].absent and name in fork.tenants
    }


def _tried(names: Iterable[str], history: History) -> dict[str, Tenant]:
    """Those of these tenants whom a commit declared that was tried: their projects may have been made."""
    said = ((n, attempt.base.tenants.get(n)) for n in sorted(names) for attempt in history.tried.get(n, ()))
    return {name: tenant for name, tenant in said if tenant is not None and not tenant.absent}


class _Gone:
    """Tenants by what one who may be the same would have in common with them."""

    def __init__(self, tenants: Mapping[str, Tenant]) -> None:
        self._by_settings: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        self._by_beginning: dict[str, list[str]] = {}
        for name, tenant in tenants.items():
            self._by_settings.setdefault(_settings(tenant), []).append(name)
            *beginnings, whole = _beginnings(name)
            self._by_name.setdefault(whole, []).append(name)
            for beginning in (*beginnings, whole):
                self._by_beginning.setdefault(beginning, []).append(name)

    def alike(self, tenant: Tenant) -> tuple[str, ...]:
        """Those whom the tenant looks like, each once."""
        *_, whole = beginnings = _beginnings(tenant.name)
        found = [
            *self._by_settings.get(_settings(tenant), ()),
            *(name for beginning in beginnings for name in self._by_name.get(beginning, ())),
            *self._by_beginning.get(whole, ()),
        ]
        return tuple(dict.fromkeys(found))


def _settings(tenant: Tenant) -> str:
    """All that the file says but for who it is."""
    return repr(replace(tenant, name="", location=_NOWHERE, files=(), previously=(), revision=None))


def _beginnings(name: str) -> list[str]:
    """Letters and digits of what a name may have been before something was added to it; the whole name last."""
    ends = [found.start() for found in _BREAKS.finditer(name)]
    parts = [_SIGNS.sub("", identity(name[:end])) for end in ends]
    return [*(part for part in parts if len(part) >= _TELLING), _SIGNS.sub("", identity(name))]

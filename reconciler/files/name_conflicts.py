"""Conflicts between names of tenants, which only all tenants together show."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from reconciler.desired.naming import identity
from reconciler.files.collection import NamedTenant, differs_only_in_case
from reconciler.files.finding import Finding
from reconciler.model.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.files.entry import Entry
    from reconciler.model.problem import Location

InTheWay: TypeAlias = "tuple[Problem, tuple[str, ...]]"
"""A problem and the tenants that it holds back."""


def name_conflicts(
    fleet: DesiredState, broken: Mapping[str, NamedTenant], renamed: Iterable[Entry]
) -> Iterator[InTheWay]:
    """Yield names that differ only in case from one in a broken file, earlier names of another tenant, and shared
    project names.

    ``broken`` are names in files that cannot be used, by identity; ``renamed`` are documents with earlier names.
    """
    for tenant in fleet.tenants.values() if broken else ():
        other = broken.get(identity(tenant.name))
        if other is not None and other.name != tenant.name:
            conflict = differs_only_in_case(*other)
            yield Problem(tenant.location, conflict.message, conflict.hint), (tenant.name,)
    yield from _earlier_names(fleet, broken, renamed)
    if len(fleet.frames) > 1:
        yield from _shared_project_names(fleet)


def _earlier_names(
    fleet: DesiredState, broken: Mapping[str, NamedTenant], renamed: Iterable[Entry]
) -> Iterator[InTheWay]:
    documents = [(entry, document) for entry in renamed if not isinstance(document := entry.document(), tuple)]
    if not documents:
        return
    own = {identity(tenant.name): NamedTenant(tenant.name, tenant.location) for tenant in fleet.tenants.values()}
    holders: dict[str, NamedTenant] = {**broken, **own}
    claims: dict[str, NamedTenant] = {}
    for entry, document in documents:
        for index, name in enumerate(document.previously):
            holder = holders.get(identity(name)) or claims.get(identity(name))
            if holder is not None and holder.name != document.tenant:
                conflict = name_of_another(name, *holder)
                found = Finding(
                    ("previously", index),
                    conflict,
                    "previously may only list names that no other tenant has or lists",
                )
                yield entry.problem(found), (document.tenant, holder.name)
            claims.setdefault(identity(name), NamedTenant(document.tenant, entry.location))


def name_of_another(name: str, holder: str, place: Location | str) -> str:
    """Say that a name is also another tenant's current or earlier name, in any case."""
    return f"{name!r} is also a name of tenant {holder!r} in {place}"


def _shared_project_names(fleet: DesiredState) -> Iterator[InTheWay]:
    """Report each pair of tenants once at the location of either."""
    shared = {name: owners for name, owners in fleet.project_owners.items() if len(owners) > 1}
    reported: set[tuple[str, str]] = set()
    for name, owners in shared.items():
        first = owners[0]
        for one, other in ((first, owners[1]), *((another, first) for another in owners[1:])):
            if one in fleet.tenants and (one, other) not in reported:
                reported.add((one, other))
                yield shared_project_name(fleet, name, fleet.tenants[one], other), (one, other)


def shared_project_name(fleet: DesiredState, name: str, tenant: Tenant, other: str) -> Problem:
    """Return the problem that two tenants' projects could have one name. A pin resolves it."""
    declared = fleet.tenants.get(other)
    place = f" in {declared.location}" if declared is not None else ""
    return Problem(
        tenant.location,
        f"project {name!r} could belong to tenant {tenant.name!r} or to tenant {other!r}{place}",
        "rename one of them, remove one of the patterns from naming, or add project_id",
    )

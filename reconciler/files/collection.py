"""Tenants collected from files: each checked, names unique, broken ones held back."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field

from reconciler.desired.naming import TENANT, identity
from reconciler.desired.roster import Roster, special
from reconciler.files.finding import Finding
from reconciler.files.tree import stem_of
from reconciler.model.problem import Location, Problem, Severity, has_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.files.entry import Entry

MOST_PROBLEMS: Final = 100
"""Problems listed per file; more are only counted."""
_NAMES: Final = re.compile(rf"""\btenant["']?\s*:\s*["']?({TENANT.pattern})""".encode())
_PINS: Final = re.compile(rb"""\bproject_id["']?\s*:\s*["']?([a-z0-9-]+)""")


class NamedTenant(NamedTuple):
    """A tenant's name and its location."""

    name: str
    location: Location


class Collection(Struct):
    """What was found so far. If tiers.yaml is broken, ``fleet`` is None, and only the schema is checked."""

    fleet: DesiredState | None
    problems: list[Problem] = field(default_factory=list)
    held_back: set[str] = field(default_factory=set)
    pins_held_back: set[str] = field(default_factory=set)
    lost: bool = False
    """tiers.yaml cannot be used."""
    past: bool = False
    """As in ``Reading``."""
    unread: set[str] = field(default_factory=set)
    """Files and folders that could not be read completely: their tenants are unknown."""
    broken: dict[str, NamedTenant] = field(default_factory=dict)
    """Names in files that cannot be used, by identity."""
    renamed: list[Entry] = field(default_factory=list)
    """Documents with earlier names of their tenants."""
    clashes: int = 0
    """How often a tenant was in conflict with an earlier one."""
    _whole: Mapping[str, Tenant] | None = None
    """All valid tenants by name, if they were added as one."""
    _tenants: dict[str, Tenant] = field(default_factory=dict)
    _first: dict[str, NamedTenant | Tenant] = field(default_factory=dict)
    """The first location of each name, by identity; that of a known tenant is in the tenant. Entries are not kept:
    they would be most of a load's memory.
    """
    _projects: dict[str, Tenant] = field(default_factory=dict)

    def add(
        self,
        entries: Iterable[Entry],
        problems: Iterable[Problem] = (),
        names: Iterable[str] = (),
        pins: Iterable[str] = (),
    ) -> None:
        """Add the documents of one file. A broken one holds back its own tenant.

        ``problems`` are the file's own. ``names`` and ``pins`` are those of the tenants that may be in an
        unreadable part of the file.
        """
        found = list(problems)
        lost = has_error(found)
        for entry in entries:
            wrong: list[Problem] = []
            tenant = self._checked(entry, wrong)
            found += wrong
            if tenant is not None and entry.sound and not has_error(wrong):
                self._tenants[tenant.name] = tenant
                continue
            lost = lost or entry.tenant is None
            self._hold_back(NamedTenant(name, entry.location) for name in (entry.tenant,) if name is not None)
            self.pins_held_back.update(pin for pin in (entry.pin,) if pin is not None)
        self.problems += _first_of(found)
        if lost:
            file = Location(found[0].location.file)
            self._hold_back(NamedTenant(name, file) for name in sorted(names))
            self.pins_held_back.update(pins)

    def take(self, tenant: Tenant) -> bool:
        """Add a tenant without problems of its own; return False if it may conflict with another one."""
        name, ids = identity(tenant.name), _ids(tenant)
        if name in self._first or not self._projects.keys().isdisjoint(ids):
            self.clashes += 1
            return False
        self._projects.update(dict.fromkeys(ids, tenant))
        self._first[name] = tenant
        self._tenants[tenant.name] = tenant
        return True

    def take_all(self, tenants: Iterable[Tenant]) -> bool:
        """Add the first tenants, which have no problems of their own; return False, and add none, if any of them
        may conflict with another one.
        """
        added = [*tenants]
        first = {identity(tenant.name): tenant for tenant in added}
        holders = [(id_, one) for one in added if one.project_id or one.recover for id_ in _ids(one)]
        projects = dict(holders)
        if self._first or self._projects or len(first) < len(added) or len(projects) < len(holders):
            return False
        self._first, self._projects = {**first}, projects
        self._tenants = {tenant.name: tenant for tenant in added}
        return True

    def take_whole(self, tenants: Mapping[str, Tenant]) -> None:
        """Add all tenants of a fleet, sorted by name, of which none has a problem."""
        self._tenants, self._whole = {}, tenants

    @property
    def spotless(self) -> bool:
        """Whether nothing was found in a tenant's file that other tenants may have to do with."""
        return not (self.held_back or self.pins_held_back or self.unread or self.broken or self.renamed)

    def copy(self) -> Collection:
        """Return what was found so far, to go on with."""
        found = Collection(self.fleet)
        for name in self.__struct_fields__:
            value = getattr(self, name)
            setattr(found, name, value.copy() if isinstance(value, (list, set, dict)) else value)
        return found

    def become(self, other: Collection) -> None:
        """Take what was found by a copy."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(other, name))

    def accepted(self, name: str | None) -> Tenant | None:
        """Return the tenant of this name, unless it is held back."""
        return None if name is None or name in self.held_back else self._tenants.get(name)

    def lose(self, problem: Problem, path: str) -> None:
        """Record a file or folder that cannot be read: the tenant with its name is held back."""
        self.problems.append(problem)
        self.unread.add(path)
        if TENANT.fullmatch(name := PurePosixPath(path).stem):
            self._hold_back([NamedTenant(name, problem.location)])

    def tenants(self) -> Mapping[str, Tenant]:
        """Return the valid tenants, by name."""
        if self._whole is not None and not self.held_back:
            return self._whole
        found = self._tenants if self._whole is None else self._whole
        return {name: found[name] for name in sorted(found) if name not in self.held_back}

    def _checked(self, entry: Entry, problems: list[Problem]) -> Tenant | None:
        from reconciler.files.checked_entry import checked  # noqa: PLC0415 - not where every tenant is known

        tenant, findings = checked(entry, self.fleet, past=self.past)
        problems += map(entry.problem, findings)
        if tenant is None:
            return None
        if tenant.previously:
            self.renamed.append(entry)
        problems += [entry.problem(finding) for finding in self._clashes(tenant)]
        return tenant

    def _hold_back(self, broken: Iterable[NamedTenant]) -> None:
        for named in broken:
            self.held_back.add(named.name)
            self.broken.setdefault(identity(named.name), named)

    def _clashes(self, tenant: Tenant) -> Iterable[Finding]:
        first = self._first.setdefault(identity(tenant.name), NamedTenant(tenant.name, tenant.location))
        if first.location is not tenant.location:
            self.clashes += 1
            self.held_back |= {tenant.name, first.name}
            clash = declared_twice if first.name == tenant.name else differs_only_in_case
            yield clash(first.name, first.location)
        for key, project_id in (("project_id", tenant.project_id), ("recover", tenant.recover)):
            holder = self._projects.setdefault(project_id, tenant) if project_id is not None else tenant
            if holder.name != tenant.name:
                self.clashes += 1
                self.held_back.add(holder.name)
                held = "pinned" if holder.project_id == project_id else "recovered"
                message = f"project {project_id!r} is also {held} by tenant {holder.name!r}"
                yield Finding((key,), f"{message} in {holder.location}")


def alongside(
    first: Mapping[str, Tenant], gone: Iterable[str], others: Mapping[str, Tenant]
) -> Mapping[str, Tenant] | None:
    """Return the first tenants without those of files that are gone, and the others, sorted by name.

    None if one of the others may conflict with one that stays. There are no conflicts among the first, nor among
    the others.
    """
    lost = {one.name for path in gone if (one := first.get(stem_of(path))) is not None and one.files == (path,)}
    new = {identity(name) for name in others if name not in lost}
    pins = {id_ for tenant in others.values() for id_ in _ids(tenant)}
    if new and not new.isdisjoint(identity(name) for name in first if name not in lost):
        return None
    if pins and not pins.isdisjoint(id_ for one in special(first) if one.name not in lost for id_ in _ids(one)):
        return None
    if isinstance(first, Roster):
        return first.with_others(lost, others)
    found = {**first, **others}
    for name in lost.difference(others):
        del found[name]
    return {name: found[name] for name in sorted(found)} if new else found


def _ids(tenant: Tenant) -> tuple[str, ...]:
    """Return the ids of the projects that a tenant pins."""
    if tenant.project_id is None and tenant.recover is None:
        return ()
    return tuple(dict.fromkeys(one for one in (tenant.project_id, tenant.recover) if one is not None))


def _first_of(problems: list[Problem]) -> list[Problem]:
    """Return the first problems of a file; the rest as one, an error if any of them is one."""
    if len(problems) <= MOST_PROBLEMS:
        return problems
    problems = sorted(problems, key=lambda problem: problem.location)
    kept, rest = problems[:MOST_PROBLEMS], problems[MOST_PROBLEMS:]
    severity = Severity.ERROR if has_error(rest) else Severity.WARNING
    stale = all(problem.stale for problem in rest if problem.severity is Severity.ERROR)
    text = f"and {len(rest):,} more problems in this file"
    return [*kept, Problem(rest[0].location, text, severity=severity, stale=stale)]


def declared_twice(name: str, first: Location) -> Finding:
    """Return the finding for a tenant in two places."""
    return Finding(("tenant",), f"duplicate tenant {name!r}: it is also in {first}", "declare each tenant once")


def differs_only_in_case(name: str, place: Location) -> Finding:
    """Return the finding for a name that differs in case only."""
    message = f"{name!r} in {place} differs in case only"
    return Finding(("tenant",), message, "rename one of the two tenants")


def pins_in(data: bytes) -> set[str]:
    """Return the ids of projects that the text pins."""
    return {match.decode() for match in _PINS.findall(data)}


def names_in(data: bytes) -> list[str]:
    """Return the tenants' names in a text, as far as they can be found without parsing it."""
    return [name.decode() for name in _NAMES.findall(data)]

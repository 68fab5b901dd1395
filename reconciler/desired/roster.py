"""The tenants of a fleet by name, of which a run about a few builds those that it looks at.

What guards, selections and comparisons ask of all tenants are functions here: they answer from a few columns of
what was kept, and for any other mapping from the tenants themselves. Whoever goes through all values builds all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.desired.tenant import not_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from reconciler.desired.tenant import Tenant


class Unbuilt:
    """The tenants of files that were read before, and the columns that are asked of all of them."""

    def __init__(
        self,
        names: Sequence[str],
        build: Callable[[int], Tenant],
        *,
        files: Callable[[], Sequence[str]],
        special: Iterable[int],
        protected: Iterable[int],
        revised: Iterable[int],
    ) -> None:
        """``names`` are sorted; ``build`` makes the tenant with a number in them; ``files`` returns the files.
        The others are the numbers of tenants that are not plain, are protected, and state a revision.
        """
        self.numbers = dict(zip(names, range(len(names)), strict=True))
        self.files = files
        self.special, self.protected, self.revised = (
            [names[number] for number in numbers] for numbers in (special, protected, revised)
        )
        self._build = build
        self._built: dict[str, Tenant] = {}

    def tenant(self, name: str) -> Tenant:
        """Return a tenant, built once. Raises KeyError for another name."""
        found = self._built.get(name)
        if found is None:
            found = self._built[name] = self._build(self.numbers[name])
        return found


class Roster(Mapping[str, "Tenant"]):
    """The tenants of files of which nearly all are as they were read before, by name, sorted."""

    def __init__(self, before: Unbuilt, own: Mapping[str, Tenant] = {}, gone: Collection[str] = ()) -> None:
        """``own`` are those of other files, in the place of earlier ones with the same name or beside them;
        ``gone`` are earlier ones that no longer exist.
        """
        self.before = before
        self.own = own
        self.gone = frozenset(gone).difference(own)

    def __getitem__(self, name: str) -> Tenant:
        found = self.own.get(name)
        if found is not None:
            return found
        if name in self.gone:
            raise KeyError(name)
        return self.before.tenant(name)

    def __contains__(self, name: object) -> bool:
        return name in self.own or (name in self.before.numbers and name not in self.gone)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self.items()))

    @cached_property
    def _names(self) -> Collection[str]:
        numbers = self.before.numbers
        if not self.gone and self.own.keys() <= numbers.keys():
            return numbers
        return sorted({*numbers, *self.own} - self.gone)

    def with_others(self, gone: Iterable[str], others: Mapping[str, Tenant]) -> Roster:
        """Return the same without those that are ``gone``, and with others."""
        lost = self.gone.union(gone)
        own = {name: tenant for name, tenant in self.own.items() if name not in lost}
        return Roster(self.before, {**own, **others}, lost)

    def among(self, names: Iterable[str]) -> list[str]:
        """Return those of the earlier tenants with these names that are still as they were."""
        return [name for name in names if name not in self.own and name not in self.gone]


def special(tenants: Mapping[str, Tenant]) -> list[Tenant]:
    """Return the tenants that are not plain, in their order."""
    if not isinstance(tenants, Roster):
        return not_plain(tenants.values())
    found = [name for name, tenant in tenants.own.items() if not_plain([tenant])]
    return [tenants[name] for name in sorted([*found, *tenants.among(tenants.before.special)])]


def protected(tenants: Mapping[str, Tenant]) -> list[tuple[str, Tenant]]:
    """Return the tenants that their files protect, by name, in their order."""
    if not isinstance(tenants, Roster):
        return [(name, tenant) for name, tenant in tenants.items() if tenant.protect]
    found = [name for name, tenant in tenants.own.items() if tenant.protect]
    return [(name, tenants[name]) for name in sorted([*found, *tenants.among(tenants.before.protected)])]


def revised(tenants: Mapping[str, Tenant]) -> list[Tenant]:
    """Return the tenants whose files state a revision, in their order."""
    if not isinstance(tenants, Roster):
        return [tenant for tenant in tenants.values() if tenant.revision is not None]
    found = [name for name, tenant in tenants.own.items() if tenant.revision is not None]
    return [tenants[name] for name in sorted([*found, *tenants.among(tenants.before.revised)])]


def files_of(tenants: Mapping[str, Tenant]) -> Iterator[str]:
    """Yield the files of all tenants."""
    if not isinstance(tenants, Roster):
        yield from (path for tenant in tenants.values() for path in tenant.files)
        return
    yield from (path for tenant in tenants.own.values() for path in tenant.files)
    before = tenants.before
    yield from (path for name, path in zip(before.numbers, before.files(), strict=True) if tenants.among([name]))


def number_of_places(tenants: Mapping[str, Tenant]) -> int:
    """Return in how many files the documents of tenants stand."""
    if isinstance(tenants, Roster):
        return len({*files_of(tenants)})  # as each has one
    return len({tenant.location.file for tenant in tenants.values()})


def with_names(tenants: Mapping[str, Tenant], names: Iterable[str]) -> list[Tenant]:
    """Return the tenants with some of these names, in the order of all."""
    return [tenants[name] for name in sorted({*names}) if name in tenants]


def lacking(tenants: Mapping[str, Tenant], others: Mapping[str, Tenant]) -> set[str]:
    """Return the names that ``others`` have and ``tenants`` have not."""
    alike = _changed(tenants, others)
    if alike is None:
        return {*others} - tenants.keys()
    return {name for name in alike if name in others and name not in tenants}


def different(before: Mapping[str, Tenant], now: Mapping[str, Tenant]) -> set[str]:
    """Return the tenants of ``now`` that are not declared just so in ``before``.

    Equal files are one object for both, so that nearly no tenant is compared by what it says.
    """
    few = _changed(before, now)
    if few is not None:
        return {name for name in few if name in now and before.get(name) != now[name]}
    known = before.get
    return {name for name, tenant in now.items() if (then := known(name)) is not tenant and then != tenant}


def _changed(one: Mapping[str, Tenant], other: Mapping[str, Tenant]) -> set[str] | None:
    """Return names among which are all that the two have not in common; None where that may be any."""
    if one is other:
        return set()
    if not isinstance(one, Roster) or not isinstance(other, Roster) or one.before is not other.before:
        return None
    return {*one.own, *one.gone, *other.own, *other.gone}

"""Which tenants and which concerns a run is about."""

from __future__ import annotations

import re
from enum import Enum
from fnmatch import translate
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.roster import with_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.tenant import Tenant


class Depth(Enum):
    """How much is read below a project: nothing, declared objects, everything."""

    LIST = "list"
    DECLARED = "declared"
    DEEP = "deep"


class Reach(Struct, frozen=True):
    """Maximum numbers of tenants or projects that a run reads one by one, at any depth."""

    few_tenants: int = 50
    """Selected tenants that are searched by name or id, without listing the fleet."""
    small_fleet: int = 100
    """Selected tenants for which all details are read at ``Depth.DECLARED``: this takes seconds."""
    unowned_reads: int = 200
    """Unmatched projects whose owner is read; more only at ``Depth.DEEP``: this takes minutes."""


class Selection(Struct, frozen=True):
    """The tenants of a run. All conditions must hold; an empty condition always holds."""

    tenants: tuple[str, ...] = ()
    """Globs; at least one has to match."""
    exclude: tuple[str, ...] = ()
    """Globs; none may match."""
    tiers: tuple[str, ...] = ()
    labels: tuple[tuple[str, str | None], ...] = ()
    """Pairs (key, value) that all have to match; a value of None matches any value."""
    shard: tuple[int, int] | None = None
    """(I, N), 1-based: every tenant is in exactly one of N shards, whatever the other tenants are."""
    changed: frozenset[str] | None = None
    """Tenants whose settings differ from an earlier commit (``--changed-since``); None means any."""

    @property
    def everything(self) -> bool:
        """Whether the selection has no conditions."""
        return self == Selection()

    def of(self, tenants: Mapping[str, Tenant]) -> list[Tenant]:
        """Return the selected ones of the tenants, in their order."""
        if self.everything:
            return list(tenants.values())
        chosen = tenants.values() if self.named is None else with_names(tenants, self.named)
        return [tenant for tenant in chosen if self.includes(tenant)]

    @property
    def named(self) -> frozenset[str] | None:
        """Names, of which all selected tenants have one; None if the conditions name none."""
        if self.changed is not None:
            return self.changed
        return frozenset(self.tenants) if self.tenants and not any(map(_GLOB.search, self.tenants)) else None

    def includes(self, tenant: Tenant) -> bool:
        """Return whether the tenant is selected."""
        return (
            (self.changed is None or tenant.name in self.changed)
            and (not self.tenants or _matches(tenant.name, self.tenants))
            and not (self.exclude and _matches(tenant.name, self.exclude))
            and (not self.tiers or tenant.tier in self.tiers)
            and (not self.labels or all(has_label(tenant, key, value) for key, value in self.labels))
            and (self.shard is None or _shard(tenant.name, self.shard[1]) == self.shard[0])
        )


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return _pattern(globs).match(name) is not None


_GLOB: Final = re.compile(r"[*?\[]")
"""What makes a name a pattern of ``fnmatch``."""


@lru_cache(maxsize=8)
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches a name that one of the globs matches: compiled once for a fleet of names."""
    return re.compile("|".join(map(translate, globs)))


def has_label(tenant: Tenant, key: str, value: str | None) -> bool:
    """Return whether the tenant has the label; None matches any value."""
    return key in tenant.labels and value in (None, tenant.labels[key])


def _shard(name: str, count: int) -> int:
    digest = blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count + 1

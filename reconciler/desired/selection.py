"""Which tenants and which concerns a run is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant


class Depth(Enum):
    """How much below a project is read: nothing, what the files declare, everything."""

    LIST = "list"
    DECLARED = "declared"
    DEEP = "deep"


@dataclass(frozen=True, slots=True)
class Reach:
    """Up to how many tenants or projects a run looks at one by one, whatever its depth."""

    few_tenants: int = 50
    """Selected tenants that are looked up by name or id; the fleet is not listed for them."""
    small_fleet: int = 100
    """Selected tenants that are read whole at ``Depth.DECLARED``: it costs seconds."""
    few_strangers: int = 200
    """Projects of no tenant that are asked whose they are; more only at ``Depth.DEEP``: it costs minutes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """All conditions must hold; an empty one holds always."""

    tenants: tuple[str, ...] = ()
    """Globs, any of which matches."""
    exclude: tuple[str, ...] = ()
    """Globs, none of which matches."""
    tiers: tuple[str, ...] = ()
    labels: tuple[tuple[str, str | None], ...] = ()
    """(key, value), all of which match; a value of None asks for the key alone."""
    shard: tuple[int, int] | None = None
    """(I, N), 1-based: every tenant is in exactly one of N shards, whatever the others are called."""
    changed: frozenset[str] | None = None
    """Tenants whose settings differ from an earlier commit's (``--changed-since``); None is no condition."""

    @property
    def everything(self) -> bool:
        """True where nothing narrows the work."""
        return self == Selection()

    def includes(self, tenant: Tenant) -> bool:
        """Whether the tenant is part of the work."""
        return (
            (not self.tenants or _matches(tenant.name, self.tenants))
            and not _matches(tenant.name, self.exclude)
            and (not self.tiers or tenant.tier in self.tiers)
            and all(has_label(tenant, key, value) for key, value in self.labels)
            and (self.changed is None or tenant.name in self.changed)
            and (self.shard is None or _shard(tenant.name, self.shard[1]) == self.shard[0])
        )


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def has_label(tenant: Tenant, key: str, value: str | None) -> bool:
    """Whether the tenant has the label; None is any value."""
    return key in tenant.labels and value in (None, tenant.labels[key])


def _shard(name: str, count: int) -> int:
    digest = blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count + 1

"""What earlier files declared for one tenant, and why a field differs from live.

A field is asked for where the files moved it away both from the base, which is the commit applied last, and from
the fork, which is the commit where the base and the current files parted. A reduction is asked for only if they
moved the field in that direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.change import Origin
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.reductions import reduced, touched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.values import Value
    from reconciler.plan.concerns.concern import Stated

STATE: Final = "state"


class TenantHistory(Struct, frozen=True):
    """What earlier files declared for one tenant."""

    base: Stated
    fork: Stated
    """At the commit where the base and the current files parted."""
    declared: bool = True
    """Whether the base declares the tenant: if not, nothing of it is reduced."""
    document: bool = False
    """Whether a document declares the tenant now: it is not a commit and asks for no reduction."""
    guards: bool = False
    """Whether this commit asks for nothing: files that are older than it do not change back what it changed."""
    in_another_tier: bool = False
    """Whether the project has a tier that none of these files assigned."""
    only_accepts: bool = False
    """Whether the files only changed ``accept``: the base or an older commit asks for the reduction."""
    ended: frozenset[tuple[str, Value]] = frozenset()
    """Fields with the values that they had until a boost ended, at the base and at the fork. The end of the boost
    is the cause that reduces such a value."""
    attempts: tuple[TenantHistory, ...] = ()
    """The tenant at each commit tried since and not fully applied: its values may be live."""

    def origin(self, path: str, now: Stated, *, reduces: bool = False, live: Value | Assignment = None) -> Origin:
        """Return why a field differs from live. ``reduces`` says that the change is a reduction.

        Then ``live`` is the value to reduce, or None if unknown. The change is asked for where the files moved
        away from the base, or from a commit that was partly applied.
        """
        own = self._origin(path, now, reduces=reduces, live=live)
        since = [attempt.origin(path, now, reduces=reduces, live=live) for attempt in self.attempts]
        if Origin.BASE_AHEAD in since:
            return Origin.BASE_AHEAD
        return Origin.CONFIG if Origin.CONFIG in since else own

    def each(self) -> tuple[TenantHistory, ...]:
        """Return the tenant at the base, then at each commit tried since."""
        return (self, *self.attempts)

    @property
    def bases(self) -> tuple[Stated, ...]:
        """What was declared at the base, then at each commit tried since."""
        return tuple(before.base for before in self.each())

    def differing(self, now: Stated) -> Iterator[str]:
        """Yield the fields that differ from the base, or from a commit that was tried."""
        for path in dict.fromkeys((*(path for before in self.bases for path in before), *now)):
            if any(before.get(path) != now.get(path) for before in self.bases):
                yield path

    def _origin(self, path: str, now: Stated, *, reduces: bool, live: Value | Assignment) -> Origin:
        silent = self.document or self.guards or (not self.declared and path != STATE)
        if reduces and not silent and self._asks_for_reduction(path, now, live):
            return Origin.CONFIG
        if self.base.get(path) == now.get(path):
            if reduces and not silent and not isinstance(live, Assignment) and (path, live) in self.ended:
                return Origin.CONFIG
            return Origin.UNKNOWN if reduces and self.only_accepts else Origin.DRIFT
        if self.fork.get(path) == now.get(path):
            return Origin.BASE_AHEAD
        if not reduces:
            return Origin.DRIFT if self.guards else Origin.CONFIG
        in_part = all(touched(path, before, now, live) for before in (self.base, self.fork))
        return Origin.UNKNOWN if silent or in_part else Origin.DRIFT

    def _asks_for_reduction(self, path: str, now: Stated, live: Value | Assignment) -> bool:
        return all(
            reduced(path, before, now, live, in_another_tier=self.in_another_tier)
            for before in (self.base, self.fork)
        )


NOTHING = TenantHistory({}, {})
"""The history of a new tenant: the files ask for all of its fields."""
NOT_DECLARED = TenantHistory({}, {}, declared=False)
"""The same for a project that exists: nothing of it is reduced."""


def origin(
    path: str, now: Stated, past: TenantHistory | None, *, reduces: bool = False, live: Value | Assignment = None
) -> Origin:
    """Return ``Past.origin``; unknown if the earlier files are unknown."""
    return Origin.UNKNOWN if past is None else past.origin(path, now, reduces=reduces, live=live)

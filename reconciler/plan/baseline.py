"""The files of the fleet at a commit that counts for a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.plan import declared_fields
from reconciler.plan.tenant_history import TenantHistory

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.desired.state import DesiredState


class Unusable(Struct, frozen=True):
    """Why a commit that is the base of some tenants cannot be compared with."""

    cause: str
    remedy: str | None
    """What makes it comparable; None if nothing does."""


class Baseline(Struct, frozen=True):
    """The files at a base, and at its fork: None if that is the base itself."""

    base: DesiredState
    fork: DesiredState | None = None

    @property
    def states(self) -> tuple[DesiredState, ...]:
        """The files at both commits."""
        return (self.base,) if self.fork is None else (self.base, self.fork)

    def changed(self, change: Callable[[DesiredState], DesiredState]) -> Baseline:
        """Return the same with the files of both commits changed; the same object if nothing changes."""
        base, fork = change(self.base), self.fork and change(self.fork)
        return self if base is self.base and fork is self.fork else Baseline(base, fork)

    def under(self, now: DesiredState) -> Baseline:
        """Return the same under the current names, without what could not be read."""
        return self.changed(seen_from(now))

    def past(self, tenant: str) -> TenantHistory | None:
        """Return the tenant at the base and the fork; None if its files were broken."""
        base = declared_fields.fields_in(self.base, tenant)
        fork = base if self.fork is None else declared_fields.fields_in(self.fork, tenant)
        if base is None or fork is None:
            return None
        ended = declared_fields.before_ends(self.base, tenant)
        if ended and self.fork is not None:
            ended &= declared_fields.before_ends(self.fork, tenant)
        return TenantHistory(base, fork, tenant in self.base.tenants, ended=ended)


def seen_from(now: DesiredState) -> Callable[[DesiredState], DesiredState]:
    """Return what puts earlier files under the names, and at the time, of the current ones.

    What could not be read is left out.
    """
    return lambda files: files.before(now).with_current_names(now).at(now.moment)

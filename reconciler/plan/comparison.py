"""What a concern reads of one tenant: its declared fields, the live project and the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from reconciler.model.values import replace
from reconciler.plan.change import Origin
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.organization import NAME as ORGANIZATION
from reconciler.plan.concerns.organization import PATH as ORGANIZATION_PATH
from reconciler.plan.concerns.restore_window import RESTORE_WINDOW
from reconciler.plan.tenant_history import origin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.desired.settings import Settings
    from reconciler.desired.tenant import Tenant
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.concerns.concern import Stated
    from reconciler.plan.plan import Note, Refusal
    from reconciler.plan.tenant_history import TenantHistory


class Comparison(Struct, frozen=True):
    """One tenant with a live project, or with the project that an earlier action of its plan creates."""

    fleet: str
    tenant: Tenant
    settings: Settings
    project: LiveProject
    wanted_now: Stated
    past: TenantHistory | None
    """What the files declared before; None if unknown."""
    at_base: Stated | None
    """What the files declared at the tenant's own base, whoever found its project: decides which snapshots were
    taken before.

    Empty if they declared nothing; None if unknown.
    """
    only: frozenset[str]
    """Names of the concerns that the run is about."""
    here: OrganizationLimits
    there: OrganizationLimits
    """Limits of the organization of the project, and of its declared organization."""
    now: datetime
    raised: Mapping[str, datetime] = {}
    """When the files raised the number that asks for a reset, by branch."""
    rejected: tuple[str, ...] = ()
    """Declared moments that Neon rejected in an earlier run (``times.moment_key``)."""
    moved_by_run: bool = False
    """Whether the run that plans again has transferred the project."""

    @property
    def moves(self) -> bool:
        """Whether the project changes its organization."""
        return ORGANIZATION in self.only and self.project.organization != self.settings.organization

    @property
    def limits(self) -> OrganizationLimits:
        """Limits of the project's organization after this plan."""
        return self.there if self.moves else self.here

    @property
    def organization(self) -> str:
        """The project's organization after this plan."""
        return self.settings.organization if self.moves else self.project.organization

    @property
    def restore_window_seconds(self) -> int | None:
        """How far back data can certainly be read: the live window, or the declared one if it is shorter.

        Raising the window does not restore what it did not cover before (Neon: restore window).
        """
        live, wanted = self.project.restore_window_seconds, self.settings.restore_window_seconds
        known = [live, wanted if RESTORE_WINDOW.name in self.only else None]
        return min((seconds for seconds in known if seconds is not None), default=None)

    def origin(self, *paths: str, reduces: bool = False, live: Value = None) -> Origin:
        """Return why something differs: config if the files moved any of these fields there, in that direction.

        ``live`` is the value that is reduced, if a single field is meant.
        """
        causes = [origin(path, self.wanted_now, self.past, reduces=reduces, live=live) for path in paths]
        return Origin.CONFIG if Origin.CONFIG in causes else causes[0]

    def caused(self, change: FieldChange, spoken_of: str | None = None) -> FieldChange:
        """Return the change with its origin. ``spoken_of`` is the field in the files, if it has another path."""
        path, live = spoken_of or change.path, change.before
        return replace(change, origin=self.origin(path, reduces=change.lowering, live=live))

    def moved(self, *, reduces: bool) -> Origin:
        """Why the project is outside its declared organization. ``reduces``: the current one grants more."""
        here = Assignment(self.project.organization, self.here)
        return origin(ORGANIZATION_PATH, self.wanted_now, self.past, reduces=reduces, live=here)


Finding: TypeAlias = "Action | Note | Refusal"
"""What a concern that plans whole actions yields."""

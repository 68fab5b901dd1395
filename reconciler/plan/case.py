"""One tenant as a concern sees it: what its files want, what is live, what the limits are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from reconciler.plan.change import Origin
from reconciler.plan.concerns.organization import NAME as ORGANIZATION
from reconciler.plan.concerns.organization import PATH as ORGANIZATION_PATH
from reconciler.plan.concerns.organization import Place
from reconciler.plan.concerns.restore_window import RESTORE_WINDOW
from reconciler.plan.history import origin

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.desired.settings import Settings
    from reconciler.desired.tenant import Tenant
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.concerns.concern import Stated
    from reconciler.plan.history import Past
    from reconciler.plan.plan import Note, Refusal


@dataclass(frozen=True, slots=True)
class Case:
    """One tenant with a live project, or with the one that an earlier action of its plan creates."""

    fleet: str
    tenant: Tenant
    settings: Settings
    project: LiveProject
    wanted_now: Stated
    past: Past | None
    """What the files wanted before; None where that cannot be told."""
    at_base: Stated | None
    """What they said at the tenant's own base, whoever found its project: of snapshots, what was taken before.

    Empty where they said nothing; None where they did, and it cannot be told."""
    only: frozenset[str]
    """Names of the concerns that the run is about."""
    here: OrganizationLimits
    there: OrganizationLimits
    """Limits of the organization that the project is in, and of the one that it is to be in."""
    now: datetime

    @property
    def moves(self) -> bool:
        """Whether the project changes its organization."""
        return ORGANIZATION in self.only and self.project.organization != self.settings.organization

    @property
    def limits(self) -> OrganizationLimits:
        """Of the organization that the project is in once this plan is carried out."""
        return self.there if self.moves else self.here

    @property
    def organization(self) -> str:
        """The organization that the project is in once this plan is carried out."""
        return self.settings.organization if self.moves else self.project.organization

    @property
    def restore_window_seconds(self) -> int | None:
        """How far back moments are sure to be there: as live, or as far as this plan is to shorten that.

        What lay outside a window does not come back where it is raised (Neon: restore window).
        """
        live, wanted = self.project.restore_window_seconds, self.settings.restore_window_seconds
        known = [live, wanted if RESTORE_WINDOW.name in self.only else None]
        return min((seconds for seconds in known if seconds is not None), default=None)

    def origin(self, *paths: str, reduces: bool = False, live: Value = None) -> Origin:
        """Why something differs: the files' doing where any of these fields moved there, and in that direction.

        ``live`` is what is reduced, where one field alone is meant.
        """
        causes = [origin(path, self.wanted_now, self.past, reduces=reduces, live=live) for path in paths]
        return Origin.CONFIG if Origin.CONFIG in causes else causes[0]

    def caused(self, change: FieldChange, spoken_of: str | None = None) -> FieldChange:
        """The change with its origin. ``spoken_of`` is the field of the files, where it is another."""
        path, live = spoken_of or change.path, change.before
        return replace(change, origin=self.origin(path, reduces=change.lowering, live=live))

    def moved(self, *, reduces: bool) -> Origin:
        """Why the project is in another organization than the files say. ``reduces`` says that this one grants
        more than theirs in any respect."""
        here = Place(self.project.organization, self.here)
        return origin(ORGANIZATION_PATH, self.wanted_now, self.past, reduces=reduces, live=here)


Finding: TypeAlias = "Action | Note | Refusal"
"""What a concern that plans whole actions comes up with."""

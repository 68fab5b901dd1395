"""What a concern reads of one tenant: its declared fields, the live project and the limits."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler.desired.naming import composed
from reconciler.model.annotations import BRANCH, FLEET, MANAGED_BY, PRODUCT
from reconciler.model.values import replace
from reconciler.plan.change import Origin
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.organization import NAME as ORGANIZATION
from reconciler.plan.concerns.organization import PATH as ORGANIZATION_PATH
from reconciler.plan.concerns.reductions import EXPIRY
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

_BRANCHES: Final = "dev_branches."
_PARENT: Final = ".parent"


class Comparison(Struct, frozen=True, dict=True):
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
    unknown_past: bool = False
    """Whether nobody knows what earlier files declared (``History.is_unknown``)."""
    generated: bool = False
    """Whether git ignores the tenant's files: no commit is expected to hold them."""

    @cached_property
    def own_branches(self) -> frozenset[str]:
        """The names under which runs of this fleet created the branches that exist, by their annotations."""
        each = (branch.annotations for branch in self.project.branches or ())
        ours = (note for note in each if note.get(MANAGED_BY) == PRODUCT and note.get(FLEET) == self.fleet)
        return frozenset(composed(note.get(BRANCH, "")) for note in ours)

    @property
    def earlier(self) -> tuple[Stated, ...]:
        """What the files declared at the base, then at each commit tried since; empty if unknown."""
        return () if self.past is None else self.past.bases

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

        Not if the base is ahead with one of them: then the files know nothing of what the base declares. ``live``
        is the value that is reduced, if a single field is meant.
        """
        causes = [origin(path, self.wanted_now, self.past, reduces=reduces, live=live) for path in paths]
        return next((one for one in (Origin.BASE_AHEAD, Origin.CONFIG) if one in causes), causes[0])

    def by_policy(self, *members: str, asked: Origin = Origin.CONFIG) -> Origin:
        """Return why a policy of the tier deletes something: ``asked``, if it is reached by a change of the files;
        the time, which no commit has to ask for, is a cause by itself. ``members`` are the fields of the policy.

        Files that are older than the base have an old policy; if the base is lost, nobody knows, nor what an edit
        has removed that git was told to overlook. A document is not a commit: its tier brings no policy.
        """
        if self.at_base is None or (self.unknown_past and not self.generated) or self.of_a_document(*members):
            return Origin.UNKNOWN
        ahead = any(self.origin(member) is Origin.BASE_AHEAD for member in members)
        return Origin.BASE_AHEAD if ahead else asked

    def of_a_document(self, *members: str) -> bool:
        """Return whether a document brings a policy, by another tier than that of the tenant's file."""
        past = self.past
        if past is None or not (past.document and past.declared):
            return False
        return any(past.base.get(member) != self.wanted_now.get(member) for member in members)

    def kept_elsewhere(self, thing: str) -> bool:
        """Return whether earlier files declare a branch or a snapshot, or declare it for longer, and no commit
        has changed that: these files are older than the base, or a document replaces them. No policy deletes it.
        """
        paths = (thing, f"{thing}{EXPIRY}")
        return any(thing in before for before in self.earlier) and any(map(self._stays_elsewhere, paths))

    def _stays_elsewhere(self, path: str) -> bool:
        """Return whether earlier files declare another value of a field, and no commit has changed that."""
        differs = any(before.get(path) != self.wanted_now.get(path) for before in self.earlier)
        return differs and self.origin(path, reduces=True) is not Origin.CONFIG

    def needs_branch(self, name: str) -> bool:
        """Return whether the files declare a snapshot that a branch of this name may be, or a branch with this
        parent: also files that are newer, or that a document replaces. No policy deletes it.
        """
        snapshots, branches = self.settings.snapshots or (), self.settings.dev_branches or ()
        here = any(one.name == name for one in snapshots) or any(one.parent == name for one in branches)
        return here or self.kept_elsewhere(f"snapshots.{name}") or self._is_parent_elsewhere(name)

    def _is_parent_elsewhere(self, name: str) -> bool:
        """Return whether earlier files declare a branch with this parent, and no commit has changed that."""
        fields = dict.fromkeys(path for before in self.earlier for path, value in before.items() if value == name)
        return any(
            path.startswith(_BRANCHES) and path.endswith(_PARENT) and self._stays_elsewhere(path)
            for path in fields
        )

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

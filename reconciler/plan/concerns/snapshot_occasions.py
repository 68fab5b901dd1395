"""Snapshots before a downgrade and before a deletion: taken first, where the organization's limit allows one.

Their names say what they were taken before, and on which day (UTC): Neon's snapshots carry no annotations. One
that was taken within a day is enough, so the run after one that died takes no second one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from reconciler.desired.tenant import Snapshot
from reconciler.desired.tier import Occasion
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import PatchProject, TransferProject
from reconciler.plan.actions.snapshot import CreateSnapshot
from reconciler.plan.change import Origin
from reconciler.plan.concerns.concern import existence
from reconciler.plan.concerns.organization import snapshots_allowed
from reconciler.plan.concerns.snapshot_limits import A_ROOT, AT_LIMIT, KeptSnapshot, replaceable_snapshots
from reconciler.plan.concerns.snapshots import KEEP_BEFORE, method, path
from reconciler.plan.concerns.times import expired
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch
    from reconciler.plan.action import Action
    from reconciler.plan.comparison import Comparison, Finding
    from reconciler.plan.history import History

NONE_TAKEN: Final = "no snapshot is taken before the "
"""The beginning of a note on why no snapshot is taken."""
ENOUGH: Final = timedelta(days=1)
"""A snapshot that is not older than this is not taken again."""
WORDS: Final = {Occasion.DOWNGRADE: "downgrade", Occasion.DELETE: "deletion", Occasion.RESTORE: "restore"}
_NAME: Final = re.compile(r"before-(?P<what>downgrade|delete)-(?P<day>\d{4}-\d{2}-\d{2})")


def named(occasion: Occasion, now: datetime) -> str:
    """Return the name of a snapshot that is taken on this day: ``before-downgrade-2026-11-29``."""
    return f"before-{occasion.value}-{now.astimezone(UTC):%Y-%m-%d}"


def taken_before(snapshot: KeptSnapshot) -> Occasion | None:
    """Return what a snapshot was taken before: by its name, unless it is older than its name."""
    found = _NAME.fullmatch(snapshot.name)
    if found is None or found["day"] > f"{snapshot.created_at.astimezone(UTC):%Y-%m-%d}":
        return None
    return Occasion(found["what"])


def settings_with_snapshot(
    occasion: Occasion, desired: DesiredState, tenant: Tenant, history: History
) -> Settings | None:
    """Return the settings that ask for a snapshot before this: of the tier that the tenant has, or leaves.

    What the tenant's own file states takes the place of both.
    """
    now = [desired.settings(tenant)] if tenant.tier in desired.tiers else []
    before = history.earlier(tenant.name) if tenant.overrides.snapshots_before is None else []
    tenants = (files.tenants[tenant.name] for files in before)
    earlier = (files.settings(known) for files, known in zip(before, tenants, strict=True) if not known.absent)
    return next((one for one in (*now, *earlier) if occasion in (one.snapshot_policy.before or ())), None)


def _beyond(count: int, limit: int | None) -> int:
    return 0 if limit is None else max(0, count - limit)


def reduces(actions: Iterable[Action], default: LiveBranch | None) -> bool:
    """Return whether these actions are a downgrade: of the project, or of its default branch's compute."""
    return any(
        action.lowering
        for action in actions
        if isinstance(action, TransferProject | PatchProject)
        or (isinstance(action, PatchEndpoint) and default is not None and action.branch == default.name)
    )


class SnapshotBefore(Struct, frozen=True, dict=True):
    """The snapshot before a change of one tenant. The comparison has the settings that ask for it."""

    comparison: Comparison
    occasion: Occasion
    origin: Origin
    """Why the change is planned that it is taken before."""

    def findings(self) -> Iterator[Finding]:
        """Yield the snapshot and the deletions that make room for it; nothing if one exists; or a note."""
        if not self._observed:
            yield self._none("Neon did not return the project's snapshots", "run again later")
        elif self._recent is None:
            yield from self._fitting()
        else:
            yield from (self._remove(old, late=True) for old in self._surplus)

    def _fitting(self) -> Iterator[Finding]:
        keeping, project = method(self.comparison.settings), self.comparison.project
        hindrance = keeping.taken_name(project, self._name) or keeping.hindrance(project)
        if hindrance:
            yield self._none(hindrance, A_ROOT)
            return
        gone = self._leaving_first
        if gone is None or not self._others_allow(len(gone)):
            yield self._no_room()
            return
        yield from (self._remove(old, late=False) for old in gone)
        yield self._take()
        yield from (self._remove(old, late=True) for old in self._surplus if old not in gone)

    @property
    def _observed(self) -> bool:
        reads, project = method(self.comparison.settings).reads_snapshots, self.comparison.project
        return project.branches is not None and (project.snapshots is not None or not reads)

    @cached_property
    def _kept(self) -> tuple[KeptSnapshot, ...]:
        return method(self.comparison.settings).kept(self.comparison, ())

    @cached_property
    def _earlier(self) -> list[KeptSnapshot]:
        """Those that earlier runs took before a change of the same kind, oldest first."""
        declared = {one.name for one in self.comparison.settings.snapshots or ()}
        found = [s for s in self._kept if taken_before(s) is self.occasion and s.name not in declared]
        going = (one for one in found if one.removable and not self.comparison.kept_elsewhere(one.path))
        return sorted(going, key=lambda one: (one.created_at, one.id))

    @property
    def _recent(self) -> KeptSnapshot | None:
        since = self.comparison.now - ENOUGH
        return next((one for one in self._earlier if one.created_at > since), None)

    @property
    def _name(self) -> str:
        return named(self.occasion, self.comparison.now)

    @cached_property
    def _surplus(self) -> Sequence[KeptSnapshot]:
        """Those that exceed the number to keep. A deletion of the project keeps none."""
        staying = self.comparison.settings.snapshot_policy.keep_before - (self._recent is None)
        return () if self.occasion is Occasion.DELETE else self._earlier[: max(0, len(self._earlier) - staying)]

    @property
    def _leaving_first(self) -> Sequence[KeptSnapshot] | None:
        """The snapshots to delete before the new one is taken, so that it fits; None if there is no room.

        Nothing goes before a transfer is tried: what does not fit into the destination goes as for every transfer.
        """
        comparison, count = self.comparison, len(self._kept)
        here = _beyond(count + 1 + self._coming * (not comparison.moves), comparison.here.snapshots)
        if comparison.moves:
            there = _beyond(count + 1 + self._coming - len(self._surplus), comparison.there.snapshots)
            return () if here == 0 and there <= len(self._replaceable) else None
        candidates = [] if self.occasion is Occasion.DELETE else [*self._surplus, *self._replaceable]
        return candidates[:here] if here <= len(candidates) else None

    @cached_property
    def _replaceable(self) -> list[KeptSnapshot]:
        """The snapshots that the tier replaces at the limit, besides those that exceed the number."""
        declared = {one.name for one in self.comparison.settings.snapshots or ()}
        others = replaceable_snapshots(self.comparison, self._kept, declared, ())
        return [one for one in others if one not in self._surplus]

    @property
    def _coming(self) -> int:
        """How many declared snapshots do not exist yet."""
        live, now = {one.name for one in self._kept}, self.comparison.now
        declared = () if self.occasion is Occasion.DELETE else self.comparison.settings.snapshots or ()
        return sum(one.name not in live and not expired(one.expires_at, now) for one in declared)

    def _others_allow(self, gone: int) -> bool:
        others = method(self.comparison.settings).room(self.comparison, ())
        return others is None or others + gone >= 1

    def _take(self) -> Action:
        change = existence(path(self._name), self._cause, before=False)
        taken = method(self.comparison.settings).take(self.comparison, Snapshot(self._name), change)
        reason = f"before the {WORDS[self.occasion]}: {self._retention}"
        if isinstance(taken, CreateSnapshot | CreateBranch):
            return replace(taken, reason=reason, occasion=self.occasion)
        return taken

    @property
    def _retention(self) -> str:
        if self.occasion is Occasion.DELETE:
            return "it is deleted with the project"
        number = self.comparison.settings.snapshot_policy.keep_before
        return f"the newest {number} of these stay" if number > 1 else "it stays until the next one"

    def _remove(self, old: KeptSnapshot, *, late: bool) -> Action:
        cause = self.comparison.by_policy(KEEP_BEFORE, AT_LIMIT, asked=self._cause)
        change = existence(old.path, cause, before=True)
        reason = f"replaced by {self._recent.name if self._recent else self._name!r}"
        removal = method(self.comparison.settings).remove(
            self.comparison, old, change, reason=reason, early=False, late=late
        )
        return structs.replace(removal, occasion=self.occasion)

    @property
    def _cause(self) -> Origin:
        """The change is its cause: the guards leave the snapshot out where they refuse the change."""
        return Origin.BASE_AHEAD if self.origin is Origin.BASE_AHEAD else Origin.CONFIG

    def _no_room(self) -> Note:
        comparison = self.comparison
        if comparison.moves and comparison.there.snapshots is not None:
            allowed = snapshots_allowed(comparison.organization, comparison.there)
        else:
            allowed = snapshots_allowed(comparison.project.organization, comparison.here)
        coming = f", and {self._coming} declared ones do not exist yet" if self._coming else ""
        if self.occasion is Occasion.DELETE:
            remedy = "for a copy that stays, use `apply --dump-to`"
        else:
            policy = f"tiers.{comparison.settings.tier}.snapshots.at_limit: replace_oldest"
            remedy = f"for one, delete a snapshot by hand, or set {policy}"
        return self._none(f"{allowed}, and it has {len(self._kept)}{coming}", remedy)

    def _none(self, why: str, remedy: str) -> Note:
        message = f"{NONE_TAKEN}{WORDS[self.occasion]}: {why}; {remedy}"
        return Note.about(self.comparison.tenant, message)

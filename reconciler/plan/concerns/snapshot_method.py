"""What a way of keeping snapshots has to provide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from reconciler.desired.tenant import Snapshot
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.case import Case, Finding
    from reconciler.plan.change import FieldChange


@dataclass(frozen=True, slots=True)
class Kept:
    """A live snapshot, however it is kept."""

    name: str
    """The name under which the files speak of it: a branch may have been renamed since."""
    id: str
    created_at: datetime
    removable: bool = True
    """False for one that was made by hand and cannot be told from a tenant's own."""
    expires_at: datetime | None = None


class Method(Protocol):
    """One way of keeping snapshots."""

    @property
    def reads_snapshots(self) -> bool:
        """Whether they are among Neon's own snapshots, which it counts by themselves."""

    def kept(self, case: Case, planned: Sequence[Finding]) -> tuple[Kept, ...]:
        """The live snapshots that count against the limit, given what is planned for the branches."""

    def copies(self, case: Case, planned: Sequence[Finding]) -> tuple[Kept, ...]:
        """Those of them that are snapshots for certain, where new ones are kept in the other way."""

    def hindrance(self, project: LiveProject) -> str | None:
        """Why no snapshot can be taken of this project at all."""

    def taken_name(self, project: LiveProject, name: str) -> str | None:
        """Why none can be taken under this name."""

    def room(self, case: Case, planned: Sequence[Finding]) -> int | None:
        """How many more there is room for beside the limit of snapshots; None is any number."""

    def take(self, case: Case, snapshot: Snapshot, change: FieldChange) -> Action:
        """The action that takes it of the default branch."""

    def expiry(self, case: Case, snapshot: Snapshot, kept: Kept) -> Iterator[Finding]:
        """What is done, or said, where a live one has another expiry than the files state."""

    def remove(self, case: Case, kept: Kept, change: FieldChange, *, reason: str, early: bool) -> Action:
        """The action that deletes it; ``early`` where the project moves only without it."""

"""What an apply is given: a plan with all that it was made from, and how to carry it out."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from msgspec import Struct, field

from reconciler.apply.stop import StopSignal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from reconciler.apply.dumps.dumps import Dumps
    from reconciler.apply.run.wave_options import Bake, EarlierWaves, WaveEnd
    from reconciler.live.registered import Placement
    from reconciler.live.state import LiveState
    from reconciler.plan.approval import Stale
    from reconciler.plan.event import Event
    from reconciler.plan.late_turn import PlanInputs
    from reconciler.plan.newer_commit import NewerCommit
    from reconciler.plan.plan import Plan
    from reconciler.plan.registered_strings import ExpectedStrings


class RunOptions(Struct, frozen=True, kw_only=True):
    """How an apply runs."""

    id: str = field(default_factory=lambda: secrets.token_hex(4))
    journal: Path | None = None
    """Path of the journal. None: a file in the user's log folder."""
    commit: str | None = None
    """The git commit of the files, for the journal."""
    stop: StopSignal = field(default_factory=StopSignal)
    """Ends the run when requested. Nothing else that ends the run changes it."""
    single_writer: bool = False
    """Nobody else creates the same tenants: connection strings are returned without a wait for rivals."""
    waves: tuple[WaveEnd, ...] = ()
    """Parts of the plan, each finished and judged before the next one starts (``read_waves``)."""
    bake: Bake | None = None
    """How long each wave is left alone before its tenants are looked at. None: they are not looked at."""
    earlier: EarlierWaves | None = None
    """What earlier runs of the same commit have done in waves."""
    dumps: Dumps | None = None
    """Where the databases of a project are dumped right before it is deleted. None: nowhere."""
    newer: Callable[[], NewerCommit | None] | None = None
    """Tells which commit the branch of the files is at; None while it is the files' own. It may wait, is called in
    a thread, and raises ReconcilerError if that is not known. Tenants that a newer commit changes are left out."""
    on_event: Callable[[Event], None] | None = None
    """Gets every event from RunStarted to the last TenantEnded; the report follows as the result of the run. It is
    called between calls, must return soon, and must not raise."""

    around_unit: Callable[[str, list[str]], AbstractContextManager[None]] | None = None
    """Gets the kind and the tenants of each unit of work; the unit is carried out within the context."""

    @property
    def journal_path(self) -> Path:
        """Path of the journal."""
        return self.journal or log_folder() / f"{self.id}.jsonl"


def log_folder() -> Path:
    """The user's log folder, where journals are written by default."""
    return Path(platformdirs.user_log_dir("reconciler"))


class Planned(Struct, frozen=True):
    """A plan with the live state that it was made from."""

    plan: Plan
    live: LiveState
    at: datetime
    """When the plan was made."""
    observed_at: float
    """When the observation started, by the loop's clock. A late turn is observed again."""
    plan_inputs: PlanInputs
    """The other inputs of the plan. A late turn is planned again with the same inputs."""
    stale: tuple[Stale, ...] = ()
    """Tenants that were left out because a saved plan does not permit their actions."""
    unchanged_revisions: Mapping[str, int] = {}
    """The revisions of tenants without differences."""
    placements: tuple[Placement, ...] = ()
    """The corrections of registry rows that disagree with live state."""
    strings_due: tuple[ExpectedStrings, ...] = ()
    """The connection strings that an earlier run was about to write to the registry."""
    shard: tuple[int, int] | None = None
    """The shard that the plan is for. None: the whole fleet."""

"""The waves of earlier runs of the same commit: where a run goes on, and which waves nobody has looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.apply.journals.audit import WriteFilter, audit, journal_lines
from reconciler.apply.run.wave_options import EarlierWaves, UncheckedWave
from reconciler.apply.waves.health import CheckedTenant, judge, pause
from reconciler.model.moments import utc
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.identity import identify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reconciler.apply.run.run import Run
    from reconciler.model.record import RecordedChange
    from reconciler.model.values import Value


@dataclass(slots=True)
class _EarlierRuns:
    """What the journals contain about the runs of one commit, in their order."""

    fleet: str
    commit: str
    runs: set[str] = field(default_factory=set)
    waves: dict[tuple[str, int], tuple[tuple[str, ...], datetime]] = field(default_factory=dict)
    seen: set[tuple[str, int]] = field(default_factory=set)

    def line(self, entry: dict[str, Any]) -> None:
        run, number = str(entry.get("run")), entry.get("number")
        match entry.get("line"):
            case "run" if entry.get("fleet") == self.fleet and entry.get("commit") == self.commit:
                self.runs.add(run)
            case "wave" if run in self.runs and isinstance(number, int):
                tenants = tuple(map(str, entry.get("tenants", ())))
                self.waves.setdefault((run, number), (tenants, utc(datetime.fromisoformat(str(entry["at"])))))
            case "look" if run in self.runs and entry.get("harmful"):
                self.waves.clear()
            case "end" if run in self.runs and entry.get("stopped") is None:
                self.waves.clear()
            case "look" if isinstance(number, int):
                self.seen.add((run, number))


def earlier_waves(journals: Sequence[Path], fleet: str, commit: str | None) -> EarlierWaves | None:
    """Read what earlier runs of the commit have done in waves; None if there is nothing, or no commit is known.

    After a harmful wave, and after a run that reached its end, the next run begins with its first wave.
    """
    if commit is None:
        return None
    earlier = _EarlierRuns(fleet, commit)
    for line in sorted(journal_lines(journals), key=lambda one: str(one.get("at"))):
        earlier.line(line)
    if not earlier.waves:
        return None
    unchecked = (
        UncheckedWave(run, number, tenants, at, _lowered(journals, run))
        for (run, number), (tenants, at) in earlier.waves.items()
        if (run, number) not in earlier.seen
    )
    done = frozenset(name for tenants, _ in earlier.waves.values() for name in tenants)
    return EarlierWaves(done, tuple(unchecked))


def _lowered(journals: Sequence[Path], run: str) -> dict[str, dict[str, Value]]:
    found: dict[str, dict[str, Value]] = {}
    for write in audit(journals, WriteFilter(run=run)).writes:
        lowered = {change.path: change.before for change in write.changes if _lowers(change)}
        for name in write.tenants if lowered else ():
            found.setdefault(name, {}).update(lowered)
    return found


def _lowers(change: RecordedChange) -> bool:
    before, after = change.before, change.after
    if change.path not in QUOTA or not isinstance(before, int) or not isinstance(after, int):
        return False
    return after > 0 and (before == 0 or after < before)


async def look_at_earlier(run: Run, earlier: EarlierWaves) -> None:
    """Looks at the waves that no run has looked at, after the bake: a wave that was not looked at is not good."""
    run.touched |= earlier.done
    bake = run.options.bake
    if not earlier.unchecked or bake is None or not await pause(run, bake.seconds):
        return
    for wave in earlier.unchecked:
        if not run.stop.requested:
            called = f"{wave.number} of run {wave.run}"
            await judge(run, bake, list(_checked_tenants(run, wave)), wave.number, called, wave.began_at, wave.run)


def _checked_tenants(run: Run, wave: UncheckedWave) -> Iterator[CheckedTenant]:
    projects = identify(run.desired, run.planned.live).projects
    for name in wave.tenants:
        if name in projects:
            project = projects[name]
            yield CheckedTenant(name, project.organization, project.id, wave.lowered.get(name, {}))

"""An account in which lanes run: files are written, loaded, planned, applied and planned again; then it is asked.

Every step is one run of the whole fleet, each tenant with a transition of its own. What is wrong is collected, so
that one run tells all of it.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import yaml

from reconciler.desired.selection import Selection
from reconciler.desired.tier import OrganizationLimits
from reconciler.files.load import OnInvalid, load
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.plan.applied import Applied, FinishedRun, advanced
from reconciler.plan.baseline import Baseline
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.simulator.types import Organization
from tests.harness.account import API, world
from tests.harness.builders import NOON
from tests.harness.simulated import simulated_limits
from tests.harness.wire import WRITING
from tests.property.accounts import COUNTS
from tests.transitions.answers import Answers, project_ids, read_answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Planned
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from reconciler.simulator.behaviour import Behaviour
    from tests.harness.account import World

Document = dict[str, Any]

LIMITS: Final = OrganizationLimits(
    projects=30_000, branches=1000, snapshots=100, min_cu=0.25, max_cu=56, min_suspend_timeout_seconds=60
)
"""Wide: what is asked for here is what the description allows."""
NEVER_LATE: Final = {"requests_per_minute": 100_000, "burst_per_second": 10_000, "look_again_after": "1h"}
REPEATED: Final = (423, 429)
"""Refusals after which a request is sent again as it is."""
NEIGHBOUR: Final = "neighbour"
HOMES: Final = ("free", "paid")
QUOTA: Final = ("active_time", "compute_time", "written_data", "data_transfer", "logical_size")


@dataclass(frozen=True, slots=True)
class Round:
    """One run of the fleet: the plan, what became of it, and the plan after it."""

    desired: DesiredState
    plan: Plan
    report: Report
    second: Plan
    answers: Mapping[str, Answers]
    """By tenant; without those who have no project."""
    refused: tuple[str, ...]
    """Writes that the API answered with a refusal."""
    problems: Mapping[str, str]
    """What the loader says of files, by tenant."""


@dataclass(slots=True)
class Account:
    """A simulated account, and the folder with the files of its fleet."""

    world: World
    folder: Path
    _commits: list[DesiredState] = field(default_factory=list)
    """The files at each run, as commits that are called by their numbers."""
    _applied: Applied | None = None
    _neighbours: int = 0

    def run(self, tiers: Mapping[str, Document], tenants: Mapping[str, Document], **more: Any) -> Round:
        """State this, apply it, and ask. ``more`` are keys of tiers.yaml."""
        self._write(tiers, tenants, more)
        loaded = load(self.folder, on_invalid=OnInvalid.SKIP)
        assert loaded.desired is not None, loaded.problems
        desired, before = loaded.desired, len(self.world.simulator.requests)
        history = self._history()
        planned = self._plan(desired, history)
        report = self._apply(desired, planned)
        refused = self._refused(before)
        self._advance(history, desired, planned, report)
        second = self._plan(desired, self._history()).plan
        told = {Path(one.location.file).stem: str(one) for one in loaded.problems}
        return Round(desired, planned.plan, report, second, self._ask(), refused, told)

    def _write(self, tiers: Mapping[str, Document], tenants: Mapping[str, Document], more: Document) -> None:
        limits = {"compute": {"min_cu": 0.25, "max_cu": 56}, "min_suspend_timeout": "1m", "restore_window": "30d"}
        self._neighbours += 1
        neighbour = {"quota": dict.fromkeys(QUOTA, self._neighbours)}
        organizations = {
            name: {"id": f"${{NEON_{name.upper()}_ORG_ID}}", "api_key": f"${{{name.upper()}_ORG_API_KEY}}"}
            for name in HOMES
        }
        document = {
            "version": 1,
            "fleet": "prod",
            "naming": {"project": "myapp-{tenant}"},
            "organizations": {name: {**one, "limits": limits} for name, one in organizations.items()},
            "personal_api_key": "${PERSONAL_API_KEY}",
            "api": NEVER_LATE,
            "tiers": {**tiers, NEIGHBOUR: {"organization": "paid", **neighbour}},
            **more,
        }
        (self.folder / "tiers.yaml").write_text(written(document), encoding="utf-8")
        for name, tenant in {**tenants, NEIGHBOUR: {"tenant": NEIGHBOUR, "tier": NEIGHBOUR}}.items():
            (self.folder / "tenants" / f"{name}.yaml").write_text(written(tenant), encoding="utf-8")

    def _plan(self, desired: DesiredState, history: History) -> Planned:
        request = Request(history=history, permissions=Permissions(counts=COUNTS, expect_empty=True))

        async def main() -> Planned:
            async with self._fleet(desired) as fleet:
                return await fleet.plan(request)

        return self.world.run(main())

    def _apply(self, desired: DesiredState, planned: Planned) -> Report:
        async def main() -> Report:
            async with self._fleet(desired) as fleet:
                return await fleet.apply(planned, RunOptions(journal=self.folder / "journal.jsonl"))

        return self.world.run(main())

    def _fleet(self, desired: DesiredState) -> AbstractAsyncContextManager[Fleet]:
        return Fleet.connect(desired, environ=self.world.environ, host=API.host, via=self.world.via, now=self._now)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.world.simulator.clock.now(), UTC)

    def _refused(self, before: int) -> tuple[str, ...]:
        return tuple(
            f"{each.line} {each.status} {each.body}"
            for each in list(self.world.simulator.requests)[before:]
            if each.method in WRITING and each.status is not None and each.status >= 400
            if each.status not in REPEATED
        )

    def _history(self) -> History:
        """What the files said before, as a run in a repository would know it."""
        if self._applied is None:
            return History()

        def at(commit: str) -> Baseline:
            return Baseline(self._commits[int(commit)])

        owed = {name: None if commit is None else at(commit) for name, commit in self._applied.owed.items()}
        tried = {name: tuple(map(at, commits)) for name, commits in self._applied.tried.items()}
        return History(at(self._applied.commit).base, owed=owed, tried=tried)

    def _advance(self, history: History, desired: DesiredState, planned: Planned, report: Report) -> None:
        """The base advances by tenant: one that was held back, refused or not done stays where it was."""
        ended = FinishedRun(
            desired=desired,
            history=history,
            plan=planned.plan,
            report=report,
            selection=Selection(),
            complete=True,
        )
        self._commits.append(desired)
        head = str(len(self._commits) - 1)
        self._applied = advanced(self._applied, head, ended, lambda one, other: int(one) < int(other))

    def _ask(self) -> dict[str, Answers]:
        async def main() -> dict[str, Answers]:
            async with self.world.http() as http:
                organizations = self.world.simulator.organization_ids
                names = {id_: name for name, id_ in organizations.items()}
                found = await project_ids(http, organizations)
                return {
                    name.partition("-")[2]: await read_answers(http, id_, names) for name, id_ in found.items()
                }

        return self.world.run(main())

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.world.run(asyncio.sleep(seconds))


def written(document: Document) -> str:
    """As YAML, without aliases."""
    return yaml.dump(document, Dumper=_Plain, allow_unicode=True, sort_keys=False)


class _Plain(yaml.SafeDumper):
    """The files have no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (as the method that it replaces)
        return True


@contextmanager
def an_account(behaviour: Behaviour) -> Iterator[Account]:
    """An empty one. Leaving the block asks the judge about every exchange."""
    organizations = [Organization(name, simulated_limits(LIMITS)) for name in HOMES]
    neon_world = world(*organizations, behaviour=behaviour, starts_at=NOON.timestamp())
    with neon_world as neon, TemporaryDirectory() as folder:
        (Path(folder) / "tenants").mkdir()
        yield Account(neon, Path(folder))

"""``reconciler demo``: converges a fleet on the simulator that differs from its files in many ways."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click
import yaml
from msgspec import Struct

from reconciler.cli.command_help import DescribedCommand
from reconciler.cli.demo_parts import SCENE, DemoFailedError, chapter, read_files
from reconciler.cli.embedded_neon import HOST, keys, open_account, with_simulated_ids
from reconciler.cli.runtime import runtime
from reconciler.cli.scene import read_scene
from reconciler.environment import Environment
from reconciler.fleet import Fleet, Planned, Request, RunOptions
from reconciler.model.values import replace
from reconciler.neon.client import connect
from reconciler.neon.credentials import read_access
from reconciler.neon.in_process import InProcess
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.concerns import compute, quota
from reconciler.plan.identity import identify
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.clock import LoopTime
from reconciler.simulator.virtual_time import VirtualLoop
from reconciler.views import plain_text
from reconciler.views.console import show, stdout_console
from reconciler.views.terminal import Line, column, page, styled, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Value
    from reconciler.neon.client import Neon
    from reconciler.simulator.simulator import Simulator
    from reconciler.views.terminal import Piece

LOWERING: Final = Request(permissions=Permissions(lowering=True))
"""A person has reviewed the reductions and permits them."""
RAISED: Final = "meadow"
RAISED_BYTES: Final = 1024**4
SHRUNK: Final = "harbor"
SHRUNK_CU: Final = 0.25
IN_SYNC: Final = "in sync"
"""The status of a tenant that matches its files."""


@click.command("demo", cls=DescribedCommand, example="reconciler demo")
@click.option(
    "--undo", is_flag=True, help="The rows of one tenant, lost and restored, in real PostgreSQL databases."
)
def command(undo: bool) -> None:
    """Converge a sample fleet on the Neon simulator. Needs no account and no network."""
    if undo:
        from reconciler.cli.demo_undo import play  # noqa: PLC0415 - needs an extra

        play()
        return
    desired = read_files()
    with (
        TemporaryDirectory(prefix="reconciler-demo-") as folder,
        open_account(Path(folder) / "sim.db", desired, LoopTime(runtime().clock())) as simulator,
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
    ):
        live = (SCENE / "live.yaml").read_text(encoding="utf-8")
        for organization, seed in read_scene(live, fleet=desired.fleet, now=simulator.clock.now()):
            simulator.add_project(organization, seed)
        runner.run(_play(desired, simulator, journal=Path(folder) / "journal.jsonl"))


async def _play(desired: DesiredState, simulator: Simulator, *, journal: Path) -> None:
    fleet_files = with_simulated_ids(desired, simulator)
    environ = Environment(keys(desired, simulator))
    via = runtime().wrap(InProcess(simulator.app))
    async with (
        Fleet.connect(
            fleet_files,
            environ=environ,
            host=HOST,
            base=desired,
            via=via,
            now=lambda: datetime.fromtimestamp(simulator.clock.now(), UTC),
        ) as fleet,
        connect(read_access(fleet_files, environ), replace(desired.api, host=HOST), via=via) as console,
    ):
        await _Demo(fleet, console, journal).play()


class _Demo(Struct, frozen=True):
    fleet: Fleet
    console: Neon
    """Another person, who works in Neon's console."""
    journal: Path

    async def play(self) -> None:
        self._show_fleet()
        planned = await self._plan()
        await self._apply(planned)
        await self._plan_again()
        await self._edit_protected_tenant(planned)
        await self._find_drift()

    def _show_fleet(self) -> None:
        count = len(self.fleet.desired.tenants)
        self._chapter(
            "1. The fleet",
            f"The files declare {count} tenants. Their live projects in the simulator differ from the files:",
        )
        differences = (SCENE / "differences.yaml").read_text(encoding="utf-8")
        show(status_list(yaml.safe_load(differences)), stdout_console())

    async def _plan(self) -> Planned:
        self._chapter(
            "2. The plan",
            "A downgrade or a deletion is a reduction. No commit asks for it here, so a person "
            "permits it with --allow. A protected tenant is still not reduced. A project that no file declares is "
            "reported, never deleted.",
            "reconciler plan --allow lowering",
        )
        planned = await self.fleet.plan(LOWERING)
        show(plain_text.plan(planned.plan), stdout_console())
        return planned

    async def _apply(self, planned: Planned) -> None:
        self._chapter(
            "3. The apply",
            "Projects on the same route share one transfer call. The run waits for the operations. The seconds "
            "are simulated: the clock of the simulator jumps instead of waiting.",
            "reconciler apply --allow lowering",
        )
        report = await self.fleet.apply(planned, RunOptions(journal=self.journal))
        show(plain_text.report(report, journal=None), stdout_console())
        _check(report.count(Result.APPLIED) == len(report.outcomes), "not every tenant was applied")

    async def _plan_again(self) -> None:
        self._chapter(
            "4. The same plan again",
            "Nothing is left to do, except for the change that a guard refuses.",
            "reconciler plan --allow lowering",
        )
        second = await self.fleet.plan(LOWERING)
        show(plain_text.plan(second.plan), stdout_console())
        _check(second.plan.empty, "the second plan is not empty")

    async def _edit_protected_tenant(self, planned: Planned) -> None:
        """Changes the protected tenants by hand, as their owner would."""
        self._chapter(
            "5. In sync",
            "Somebody corrects the limit of the protected tenant by hand in the console.",
            "reconciler plan",
        )
        owners = identify(self.fleet.desired, planned.live).projects
        for refusal in planned.plan.refusals:
            for action in refusal.actions:
                if isinstance(action, PatchProject):
                    project = owners[action.tenant]
                    await self._edit(project, {c.path: c.after for c in action.changes} | dict(action.companions))
        found = await self.fleet.plan()
        show(plain_text.plan(found.plan), stdout_console())
        _check(found.plan.empty and not found.plan.refusals, "the fleet is not in sync")

    async def _find_drift(self) -> None:
        self._chapter(
            "6. Drift",
            "Somebody raises the limit of one tenant in the console, and shrinks the compute of another. The next "
            "apply restores the size of the compute. It only reports the limit: lowering it is a reduction, and "
            "no commit asks for it.",
            "reconciler drift",
        )
        seen = await self.fleet.drift()
        owners = identify(self.fleet.desired, seen.live).projects
        raised = {**quota.members(owners[RAISED].quota), "quota.data_transfer_bytes": RAISED_BYTES}
        await self._edit(owners[RAISED], raised)
        await self._shrink_compute(owners[SHRUNK])
        found = await self.fleet.drift()
        show(plain_text.drift(found.plan), stdout_console())
        _check(len(found.plan.tenants) == 2, "the drift was not found")

    async def _edit(self, project: LiveProject, values: Mapping[str, Value]) -> None:
        patched = await self.console.update_project(project.organization, project.id, values)
        await self.console.wait(project.organization, project.id, patched.operations)

    async def _shrink_compute(self, project: LiveProject) -> None:
        endpoint = project.read_write(project.default_branch)
        if endpoint is not None:
            size = {**compute.amounts(endpoint.compute), compute.MIN: SHRUNK_CU, compute.MAX: SHRUNK_CU}
            patched = await self.console.update_endpoint(project.organization, project.id, endpoint.id, size)
            await self.console.wait(project.organization, project.id, patched.operations)

    def _chapter(self, title: str, text: str, command: str | None = None) -> None:
        show(chapter(title, text, command), stdout_console())


def _check(held: bool, otherwise: str) -> None:
    if not held:
        raise DemoFailedError(otherwise)


@page
def status_list(story: Mapping[str, str]) -> Iterator[Piece]:
    """One line for each name, with its status."""
    width = width_of(story)
    for name, status in story.items():
        yield Line(column(name, width), styled(status, "dim" if status == IN_SYNC else ""), 2)

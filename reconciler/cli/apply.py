"""``reconciler apply``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import click

from reconciler.apply.batches import read_waves
from reconciler.apply.batches import waves as split
from reconciler.cli import advance as base
from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.flag_values import with_earlier_runs
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.runtime import runtime
from reconciler.cli.signals import stop_on_signals
from reconciler.errors import ExitCode, InvalidInputError, SupersededError
from reconciler.files.saved_plan import read_saved_plan
from reconciler.fleet import RunOptions
from reconciler.plan.plan import Rule
from reconciler.views.console import say, show, stderr_console, stdout_console
from reconciler.views.formats import TEXT, text_of
from reconciler.views.progress import watching
from reconciler.views.view import PlanView, ReportView

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import ConsoleRenderable

    from reconciler.cli.options import (
        AccountFlags,
        EarlierRunsFlags,
        FilesFlags,
        OutputFlags,
        PermissionFlags,
        RunFlags,
        ScopeFlags,
    )
    from reconciler.desired.state import DesiredState
    from reconciler.files.advance import Base
    from reconciler.fleet import Fleet, Planned, Request
    from reconciler.plan.approval import SavedPlan
    from reconciler.plan.outcome import Report
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan

REDUCTIONS_TOO: Final = "Also apply reductions that no commit asks for?"


def run(
    saved_plan: Path | None,
    files: FilesFlags,
    account: AccountFlags,
    scope: ScopeFlags,
    permission: PermissionFlags,
    earlier: EarlierRunsFlags,
    running: RunFlags,
    output: OutputFlags,
) -> ExitCode:
    """Plans, asks, and applies.

    DONE if the run moves the base and its branch has moved on: the run of the newer commit does everything.
    """
    check_outputs(output, ReportView)
    saved = None if saved_plan is None else read_saved_plan(saved_plan)
    try:
        return _run(saved, files, account, scope, permission, earlier, running, output)
    except SupersededError as error:
        if running.advance is None:
            raise
        say(f"{error}: nothing was done here, and the run of that commit does it")
        return ExitCode.DONE


def _run(
    saved: SavedPlan | None,
    files: FilesFlags,
    account: AccountFlags,
    scope: ScopeFlags,
    permission: PermissionFlags,
    earlier: EarlierRunsFlags,
    running: RunFlags,
    output: OutputFlags,
) -> ExitCode:
    fleet_files = FleetFiles(files)
    fleet_files.require_tip(files.ref)
    desired = fleet_files.desired()
    moving = None
    if running.advance is not None:
        pushed = files.ref if _pushes(account) else None
        moving = fleet_files.base_to_advance(running.advance, scope, desired, pushed)
    request = fleet_files.request(scope, permission, desired, ref=files.ref)
    attempt = _Attempt(
        files=fleet_files,
        ref=files.ref,
        desired=desired,
        saved=saved,
        request=with_earlier_runs(earlier, request, running.journal),
        run=_run_of(running, fleet_files),
        output=output,
        yes=running.yes,
        moving=moving,
    )
    share = desired.api.batch_share
    planned, report = with_fleet(
        account, desired, attempt.plan_and_apply, files=fleet_files, base=scope.base, share=share
    )
    moved = attempt.advance(planned, report)
    _publish(output, planned, report, attempt.run)
    return exit_codes.of_apply(planned.plan, report, output.fail_on, stale=planned.stale, recorded=moved)


def _run_of(running: RunFlags, files: FleetFiles) -> RunOptions:
    waves = read_waves(running.waves) if running.waves is not None else ()
    return RunOptions(journal=running.journal, commit=files.commit(), waves=waves)


@dataclass(slots=True)
class _Attempt:
    """One apply: what it was asked for, and what it has come to."""

    files: FleetFiles
    ref: str | None
    desired: DesiredState
    saved: SavedPlan | None
    request: Request
    run: RunOptions
    output: OutputFlags
    yes: bool
    moving: Base | None
    """The base that moves afterwards, with a record of what is tried from the first write on."""

    async def plan_and_apply(self, fleet: Fleet) -> tuple[Planned, Report]:
        """Raises click.Abort if a person declines the plan."""
        with watching(stderr_console()) as on_progress:
            differing = await fleet.drift(self.request, on_progress=on_progress)
        planned = self._planned(fleet, differing)
        if not planned.plan.empty:
            self._announce(planned.plan)
            _confirm(asking=self._asking, yes=self.yes)
        self.files.require_tip(self.ref)
        if self.moving and not planned.plan.empty:
            self.moving = base.trying(self.moving, self.desired, self.request, planned)
        with stop_on_signals(self.run.stop), watching(stderr_console()) as on_progress:
            return planned, await fleet.apply(planned, self.run, on_progress=on_progress)

    def advance(self, planned: Planned, report: Report) -> bool:
        """Moves the base if the run was told to. False if that failed."""
        return self.moving is None or base.advance(self.moving, self.desired, self.request, planned, report)

    @property
    def _asking(self) -> bool:
        return runtime().interactive and not self.yes

    def _planned(self, fleet: Fleet, differing: Planned) -> Planned:
        """The plan that was shown last: with reductions if a person wants them too."""
        planned = self._shown(fleet, differing, self.request.permissions)
        if self._asking and _reductions_are_refused(planned.plan) and click.confirm(REDUCTIONS_TOO, err=True):
            planned = self._shown(fleet, differing, replace(self.request.permissions, lowering=True))
        return planned

    def _shown(self, fleet: Fleet, differing: Planned, permissions: Permissions) -> Planned:
        planned = fleet.permit(differing, replace(self.request, permissions=permissions))
        if self.saved is not None:
            planned = fleet.approved(planned, self.saved.plan, strict=self.request.strict)
        view = PlanView(planned.plan, stale=planned.stale)
        _show(self.output, text_of(view, full=self.output.full))
        return planned

    def _announce(self, plan: Plan) -> None:
        from reconciler.views.sentences import waves_summary  # noqa: PLC0415 - rich is no small import
        from reconciler.views.terminal import blank_line, paragraph  # noqa: PLC0415

        if self.run.waves:
            sizes = [len(wave) for wave in split(plan.tenants, self.run.waves)]
            _show(self.output, paragraph(waves_summary(sizes)))
        _show(self.output, blank_line())


def _show(output: OutputFlags, shown: ConsoleRenderable) -> None:
    """Beside a report that other programs read, a plan goes to stderr."""
    show(shown, stdout_console() if output.format == TEXT else stderr_console())


def _pushes(account: AccountFlags) -> bool:
    """Whether the base moves at the remote too: what was done to the embedded Neon is no news to others."""
    return account.simulator is None


def _reductions_are_refused(plan: Plan) -> bool:
    return any(refusal.rule is Rule.LOWERING_NEEDS_A_CAUSE for refusal in plan.refusals)


def _confirm(*, asking: bool, yes: bool) -> None:
    if asking:
        click.confirm("Apply this plan?", abort=True, err=True)
    elif not yes:
        raise InvalidInputError("nobody is there to confirm the plan", hint="say --yes to apply it without asking")


def _publish(output: OutputFlags, planned: Planned, report: Report, run: RunOptions) -> None:
    """The report; in text, an empty plan has said everything."""
    if planned.plan.empty and output.format == TEXT and not output.output:
        return
    publish(output, ReportView(report, str(run.journal_path), planned.stale))

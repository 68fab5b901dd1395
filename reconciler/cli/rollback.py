"""``reconciler rollback``: takes back what a run wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconciler.apply.journals.audit import WriteFilter, audit, later_writes
from reconciler.apply.journals.dead_runs import run_statuses
from reconciler.apply.run.planned import log_folder
from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish, publish_shown
from reconciler.cli.events import options_of_run, with_events
from reconciler.cli.flags import PermissionFlags, ScopeFlags
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.runtime import runtime
from reconciler.cli.signals import stop_on_signals
from reconciler.cli.telemetry import with_telemetry
from reconciler.cli.trust import with_policies
from reconciler.errors import InvalidInputError
from reconciler.fleet.rollback import RunToUndo
from reconciler.live.state import RunState
from reconciler.views.console import show, show_aside, stderr_terminal, stdout_console
from reconciler.views.formats import TEXT, text_of
from reconciler.views.progress import watching
from reconciler.views.view import PlanView, ReportView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.events import EventLines
    from reconciler.cli.flags import AccountFlags, CommandFlags, FilesFlags, OutputFlags
    from reconciler.cli.telemetry import Telemetry
    from reconciler.desired.state import DesiredState
    from reconciler.errors import ExitCode
    from reconciler.fleet import Fleet, Planned, Request, RunOptions
    from reconciler.plan.outcome import Report


@with_telemetry("rollback")
@with_events
def run(
    run_id: str,
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    tenant: tuple[str, ...],
    wave: int | None,
    journals: tuple[Path, ...],
    allow: tuple[str, ...],
    strict: bool,
    command: CommandFlags,
    events: EventLines,
    telemetry: Telemetry,
    output: OutputFlags,
) -> ExitCode:
    """Plans the rollback, shows it, asks, and carries it out.

    With ``--dry-run``, the plan is the document on stdout, and nothing is written.
    """
    check_outputs(output, PlanView if command.dry_run else ReportView)
    fleet_files = FleetFiles(files)
    fleet_files.require_tip()
    desired = fleet_files.desired()
    attempt = _Attempt(
        _undone(run_id, desired.fleet, tenant, wave, journals or (log_folder(),)),
        _request(fleet_files, desired, base, allow, strict=strict),
        options_of_run(fleet_files, command.journal, events, telemetry),
        command,
        aside=output.format != TEXT or events.on_stdout,
        full=output.full,
    )
    planned, report = with_fleet(
        account,
        desired,
        attempt.carry_out,
        files=fleet_files,
        base=base,
        share=desired.api.batch_share,
        observer=telemetry.observer,
    )
    if report is None:
        view = PlanView(planned.plan, fleet_files.made(base, planned.at))
        _publish_plan(output, view, dry_run=command.dry_run, aside=events.on_stdout)
        return exit_codes.of_command(planned.plan)
    telemetry.applied(planned, report)
    publish(output, ReportView(report, str(attempt.options.journal_path)), aside=events.on_stdout)
    code = exit_codes.of_apply(planned.plan, report, output.fail_on, named=True)
    events.end(report, (), code)
    return code


def _undone(
    run_id: str, fleet: str, tenants: tuple[str, ...], wave: int | None, journals: tuple[Path, ...]
) -> RunToUndo:
    """The journals' records of the run. Raises InvalidInputError if it has not ended."""
    status = run_statuses([run_id], journals, ())[run_id]
    if status.state is RunState.RUNNING:
        raise InvalidInputError(
            f"run {run_id} has not ended: {status.evidence}", hint="stop it, or wait until it has ended"
        )
    found = audit(journals, WriteFilter(tenants, fleet=fleet, run=run_id, wave=wave))
    later = later_writes(journals, fleet, run_id, found.writes)
    return RunToUndo(run_id, found.writes, later.writes, found.unreadable)


def _request(
    files: FleetFiles, desired: DesiredState, base: str | None, allow: tuple[str, ...], *, strict: bool
) -> Request:
    """The request for all tenants: the run says which of them it changed."""
    permission = PermissionFlags(allow, expect_empty=False, prune=False, strict=strict)
    scope = ScopeFlags(tenant=(), exclude=(), tier=(), label=(), changed_since=None, shard=None, base=base)
    return with_policies(files.request(scope, permission, desired), files, desired, base)


def _publish_plan(output: OutputFlags, view: PlanView, *, dry_run: bool, aside: bool) -> None:
    """Writes a plan that is not carried out. Without ``--dry-run``, it was already shown as text."""
    if dry_run:
        publish(output, view)
    else:
        publish_shown(output, view, aside=aside)


@dataclass(slots=True)
class _Attempt:
    """One rollback: its inputs."""

    undone: RunToUndo
    request: Request
    options: RunOptions
    command: CommandFlags
    aside: bool
    """Whether the plan goes to stderr, because stdout is for what other programs read."""
    full: bool

    async def carry_out(self, fleet: Fleet) -> tuple[Planned, Report | None]:
        """Raises click.Abort if a person declines the plan."""
        with watching(stderr_terminal()) as on_progress:
            planned = await fleet.plan_rollback(self.undone, request=self.request, on_progress=on_progress)
        if self.command.dry_run:
            return planned, None
        shown = text_of(PlanView(planned.plan), full=self.full)
        if self.aside:
            show_aside(shown)
        else:
            show(shown, stdout_console())
        if planned.plan.empty:
            return planned, None
        _confirm(yes=self.command.yes)
        with stop_on_signals(self.options.stop), watching(stderr_terminal()) as on_progress:
            return planned, await fleet.apply(planned, self.options, on_progress=on_progress)


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not runtime().interactive:
        raise InvalidInputError("the rollback needs confirmation, and stdin is not a terminal", hint="pass --yes")
    click.confirm("Do this?", abort=True, err=True)

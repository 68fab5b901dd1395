"""``reconciler apply``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.apply.batches import read_waves
from reconciler.apply.batches import waves as split
from reconciler.cli import advance as base
from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.desired import FleetFiles
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.options import (
    account_options,
    advance_option,
    earlier_runs_options,
    fail_on_option,
    files_options,
    journal_option,
    output_options,
    permission_options,
    ref_option,
    scope_options,
)
from reconciler.cli.signals import stop_on_signals
from reconciler.cli.surroundings import surroundings
from reconciler.errors import InvalidInputError
from reconciler.files.saved_plan import read_saved_plan
from reconciler.fleet import RunOptions
from reconciler.plan.plan import Rule
from reconciler.views import json_documents, plain_text
from reconciler.views.console import show, stderr_console, stdout_console
from reconciler.views.progress import watching
from reconciler.views.sentences import waves_summary
from reconciler.views.terminal import blank_line, paragraph

if TYPE_CHECKING:
    from reconciler.cli.options import (
        AccountFlags,
        EarlierRunsFlags,
        FilesFlags,
        OutputFlags,
        PermissionFlags,
        ScopeFlags,
    )
    from reconciler.errors import ExitCode
    from reconciler.fleet import Fleet, Planned
    from reconciler.plan.outcome import Report
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan

FORMS = ("text", "json")
LOWERING_TOO = "Also carry out what takes something from tenants although no commit asks for it?"


@click.command("apply")
@click.argument(
    "saved_plan", required=False, type=click.Path(dir_okay=False, path_type=Path), metavar="[PLANFILE]"
)
@files_options
@ref_option
@account_options
@scope_options
@permission_options
@earlier_runs_options
@output_options(*FORMS)
@journal_option
@click.option(
    "--waves",
    metavar="ENDS",
    help="Carry it out in parts, such as 1,1%,10%,100% of the tenants with something to do: one that goes badly "
    "ends the run.",
)
@advance_option
@click.option("--yes", is_flag=True, help="Do not ask: for CI.")
@fail_on_option
@base.done_where_superseded
def command(
    saved_plan: Path | None,
    files: FilesFlags,
    ref: str | None,
    account: AccountFlags,
    scope: ScopeFlags,
    permission: PermissionFlags,
    earlier: EarlierRunsFlags,
    output: OutputFlags,
    journal: Path | None,
    waves: str | None,
    advance: str | None,
    yes: bool,
    fail_on: tuple[str, ...],
) -> ExitCode:
    """Plan, show the plan, ask, and converge the live fleet to the files.

    With PLANFILE, saved by `plan --out`, only tenants for which the new plan holds nothing else than the
    saved one; the others are stale, and nothing is done to them.
    """
    check_outputs(output, FORMS)
    saved = None if saved_plan is None else read_saved_plan(saved_plan)
    fleet_files = FleetFiles(files)
    fleet_files.require_tip(ref)
    desired = fleet_files.desired()
    pushed = ref if _pushes(account) else None
    bases = [] if advance is None else [fleet_files.base_to_advance(advance, scope, desired, pushed)]
    request = earlier.known_to(fleet_files.request(scope, permission, desired, ref=ref), journal)
    run = RunOptions(
        journal=journal, commit=fleet_files.commit(), waves=read_waves(waves) if waves is not None else ()
    )
    console = stdout_console() if output.format == "text" else stderr_console()
    asking = surroundings().interactive and not yes

    def permitted(fleet: Fleet, differing: Planned, permissions: Permissions) -> Planned:
        planned = fleet.permit(differing, replace(request, permissions=permissions))
        planned = planned if saved is None else fleet.approved(planned, saved.plan, strict=request.strict)
        show(plain_text.plan(planned.plan, stale=planned.stale, full=output.full), console)
        return planned

    async def plan_and_apply(fleet: Fleet) -> tuple[Planned, Report]:
        with watching(stderr_console()) as on_progress:
            differing = await fleet.drift(request, on_progress=on_progress)
        planned = permitted(fleet, differing, request.permissions)
        if asking and _held_for_want_of_a_cause(planned.plan) and click.confirm(LOWERING_TOO, err=True):
            planned = permitted(fleet, differing, replace(request.permissions, lowering=True))
        if not planned.plan.empty:
            if run.waves:
                show(
                    paragraph(waves_summary([len(wave) for wave in split(planned.plan.tenants, run.waves)])),
                    console,
                )
            show(blank_line(), console)
            _confirm(asking=asking, yes=yes)
        fleet_files.require_tip(ref)
        if bases and not planned.plan.empty:
            bases.append(base.trying(bases[-1], desired, request, planned))
        with stop_on_signals(run.stop), watching(stderr_console()) as on_progress:
            return planned, await fleet.apply(planned, run, on_progress=on_progress)

    planned, report = with_fleet(
        account, desired, plan_and_apply, files=fleet_files, base=scope.base, share=desired.api.batch_share
    )
    moved = not bases or base.advance(bases[-1], desired, request, planned, report)
    _publish(output, planned, report, run)
    return exit_codes.of_apply(planned.plan, report, fail_on, stale=planned.stale, recorded=moved)


def _pushes(account: AccountFlags) -> bool:
    """Whether the base moves at the remote too: what was done to the embedded Neon is no news to others."""
    return account.simulator is None


def _held_for_want_of_a_cause(plan: Plan) -> bool:
    return any(refusal.rule is Rule.LOWERING_NEEDS_A_CAUSE for refusal in plan.refusals)


def _confirm(*, asking: bool, yes: bool) -> None:
    if asking:
        click.confirm("Apply this plan?", abort=True, err=True)
    elif not yes:
        raise InvalidInputError("nobody is there to confirm the plan", hint="say --yes to apply it without asking")


def _publish(output: OutputFlags, planned: Planned, report: Report, run: RunOptions) -> None:
    """The report; in text, an empty plan has said all that there is to say."""
    if planned.plan.empty and output.format == "text" and not output.output:
        return
    journal = str(run.journal_path)
    publish(
        output,
        {
            "text": lambda: plain_text.report(report, journal=journal, full=output.full),
            "json": lambda: json_documents.report(report, planned.stale),
        },
    )

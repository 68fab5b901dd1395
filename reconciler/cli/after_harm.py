"""What `apply --rollback-on-harm` does once a wave was harmful: it takes the wave back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.apply.journals.audit import WriteFilter, audit, later_writes
from reconciler.apply.run.planned import log_folder
from reconciler.cli import exit_codes
from reconciler.cli.signals import stop_on_signals
from reconciler.errors import InvalidInputError
from reconciler.fleet import RunOptions
from reconciler.fleet.rollback import RunToUndo
from reconciler.views.console import say, show, stderr_console, stdout_console
from reconciler.views.formats import text_of
from reconciler.views.view import PlanView, ReportView

if TYPE_CHECKING:
    from reconciler.errors import ExitCode
    from reconciler.fleet import Fleet, Request
    from reconciler.plan.outcome import Harm


async def roll_back(fleet: Fleet, harm: Harm, request: Request, run: RunOptions, *, aside: bool) -> list[ExitCode]:
    """Plans the rollback of the wave, shows it, and carries it out. It has the permissions of the run.

    ``aside`` says that stdout is for what other programs read. A run that got a signal undoes nothing.
    """
    if run.stop.signalled:
        return []
    journals = (run.journal_path, *request.journals, log_folder())
    found = audit(journals, WriteFilter(fleet=fleet.desired.fleet, run=harm.run, wave=harm.wave))
    later = later_writes(journals, fleet.desired.fleet, harm.run, found.writes)
    try:
        planned = await fleet.plan_rollback(RunToUndo(harm.run, found.writes, later.writes), request=request)
    except InvalidInputError as error:
        say(f"error: wave {harm.wave} was not undone: {error}")
        return [error.exit_code]
    console = stderr_console() if aside else stdout_console()
    show(text_of(PlanView(planned.plan)), console)
    options = RunOptions(journal=run.journal, commit=run.commit)
    with stop_on_signals(options.stop):
        report = await fleet.apply(planned, options)
    show(text_of(ReportView(report, str(options.journal_path))), console)
    return [exit_codes.of_apply(planned.plan, report, (), named=True)]

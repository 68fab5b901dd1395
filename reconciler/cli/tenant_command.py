"""A command on one tenant: it is planned, shown, asked for, and carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec import Struct

from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.converge import few_tenants
from reconciler.cli.documents import check_outputs, publish, publish_shown
from reconciler.cli.runtime import runtime
from reconciler.cli.signals import stop_on_signals
from reconciler.errors import InvalidInputError
from reconciler.fleet import RunOptions
from reconciler.views.console import show, show_aside, stdout_console
from reconciler.views.formats import TEXT, text_of
from reconciler.views.view import PlanView, ReportView

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.cli.converge import NamedTenants
    from reconciler.cli.flags import AccountFlags, CommandFlags, FilesFlags, OutputFlags
    from reconciler.errors import ExitCode
    from reconciler.fleet import Connection, Fleet, Planned
    from reconciler.plan.commanded import Asked
    from reconciler.plan.outcome import Report


class CommandInput(Struct, frozen=True):
    """What every command on one tenant is given."""

    tenant: str
    files: FilesFlags
    account: AccountFlags
    base: str | None
    command: CommandFlags
    output: OutputFlags
    on_connection: Callable[[str, Connection], None] | None = None
    """Gets the connection whose password was reset."""
    to_registry: bool = False
    """Whether the registry must keep the connection."""
    stdout_is_a_sink: bool = False
    """Whether plan and report go to stderr, because stdout is for the connection string, or for a program."""


def run_command(given: CommandInput, asked: Asked) -> ExitCode:
    """Plans the command, shows the plan, asks, and carries it out.

    ``asked`` makes the command from the tenant and the current time. With ``--dry-run``, and where nothing is to
    be done or everything is refused, the plan is the document on stdout, and nothing is written.
    """
    check_outputs(given.output, PlanView if given.command.dry_run else ReportView)
    few = one_tenant(given.files, given.tenant, given.base)
    options = RunOptions(journal=given.command.journal, commit=few.files.commit())

    async def carry_out(fleet: Fleet) -> tuple[Planned, Report | None]:
        planned = await fleet.plan_command(few.names[0], asked, request=few.request)
        await fleet.require_connection(planned)
        if given.to_registry:
            fleet.require_strings(planned)
        if given.command.dry_run:
            return planned, None
        _show(given, planned)
        if planned.plan.empty:
            return planned, None
        _confirm(yes=given.command.yes)
        with stop_on_signals(options.stop):
            return planned, await fleet.carry_out(planned, options, on_connection=given.on_connection)

    planned, report = with_fleet(given.account, few.desired, carry_out, files=few.files, base=given.base)
    return _published(given, few, planned, report, options)


def one_tenant(files: FilesFlags, tenant: str, base: str | None) -> NamedTenants:
    """Reads its files; '-' stands for the document on stdin. Raises InvalidInputError for several."""
    few = few_tenants(files, (tenant,), base)
    if len(few.names) != 1:
        raise InvalidInputError(f"the command is about one tenant, not {len(few.names)}")
    return few


def _published(
    given: CommandInput, few: NamedTenants, planned: Planned, report: Report | None, options: RunOptions
) -> ExitCode:
    if report is not None:
        publish(given.output, ReportView(report, str(options.journal_path)), aside=given.stdout_is_a_sink)
        return exit_codes.of_apply(planned.plan, report, given.output.fail_on, named=True)
    view = PlanView(planned.plan, few.files.made(given.base, planned.at))
    if given.command.dry_run:
        publish(given.output, view)
    else:
        publish_shown(given.output, view, aside=given.stdout_is_a_sink)
    return exit_codes.of_command(planned.plan)


def _show(given: CommandInput, planned: Planned) -> None:
    """The plan. Beside a report that other programs read, or a connection string, it goes to stderr."""
    aside = given.stdout_is_a_sink or given.output.format != TEXT
    shown = text_of(PlanView(planned.plan), full=given.output.full)
    if aside:
        show_aside(shown)
    else:
        show(shown, stdout_console())


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not runtime().interactive:
        raise InvalidInputError("the command needs confirmation, and stdin is not a terminal", hint="pass --yes")
    click.confirm("Do this?", abort=True, err=True)

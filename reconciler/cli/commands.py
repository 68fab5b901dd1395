"""What can be typed: every command on a fleet with its flags, an example and its exit codes.

The module that carries a command out is imported when it runs, so that help and usage errors are fast.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.command_help import LOCAL, OUTPUT, PERMITTED, DescribedCommand, DescribedGroup, flag
from reconciler.cli.options import (
    account_options,
    base_option,
    directory_option,
    earlier_runs_options,
    expect_empty_option,
    fail_on_option,
    files_options,
    journal_option,
    output_options,
    permission_options,
    run_options,
    scope_options,
)
from reconciler.cli.runtime import runtime
from reconciler.errors import ExitCode
from reconciler.views.view import DriftView, PlanView, ProblemsView, ReportView

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.cli.options import Decorator

_READ: Final = (*LOCAL, ExitCode.DENIED, ExitCode.REFUSED, ExitCode.INCOMPLETE_VIEW)
_WRITE: Final = (*_READ, ExitCode.PARTLY_APPLIED)

_tenants: Final = click.argument("tenants", nargs=-1, required=True, metavar="TENANT... | -")


def _plan_file(*, required: bool) -> Decorator:
    path = click.Path(dir_okay=False, path_type=Path)
    metavar = "PLANFILE" if required else "[PLANFILE]"
    return click.argument("saved_plan", required=required, type=path, metavar=metavar)


def _connections_option(**more: Any) -> Decorator:
    return flag(
        OUTPUT,
        "--connections-to",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Append the connection strings to FILE: JSON lines that only you can read.",
        **more,
    )


def _command(
    name: str, help_text: str, example: str, codes: tuple[ExitCode, ...], *flags: Decorator
) -> click.Command:
    """A command that ``run`` in ``reconciler.cli.<name>`` carries out."""

    def callback(**arguments: Any) -> Any:
        runtime()  # takes the environment of the process before anything else is imported
        return import_module(f"reconciler.cli.{name.replace('-', '_')}").run(**arguments)

    decorated: Callable[..., Any] = callback
    for option in reversed(flags):
        decorated = option(decorated)
    declare = click.command(name, cls=DescribedCommand, help=help_text, example=example, exit_codes=codes)
    command: click.Command = declare(decorated)
    return command


VALIDATE: Final = _command(
    "validate",
    "Check every file and report every problem at once, as FILE:LINE:COLUMN: MESSAGE. Needs no key.",
    "reconciler validate -C fleet",
    LOCAL,
    directory_option,
    output_options(ProblemsView),
)

PLAN: Final = _command(
    "plan",
    "Show what apply would do, and what it would refuse. Writes nothing.",
    "reconciler plan --base applied --tier free",
    (*_READ, ExitCode.CHANGES),
    files_options,
    account_options,
    scope_options,
    permission_options,
    earlier_runs_options,
    output_options(PlanView, fail_on_option),
    flag(
        OUTPUT,
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Save the plan to FILE: `apply FILE` does nothing that is not in it.",
    ),
    flag(OUTPUT, "--detailed-exitcode", is_flag=True, help="Exit with 2 if there is something to do."),
)

SHOW: Final = _command(
    "show",
    "Show a plan that `plan --out` saved. Needs no key and makes no call.",
    "reconciler show plan.json --full",
    LOCAL,
    _plan_file(required=True),
    output_options(PlanView),
)

APPLY: Final = _command(
    "apply",
    """Plan, show the plan, ask, and change the live fleet to match the files.

    With PLANFILE, saved by `plan --out`: only tenants whose new plan holds nothing that the saved plan lacks. The
    other tenants are stale and stay as they are.
    """,
    "reconciler apply --base applied --advance applied --yes",
    (*_WRITE, ExitCode.STALE),
    _plan_file(required=False),
    files_options,
    account_options,
    scope_options,
    permission_options,
    earlier_runs_options,
    run_options,
    output_options(ReportView, fail_on_option),
)

DRIFT: Final = _command(
    "drift",
    "Show where the live fleet differs from the files; exit with 2 if it does. Writes nothing.",
    "reconciler drift --format markdown",
    (*_READ, ExitCode.CHANGES),
    files_options,
    account_options,
    scope_options,
    expect_empty_option,
    output_options(DriftView, fail_on_option),
)

CONVERGE: Final = _command(
    "converge",
    """Change a few tenants to match the files, within seconds.

    '-' reads tenants from stdin, as JSON lines or YAML.
    Never lists the fleet: at most 5 calls for a sign-up and 8 for an upgrade, polls of operations aside.
    Does not ask. Text on stdin is not a commit: a reduction needs --allow lowering.
    """,
    "reconciler converge acme --connections-to acme.jsonl",
    _WRITE,
    _tenants,
    files_options,
    account_options,
    base_option,
    earlier_runs_options,
    flag(
        PERMITTED,
        "--allow",
        multiple=True,
        metavar="WHAT",
        help="Permit 'lowering' (a downgrade or a smaller limit), or 'deletes=N'.",
    ),
    flag(
        PERMITTED,
        "--single-writer",
        is_flag=True,
        help="State that nothing else creates these tenants: connection strings come without a wait.",
    ),
    _connections_option(),
    journal_option,
    output_options(ReportView, fail_on_option),
)

CONNECTION_STRING: Final = _command(
    "connection-string",
    """Write the connection strings of a few tenants again.

    '-' reads tenants from stdin, as converge does.
    Writes nothing to Neon. Writes no string unless it is certain which project is the tenant's.
    """,
    "reconciler connection-string acme --pooled --connections-to acme.jsonl",
    _READ,
    _tenants,
    files_options,
    account_options,
    base_option,
    flag(OUTPUT, "--pooled", is_flag=True, help="Connection strings of Neon's connection pooler."),
    _connections_option(required=True),
)


@click.group("registry", cls=DescribedGroup)
def registry() -> None:
    """The tenant registry that tiers.yaml names: a row for each tenant, written before its project is created."""


registry.add_command(
    _command(
        "rebuild",
        "Fill the registry from live: by pins and annotations, and by names of tenants that --base declares.",
        "reconciler registry rebuild --base applied",
        _READ,
        files_options,
        account_options,
        base_option,
    )
)

DECLARED: Final = {
    command.name: command
    for command in (VALIDATE, PLAN, SHOW, APPLY, DRIFT, CONVERGE, CONNECTION_STRING, registry)
}

"""The commands that plan and apply: each with its flags, an example and its exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.command_help import FILE, LOCAL, LOOK_AT, OUTPUT, PERMITTED, flag
from reconciler.cli.declaring import READ, WRITE, by_name, declare
from reconciler.cli.options import (
    account_options,
    base_option,
    command_options,
    depth_option,
    directory_option,
    earlier_runs_options,
    expect_empty_option,
    files_options,
    max_calls_option,
    only_journals_option,
    permission_options,
    run_options,
    scope_options,
    tenant_option,
)
from reconciler.cli.output_options import (
    events_option,
    fail_on_option,
    notify_options,
    output_options,
    telemetry_options,
)
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.cli.command_help import Decorator


def _plan_file(*, required: bool) -> Decorator:
    metavar = "PLANFILE" if required else "[PLANFILE]"
    return click.argument("saved_plan", required=required, type=FILE, metavar=metavar)


PLAN: Final = declare(
    "plan",
    "Show what apply would do, and what it would refuse. Writes nothing.",
    "reconciler plan --base applied --tier free",
    (*READ, ExitCode.CHANGES),
    files_options,
    account_options,
    scope_options,
    permission_options,
    earlier_runs_options,
    max_calls_option,
    telemetry_options,
    output_options("PlanView", fail_on_option),
    flag(
        OUTPUT,
        "--out",
        type=FILE,
        metavar="FILE",
        help="Save the plan to FILE: `apply FILE` does nothing that is not in it.",
    ),
    flag(
        OUTPUT,
        "--cost",
        is_flag=True,
        help="Also read what the tenants with changes used last month, and say what that costs before and after.",
    ),
    flag(OUTPUT, "--detailed-exitcode", is_flag=True, help="Exit with 2 if there is something to do."),
    flag(
        LOOK_AT,
        "--live",
        type=FILE,
        metavar="FILE",
        help="Plan with the live state that `observe` recorded in FILE: needs no key, and makes no call.",
    ),
    flag(
        LOOK_AT,
        "--max-age",
        metavar="TIME",
        default="1h",
        show_default=True,
        help="The greatest age of the recorded live state.",
    ),
)

OBSERVE: Final = declare(
    "observe",
    """Record the live state of the fleet in a file: `plan --live FILE` plans with it, without a key.

    Writes nothing to the account. FILE contains names, limits, sizes and annotations; no key, and no connection
    string. For a fleet of more than 100 tenants, --depth deep reads what a change of any tenant needs.
    """,
    "reconciler observe --base applied --out live.json.gz",
    READ,
    files_options,
    account_options,
    base_option,
    depth_option,
    flag(
        OUTPUT,
        "--out",
        required=True,
        type=FILE,
        metavar="FILE",
        help="Where to write it: JSON, compressed by gzip.",
    ),
)

DIFF: Final = declare(
    "diff",
    """Show what a change of the files asks for, from BASE to the files in the folder, or to HEAD.

    Compares with the merge base, as a pull request does. Assumes that BASE is applied: needs no key, and makes
    no call.
    """,
    "reconciler diff origin/main",
    (*LOCAL, ExitCode.REFUSED, ExitCode.CHANGES),
    click.argument("base"),
    click.argument("head", required=False),
    directory_option,
    flag(OUTPUT, "--detailed-exitcode", is_flag=True, help="Exit with 2 if a project changes."),
    output_options("DiffView"),
)

SHOW: Final = declare(
    "show",
    "Show a plan that `plan --out` saved. Needs no key and makes no call.",
    "reconciler show plan.json --full",
    LOCAL,
    _plan_file(required=True),
    output_options("PlanView"),
)

APPLY: Final = declare(
    "apply",
    """Plan, show the plan, ask, and change the live fleet to match the files.

    With PLANFILE, saved by `plan --out`: only tenants whose new plan holds nothing that the saved plan lacks. The
    other tenants are stale and stay as they are.
    """,
    "reconciler apply --base applied --advance applied --yes",
    (*WRITE, ExitCode.STALE),
    _plan_file(required=False),
    files_options,
    account_options,
    scope_options,
    permission_options,
    earlier_runs_options,
    run_options,
    events_option,
    notify_options,
    max_calls_option,
    telemetry_options,
    output_options("ReportView", fail_on_option),
)

DRIFT: Final = declare(
    "drift",
    "Show where the live fleet differs from the files; exit with 2 if it does. Writes nothing.",
    "reconciler drift --format markdown",
    (*READ, ExitCode.CHANGES),
    files_options,
    account_options,
    scope_options,
    expect_empty_option,
    notify_options,
    max_calls_option,
    telemetry_options,
    output_options("DriftView", fail_on_option),
)

ROLLBACK: Final = declare(
    "rollback",
    """Undo a run: restore the values that its journal recorded before each write.

    RUN is the id of the run, as its report and `reconciler audit` show it. Shows the plan and asks. A value that
    somebody has changed since stays, and so does what no call can undo, such as a deletion: both are listed.
    What the run created is deleted only with --allow deletes=N. Afterwards, revert the change of the files.
    """,
    "reconciler rollback 4f2c1a09 --dry-run",
    WRITE,
    click.argument("run_id", metavar="RUN"),
    files_options,
    account_options,
    base_option,
    tenant_option,
    flag(
        LOOK_AT,
        "--wave",
        type=click.IntRange(min=1),
        metavar="N",
        help="Only the tenants of this wave of the run.",
    ),
    only_journals_option,
    flag(
        PERMITTED,
        "--allow",
        multiple=True,
        metavar="WHAT",
        help="Permit 'lowering' (losses), the number of deletions (deletes=N), or a number above a threshold.",
    ),
    flag(PERMITTED, "--strict", is_flag=True, help="Change nothing if anything is refused."),
    command_options,
    events_option,
    telemetry_options,
    output_options("PlanView", fail_on_option),
)

DECLARED: Final = by_name(PLAN, DIFF, OBSERVE, SHOW, APPLY, ROLLBACK, DRIFT)

"""What can be typed: the commands on a fleet, each with its flags, an example and its exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.command_help import LOCAL, LOOK_AT, OUTPUT, PERMITTED, DescribedGroup, flag
from reconciler.cli.declaring import READ, WRITE, declare
from reconciler.cli.options import (
    account_options,
    base_option,
    command_options,
    depth_option,
    directory_option,
    earlier_runs_options,
    events_option,
    expect_empty_option,
    fail_on_option,
    files_options,
    listed_tenants_options,
    max_calls_option,
    notify_options,
    output_options,
    permission_options,
    run_options,
    scope_options,
    telemetry_options,
    tenants_options,
)
from reconciler.cli.tenant_commands import TENANT_COMMANDS
from reconciler.errors import ExitCode
from reconciler.views.view import (
    AuditView,
    CostView,
    DiffView,
    DriftView,
    PlanView,
    ProblemsView,
    RegistryView,
    ReportView,
    RowChangesView,
    UsageView,
)

if TYPE_CHECKING:
    from reconciler.cli.options import Decorator


def _plan_file(*, required: bool) -> Decorator:
    path = click.Path(dir_okay=False, path_type=Path)
    metavar = "PLANFILE" if required else "[PLANFILE]"
    return click.argument("saved_plan", required=required, type=path, metavar=metavar)


VALIDATE: Final = declare(
    "validate",
    "Check every file and report every problem at once, as FILE:LINE:COLUMN: MESSAGE. Needs no key.",
    "reconciler validate -C fleet",
    LOCAL,
    directory_option,
    output_options(ProblemsView),
)

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
    output_options(PlanView, fail_on_option),
    flag(
        OUTPUT,
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
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
        type=click.Path(dir_okay=False, path_type=Path),
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
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Where to write it: JSON, compressed by gzip.",
    ),
)

DIFF: Final = declare(
    "diff",
    """Show what a change of the files asks for, from BASE to the files in the folder, or to HEAD.

    Compares with the commit where both parted, as a pull request does. Takes BASE as applied: needs no key, and
    makes no call.
    """,
    "reconciler diff origin/main",
    (*LOCAL, ExitCode.REFUSED, ExitCode.CHANGES),
    click.argument("base"),
    click.argument("head", required=False),
    directory_option,
    flag(OUTPUT, "--detailed-exitcode", is_flag=True, help="Exit with 2 if a project changes."),
    output_options(DiffView),
)

SHOW: Final = declare(
    "show",
    "Show a plan that `plan --out` saved. Needs no key and makes no call.",
    "reconciler show plan.json --full",
    LOCAL,
    _plan_file(required=True),
    output_options(PlanView),
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
    output_options(ReportView, fail_on_option),
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
    output_options(DriftView, fail_on_option),
)

USAGE: Final = declare(
    "usage",
    """Show what the tenants use of their quotas, and who is near a limit; exit with 2 if a threshold is crossed.

    Writes nothing, and wakes no compute. The thresholds are those of the tiers: 80% and 95% by default.
    """,
    "reconciler usage --above 80 --format json",
    (*READ, ExitCode.CHANGES),
    files_options,
    account_options,
    tenants_options,
    expect_empty_option,
    flag(
        LOOK_AT,
        "--above",
        type=click.IntRange(1, 100),
        metavar="PERCENT",
        help="Only tenants above this share of a quota, which replaces the thresholds of the tiers.",
    ),
    flag(
        OUTPUT,
        "--watch",
        metavar="INTERVAL",
        help="Read again after each interval, for example 15m.",
    ),
    flag(
        OUTPUT,
        "--rounds",
        type=click.IntRange(min=1),
        metavar="N",
        help="With --watch: end after N readings.",
    ),
    notify_options,
    telemetry_options,
    output_options(UsageView),
)

COST: Final = declare(
    "cost",
    """Show what a month costs: each organization, tier and tenant, at the prices of tiers.yaml.

    Writes nothing, and wakes no compute. Reads the consumption history of 100 projects in a call. A sponsored
    organization costs nothing, and is read if --organization names it.
    """,
    "reconciler cost --month 2026-10 --output october.csv",
    READ,
    files_options,
    account_options,
    listed_tenants_options,
    expect_empty_option,
    flag(
        LOOK_AT,
        "--month",
        metavar="YYYY-MM",
        help="A month within the last year (UTC).  [default: this month, as far as it is over]",
    ),
    flag(LOOK_AT, "--organization", multiple=True, metavar="NAME", help="Only this organization."),
    output_options(CostView),
)


_passwords: Final = flag(
    LOOK_AT,
    "--passwords",
    is_flag=True,
    help="Also compare kept connection strings with Neon's: one call for each row.",
)


@click.group("registry", cls=DescribedGroup)
def registry() -> None:
    """The tenant registry that tiers.yaml names: a row for each tenant, written before its project is created."""


for registry_command in (
    declare(
        "show",
        "Show the rows of the registry, also those of deleted projects. Makes no call to Neon.",
        "reconciler registry show 'acme*' --format json",
        READ,
        click.argument("names", nargs=-1, metavar="[TENANT]..."),
        files_options,
        account_options,
        base_option,
        output_options(RegistryView),
        module="registry",
    ),
    declare(
        "verify",
        "Compare the registry with live, and exit with 2 if a rebuild would change a row. Writes nothing.",
        "reconciler registry verify --base applied",
        (*READ, ExitCode.CHANGES),
        files_options,
        account_options,
        base_option,
        _passwords,
        output_options(RowChangesView),
        module="registry",
    ),
    declare(
        "rebuild",
        "Fill the registry from live: by pins and annotations, and by names of tenants that --base declares.",
        "reconciler registry rebuild --base applied",
        READ,
        files_options,
        account_options,
        base_option,
        _passwords,
        output_options(RowChangesView),
        module="registry",
    ),
):
    registry.add_command(registry_command)


AUDIT: Final = declare(
    "audit",
    """Show who changed what, when and why, from the journals of earlier runs. Makes no call, and needs no key
    without --registry.

    TENANT is a name or a glob; without one, all tenants. Reads the user's log folder, or what --journals names:
    the artifacts of CI jobs.
    """,
    "reconciler audit acme --since 90d --journals artifacts/",
    (*LOCAL, ExitCode.DENIED, ExitCode.REFUSED),
    click.argument("tenants", nargs=-1, metavar="[TENANT]..."),
    flag(LOOK_AT, "--since", metavar="TIME", help="Not older than this: 90d, or 2031-01-30."),
    flag(LOOK_AT, "--fleet", metavar="NAME", help="Only runs on this fleet."),
    flag(
        LOOK_AT,
        "--journals",
        multiple=True,
        type=click.Path(exists=True, path_type=Path),
        metavar="PATH",
        help="This journal, or all journals below this folder.  [default: the user's log folder]",
    ),
    flag(
        LOOK_AT,
        "--registry",
        is_flag=True,
        help="Also show which run claimed each tenant of the registry whose journal is not here.",
    ),
    files_options,
    account_options,
    base_option,
    output_options(AuditView),
)

ROLLBACK: Final = declare(
    "rollback",
    """Take a run back: the values that its journal recorded before each write.

    RUN is the id of the run, as its report and `reconciler audit` show it. Shows the plan and asks. A value that
    somebody has changed since stays, and so does what no call takes back, such as a deletion: both are listed.
    What the run created is deleted only with --allow deletes=N. Afterwards, revert the change of the files.
    """,
    "reconciler rollback 4f2c1a09 --dry-run",
    WRITE,
    click.argument("run_id", metavar="RUN"),
    files_options,
    account_options,
    base_option,
    flag(LOOK_AT, "--tenant", multiple=True, metavar="GLOB", help="Only these tenants."),
    flag(
        LOOK_AT,
        "--wave",
        type=click.IntRange(min=1),
        metavar="N",
        help="Only the tenants of this wave of the run.",
    ),
    flag(
        LOOK_AT,
        "--journals",
        multiple=True,
        type=click.Path(exists=True, path_type=Path),
        metavar="PATH",
        help="This journal, or all journals below this folder.  [default: the user's log folder]",
    ),
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
    output_options(PlanView, fail_on_option),
)


@click.group("policy", cls=DescribedGroup)
def policy() -> None:
    """Policies of your own, in policies/: what a plan may do beyond the guards (docs/policies.md)."""


policy.add_command(
    declare(
        "test",
        "Try the examples of policies: values for their variables, and whether they violate the policy.",
        "reconciler policy test -C fleet",
        LOCAL,
        click.argument("policies", nargs=-1, metavar="[POLICY]..."),
        directory_option,
        output_options(ProblemsView),
        module="policy",
    )
)

_name: Final = flag(
    OUTPUT,
    "--name",
    default="fleet",
    show_default=True,
    metavar="NAME",
    help="Tells the fleets of a repository apart.",
)
_text: Final = click.argument("text", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
_pull_request: Final = flag(
    LOOK_AT, "--number", type=int, metavar="N", help="The pull request.  [default: of the workflow]"
)
_commit: Final = flag(
    OUTPUT, "--commit", metavar="HASH", help="The commit that the text is about: the first line names it."
)


@click.group("report", cls=DescribedGroup)
def report() -> None:
    """What runs did, once more."""


report.add_command(
    declare(
        "merge",
        """Show the reports of the shards of one apply as one report. Needs no key, and makes no call.

        FILE is what `apply --shard I/N --output FILE.json` wrote. Ends as the weightiest of the runs did, and with
        1 if the report of a shard is missing.
        """,
        "reconciler report merge shards/*.json --output report.html",
        (*LOCAL, ExitCode.DENIED, ExitCode.PARTLY_APPLIED, ExitCode.STALE),
        click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."),
        output_options(ReportView),
        module="report",
    )
)


@click.group("github", cls=DescribedGroup)
def github() -> None:
    """Comments, issues and labels on GitHub, from a workflow: one of each for a fleet, changed in place.

    Reads GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_REF, as GitHub Actions sets them.
    """


for github_command in (
    declare(
        "comment",
        "Write a file into the fleet's one comment on the pull request: change the comment, or create it.",
        "reconciler github comment plan.md",
        LOCAL,
        _text,
        _name,
        _pull_request,
        _commit,
        module="github",
    ),
    declare(
        "issue",
        "Write a file into the fleet's one open issue, or close the issue.",
        "reconciler github issue drift.md",
        LOCAL,
        click.argument("text", required=False, type=click.Path(dir_okay=False, path_type=Path), metavar="[FILE]"),
        _name,
        flag(
            OUTPUT,
            "--title",
            default="Drift: the live fleet differs from the files",
            show_default=True,
            metavar="TEXT",
            help="The title of the issue.",
        ),
        flag(OUTPUT, "--close", is_flag=True, help="Close the issue, if one is open."),
        module="github",
    ),
    declare(
        "label",
        "Put a label on the pull request, or take it away. GitHub makes a label that the repository lacks.",
        "reconciler github label 'fleet: destructive'",
        LOCAL,
        click.argument("name", metavar="LABEL"),
        flag(OUTPUT, "--remove", is_flag=True, help="Take the label away, if it is there."),
        _pull_request,
        module="github",
    ),
):
    github.add_command(github_command)


@click.group("gitlab", cls=DescribedGroup)
def gitlab() -> None:
    """One note for a fleet on a merge request on GitLab, changed in place.

    Reads CI_API_V4_URL, CI_PROJECT_ID and CI_MERGE_REQUEST_IID, as GitLab sets them, and GITLAB_TOKEN: a token
    of the project with the scope api.
    """


gitlab.add_command(
    declare(
        "note",
        "Write a file into the fleet's one note on the merge request: change the note, or create it.",
        "reconciler gitlab note plan.md",
        LOCAL,
        _text,
        _name,
        flag(LOOK_AT, "--number", type=int, metavar="N", help="The merge request.  [default: of the pipeline]"),
        _commit,
        module="gitlab",
    )
)

DECLARED: Final = {
    command.name: command
    for command in (
        *(VALIDATE, PLAN, DIFF, OBSERVE, SHOW, APPLY, ROLLBACK, DRIFT),
        *(USAGE, COST, AUDIT, registry, policy, report, github, gitlab),
        *TENANT_COMMANDS,
    )
}

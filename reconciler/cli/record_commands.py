"""The commands about records, and for the workflows of CI: with their flags, examples and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from reconciler.cli.command_help import FILE, LOCAL, LOOK_AT, OUTPUT, flag
from reconciler.cli.declaring import READ, by_name, declare, declare_group
from reconciler.cli.options import account_options, base_option, files_options, only_journals_option
from reconciler.cli.output_options import output_options
from reconciler.errors import ExitCode

_passwords: Final = flag(
    LOOK_AT,
    "--passwords",
    is_flag=True,
    help="Also compare kept connection strings with Neon's: one call for each row.",
)


REGISTRY: Final = declare_group(
    "registry",
    "The tenant registry that tiers.yaml names: a row for each tenant, written before its project is created.",
    declare(
        "show",
        "Show the rows of the registry, also those of deleted projects. Makes no call to Neon.",
        "reconciler registry show 'acme*' --format json",
        READ,
        click.argument("names", nargs=-1, metavar="[TENANT]..."),
        files_options,
        account_options,
        base_option,
        output_options("RegistryView"),
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
        output_options("RowChangesView"),
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
        output_options("RowChangesView"),
        module="registry",
    ),
)

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
    only_journals_option,
    flag(
        LOOK_AT,
        "--registry",
        is_flag=True,
        help="Also show the registry's claims by runs whose journals are not here.",
    ),
    files_options,
    account_options,
    base_option,
    output_options("AuditView"),
)

_name: Final = flag(
    OUTPUT,
    "--name",
    default="fleet",
    show_default=True,
    metavar="NAME",
    help="Identifies the fleet among those of the repository.",
)
_text: Final = click.argument("text", type=FILE, metavar="FILE")
_pull_request: Final = flag(
    LOOK_AT, "--number", type=int, metavar="N", help="The pull request.  [default: of the workflow]"
)
_commit: Final = flag(
    OUTPUT, "--commit", metavar="HASH", help="The commit that the text is about: the first line names it."
)


REPORT: Final = declare_group(
    "report",
    "The reports of earlier runs.",
    declare(
        "merge",
        """Show the reports of the shards of one apply as one report. Needs no key, and makes no call.

        FILE is what `apply --shard I/N --output FILE.json` wrote. Ends as the weightiest of the runs did, and with
        1 if the report of a shard is missing.
        """,
        "reconciler report merge shards/*.json --output report.html",
        (*LOCAL, ExitCode.DENIED, ExitCode.PARTLY_APPLIED, ExitCode.STALE),
        click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."),
        output_options("ReportView"),
        module="report",
    ),
)


GITHUB: Final = declare_group(
    "github",
    """Comments, issues and labels on GitHub, from a workflow: one of each for a fleet, changed in place.

    Reads GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_REF, as GitHub Actions sets them.
    """,
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
        click.argument("text", required=False, type=FILE, metavar="[FILE]"),
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
        "Add a label to the pull request, or remove it. GitHub creates a label that the repository lacks.",
        "reconciler github label 'fleet: destructive'",
        LOCAL,
        click.argument("name", metavar="LABEL"),
        flag(OUTPUT, "--remove", is_flag=True, help="Remove the label, if it is there."),
        _pull_request,
        module="github",
    ),
)


GITLAB: Final = declare_group(
    "gitlab",
    """One note for a fleet on a merge request on GitLab, changed in place.

    Reads CI_API_V4_URL, CI_PROJECT_ID and CI_MERGE_REQUEST_IID, as GitLab sets them, and GITLAB_TOKEN: a token
    of the project with the scope api.
    """,
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
    ),
)

DECLARED: Final = by_name(AUDIT, REGISTRY, REPORT, GITHUB, GITLAB)

"""The commands on one tenant, or a few: each with its flags, an example and its exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.command_help import LOOK_AT, OUTPUT, PERMITTED, RUNNING, Choice, flag
from reconciler.cli.declaring import READ, WRITE, by_name, declare, declare_group
from reconciler.cli.options import (
    account_options,
    base_option,
    branch_and_database_options,
    command_options,
    dump_options,
    earlier_runs_options,
    files_options,
)
from reconciler.cli.output_options import (
    events_option,
    fail_on_option,
    journal_option,
    new_project_sinks,
    output_options,
    sink_options,
    telemetry_options,
)

if TYPE_CHECKING:
    from reconciler.cli.command_help import Decorator
    from reconciler.cli.declaring import DeclaredCommand

_tenants: Final = click.argument("tenants", nargs=-1, required=True, metavar="TENANT... | -")
_tenant: Final = click.argument("tenant", metavar="TENANT")
_tenant_or_document: Final = click.argument("tenant", metavar="TENANT | -")

CONVERGE: Final = declare(
    "converge",
    """Change a few tenants to match the files, within seconds.

    '-' reads tenants from stdin, as JSON lines or YAML.
    Never lists the fleet: at most 5 calls for a sign-up and 8 for an upgrade, polls aside.
    Does not ask. Text on stdin is not a commit: a reduction needs --allow lowering.
    """,
    "reconciler converge acme --connections-to acme.jsonl",
    WRITE,
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
    *dump_options,
    new_project_sinks,
    journal_option,
    events_option,
    telemetry_options,
    output_options("ReportView", fail_on_option),
)

CONNECTIONS: Final = declare(
    "connections",
    """Read the connection strings of a few tenants, and write them to the sinks that you name.

    '-' reads tenants from stdin, as converge does. Strings are pooled, or direct with --direct; JSON lines
    have both.
    With -- COMMAND, runs a program with DATABASE_URL and libpq's variables in its environment, and ends with its
    exit code.
    Writes nothing to Neon. Gives no string unless it is certain which project is the tenant's.
    """,
    "reconciler connections acme -- psql",
    READ,
    _tenants,
    files_options,
    account_options,
    base_option,
    *branch_and_database_options,
    flag(LOOK_AT, "--role", metavar="ROLE", help="Name of a role.  [default: as in the files]"),
    flag(LOOK_AT, "--from-registry", is_flag=True, help="Read the registry instead of Neon."),
    sink_options,
    flag(
        OUTPUT,
        "--format",
        "output_format",
        type=Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="What --reveal prints: the strings, or JSON lines.",
    ),
    runs_child=True,
)

RESTORE: Final = declare(
    "restore",
    """Restore a tenant's default branch to an earlier state.

    Shows what is lost, kept and changed, and asks. The current state stays as another branch, to which a later
    restore can return. --preview makes a branch of the earlier state to look at, until --finalize or --discard.
    """,
    "reconciler restore acme --to 2h --preview",
    WRITE,
    _tenant_or_document,
    files_options,
    account_options,
    base_option,
    flag(RUNNING, "--to", metavar="WHEN", help="A moment such as 2031-11-05T14:00:00Z, or how long ago: 2h."),
    flag(RUNNING, "--snapshot", metavar="NAME", help="A snapshot, by its name or its id."),
    flag(RUNNING, "--preview", is_flag=True, help="Make a branch of that state instead, with a compute."),
    flag(RUNNING, "--finalize", is_flag=True, help="Restore the state that the preview shows."),
    flag(RUNNING, "--discard", is_flag=True, help="Delete the preview."),
    flag(RUNNING, "--again", is_flag=True, help="Repeat a restore that was already done."),
    command_options,
    output_options("ReportView"),
)

HISTORY: Final = declare(
    "history",
    "List the moments that a tenant can be restored to: restore window, snapshots, old branches, previews.",
    "reconciler history acme",
    READ,
    _tenant_or_document,
    files_options,
    account_options,
    base_option,
    output_options("HistoryView"),
)

_reason: Final = flag(RUNNING, "--reason", metavar="TEXT", help="Why, for the file and for every plan.")
_until: Final = flag(RUNNING, "--until", metavar="END", help="When it ends: 7d from now, or 2030-01-31T12:00:00Z.")


def _editing(name: str, help_text: str, example: str, *flags: Decorator) -> DeclaredCommand:
    """A command that edits a tenant's file, and converges the tenant."""
    return declare(
        name,
        f"""{help_text}

    Edits the tenant's file in place: comments and all other lines stay. Shows the plan of the tenant and asks,
    writes the file, and converges the tenant within seconds. The edit is the cause of its own change; nothing is
    written if a guard refuses it. Commit the file afterwards.
    """,
        example,
        WRITE,
        _tenant,
        *flags,
        files_options,
        account_options,
        base_option,
        flag(RUNNING, "--no-apply", is_flag=True, help="Only edit the file. Needs no key."),
        command_options,
        output_options("ReportView", fail_on_option),
        module="tenant_edit",
    )


SUSPEND: Final = _editing(
    "suspend",
    "Suspend a tenant: its quota goes to Neon's minimum, and its computes are suspended.",
    'reconciler suspend acme --reason "payment is overdue"',
    flag(RUNNING, "--reason", required=True, metavar="TEXT", help="Why, for the file and for every plan."),
)
RESUME: Final = _editing("resume", "End the suspension of a tenant.", "reconciler resume acme")
BOOST: Final = _editing(
    "boost",
    """Raise limits of a tenant until an end; after it, the next apply removes them.

    A limit is quota.MEMBER=VALUE or compute.MEMBER=VALUE, as in the files.
    """,
    "reconciler boost acme quota.active_time=unlimited --until 7d",
    click.argument("raises", nargs=-1, required=True, metavar="LIMIT=VALUE..."),
    flag(
        RUNNING,
        "--until",
        required=True,
        metavar="END",
        help="When it ends: 7d from now, or 2030-01-31T12:00:00Z.",
    ),
    _reason,
)
HOLD: Final = _editing(
    "hold",
    "Leave a tenant alone: no run changes anything of it until the hold ends.",
    'reconciler hold acme --until 7d --reason "a dispute"',
    _until,
    _reason,
    flag(RUNNING, "--end", is_flag=True, help="End the hold."),
)

ROTATE: Final = declare(
    "rotate",
    """Set a new password for a role of one tenant, and write the connection to the sinks that you name.

    Shows what stops working, and asks. Only the sinks get the new password; `reconciler connections`
    reads it again. With -- COMMAND, runs a program with it, as `connections` does.
    """,
    "reconciler rotate acme --role neondb_owner --dotenv .env",
    WRITE,
    _tenant_or_document,
    files_options,
    account_options,
    base_option,
    *branch_and_database_options,
    flag(LOOK_AT, "--role", required=True, metavar="ROLE", help="Name of the role."),
    command_options,
    sink_options,
    output_options("ReportView"),
    runs_child=True,
)


BRANCH: Final = declare_group(
    "branch",
    "The development branches of one tenant.",
    declare(
        "reset",
        """Reset a branch of a tenant to the current data of its parent. Asks before.

    What was written to the branch is lost. Its id and its computes stay; connections drop. In files, a number does
    the same: dev_branches: [{name: preview, reset: 3}].
    """,
        "reconciler branch reset acme preview",
        WRITE,
        _tenant_or_document,
        click.argument("branch"),
        files_options,
        account_options,
        base_option,
        command_options,
        output_options("ReportView"),
    ),
)

DECLARED: Final = by_name(CONVERGE, CONNECTIONS, RESTORE, HISTORY, SUSPEND, RESUME, BOOST, HOLD, ROTATE, BRANCH)

"""Options that several commands share: what to look at, which account, what is permitted, how to apply."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.command_help import ACCOUNT, FILE, LOOK_AT, PERMITTED, RUNNING, Choice, flag, packed
from reconciler.cli.output_options import journal_option

if TYPE_CHECKING:
    from reconciler.cli.command_help import Decorator

CONCERNS: Final = (
    "project",
    "quota",
    "compute",
    "restore_window",
    "settings",
    "protected",
    "organization",
    "dev_branches",
    "databases",
    "snapshots",
)
"""As in ``plan.concerns``, whose import would make help slow; a test compares them."""
THRESHOLDS: Final = ("creates", "transfers", "disruptive", "deletes")
"""As in ``plan.guards.counted``."""
DEPTHS: Final = ("list", "declared", "deep")
"""As in ``desired.selection``."""


def _folder(context: click.Context, parameter: click.Parameter, folder: Path) -> Path:
    """The folder; without the flag, the current folder, or the nearest one above it that has a tiers.yaml.

    Raises FileNotFoundError if it is relative to a current folder that was deleted.
    """
    if folder.is_absolute():
        return folder
    here = Path.cwd()
    stated = context.get_parameter_source(parameter.name or "") is not click.core.ParameterSource.DEFAULT
    if stated or os.path.lexists(folder / "tiers.yaml"):
        return folder
    from reconciler.files.root import fleet_folder  # noqa: PLC0415 - only for a folder below that of the fleet
    from reconciler.views.console import say  # noqa: PLC0415

    above = fleet_folder(here)
    if above is None:
        return folder
    say(f"using {above}/tiers.yaml, in the folder {os.path.realpath(above)}")
    return above


directory_option = flag(
    LOOK_AT,
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    callback=_folder,
    help="Folder with tiers.yaml and tenants/.  [default: the current one, or the nearest above it that has them]",
)

files_options = packed(
    "files",
    directory_option,
    flag(
        LOOK_AT,
        "--on-invalid",
        type=Choice(["fail", "skip"]),
        default="fail",
        show_default=True,
        help="If the file of a tenant is invalid: end the run, or skip that tenant.",
    ),
    flag(
        LOOK_AT,
        "--ref",
        metavar="REF",
        help="Refuse to run (exit 5) unless the files are those of the last commit of this branch.",
    ),
)

account_options = packed(
    "account",
    flag(
        ACCOUNT,
        "--simulator",
        type=FILE,
        metavar="FILE",
        help="Use the Neon simulator, with its state in FILE: no account, no key, no waiting.",
    ),
    flag(
        ACCOUNT,
        "--postgres",
        is_flag=True,
        help="With --simulator: every branch is a real PostgreSQL database, in a folder beside FILE.",
    ),
    flag(ACCOUNT, "--api-host", metavar="URL", help="Base URL of the API.  [env: NEON_API_HOST]"),
    flag(
        ACCOUNT,
        "--trust-files",
        is_flag=True,
        help="Send keys where tiers.yaml says, even if the base says otherwise. For the owner of the keys.",
    ),
)

base_option = flag(
    LOOK_AT,
    "--base",
    metavar="REF",
    help="The commit that was applied last, or 'none'.  [default: HEAD if files are edited, otherwise its parent]",
)

depth_option: Final = flag(
    LOOK_AT,
    "--depth",
    type=Choice(DEPTHS),
    default="declared",
    show_default=True,
    help="How much is read below each project.",
)

tenant_option: Final = flag(LOOK_AT, "--tenant", multiple=True, metavar="GLOB", help="Only these tenants.")

_which_tenants: Final = (
    tenant_option,
    flag(LOOK_AT, "--exclude", multiple=True, metavar="GLOB", help="Not these tenants."),
    flag(LOOK_AT, "--tier", multiple=True, metavar="TIER", help="Only tenants of these tiers."),
    flag(LOOK_AT, "--label", multiple=True, metavar="KEY[=VALUE]", help="Only tenants with all of these labels."),
)
_which_part: Final = (
    flag(LOOK_AT, "--changed-since", metavar="REF", help="Only tenants whose settings changed since a commit."),
    flag(
        LOOK_AT,
        "--shard",
        metavar="I/N|auto",
        help="Only part I of N parts of the fleet; auto: the part that the CI system has numbered.",
    ),
)
scope_options = packed(
    "scope",
    *_which_tenants,
    flag(LOOK_AT, "--only", multiple=True, type=Choice(CONCERNS), help="Only these groups of fields."),
    *_which_part,
    depth_option,
    base_option,
)
tenants_options = packed("scope", *_which_tenants, *_which_part, depth_option, base_option)
"""The same without ``--only``, for what has no groups of fields."""
listed_tenants_options = packed("scope", *_which_tenants, *_which_part, base_option)
"""The same without ``--depth``, for what reads nothing below a project."""

expect_empty_option = flag(
    PERMITTED, "--expect-empty", is_flag=True, help="Accept an account without any project: for the first run."
)

max_calls_option = flag(
    PERMITTED,
    "--max-calls",
    type=click.IntRange(min=1),
    metavar="N",
    help="Make at most N calls. If more are known to be needed, refuse before the first of them.",
)

permission_options = packed(
    "permission",
    flag(
        PERMITTED,
        "--allow",
        multiple=True,
        metavar="WHAT",
        help=f"Permit 'lowering' (reductions), or an exact number above a threshold: {', '.join(THRESHOLDS)}=N.",
    ),
    expect_empty_option,
    flag(PERMITTED, "--prune", is_flag=True, help="Delete orphans that this fleet created."),
    flag(PERMITTED, "--strict", is_flag=True, help="Apply nothing if anything is refused."),
)


def _journals(help_text: str) -> Decorator:
    journal = click.Path(exists=True, path_type=Path)
    return flag(LOOK_AT, "--journals", multiple=True, type=journal, metavar="PATH", help=help_text)


def more_journals_option(which: str) -> Decorator:
    """Journals that are read besides those of this machine."""
    return _journals(f"Also read {which} in this file or folder.  [always: the user's log folder]")


only_journals_option: Final = _journals(
    "This journal, or all journals below this folder.  [default: the user's log folder]"
)
"""Journals that are read instead of those of this machine."""

earlier_runs_options = packed(
    "earlier",
    flag(
        PERMITTED,
        "--run-is-dead",
        multiple=True,
        metavar="RUN",
        help="State that run RUN has ended without a record of what it created: an unused second project that it "
        "left for a tenant may be deleted.",
    ),
    more_journals_option("journals of ended runs"),
)

command_options = packed(
    "command",
    flag(RUNNING, "--dry-run", is_flag=True, help="Show what happens, and change nothing."),
    flag(RUNNING, "--yes", is_flag=True, help="Do not ask."),
    journal_option,
)

branch_and_database_options: Final = (
    flag(LOOK_AT, "--branch", metavar="BRANCH", help="Name of a branch.  [default: the default branch]"),
    flag(LOOK_AT, "--database", metavar="DATABASE", help="Name of a database.  [default: as in the files]"),
)

dump_options = (
    flag(
        RUNNING,
        "--dump-to",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Before a project is deleted, dump its databases into DIR with pg_dump; if that fails, it stays.",
    ),
    flag(
        RUNNING,
        "--dump-to-command",
        metavar="COMMAND",
        help="The same, with each dump on the standard input of COMMAND.",
    ),
)
run_options = packed(
    "running",
    flag(
        RUNNING,
        "--waves",
        metavar="ENDS",
        help="Apply in parts, for example 1,1%,10%,100% of the tenants with changes; stop if a part fails.",
    ),
    flag(
        RUNNING,
        "--bake",
        metavar="TIME",
        help="With --waves: wait this long after each wave, then check its tenants; stop if the wave did harm "
        "to them, compared with untouched tenants.",
    ),
    flag(
        RUNNING,
        "--harm",
        metavar="LIMIT",
        help="With --bake: how much harm above that of untouched tenants is too much: a share of a wave, or "
        "a number of tenants.  [default: 1%]",
    ),
    flag(
        RUNNING,
        "--rollback-on-harm",
        is_flag=True,
        help="With --bake: undo a harmful wave at once, as `reconciler rollback` does.",
    ),
    flag(
        RUNNING,
        "--advance",
        metavar="NAME",
        help="Afterwards move the tag NAME, which is the base, to this commit for every tenant that is done; with "
        "--ref also at the remote of that branch.",
    ),
    *dump_options,
    flag(RUNNING, "--yes", is_flag=True, help="Do not ask: for CI."),
    journal_option,
)

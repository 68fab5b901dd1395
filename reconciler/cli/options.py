"""Flags that several commands share, each group packed into one object. Needs click only, so that help is fast."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import click

from reconciler.cli.command_help import ACCOUNT, LOOK_AT, OUTPUT, PERMITTED, RUNNING, Choice, flag
from reconciler.views.formats import TEXT, formats_of

if TYPE_CHECKING:
    from reconciler.views.view import View

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

FAILURES: Final = ("invalid", "stale", "refused", "conflict", "incomplete", "drift")
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


class FilesFlags(NamedTuple):
    """Where the files are, and which branch they must be the tip of."""

    directory: Path
    on_invalid: str
    ref: str | None = None


class AccountFlags(NamedTuple):
    """Which Neon is meant."""

    simulator: Path | None
    postgres: bool
    api_host: str | None
    trust_files: bool


class ScopeFlags(NamedTuple):
    """The tenants and fields that a run looks at."""

    tenant: tuple[str, ...]
    exclude: tuple[str, ...]
    tier: tuple[str, ...]
    label: tuple[str, ...]
    changed_since: str | None
    shard: str | None
    base: str | None
    depth: str = "declared"
    only: tuple[str, ...] = ()


class PermissionFlags(NamedTuple):
    """What a person permits beyond the files, and whether less than all is good enough."""

    allow: tuple[str, ...]
    expect_empty: bool
    prune: bool
    strict: bool


class EarlierRunsFlags(NamedTuple):
    """What is known of earlier runs that may have died."""

    run_is_dead: tuple[str, ...]
    journals: tuple[Path, ...]


class OutputFlags(NamedTuple):
    """The format of the output, the files that it goes to, and what the exit code depends on."""

    format: str
    output: tuple[Path, ...]
    full: bool
    fail_on: tuple[str, ...] = ()


class CommandFlags(NamedTuple):
    """How a command on one tenant is carried out."""

    dry_run: bool
    yes: bool
    journal: Path | None


class SinkFlags(NamedTuple):
    """Where connection strings go, and which of the two where only one fits."""

    connections_to: Path | None
    dotenv: Path | None
    to_command: str | None
    direct: bool = False
    reveal: bool = False
    to_registry: bool = False


class NotifyFlags(NamedTuple):
    """Whether notices are sent, to which addresses, and where it is kept what was told."""

    notify: bool
    notify_to: tuple[str, ...]
    notify_state: Path | None

    @property
    def wanted(self) -> bool:
        """Whether any flag asks for notices."""
        return self.notify or bool(self.notify_to)


class TelemetryFlags(NamedTuple):
    """What a run tells of itself for people on call."""

    metrics: Path | None
    trace: str | None


class RunFlags(NamedTuple):
    """How an apply is carried out."""

    waves: str | None
    bake: str | None
    harm: str | None
    rollback_on_harm: bool
    advance: str | None
    dump_to: Path | None
    dump_to_command: str | None
    yes: bool
    journal: Path | None


def packed(name: str, flags: type[Any], *options: Decorator) -> Decorator:
    """A decorator that adds the options and passes them on as one named tuple."""
    keys: tuple[str, ...] = flags._fields

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def run(**arguments: Any) -> Any:
            own = {key: arguments.pop(key) for key in keys if key in arguments}
            return command(**arguments, **{name: flags(**own)})

        decorated: Callable[..., Any] = run
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


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
    FilesFlags,
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
    AccountFlags,
    flag(
        ACCOUNT,
        "--simulator",
        type=click.Path(dir_okay=False, path_type=Path),
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

_which_tenants: Final = (
    flag(LOOK_AT, "--tenant", multiple=True, metavar="GLOB", help="Only these tenants."),
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
_which_of_them: Final = (
    *_which_part,
    depth_option,
    base_option,
)
scope_options = packed(
    "scope",
    ScopeFlags,
    *_which_tenants,
    flag(LOOK_AT, "--only", multiple=True, type=Choice(CONCERNS), help="Only these groups of fields."),
    *_which_of_them,
)
tenants_options = packed("scope", ScopeFlags, *_which_tenants, *_which_of_them)
"""The same without ``--only``, for what has no groups of fields."""
listed_tenants_options = packed("scope", ScopeFlags, *_which_tenants, *_which_part, base_option)
"""The same without ``--depth``, for what reads nothing below a project."""

expect_empty_option = flag(
    PERMITTED, "--expect-empty", is_flag=True, help="Accept an account without any project: for the first run."
)

max_calls_option = flag(
    PERMITTED,
    "--max-calls",
    type=click.IntRange(min=1),
    metavar="N",
    help="Make at most N calls: refuse what takes more, before it starts where that is known.",
)

permission_options = packed(
    "permission",
    PermissionFlags,
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

earlier_runs_options = packed(
    "earlier",
    EarlierRunsFlags,
    flag(
        PERMITTED,
        "--run-is-dead",
        multiple=True,
        metavar="RUN",
        help="State that run RUN has ended without a record of what it created: an unused second project that it "
        "left for a tenant may be deleted.",
    ),
    flag(
        LOOK_AT,
        "--journals",
        multiple=True,
        type=click.Path(exists=True, path_type=Path),
        metavar="PATH",
        help="Also read journals of ended runs in this file or folder.  [always: the user's log folder]",
    ),
)

fail_on_option = flag(
    OUTPUT,
    "--fail-on",
    multiple=True,
    type=Choice(FAILURES),
    help="Only these results make the exit code other than 0. By default plan and apply ignore drift, and "
    "conflicts that this change does not touch.",
)

journal_option = flag(
    OUTPUT,
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Record of every write.  [default: one file for each run in the user's log folder]",
)

events_option = flag(
    OUTPUT,
    "--events",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write what happens, as it happens, to FILE, or to stdout (-): JSON lines.",
)

telemetry_options = packed(
    "telemetry",
    TelemetryFlags,
    flag(
        OUTPUT,
        "--metrics",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write what the run did, in figures, to FILE at its end: OpenMetrics text.",
    ),
    flag(
        OUTPUT,
        "--trace",
        type=Choice(["otlp"]),
        help="Send the run as an OpenTelemetry trace to where OTEL_EXPORTER_OTLP_ENDPOINT says.",
    ),
)

command_options = packed(
    "command",
    CommandFlags,
    flag(RUNNING, "--dry-run", is_flag=True, help="Show what happens, and change nothing."),
    flag(RUNNING, "--yes", is_flag=True, help="Do not ask."),
    journal_option,
)

_file_sinks: Final = (
    flag(
        OUTPUT,
        "--connections-to",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Append the connection strings to FILE: JSON lines that only you can read.",
    ),
    flag(
        OUTPUT,
        "--dotenv",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Set DATABASE_URL and DATABASE_URL_UNPOOLED in FILE, which only you can read.",
    ),
    flag(
        OUTPUT,
        "--to-command",
        metavar="COMMAND",
        help="Run COMMAND, without a shell, with the JSON lines as its stdin.",
    ),
)

new_project_sinks = packed("sinks", SinkFlags, *_file_sinks)

sink_options = packed(
    "sinks",
    SinkFlags,
    flag(
        OUTPUT,
        "--direct",
        is_flag=True,
        help="Where one string is given: the direct one, instead of the pooled one.",
    ),
    *_file_sinks,
    flag(
        OUTPUT,
        "--to-registry",
        is_flag=True,
        help="Write the strings to the registry, encrypted: those of the default branch, as in the files.",
    ),
    flag(OUTPUT, "--reveal", is_flag=True, help="Print the strings to stdout."),
)

notify_options = packed(
    "notices",
    NotifyFlags,
    flag(
        OUTPUT,
        "--notify",
        is_flag=True,
        help="Tell people what is new, once: where RECONCILER_NOTIFY_URLS says, or notify.urls of tiers.yaml.",
    ),
    flag(
        OUTPUT,
        "--notify-to",
        multiple=True,
        metavar="URL",
        help="Tell them there instead: slack://..., mailto://..., any service that Apprise knows. Other users of "
        "this machine see it: RECONCILER_NOTIFY_URLS hides it.",
    ),
    flag(
        OUTPUT,
        "--notify-state",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Keep in FILE what was told.  [default: in the registry]",
    ),
)

which_options: Final = (
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
    RunFlags,
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
        help="With --waves: leave the tenants of each wave alone for so long, then look at them; stop if they "
        "are worse off than untouched tenants.",
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
        help="With --bake: take a harmful wave back at once, as `reconciler rollback` does.",
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


def output_options(view: type[View], *more: Decorator) -> Decorator:
    """The options of a command that shows such a view, in each format that can."""
    formats = formats_of(view)
    return packed(
        "output",
        OutputFlags,
        flag(
            OUTPUT,
            "--format",
            type=Choice([row.name for row in formats]),
            default=TEXT,
            show_default=True,
            help="Format of the output on stdout.",
        ),
        flag(
            OUTPUT,
            "--output",
            multiple=True,
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help=f"Also write to FILE; its ending gives the format: {', '.join(row.suffix for row in formats)}.",
        ),
        flag(OUTPUT, "--full", is_flag=True, help="Do not shorten lists."),
        *more,
    )

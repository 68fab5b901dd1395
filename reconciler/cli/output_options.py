"""Options for what a command writes, and where: output, records, connection strings, notices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.command_help import FILE, OUTPUT, Choice, flag, packed
from reconciler.views.formats import TEXT, formats_of

if TYPE_CHECKING:
    from reconciler.cli.command_help import Decorator
    from reconciler.views.formats import ViewName

FAILURES: Final = ("invalid", "stale", "refused", "conflict", "incomplete", "drift")

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
    type=FILE,
    metavar="FILE",
    help="Record of every write.  [default: one file for each run in the user's log folder]",
)

events_option = flag(
    OUTPUT,
    "--events",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write the events of the run to FILE as they happen, or to stdout (-): JSON lines.",
)

telemetry_options = packed(
    "telemetry",
    flag(
        OUTPUT,
        "--metrics",
        type=FILE,
        metavar="FILE",
        help="Write metrics of the run to FILE at its end: OpenMetrics text.",
    ),
    flag(
        OUTPUT,
        "--trace",
        type=Choice(["otlp"]),
        help="Send the run as an OpenTelemetry trace to where OTEL_EXPORTER_OTLP_ENDPOINT says.",
    ),
)

_file_sinks: Final = (
    flag(
        OUTPUT,
        "--connections-to",
        type=FILE,
        metavar="FILE",
        help="Append the connection strings to FILE: JSON lines that only you can read.",
    ),
    flag(
        OUTPUT,
        "--dotenv",
        type=FILE,
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

new_project_sinks = packed("sinks", *_file_sinks)

sink_options = packed(
    "sinks",
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
    flag(
        OUTPUT,
        "--notify",
        is_flag=True,
        help="Send a notice of what is new, once: to RECONCILER_NOTIFY_URLS, or notify.urls of tiers.yaml.",
    ),
    flag(
        OUTPUT,
        "--notify-to",
        multiple=True,
        metavar="URL",
        help="Send notices there instead: slack://..., mailto://..., any service that Apprise knows. Other users "
        "of this machine see it: RECONCILER_NOTIFY_URLS hides it.",
    ),
    flag(
        OUTPUT,
        "--notify-state",
        type=FILE,
        metavar="FILE",
        help="Record sent notices in FILE.  [default: in the registry]",
    ),
)


def output_options(view: ViewName, *more: Decorator) -> Decorator:
    """The options of a command that shows such a view, in each format that can."""
    formats = formats_of(view)
    return packed(
        "output",
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
            type=FILE,
            metavar="FILE",
            help=f"Also write to FILE; its ending gives the format: {', '.join(row.suffix for row in formats)}.",
        ),
        flag(OUTPUT, "--full", is_flag=True, help="Do not shorten lists."),
        *more,
    )

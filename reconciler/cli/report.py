"""``reconciler report``: the reports of earlier runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.cli import exit_codes
from reconciler.cli.documents import check_outputs, publish
from reconciler.documents.reader import parse_report
from reconciler.errors import ExitCode, InvalidInputError, weightiest
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.plan.merged_report import merged, missing_shards
from reconciler.views.console import WARNING, say
from reconciler.views.view import ReportView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.flags import OutputFlags
    from reconciler.documents.reader import SavedReport

MOST_BYTES: Final = 512 * 1024 * 1024
JOURNALS: Final = "that of each run"


def merge(reports: tuple[Path, ...], output: OutputFlags) -> ExitCode:
    """Shows the reports of the shards of one apply as one, and ends as the weightiest of them did.

    A shard without a report ends it with ERROR, after the report of the others.
    """
    check_outputs(output, ReportView)
    read = [_read(path) for path in reports]
    found = [one.report for one in read]
    missing = missing_shards(found)
    stale = tuple(each for one in read for each in one.stale)
    report = merged(found)
    publish(output, ReportView(report, JOURNALS, stale))
    for shard in missing:
        say(f"shard {shard} has no report: its job ended before it wrote one", level=WARNING)
    code = exit_codes.of_report(report, stale=stale)
    return weightiest([code, ExitCode.ERROR]) if missing else code


def _read(path: Path) -> SavedReport:
    try:
        data = regular_files.read(path, MOST_BYTES)
    except UnreadableError as error:
        raise InvalidInputError(f"{path} {error}") from error
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}") from error
    return parse_report(data, str(path))

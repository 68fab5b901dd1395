"""``reconciler validate``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.options import directory_option, output_options
from reconciler.cli.surroundings import surroundings
from reconciler.cli.trust import doubts
from reconciler.errors import ExitCode
from reconciler.files.load import load
from reconciler.model.problem import Severity
from reconciler.views import json_documents, problems_text

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.options import OutputFlags

FORMS = ("text", "json")


@click.command("validate")
@directory_option
@output_options(*FORMS)
def command(directory: Path, output: OutputFlags) -> ExitCode:
    """Check every file and report every problem at once, as FILE:LINE:COLUMN: MESSAGE. Needs no key."""
    check_outputs(output, FORMS)
    loaded = load(directory)
    if loaded.desired is not None:
        found = doubts(loaded.desired, surroundings().environ)
        loaded = replace(loaded, problems=(*loaded.problems, *found))
    publish(
        output,
        {
            "text": lambda: problems_text.render(loaded.problems, loaded.desired),
            "json": lambda: json_documents.problems(loaded.problems),
        },
    )
    broken = any(problem.severity is Severity.ERROR for problem in loaded.problems)
    return ExitCode.INVALID if broken else ExitCode.DONE

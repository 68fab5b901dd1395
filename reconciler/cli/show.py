"""``reconciler show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.options import FORMATS, output_options
from reconciler.files.saved_plan import read_saved_plan
from reconciler.views import json_documents, markdown, plain_text

if TYPE_CHECKING:
    from reconciler.cli.options import OutputFlags


@click.command("show")
@click.argument("saved_plan", type=click.Path(dir_okay=False, path_type=Path), metavar="PLANFILE")
@output_options(*FORMATS)
def command(saved_plan: Path, output: OutputFlags) -> None:
    """Show a plan that `plan --out` saved. Needs no key and makes no call."""
    check_outputs(output, FORMATS)
    saved = read_saved_plan(saved_plan)
    publish(
        output,
        {
            "text": lambda: plain_text.saved_plan(saved, full=output.full),
            "json": lambda: json_documents.plan(saved.plan, saved.made),
            "markdown": lambda: markdown.saved_plan(saved),
        },
    )

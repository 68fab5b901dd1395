"""``reconciler show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.documents import check_outputs, publish
from reconciler.files.saved_plan import read_saved_plan
from reconciler.views.view import PlanView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.options import OutputFlags


def run(saved_plan: Path, output: OutputFlags) -> None:
    """Shows a saved plan."""
    check_outputs(output, PlanView)
    saved = read_saved_plan(saved_plan)
    publish(output, PlanView(saved.plan, saved.made, saved=True))

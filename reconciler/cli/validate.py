"""``reconciler validate``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.runtime import runtime
from reconciler.cli.trust import doubts
from reconciler.errors import ExitCode
from reconciler.files.load import load
from reconciler.model.problem import Severity
from reconciler.views.view import ProblemsView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.options import OutputFlags


def run(directory: Path, output: OutputFlags) -> ExitCode:
    """Checks the files; INVALID if one of them has an error."""
    check_outputs(output, ProblemsView)
    loaded = load(directory)
    if loaded.desired is not None:
        found = doubts(loaded.desired, runtime().environ)
        loaded = replace(loaded, problems=(*loaded.problems, *found))
    publish(output, ProblemsView(loaded.problems, loaded.desired))
    broken = any(problem.severity is Severity.ERROR for problem in loaded.problems)
    return ExitCode.INVALID if broken else ExitCode.DONE

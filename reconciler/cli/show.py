"""``reconciler show``, and reading the saved plan that it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.cli.documents import check_outputs, publish
from reconciler.documents.reader import AGAIN, parse_saved_plan
from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.views.view import PlanView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.flags import OutputFlags
    from reconciler.plan.approval import SavedPlan

MAX_PLAN_BYTES: Final = 2**30
"""About 240,000 created tenants. The text is in memory beside the plan that is made of it, tenant by tenant."""


def run(saved_plan: Path, output: OutputFlags) -> None:
    """Shows a saved plan."""
    check_outputs(output, PlanView)
    saved = read_saved_plan(saved_plan)
    publish(output, PlanView(saved.plan, saved.made, saved=True))


def read_saved_plan(path: Path, limit: int = MAX_PLAN_BYTES) -> SavedPlan:
    """The plan in the file, or in a pipe of the shell's (``<(...)``, /dev/stdin).

    Raises InvalidInputError, with the location in the document, if it is not a plan.
    """
    name = str(path)
    try:
        data = regular_files.read(path, limit)
    except OSError as error:
        raise InvalidInputError(f"{name}: {error.strerror}", hint=AGAIN) from error
    except UnreadableError as error:
        raise InvalidInputError(f"{name}: {error}", hint=AGAIN) from error
    return parse_saved_plan(data, name)

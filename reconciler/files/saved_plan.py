"""The file of a saved plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.documents.reader import AGAIN, parse_saved_plan
from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.plan.approval import SavedPlan

MAX_PLAN_BYTES: Final = 2**28


def read_saved_plan(path: Path, limit: int = MAX_PLAN_BYTES) -> SavedPlan:
    """The plan in the file, or in a pipe of the shell's (``<(...)``, /dev/stdin).

    Raises InvalidInputError, with the place in the document, for what is none.
    """
    name = str(path)
    try:
        data = regular_files.read(path, limit)
    except OSError as error:
        raise InvalidInputError(f"{name}: {error.strerror}", hint=AGAIN) from error
    except UnreadableError as error:
        raise InvalidInputError(f"{name}: {error}", hint=AGAIN) from error
    return parse_saved_plan(data, name)

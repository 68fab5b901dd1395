"""The file whose text goes to a forge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 2**20


def read_text(path: Path) -> str:
    """The text of a file. Raises InvalidInputError if it cannot be read, is too large, or is not UTF-8."""
    try:
        return regular_files.read(path, MAX_BYTES).decode()
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from error
    except (UnreadableError, UnicodeError) as error:
        raise InvalidInputError(f"{path}: {error}") from error

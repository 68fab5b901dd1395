"""A problem with a document at a path: what the schema and the rules report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler.model.problem import Severity
from reconciler.model.quoting import SHOWN_LENGTH

if TYPE_CHECKING:
    from collections.abc import Collection

Path: TypeAlias = tuple[str | int, ...]
"""Path from a document's root: keys of mappings, indices of lists."""

_MAX_LISTED: Final = 12
_MOST_SUGGESTED: Final = 3
_MOST_COMPARED: Final = 50
"""Maximum number of words to compare: comparing many typos with many words would take too long."""


class Finding(Struct, frozen=True):
    """One problem at a path of a document; line and column are computed when needed."""

    path: Path
    message: str
    hint: str | None = None
    at_key: bool = False
    """The key is wrong, not its value."""
    severity: Severity = Severity.ERROR
    stale: bool = False
    """As in ``Problem``."""


class RejectedError(ValueError):
    """Raised by the reader of a scalar, with a message for the author of the value."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def nearest(word: str, known: Collection[str]) -> str | None:
    """Return the known word that was probably meant; None if none is similar, or there are too many."""
    if len(word) > SHOWN_LENGTH or len(known) > _MOST_COMPARED:
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - only where a word is wrong

    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return near[0] if near else None


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """Return a hint with the most similar known word, if one is similar."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else None


def did_you_mean_one_of(word: str, names: Collection[str]) -> str | None:
    """Return a hint with the most similar names, of however many; None if none is similar.

    For a command that ends: comparing takes 0.2 s for 30,000 names.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only where a word is wrong

    near = get_close_matches(word, names, n=_MOST_SUGGESTED, cutoff=0.6) if len(word) <= SHOWN_LENGTH else []
    return f"did you mean {' or '.join(map(repr, near))}?" if near else None


def did_you_mean_or_known(word: str, known: Collection[str]) -> str | None:
    """Return a hint with the most similar known word, or with all known words if they are few."""
    listed = f"known: {', '.join(known)}" if 0 < len(known) <= _MAX_LISTED else None
    return did_you_mean(word, known) or listed

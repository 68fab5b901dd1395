"""Something wrong with a document, by its path: what the schema and the rules report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.model.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Collection

Path: TypeAlias = tuple[str | int, ...]
"""From a document's root: keys of mappings, indices of lists."""

_SHOWN_LENGTH: Final = 60
_MAX_LISTED: Final = 12
_MOST_COMPARED: Final = 50
"""Words: each of many mistakes with each of many words would take for ever."""
_KEY_LIKE: Final = re.compile(r"napi_\w+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem at a path of a document; its line and column are looked up later, where they are needed."""

    path: Path
    message: str
    hint: str | None = None
    at_key: bool = False
    """The key is wrong, not its value."""
    severity: Severity = Severity.ERROR
    stale: bool = False
    """As in ``Problem``."""


class RejectedError(ValueError):
    """What a scalar's reader raises: worded for the person who wrote the value."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def shown(value: object) -> str:
    """A value in a message: in quotes, on one line, not too long, and never an API key."""
    text = repr(_KEY_LIKE.sub("napi_...", str(value)))
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}...'"


def looks_secret(text: str) -> bool:
    """Whether the text looks like one of Neon's API keys, which no message may repeat."""
    return _KEY_LIKE.search(text) is not None


def nearest(word: str, known: Collection[str]) -> str | None:
    """The one of the known words that was probably meant; None where none is near, or where they are many."""
    if len(word) > _SHOWN_LENGTH or len(known) > _MOST_COMPARED:
        return None
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return near[0] if near else None


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """A hint: the nearest of the known words, where one is near."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else None


def did_you_mean_or_known(word: str, known: Collection[str]) -> str | None:
    """A hint: the nearest of the known words, or all of them where none is near and they are few."""
    listed = f"known: {', '.join(known)}" if 0 < len(known) <= _MAX_LISTED else None
    return did_you_mean(word, known) or listed

"""Patterns of files: ``*`` and ``?`` within a folder, ``**`` for any number of folders."""

from __future__ import annotations

import re

_PARTS = re.compile(r"\*\*/|\*|\?|[^*?]+")
_MEANING = {"**/": r"(?:[^/]+/)*", "*": r"[^/]*", "?": r"[^/]"}


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for whole paths with ``/``."""
    parts = _PARTS.findall(pattern)
    return re.compile("".join(_MEANING.get(part) or re.escape(part) for part in parts))


def fixed_folder(pattern: str) -> str:
    """The folder that every match lies below: what stands before the first wildcard; may be empty."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0].rpartition("/")[0]


def stays_inside(pattern: str) -> bool:
    """False for a pattern that is absolute or climbs out of its root."""
    return not pattern.startswith("/") and ".." not in pattern.split("/") and "\\" not in pattern

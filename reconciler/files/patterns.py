"""File patterns: ``*`` and ``?`` within a folder, ``**`` for any number of folders."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from reconciler.files.links import is_git

_ANY_FOLDERS: Final = re.compile(r"(?:^|(?<=/))(?:\*\*/)+")


def hindrance(pattern: str) -> str | None:
    """Return why a pattern cannot be used, or None."""
    steps = pattern.split("/")
    if pattern.startswith("/") or ".." in steps or "\\" in pattern:
        return "the pattern leads out of the folder of the fleet"
    return "the pattern matches files of git's own" if any(map(is_git, steps)) else None


def normal(pattern: str) -> str:
    """Return the pattern in the form of paths: without ``.`` and doubled slashes."""
    return posixpath.normpath(pattern)


def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern as a regular expression for whole paths with ``/``.

    No pattern takes long: the first match of the part after a wildcard is kept (an atomic group). That loses no
    match, because the part itself has a fixed length.
    """
    first, *rest = _ANY_FOLDERS.split(pattern)
    if not rest:
        return re.compile(_folders(first))
    *middle, last = rest
    through = "".join(rf"(?>(?:[^/]+/)*?{_folders(part)})" for part in middle)
    return re.compile(rf"{_folders(first)}{through}(?:[^/]+/)*{_folders(last)}")


def fixed_folder(pattern: str) -> str:
    """Return the folder that contains every match: the text before the first wildcard; may be empty."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0].rpartition("/")[0]


def _folders(part: str) -> str:
    """Folder by folder; ``**`` is handled by the caller."""
    return "/".join(map(_one, part.split("/")))


def _one(name: str) -> str:
    """Return the expression for the name of one file or folder."""
    first, *rest = re.split(r"\*+", name)
    if not rest:
        return _fixed(first)
    *middle, last = rest
    through = "".join(rf"(?>[^/]*?{_fixed(part)})" for part in middle)
    return rf"{_fixed(first)}{through}[^/]*{_fixed(last)}"


def _fixed(text: str) -> str:
    """Return the expression for text with a known number of characters."""
    return "[^/]".join(map(re.escape, text.split("?")))

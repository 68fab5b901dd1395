"""Patterns of files: ``*`` and ``?`` within a folder, ``**`` for any number of folders."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from reconciler.files.links import is_git

_ANY_FOLDERS: Final = re.compile(r"(?:^|(?<=/))(?:\*\*/)+")


def hindrance(pattern: str) -> str | None:
    """Why a pattern cannot be used; None where it can."""
    steps = pattern.split("/")
    if pattern.startswith("/") or ".." in steps or "\\" in pattern:
        return "the pattern leaves the folder of the fleet"
    return "the pattern reads what is git's own" if any(map(is_git, steps)) else None


def normal(pattern: str) -> str:
    """The pattern as paths are written: without ``.`` and doubled slashes."""
    return posixpath.normpath(pattern)


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for whole paths with ``/``.

    No pattern takes long: where the part behind a wildcard is found first, it stays (an atomic group). That loses
    no match, as the part itself has a fixed length.
    """
    first, *rest = _ANY_FOLDERS.split(pattern)
    if not rest:
        return re.compile(_folders(first))
    *middle, last = rest
    through = "".join(rf"(?>(?:[^/]+/)*?{_folders(part)})" for part in middle)
    return re.compile(rf"{_folders(first)}{through}(?:[^/]+/)*{_folders(last)}")


def fixed_folder(pattern: str) -> str:
    """The folder that every match lies below: what stands before the first wildcard; may be empty."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0].rpartition("/")[0]


def _folders(part: str) -> str:
    """Folder by folder, none of which is any number of them."""
    return "/".join(map(_one, part.split("/")))


def _one(name: str) -> str:
    """The name of one file or folder."""
    first, *rest = re.split(r"\*+", name)
    if not rest:
        return _fixed(first)
    *middle, last = rest
    through = "".join(rf"(?>[^/]*?{_fixed(part)})" for part in middle)
    return rf"{_fixed(first)}{through}[^/]*{_fixed(last)}"


def _fixed(text: str) -> str:
    """Of a known number of characters."""
    return "[^/]".join(map(re.escape, text.split("?")))

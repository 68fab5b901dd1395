"""What a load wants of the files of tenants, and what one YAML file contains."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

from reconciler.desired.naming import TENANT_SIGN, identity
from reconciler.files.collection import names_in, pins_in
from reconciler.files.entry import Entry, Text, entries_of
from reconciler.files.tree import stem_of
from reconciler.model.problem import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.known_tenants import KnownFiles, KnownTenants
    from reconciler.files.rows import ReadRows
    from reconciler.files.tree import Tree

_PIN: Final = b"project_id"
_EARLIER_NAMES: Final = b"previously"


class ReadFile(NamedTuple):
    """The contents of one YAML file."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    names: frozenset[str]
    """Names of tenants in uncertain parts of it, as far as they can be found."""
    pins: frozenset[str] = frozenset()
    """The same for their projects."""


Memo: TypeAlias = dict[tuple[str, bytes], ReadFile]
"""Files that were read before, by path and bytes."""


class Reading(Struct, frozen=True):
    """What is read, and how."""

    only: frozenset[str] | None = None
    """The wanted tenants; None means all."""
    memo: Memo | None = None
    about: frozenset[str] | None = None
    """The tenants that a full load is for: a broken line without a name does not concern them."""
    past: bool = False
    """Whether this is an earlier state: an unreadable file only makes its own tenants unknown, and settings that
    this release does not know, or has begun to check, count as unchecked."""
    pins: bool = False
    """Whether tenants with a pinned project are wanted too: no other tenant may take it by name."""
    known: KnownTenants | None = None
    """Tenants that were read before."""
    files: KnownFiles | None = None
    """Those of them that were read with the price list of this load."""
    commit: CommitTree | None = None
    """The tree, if it is that of a commit, which has the ids of folders and files. What git's index says of a file
    on disk is not trusted."""
    marks: Mapping[str, bytes] = {}
    """What the file system says of files on disk, by path, once they are listed (``disk_marks.py``)."""
    one_by_one: bool = False
    """Whether so few files are looked at that they are read sooner than what is known of all."""
    rows: ReadRows | None = None
    """Reads the queries of tiers.yaml; None for a command that reads no database."""

    def wants(self, path: str) -> bool:
        """Return whether the file's name matches a wanted tenant."""
        return self.only is None or identity(stem_of(path)) in identities(self.only)

    def paths(self, paths: list[str]) -> list[str]:
        """Return the files to read: the wanted tenants' own if each has one and pins do not count, otherwise
        all.
        """
        if self.only is None or self.pins:
            return paths
        own = [path for path in paths if self.wants(path)]
        return own if identities(self.only) <= {identity(stem_of(path)) for path in own} else paths

    def takes(self, names: set[str], line: bytes) -> bool:
        """Return whether the line is about a wanted tenant."""
        if self.only is None or self._pinned(line):
            return True
        wanted = not identities(self.only).isdisjoint(map(identity, names))
        return wanted or (_EARLIER_NAMES in line and _mention(self.only).search(line) is not None)

    def names_in_line(self, line: bytes) -> set[str]:
        """Return the wanted tenants that a line without a readable name may be about."""
        if not (wanted := self.only or self.about):
            return set()
        words = {identity(match.decode()) for match in _mention(wanted).findall(line)}
        return {name for name in wanted if identity(name) in words}

    def skips(self, path: str, data: bytes, lines: Mapping[str, Entry]) -> bool:
        """Return whether the file cannot contain a wanted tenant, or override the line of one."""
        if self.only is None or self.wants(path) or self._pinned(data) or _mention(self.only).search(data):
            return False
        return not any(self._pinned(lines[name].text.data) for name in names_in(data) if name in lines)

    def _pinned(self, data: bytes) -> bool:
        return self.pins and _PIN in data

    def file(self, tree: Tree, path: str, data: bytes) -> ReadFile:
        """Return the file's documents, from the memo if possible."""
        known = self.memo.get((path, data)) if self.memo is not None else None
        file = known or _read_file(Text(tree.name(path), data, path=path))
        if self.memo is not None:
            self.memo[path, data] = file
        return file

    def forget(self, path: str, data: bytes) -> None:
        """Take a file out of the memo."""
        if self.memo is not None:
            self.memo.pop((path, data), None)


@lru_cache(maxsize=2)
def identities(names: frozenset[str]) -> frozenset[str]:
    """Return what the names are compared by."""
    return frozenset(map(identity, names))


@lru_cache(maxsize=2)
def _mention(names: frozenset[str]) -> re.Pattern[bytes]:
    """Match any of the names as a whole word, in any case."""
    words = "|".join(re.escape(name) for name in sorted(names))
    return re.compile(f"(?<!{TENANT_SIGN})(?:{words})(?!{TENANT_SIGN})".encode(), re.IGNORECASE)


def _read_file(text: Text) -> ReadFile:
    from reconciler.files.events import parse  # noqa: PLC0415 - not where every file is known

    parsed = parse(text.data, text.file)
    entries = entries_of(parsed, text)
    if not entries and not parsed.problems:
        return ReadFile((), (Problem(Location(text.file), "contains no tenant"),), frozenset())
    if not parsed.problems:
        return ReadFile(entries, (), frozenset())
    doubtful = _lines_of(text.data, parsed.doubtful)
    return ReadFile(entries, parsed.problems, frozenset(names_in(doubtful)), frozenset(pins_in(doubtful)))


def _lines_of(data: bytes, parts: Iterable[tuple[int, int | None]]) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(line for first, last in parts for line in lines[first - 1 : last])

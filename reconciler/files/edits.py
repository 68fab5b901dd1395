"""Whether the current files equal those of a commit: only bytes are compared.

Git's index is not used: it can be configured to ignore a file (assume-unchanged, skip-worktree), and so can a
filter.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from reconciler.files.digests import blob_id
from reconciler.files.libgit import is_overlooked, pygit2
from reconciler.files.patterns import compiled, fixed_folder
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.price_list_reader import read_price_list
from reconciler.files.regular_files import UnreadableError, printable
from reconciler.files.tree import MAX_LINES_FILE_BYTES, WorkTree, pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reconciler.files.commit_tree import CommitTree
    from reconciler.files.known_tenants import KnownTenants
    from reconciler.files.price_list import TenantSource
    from reconciler.files.repository import Repository
    from reconciler.files.tree import Tree

_IGNORES: Final = ".gitignore"
_SPARSE: Final = "core.sparsecheckout"
_MAX_IGNORES_BYTES: Final = 2**16
_STARS: Final = re.compile(rb"\*+")
_MOST_STARS: Final = 4
"""Maximum per line: libgit2's matching takes exponential time in them."""


def difference(
    repository: Repository, commit: CommitTree, root: Path, *, ignoring: bool, known: KnownTenants | None = None
) -> str | None:
    """Return the first difference between ``root`` and the commit in tiers.yaml or a tenant file, as text.

    None if there is none. With ``ignoring``, files that git ignores and the commit lacks do not count. An
    unreadable file does. ``known`` are the files of this run: what it has read is not read again.
    """
    work = WorkTree(root) if known is None else known.tree(root)
    if differs(work, commit, PRICE_LIST):
        return _text(commit, PRICE_LIST)
    if known is not None and has_the_same_files(commit, work, known):
        return None
    if (listed := listed_apart(commit, work, known) or _listed(commit, work, known)) is None:
        return "not all files can be listed: run `reconciler validate`"
    there, here = listed
    if gone := sorted(there - here):
        return f"{printable(gone[0])} is missing"
    added = (path for path in sorted(here - there) if not (ignoring and is_ignored(repository, path)))
    if new := next(added, None):
        return f"{printable(new)} is not committed"
    blobs = {} if known is None else known.blobs()
    both = sorted(path for path in here & there if _id_in(blobs, path) != commit.blob_id(path))
    edited = next((path for path in both if differs(work, commit, path)), None)
    return None if edited is None else _text(commit, edited)


def _text(commit: CommitTree, path: str) -> str:
    """Describe the difference: the output of a git filter never equals the bytes in the commit."""
    try:
        instead = pointer(commit.read(path, MAX_LINES_FILE_BYTES))
    except (FileNotFoundError, UnreadableError):
        instead = None
    return f"{printable(path)} differs" if instead is None else f"{printable(path)} {instead[0]} in the commit"


def missing(commit: CommitTree, root: Path, known: KnownTenants | None = None) -> list[str]:
    """Return the tenant files of the commit that are not on disk. ``known`` are the files of this run."""
    work = WorkTree(root) if known is None else known.tree(root)
    if known is not None and has_the_same_files(commit, work, known):
        return []
    listed = listed_apart(commit, work, known) or _listed(commit, work, known)
    return [] if listed is None else sorted(listed[0] - listed[1])


def sources_without_files(root: Path) -> list[str]:
    """Return the source patterns that match no file on disk: their tenants may come from elsewhere.

    Empty if no source has a file: then the whole fleet is empty, which a guard judges.
    """
    work = WorkTree(root)
    sources = read_price_list(work).sources
    empty = [source.pattern for source in sources if not _paths(work, [source])]
    return empty if len(empty) < len(sources) else []


def has_rows(root: Path) -> bool:
    """Return whether tenants come from a database: that one of them is missing says nothing about its project."""
    fleet = read_price_list(WorkTree(root)).fleet
    return fleet is not None and bool(fleet.sql_sources)


def removed_tenant_names(commit: CommitTree, root: Path, known: KnownTenants | None = None) -> frozenset[str]:
    """Return the names, without folder and ending, of tenant files in the commit that are not on disk.

    ``known`` are the files of this run.
    """
    there, here = _listed(commit, WorkTree(root) if known is None else known.tree(root), known) or (set(), set())
    return frozenset(PurePosixPath(path).stem for path in there) - {PurePosixPath(path).stem for path in here}


def is_left_out(repository: Repository, path: str) -> bool:
    """Return whether git left out a file that is not on disk, so it was not removed by an edit.

    A sparse index only has the folders of such files.
    """
    overlooked = is_overlooked(repository.libgit, repository.from_top(path))
    return _is_sparse(repository) if overlooked is None else overlooked


def _is_sparse(repository: Repository) -> bool:
    try:
        return _SPARSE in repository.libgit.config and repository.libgit.config.get_bool(_SPARSE)
    except (pygit2.GitError, KeyError, ValueError):
        return False


def _id_in(blobs: Mapping[str, bytes], path: str) -> str | None:
    blob = blobs.get(path)
    return None if blob is None else blob.hex()


def has_the_same_files(commit: CommitTree, work: WorkTree, known: KnownTenants) -> bool:
    """Return whether a commit has just the files of the sources that this run has read, with the same bytes.

    Then the tree of each folder has the id that git computes of them, and none of its entries need be read. False
    where that cannot be said so fast: of folders with links, or with files that are executable or hidden.
    """
    folders = {fixed_folder(source.pattern) for source in read_price_list(work, known=known).sources}
    if known.complete and not known.few and _has_the_same_ids(commit, work, known, folders):
        return True
    if (others := known.apart(commit, folders)) is not None:
        return not (others.in_commit or others.on_disk)
    return _has_the_same_ids(commit, work, known, folders)


def _has_the_same_ids(commit: CommitTree, work: WorkTree, known: KnownTenants, folders: Iterable[str]) -> bool:
    ids = ((known.folder_id(work.root, folder), commit.folder_id(folder)) for folder in folders)
    return all(here is not None and here == there for here, there in ids)


def _listed(commit: CommitTree, work: WorkTree, known: KnownTenants | None) -> tuple[set[str], set[str]] | None:
    """Return the tenant files of the commit and of the work tree; None if an entry there is not a file."""
    sources = read_price_list(work, known=known).sources
    there, here = _paths(commit, sources), _paths(work, sources)
    return None if there is None or here is None else (there, here)


def listed_apart(
    commit: CommitTree, work: WorkTree, known: KnownTenants | None
) -> tuple[set[str], set[str]] | None:
    """Return of what ``_listed`` does the files that may differ; None where that is not known."""
    sources = read_price_list(work, known=known).sources
    folders = {fixed_folder(source.pattern) for source in sources}
    if known is None or (others := known.apart(commit, folders)) is None:
        return None
    patterns = [compiled(source.pattern) for source in sources]
    there, here = (
        {path for path in paths if any(pattern.fullmatch(path) for pattern in patterns)} for paths in others
    )
    return there, here


def _paths(tree: Tree, sources: Iterable[TenantSource]) -> set[str] | None:
    """Return the tenant files; None if an entry there is not a file."""
    found: set[str] = set()
    for source in sources:
        listing = tree.listing(fixed_folder(source.pattern))
        if listing.problems:
            return None
        matching = compiled(source.pattern)
        found.update(path for path in listing.files if matching.fullmatch(path))
    return found


def differs(work: WorkTree, commit: CommitTree, path: str) -> bool:
    """Return whether a file on disk differs from the commit, except in line ends; an unreadable one does."""
    try:
        here = work.read(path, MAX_LINES_FILE_BYTES)
        there = commit.blob(path)
        if blob_id(here) == there:
            return False
        here = _unified(here)
        return blob_id(here) != there and here != _unified(commit.objects.blob(there, MAX_LINES_FILE_BYTES))
    except (FileNotFoundError, UnreadableError):
        return True


def _unified(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def is_ignored(repository: Repository, path: str) -> bool:
    """Return whether git ignores a file of the fleet. False if a ``.gitignore`` on its path is not safe to
    read.
    """
    if not ignores_can_be_read(repository, path):
        return False
    try:
        return repository.libgit.path_is_ignored(repository.from_top(path))
    except (pygit2.GitError, KeyError, ValueError):
        return False


def ignores_can_be_read(repository: Repository, path: str) -> bool:
    """Return whether every ``.gitignore`` on the path of a file is safe to read."""
    folder = repository.top
    for part in repository.from_top(path).split("/"):
        if not _can_be_read(folder / _IGNORES):
            return False
        folder /= part
    return True


def _can_be_read(file: Path) -> bool:
    """Return whether a ``.gitignore`` is safe to read: no link, and no pattern that takes too long to match."""
    try:
        if not stat.S_ISREG(os.lstat(file).st_mode):
            return False
        with file.open("rb") as opened:
            data = opened.read(_MAX_IGNORES_BYTES + 1)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    if len(data) > _MAX_IGNORES_BYTES:
        return False
    return all(len(_STARS.findall(line)) <= _MOST_STARS for line in data.split(b"\n"))

"""The files of a fleet at a commit, read from the repository without touching the work tree."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from reconciler.desired.problem import Location, Problem
from reconciler.errors import InvalidInputError
from reconciler.files.load import Loaded, OnInvalid, load_tree
from reconciler.files.price_list import read_price_list
from reconciler.files.sources import Memo, Reading
from reconciler.files.tree import MAX_FILE_BYTES, TOO_LARGE, Listing, UnreadableError, WorkTree, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_LINK: Final = "120000"
_SUBMODULE: Final = "160000"
_MISLEADING: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Set within git's hooks, where they would point away from the fleet's own repository."""
_NEEDED: Final = re.compile(r"PATH|HOME|USER|LOGNAME|TMPDIR|(GIT|SSH|XDG|LC)_\w+|LANG|SYSTEMROOT|USERPROFILE")
"""All that git gets to know of the environment, which holds the API keys of every database."""


def base_ref(root: Path, *, tiers: str = "tiers.yaml") -> str | None:
    """What the files at hand are a change of: HEAD while they are edited, its first parent otherwise.

    None outside a git checkout, and where that commit does not exist or holds no price list.
    ``tiers`` is relative to ``root``.
    """
    if git(root, "rev-parse", "--is-inside-work-tree") != b"true\n":
        return None
    ref = "HEAD" if is_edited(root, tiers=tiers) else "HEAD^1"
    return ref if git(root, "cat-file", "-t", f"{ref}:./{tiers}") == b"blob\n" else None


def is_edited(root: Path, *, tiers: str = "tiers.yaml") -> bool:
    """Whether the price list or a tenant's file, untracked ones included, is not as HEAD has it."""
    sources = read_price_list(WorkTree(root), tiers).sources
    paths = (f":(literal){tiers}", *(f":(glob){source.pattern}" for source in sources))
    return bool(git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--", *paths))


def commit_id(root: Path, ref: str) -> str:
    """The full id of the commit that a branch, tag or abbreviation names; raises InvalidInputError."""
    if not ref or ref.startswith("-") or not ref.isprintable():
        raise InvalidInputError(f"{ref!r} is no git ref", hint="name a commit, branch or tag")
    found = git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if found is None:
        shallow = git(root, "rev-parse", "--is-shallow-repository") == b"true\n"
        hint = (
            "the clone is shallow: fetch the history" if shallow else "a commit, branch or tag of this repository"
        )
        raise InvalidInputError(f"there is no commit {ref!r} in the repository of {root}", hint=hint)
    return found.decode().strip()


def load_at(
    root: Path,
    ref: str,
    *,
    tiers: str = "tiers.yaml",
    only: frozenset[str] | None = None,
    memo: Memo | None = None,
) -> Loaded:
    """The fleet as the files of a commit state it. ``tiers`` is relative to ``root``; the rest as in ``load``,
    but for pinned projects: ``only`` leaves out every other tenant.

    Tenants of files that are broken there are held back: today's files cannot repair them.
    """
    commit = commit_id(root, ref)
    with _contents(root) as contents:
        tree = CommitTree(ref, _listed(root, commit), contents)
        return load_tree(tree, OnInvalid.SKIP, Reading(only, memo, posixpath.normpath(tiers)))


@dataclass(frozen=True, slots=True)
class _Blob:
    mode: str
    id: str


@dataclass(frozen=True, slots=True)
class _Contents:
    """A running ``git cat-file --batch``: one question, one answer."""

    questions: IO[bytes]
    answers: IO[bytes]

    def read(self, blob: str) -> bytes:
        self.questions.write(blob.encode() + b"\n")
        self.questions.flush()
        header = self.answers.readline().split()
        if len(header) != 3:
            raise UnreadableError("is missing from the repository: the clone is not complete")
        data = self.answers.read(int(header[2]))
        self.answers.read(1)
        return data


@dataclass(frozen=True, slots=True)
class CommitTree:
    """The files of a commit, as a Tree."""

    ref: str
    blobs: Mapping[str, _Blob]
    contents: _Contents

    def name(self, path: str) -> str:
        """As Tree, in git's own notation."""
        return printable(f"{self.ref}:{path}")

    def listing(self, folder: str) -> Listing:
        """As Tree."""
        below = f"{folder}/" if folder else ""
        paths = [path for path in self.blobs if path == folder or path.startswith(below)]
        visible = [path for path in paths if not _hidden(path.removeprefix(below))]
        reasons = {path: self._unfit(path, below) for path in visible}
        return Listing(
            tuple(sorted(path for path, reason in reasons.items() if reason is None)),
            tuple(Problem(Location(self.name(path)), reason) for path, reason in reasons.items() if reason),
        )

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """As Tree."""
        blob = self.blobs.get(self._followed(path) or path)
        if blob is None:
            raise FileNotFoundError(path)
        data = self.contents.read(blob.id)
        if len(data) > limit:
            raise UnreadableError(TOO_LARGE.format(limit=limit >> 20))
        return data

    def _unfit(self, path: str, below: str) -> str | None:
        mode = self.blobs[path].mode
        if mode == _SUBMODULE:
            return "is a submodule, whose files are in another repository"
        if mode != _LINK:
            return None
        goal = self._followed(path)
        if goal is not None and goal.startswith(below) and path != below.rstrip("/"):
            return None
        return "the symbolic link does not lead to a file in the folder of the tenants"

    def _followed(self, path: str) -> str | None:
        """The file that a path stands for, through at most a few links."""
        for _ in range(8):
            blob = self.blobs.get(path)
            if blob is None or blob.mode != _LINK:
                return path if blob is not None else None
            goal = os.fsdecode(self.contents.read(blob.id))
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), goal))
        return None


def _hidden(path: str) -> bool:
    return path.startswith(".") or "/." in path


def _listed(root: Path, commit: str) -> dict[str, _Blob]:
    """All files of a commit below ``root``, by path from there."""
    listing = git(root, "ls-tree", "-r", "-z", commit) or b""
    blobs: dict[str, _Blob] = {}
    for record in listing.split(b"\0")[:-1]:
        described, _, path = record.partition(b"\t")
        mode, _, blob = described.decode().split(" ")
        blobs[os.fsdecode(path)] = _Blob(mode, blob)
    return blobs


@contextmanager
def _contents(root: Path) -> Iterator[_Contents]:
    command = [_executable() or "git", "-C", str(root), "cat-file", "--batch"]
    with subprocess.Popen(  # noqa: S603 (no shell; every argument is ours)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both pipes were asked for")
        yield _Contents(process.stdin, process.stdout)


def git(root: Path, *arguments: str) -> bytes | None:
    """The output of a git command; None where it fails, or where there is no git."""
    git = _executable()
    if git is None:
        return None
    command = [git, "-C", str(root), "-c", "core.fsmonitor=false", *arguments]
    answer = subprocess.run(command, capture_output=True, check=False, env=_environment())  # noqa: S603 (no shell)
    return answer.stdout if answer.returncode == 0 else None


def _executable() -> str | None:
    return shutil.which("git")


def _environment() -> dict[str, str]:
    needed = {name: value for name, value in os.environ.items() if _NEEDED.fullmatch(name)}
    kept = {name: value for name, value in needed.items() if name not in _MISLEADING}
    return kept | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

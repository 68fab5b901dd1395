"""The repository of a fleet's folder, found so that a pull request cannot influence it.

A commit can add any file except ``.git``, and any folder except parents of itself. So only a ``.git`` counts,
never a folder that looks like a repository; and of several, the outermost whose HEAD contains the fleet's folder.
An inner repository that a commit refers to is a submodule, which a pull request can point anywhere.
"""

from __future__ import annotations

import os
import posixpath
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from reconciler.errors import InvalidInputError, RepositoryError
from reconciler.files.libgit import pygit2
from reconciler.files.objects import MissingObjectError, Objects, TreeEntryKind
from reconciler.files.regular_files import UnreadableError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIABLE: Final = "RECONCILER_REPOSITORY"
"""Names the top folder of the repository from outside; then no other is searched."""
FETCH_ALL: Final = "fetch the whole history and all files (no --depth, no --filter)"
_DOT_GIT: Final = ".git"
_HEAD: Final = "HEAD"
_MOST_LINKS: Final = 40
_FOREIGN: Final = "not owned by current user"
_ANYWHERE: Final = "a pull request can point it anywhere"
_BROKEN_REF: Final = "run `git fsck` for details; fetch the ref again, or delete it"
_NAME_IT: Final = f"if this is intended, set {VARIABLE} to the folder that contains the right .git"


class LinkTargets(NamedTuple):
    """Files of the repository outside the root of a tree, to which a link may lead."""

    prefix: str
    """The path of the root from the top of the repository."""
    holds: Callable[[str], bool]
    """Returns whether the last commit has a file at a path from the root."""


class AbsentError(RepositoryError):
    """The repository, or something in it, does not exist."""


class CommitEntry(NamedTuple):
    """An entry of a commit, and its path from the top."""

    path: str
    kind: TreeEntryKind
    id: str


class Repository(Struct, frozen=True):
    """The repository of a fleet."""

    top: Path
    """The folder that contains ``.git``, without symbolic links."""
    prefix: str
    """The fleet's folder relative to it, with ``/``; empty for the top folder itself."""
    libgit: pygit2.Repository

    @property
    def objects(self) -> Objects:
        """Its objects."""
        return Objects(self.libgit.odb)

    def from_top(self, path: str) -> str:
        """Return the path from the top of a path in the fleet's folder."""
        return posixpath.normpath(f"{self.prefix}/{path}") if self.prefix else path

    def follow(self, ref: str) -> tuple[str, str | None]:
        """Return the full name of the final ref, and its id; None if no such ref exists.

        Raises RepositoryError if it cannot be read.
        """
        for _ in range(_MOST_LINKS):
            target = self._target(ref)
            if not isinstance(target, str):
                return ref, None if target is None else str(target)
            ref = target
        raise RepositoryError(f"the ref {ref!r} of {self.top} points to itself", hint=_BROKEN_REF)

    def head(self) -> str | None:
        """Return the id of HEAD; None if there is no commit yet."""
        return self.follow(_HEAD)[1]

    def entry(self, commit: str, path: str) -> CommitEntry | None:
        """Return the entry at ``path`` in a commit, or the link, submodule or file on its path.

        ``path`` is not empty. None if the commit has nothing there; raises UnreadableError.
        """
        tree, at = self.objects.commit(commit).tree, ""
        parts = deque(path.split("/"))
        while parts:
            name = parts.popleft()
            at = f"{at}/{name}" if at else name
            entry = self.objects.tree(tree).get(name)
            if entry is None or not parts or entry.kind is not TreeEntryKind.FOLDER:
                return None if entry is None else CommitEntry(at, entry.kind, entry.id)
            tree = entry.id
        raise ValueError(path)

    def _target(self, ref: str) -> str | pygit2.Oid | None:
        try:
            return self.libgit.lookup_reference(ref).target
        except KeyError:
            return None
        except (pygit2.GitError, ValueError, UnicodeDecodeError) as error:
            message = f"cannot read the ref {ref!r} of {self.top}: {_one_line(error)}"
            raise RepositoryError(message, hint=_BROKEN_REF) from error


def found(folder: Path) -> Repository:
    """Return the result of ``find``; raises AbsentError if there is none."""
    repository = find(folder)
    if repository is None:
        named = "this folder" if folder == Path() else f"the folder {printable(str(folder))}"
        raise AbsentError(
            f"{named} is not in a git repository whose last commit contains it",
            hint="run in a git checkout, or commit the folder first",
        )
    return repository


def find(folder: Path) -> Repository | None:
    """Return the repository of the fleet in ``folder``; None if no repository's HEAD contains the folder.

    Raises RepositoryError if one cannot be read, belongs to another user, or has a submodule or link in place of
    the folder.
    """
    for link in _links(folder):
        _refuse_link(link)
    home = Path(os.path.realpath(folder))
    if named := os.environ.get(VARIABLE):
        return _named(Path(os.path.realpath(named)), home)
    unborn: Repository | None = None
    for top in _tops(home):
        repository = _opened(top, home)
        if repository.head() is None:
            unborn = repository
        elif _knows(repository):
            return repository
    return unborn


def _named(top: Path, home: Path) -> Repository:
    if not home.is_relative_to(top) or not _holds_one(top):
        raise RepositoryError(
            f"{VARIABLE} is {printable(str(top))}, which contains no .git, or does not contain "
            f"{printable(str(home))}",
            hint="set it to the top folder of the fleet's checkout",
        )
    return _opened(top, home)


def _tops(home: Path) -> Iterator[Path]:
    """Return the folders that contain a ``.git``, the outermost first."""
    return (folder for folder in reversed((home, *home.parents)) if _holds_one(folder))


def _holds_one(folder: Path) -> bool:
    """Return whether there is a ``.git`` that git accepts as a repository, or as a link to one."""
    return os.path.isfile(folder / _DOT_GIT) or os.path.lexists(folder / _DOT_GIT / _HEAD)  # noqa: PTH113 (errors: no)


def _opened(top: Path, home: Path) -> Repository:
    try:
        opened = pygit2.Repository(str(top / _DOT_GIT), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except (pygit2.GitError, KeyError, ValueError, OSError) as error:
        raise _refusal(top, error) from error
    prefix = home.relative_to(top).as_posix()
    return Repository(top, "" if prefix == "." else prefix, opened)


def _knows(repository: Repository) -> bool:
    """Return whether its HEAD contains the fleet's folder; raises RepositoryError for a submodule in its
    place.
    """
    head = repository.head()
    if not repository.prefix or head is None:
        return not repository.prefix
    entry = _entry(repository, head, repository.prefix)
    if entry is None or entry.kind in (TreeEntryKind.FILE, TreeEntryKind.LINK):
        return False
    if entry.kind is TreeEntryKind.SUBMODULE:
        raise RepositoryError(
            f"{printable(entry.path)} is a submodule of the repository in {repository.top}: {_ANYWHERE}",
            hint=_NAME_IT,
        )
    return True


def _refuse_link(link: Path) -> None:
    """Raise RepositoryError for a symbolic link that an outer repository has in its HEAD."""
    for top in _tops(link.parent):
        repository = _opened(top, link)
        head = repository.head()
        entry = None if head is None else _entry(repository, head, repository.prefix)
        if entry is not None and entry.kind is TreeEntryKind.LINK:
            raise RepositoryError(
                f"{printable(entry.path)} is a symbolic link of the repository in {top}: {_ANYWHERE}",
                hint="use the path of the folder itself",
            )


def _entry(repository: Repository, commit: str, path: str) -> CommitEntry | None:
    try:
        return repository.entry(commit, path)
    except UnreadableError as error:
        message = f"cannot read the last commit of the repository in {repository.top}: an object {error}"
        raise RepositoryError(message, hint=fetching(error)) from error


def fetching(error: UnreadableError) -> str:
    """Return the remedy for an object that cannot be read."""
    if isinstance(error, MissingObjectError):
        return FETCH_ALL
    return "run `git fsck` for details; a fresh clone may help"


def _links(folder: Path) -> Iterator[Path]:
    """Yield the symbolic links on the path of a folder; limited in number."""
    at = Path("/")
    left = deque(Path.cwd().joinpath(folder).parts[1:])
    followed = 0
    while left and followed < _MOST_LINKS:
        part = left.popleft()
        here = at / part
        if part == "..":
            at = at.parent
        elif here.is_symlink():
            yield here
            followed += 1
            goal = here.readlink()
            at = Path("/") if goal.is_absolute() else at
            left.extendleft(reversed(goal.parts[1:] if goal.is_absolute() else goal.parts))
        else:
            at = here


def _refusal(top: Path, error: Exception) -> RepositoryError:
    text, message = str(error), _one_line(error)
    if _FOREIGN in text:
        return RepositoryError(
            f"the repository in {top} belongs to {_owner(top)}, who may have prepared it",
            hint=f"if you trust it, run git config --global --add safe.directory {top}; if it is not the fleet's "
            f"own, set {VARIABLE} to the folder that contains the right .git",
        )
    if "object format" in text:
        return _unsupported(top, "uses SHA-256 object ids", "use a repository with --object-format=sha1")
    if "refstorage" in text:
        return _unsupported(top, "stores its refs as a reftable", "git refs migrate --ref-format=files")
    if isinstance(error, OSError) and not isinstance(error, pygit2.GitError):
        message = error.strerror or message
    return RepositoryError(f"cannot read the repository in {top}: {message}", hint="run `git status` for details")


def _unsupported(top: Path, what: str, way: str) -> RepositoryError:
    return RepositoryError(f"the repository in {top} {what}, which reconciler cannot read", hint=way)


def _owner(top: Path) -> str:
    owners = (os.lstat(path).st_uid for path in (top, top / _DOT_GIT))
    uid = next((owner for owner in owners if owner != os.geteuid()), None)
    return "another user" if uid is None else f"user {uid}"


def _one_line(error: Exception) -> str:
    """Return libgit2's message on one line."""
    return printable(" ".join(str(error).split()))[:200]


def link_targets(root: Path) -> LinkTargets | None:
    """Return None outside a git checkout, without a commit, and if the fleet's folder is the top folder."""
    try:
        repository = find(root)
        head = None if repository is None else repository.head()
    except InvalidInputError:  # its error is reported where it is needed
        return None
    if repository is None or head is None or not repository.prefix:
        return None

    def holds(path: str) -> bool:
        try:
            entry = repository.entry(head, repository.from_top(path))
        except UnreadableError:
            return False
        return entry is not None and entry.kind is TreeEntryKind.FILE and entry.path == repository.from_top(path)

    return LinkTargets(repository.prefix, holds)

"""The repository that a fleet's folder is in, found from outside of what a pull request can add.

A commit can bring any file but ``.git``, and any folder but one above itself. So only a ``.git`` counts, never a
folder that looks like a repository; and of several, the outermost whose HEAD knows the fleet's folder. A
repository within it that a commit refers to is a submodule, which a pull request can let lead anywhere.
"""

from __future__ import annotations

import os
import posixpath
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.errors import InvalidInputError
from reconciler.files.libgit import pygit2
from reconciler.files.objects import Kind, MissingObjectError, Objects
from reconciler.files.regular_files import UnreadableError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIABLE: Final = "RECONCILER_REPOSITORY"
"""Names the top folder of the repository from outside; then no other is looked for."""
FETCH_ALL: Final = "fetch the whole history and all files (no --depth, no --filter)"
_DOT_GIT: Final = ".git"
_HEAD: Final = "HEAD"
_MOST_LINKS: Final = 40
_FOREIGN: Final = "not owned by current user"
_ANYWHERE: Final = "a pull request can let it lead anywhere"
_BROKEN_REF: Final = "`git fsck` tells more; fetch it again, or delete it"
_NAME_IT: Final = f"where that is meant, let {VARIABLE} name the folder that holds the right .git"


class Beside(NamedTuple):
    """What is in the repository beside the root of a tree."""

    prefix: str
    """Where the root is from the top of the repository."""
    holds: Callable[[str], bool]
    """Whether the last commit has a file at a path from the root."""


class AbsentError(InvalidInputError):
    """What was asked for is not in the repository, or there is no repository."""


class Met(NamedTuple):
    """An entry of a commit, and its path from the top."""

    path: str
    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository of a fleet."""

    top: Path
    """The folder that holds ``.git``, without symbolic links."""
    prefix: str
    """The fleet's folder from there, with ``/``; empty for the top itself."""
    libgit: pygit2.Repository

    @property
    def objects(self) -> Objects:
        """Its objects."""
        return Objects(self.libgit.odb)

    def from_top(self, path: str) -> str:
        """The path from the top of what is in the fleet's folder."""
        return posixpath.normpath(f"{self.prefix}/{path}") if self.prefix else path

    def follow(self, ref: str) -> tuple[str, str | None]:
        """The full name of the ref that a full name leads to, and the id there; None where no such ref exists.

        Raises InvalidInputError where it cannot be read.
        """
        for _ in range(_MOST_LINKS):
            target = self._target(ref)
            if not isinstance(target, str):
                return ref, None if target is None else str(target)
            ref = target
        raise InvalidInputError(f"the ref {ref!r} of {self.top} leads to itself", hint=_BROKEN_REF)

    def head(self) -> str | None:
        """The id that HEAD stands for; None where there is no commit yet."""
        return self.follow(_HEAD)[1]

    def entry(self, commit: str, path: str) -> Met | None:
        """What a commit has at ``path``, or the link, submodule or file on the way to it.

        ``path`` is not empty. None where the commit has nothing there; raises UnreadableError.
        """
        tree, at = self.objects.commit(commit).tree, ""
        parts = deque(path.split("/"))
        while parts:
            name = parts.popleft()
            at = f"{at}/{name}" if at else name
            entry = self.objects.tree(tree).get(name)
            if entry is None or not parts or entry.kind is not Kind.FOLDER:
                return None if entry is None else Met(at, entry.kind, entry.id)
            tree = entry.id
        raise ValueError(path)

    def _target(self, ref: str) -> str | pygit2.Oid | None:
        try:
            return self.libgit.lookup_reference(ref).target
        except KeyError:
            return None
        except (pygit2.GitError, ValueError, UnicodeDecodeError) as error:
            message = f"the ref {ref!r} of {self.top} cannot be read: {_said(error)}"
            raise InvalidInputError(message, hint=_BROKEN_REF) from error


def found(folder: Path) -> Repository:
    """As ``find``; raises AbsentError where there is none."""
    repository = find(folder)
    if repository is None:
        raise AbsentError(
            f"{printable(str(folder))} is in no git repository whose last commit knows it",
            hint="run in a checkout, or commit the folder first",
        )
    return repository


def find(folder: Path) -> Repository | None:
    """The repository of the fleet in ``folder``; None where there is none, or none whose HEAD knows the folder.

    Raises InvalidInputError where one cannot be read, is another user's, or has a submodule or link in its place.
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
        raise InvalidInputError(
            f"{VARIABLE} is {printable(str(top))}, which holds no .git, or not {printable(str(home))}",
            hint="let it name the top folder of the checkout that the fleet is in",
        )
    return _opened(top, home)


def _tops(home: Path) -> Iterator[Path]:
    """The folders that hold a ``.git``, the outermost first."""
    return (folder for folder in reversed((home, *home.parents)) if _holds_one(folder))


def _holds_one(folder: Path) -> bool:
    """Whether there is a ``.git`` that git would take for a repository's, or for the way to one."""
    return os.path.isfile(folder / _DOT_GIT) or os.path.lexists(folder / _DOT_GIT / _HEAD)  # noqa: PTH113 (errors: no)


def _opened(top: Path, home: Path) -> Repository:
    try:
        opened = pygit2.Repository(str(top / _DOT_GIT), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except (pygit2.GitError, KeyError, ValueError, OSError) as error:
        raise _refusal(top, error) from error
    prefix = home.relative_to(top).as_posix()
    return Repository(top, "" if prefix == "." else prefix, opened)


def _knows(repository: Repository) -> bool:
    """Whether its HEAD has the fleet's folder; raises InvalidInputError for a submodule in its place."""
    head = repository.head()
    if not repository.prefix or head is None:
        return not repository.prefix
    entry = _entry(repository, head, repository.prefix)
    if entry is None or entry.kind in (Kind.FILE, Kind.LINK):
        return False
    if entry.kind is Kind.SUBMODULE:
        raise InvalidInputError(
            f"{printable(entry.path)} is a submodule of the repository in {repository.top}: {_ANYWHERE}",
            hint=_NAME_IT,
        )
    return True


def _refuse_link(link: Path) -> None:
    """Raises InvalidInputError for a symbolic link that a repository around it has in its HEAD."""
    for top in _tops(link.parent):
        repository = _opened(top, link)
        head = repository.head()
        entry = None if head is None else _entry(repository, head, repository.prefix)
        if entry is not None and entry.kind is Kind.LINK:
            raise InvalidInputError(
                f"{printable(entry.path)} is a symbolic link of the repository in {top}: {_ANYWHERE}",
                hint="name the folder itself",
            )


def _entry(repository: Repository, commit: str, path: str) -> Met | None:
    try:
        return repository.entry(commit, path)
    except UnreadableError as error:
        message = f"the last commit of the repository in {repository.top} cannot be read: an object {error}"
        raise InvalidInputError(message, hint=fetching(error)) from error


def fetching(error: UnreadableError) -> str:
    """What to do about an object that cannot be read."""
    if isinstance(error, MissingObjectError):
        return FETCH_ALL
    return "`git fsck` tells more; a fresh clone may help"


def _links(folder: Path) -> Iterator[Path]:
    """The symbolic links on the way to a folder, where they are; bounded."""
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


def _refusal(top: Path, error: Exception) -> InvalidInputError:
    whole, said = str(error), _said(error)
    if _FOREIGN in whole:
        return InvalidInputError(
            f"the repository in {top} belongs to {_owner(top)}, who could have prepared it",
            hint=f"if you trust it: git config --global --add safe.directory {top}; if it is not the fleet's own, "
            f"let {VARIABLE} name the folder that holds the right .git",
        )
    if "object format" in whole:
        return _unsupported(top, "names its objects by SHA-256", "use a repository of --object-format=sha1")
    if "refstorage" in whole:
        return _unsupported(top, "keeps its refs as a reftable", "git refs migrate --ref-format=files")
    if isinstance(error, OSError) and not isinstance(error, pygit2.GitError):
        said = error.strerror or said
    return InvalidInputError(f"the repository in {top} cannot be read: {said}", hint="`git status` may tell more")


def _unsupported(top: Path, what: str, way: str) -> InvalidInputError:
    return InvalidInputError(f"the repository in {top} {what}, which this program cannot read", hint=way)


def _owner(top: Path) -> str:
    owners = (os.lstat(path).st_uid for path in (top, top / _DOT_GIT))
    uid = next((owner for owner in owners if owner != os.geteuid()), None)
    return "another user" if uid is None else f"user {uid}"


def _said(error: Exception) -> str:
    """What libgit2 says, on one line."""
    return printable(" ".join(str(error).split()))[:200]


def beside(root: Path) -> Beside | None:
    """None outside a git checkout, where there is no commit yet, and where the fleet's folder is the top."""
    try:
        repository = find(root)
        head = None if repository is None else repository.head()
    except InvalidInputError:  # what is wrong with it is told where it is needed
        return None
    if repository is None or head is None or not repository.prefix:
        return None

    def holds(path: str) -> bool:
        try:
            entry = repository.entry(head, repository.from_top(path))
        except UnreadableError:
            return False
        return entry is not None and entry.kind is Kind.FILE and entry.path == repository.from_top(path)

    return Beside(repository.prefix, holds)

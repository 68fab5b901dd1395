"""A tag of a remote: read, fetched and moved by git, from an empty repository that borrows the fleet's objects.

Nothing of the fleet's own repository applies there: no configuration, no hook, no filter.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import NotAdvancedError
from reconciler.files import remote
from reconciler.files.libgit import pygit2
from reconciler.files.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

THEIRS: Final = "refs/theirs"
REACH: Final = (
    "check that the remote is reachable and that the run may push tags (contents: write), then run again"
)


class RemoteTag(Struct, frozen=True):
    """A tag by its full name."""

    repository: Repository
    """The fleet's repository."""
    remote: str
    ref: str
    within: str
    """A bare repository that borrows the fleet's objects."""

    def id(self) -> str | None:
        """Return the tag's current object id; None if there is no such tag. Raises NotAdvancedError without a
        response.
        """
        answer = self._git("ls-remote", remote.NAME, self.ref)
        if answer is None:
            raise NotAdvancedError(f"remote {self.remote} did not return {self.ref}", hint=REACH)
        return remote.listed(answer, self.ref)

    def fetched(self) -> Repository:
        """Return a repository with the remote's tag in THEIRS, and the commits behind it. Raises
        NotAdvancedError.
        """
        wanted = f"+{self.ref}:{THEIRS}"
        commits = ("--no-write-fetch-head", "--no-tags", "--filter=tree:0")
        if self._git("fetch", *commits, remote.NAME, wanted) is None:
            raise NotAdvancedError(f"cannot fetch {self.ref} from remote {self.remote}", hint=REACH)
        return self.borrowing

    @property
    def borrowing(self) -> Repository:
        """The bare repository."""
        opened = pygit2.Repository(self.within, pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
        return Repository(Path(self.within), "", opened)

    def moved(self, tag: str, was: str | None) -> bool:
        """Move it to a tag object of the fleet's repository, if it is still at ``was``; return whether it is
        there.
        """
        lease = f"--force-with-lease={self.ref}:{was or ''}"
        self._git("push", "--quiet", "--no-verify", lease, remote.NAME, f"{tag}:{self.ref}")
        return self.id() == tag  # the response to a push can be lost: check the tag

    def _git(self, *arguments: str) -> bytes | None:
        return remote.git(self.repository, self.remote, list(arguments), within=self.within)


@contextmanager
def remote_tag(repository: Repository, name: str, ref: str) -> Iterator[RemoteTag]:
    """Open the tag ``ref`` of the remote ``name``. Raises NotAdvancedError if no temporary repository can be
    created.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            within = os.path.realpath(folder)
            borrow(repository, Path(within))
            yield RemoteTag(repository, name, ref, within)
    except OSError as error:
        raise NotAdvancedError(
            f"cannot create a temporary repository: {error.strerror}", hint="check whether the disk is full"
        ) from error


def borrow(repository: Repository, folder: Path) -> None:
    """Create a bare repository in an empty folder, which borrows the objects of the fleet's."""
    pygit2.init_repository(str(folder), bare=True)
    common = _common(Path(repository.libgit.path))
    objects = folder / "objects/info"
    objects.mkdir(parents=True, exist_ok=True)
    (objects / "alternates").write_bytes(os.fsencode(common / "objects") + b"\n")
    if (shallow := common / "shallow").is_file():
        (folder / "shallow").write_bytes(shallow.read_bytes())


def _common(home: Path) -> Path:
    """Return the folder of the objects: for a linked work tree, in the main one."""
    link = home / "commondir"
    return Path(os.path.realpath(home / link.read_text().strip() if link.is_file() else home))

"""The files of a branch that moves on while a run carries out its earlier commit."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import StaleFilesError
from reconciler.files import remote
from reconciler.files.freshness import tip_of
from reconciler.files.git import load_at, load_commit
from reconciler.files.libgit import pygit2
from reconciler.files.remote_tag import borrow
from reconciler.files.repository import Repository, found
from reconciler.plan.newer_commit import NewerCommit, changed_tenants

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.files.known_tenants import KnownTenants

OURS: Final = "refs/ours"
THEIRS: Final = "refs/theirs"


class NewerFiles:
    """Compares the files of a run with those that their branch has by now. A commit is read once."""

    def __init__(self, root: Path, ref: str, head: str, known: KnownTenants) -> None:
        """``head`` is the commit of the files. ``known``: tenants of files that were read before."""
        self._root, self._ref, self._head, self._known = root, ref, head, known
        self._last: NewerCommit | None = None

    def __call__(self) -> NewerCommit | None:
        """Return the commit that the branch is at; None if that is the one of the files.

        Waits for the remote. Raises a ReconcilerError if it, or the commit, cannot be read.
        """
        repository = found(self._root)
        tip = tip_of(repository, self._ref)
        if tip == self._head:
            self._last = None
        elif self._last is None or self._last.commit != tip:
            here = load_at(self._root, self._head, known=self._known).desired
            changed = None if here is None else changed_tenants(here, self._at(repository, tip))
            self._last = NewerCommit(self._ref, tip, changed)
        return self._last

    def _at(self, repository: Repository, commit: str) -> DesiredState | None:
        """The files at a commit of the branch. None if they cannot be used."""
        followed = remote.upstream_of_branch(repository, self._ref)
        if followed is None or pygit2.Oid(hex=commit) in repository.libgit.odb:
            return load_commit(repository, commit, known=self._known).desired
        try:
            with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
                fetched = self._fetched(repository, Path(os.path.realpath(folder)), *followed)
                return load_commit(fetched, commit, known=self._known).desired
        except OSError as error:
            raise StaleFilesError(
                f"cannot create a temporary repository: {error.strerror}", hint="check whether the disk is full"
            ) from error

    def _fetched(self, repository: Repository, folder: Path, name: str, branch: str) -> Repository:
        """A bare repository that borrows the fleet's objects and has the branch of the remote."""
        borrow(repository, folder)
        bare = pygit2.Repository(str(folder), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
        bare.references.create(OURS, self._head)  # so that git fetches only what is new
        wanted = ("--no-write-fetch-head", "--no-tags", remote.NAME, f"+{branch}:{THEIRS}")
        if remote.git(repository, name, ["fetch", *wanted], within=str(folder)) is None:
            raise StaleFilesError(f"cannot fetch {self._ref} from remote {name}", hint="run again")
        return Repository(
            repository.top,
            repository.prefix,
            pygit2.Repository(str(folder), pygit2.enums.RepositoryOpenFlag.NO_SEARCH),
        )

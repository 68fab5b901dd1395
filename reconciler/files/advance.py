"""Moving the base forward after a run: a tag, here and at the remote, with a lease, so that parallel runs lose
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import InvalidInputError, NotAdvancedError, StaleFilesError
from reconciler.files import remote
from reconciler.files.applied import TAGS, StoredRecord, read_record_in, record_tag
from reconciler.files.git import ancestry, edited
from reconciler.files.libgit import pygit2
from reconciler.files.refs import named
from reconciler.files.remote_tag import REACH, THEIRS, remote_tag
from reconciler.files.repository import found
from reconciler.model.values import replace
from reconciler.plan.applied import NOBODY, Applied, advanced, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reconciler.files.remote_tag import RemoteTag
    from reconciler.files.repository import Repository
    from reconciler.plan.applied import FinishedRun

_TRIES: Final = 8


class MovedBase(Struct, frozen=True):
    """The base after a run."""

    applied: Applied
    remote: str | None
    """The remote that has it too; None if there is none."""


class Base(Struct, frozen=True):
    """The tag that a run moves, as it was when the run began."""

    repository: Repository
    ref: str
    fleet: str
    head: str
    """The commit whose files are applied."""
    before: Applied | None
    """What the run compares with; None if nothing was applied before."""
    tag: str | None
    """The tag's object id."""
    remote: str | None
    begun: Applied | None = None
    """What the run recorded in the tag before it wrote."""

    def trying(self, tenants: Iterable[str], seconds: int, creating: Mapping[str, str] = NOBODY) -> Base:
        """Record, before the run writes, which tenants it is about to change, and return the new base.

        If the run dies, the next one knows what may be partly applied. If others move the tag meanwhile, or it
        cannot be moved, the base stays as it was, and ``advance`` reports it. ``seconds`` is the time since 1970.
        ``creating`` are the tenants whose projects the run is to create although they had one, with its id.
        """
        named = list(tenants)
        if self.before is None or not (named or creating):
            return self
        tried = self.before.trying(named, self.head, creating)
        try:
            made = self._made(tried, seconds)
            if self.remote is None:
                there = read_record_in(self.repository, self.ref, self.fleet)
                done = there is not None and there.id == self.tag and self._replaced(there, made)
                return replace(self, begun=tried, tag=made) if done else self
            with remote_tag(self.repository, self.remote, self.ref) as tag:
                if tag.id() != self.tag or not tag.moved(made, self.tag):
                    return self
            self._set_here(made)
        except (InvalidInputError, StaleFilesError, NotAdvancedError):
            return self
        return replace(self, begun=tried, tag=made)

    def advance(self, ended: FinishedRun, seconds: int) -> MovedBase:
        """Move the tag at the remote, then here. ``seconds`` is the time since 1970.

        Raises NotAdvancedError if that is not possible: then the base stays as it was.
        """
        ours = advanced(self.before, self.head, ended, ancestry(self.repository))
        try:
            if self.remote is None:
                return MovedBase(self._move_here(ours, seconds), None)
            with remote_tag(self.repository, self.remote, self.ref) as tag:
                return MovedBase(self._move_there(tag, ours, seconds), self.remote)
        except (InvalidInputError, StaleFilesError) as error:
            raise NotAdvancedError(f"{self.ref} was not moved: {error}", hint=error.hint) from error

    def _move_there(self, tag: RemoteTag, ours: Applied, seconds: int) -> Applied:
        for _ in range(_TRIES):
            was = tag.id()
            applied = ours
            if was not in (None, self.tag):
                theirs = read_record_in(borrowed := tag.fetched(), THEIRS, self.fleet)
                applied = ours if theirs is None else merged(ours, theirs.applied, ancestry(borrowed))
                was = None if theirs is None else theirs.id
                if theirs is not None and applied == theirs.applied:
                    return applied
            elif was is not None and applied == (self.begun or self.before):
                return applied
            made = self._made(applied, seconds)
            if tag.moved(made, was):
                self._set_here(made)
                return applied
            if tag.id() == was:
                break
        raise NotAdvancedError(f"{self.ref} cannot be moved at remote {self.remote}", hint=REACH)

    def _move_here(self, ours: Applied, seconds: int) -> Applied:
        for _ in range(_TRIES):
            there = read_record_in(self.repository, self.ref, self.fleet)
            same = there is None or there.id == self.tag
            applied = ours if there is None or same else merged(ours, there.applied, ancestry(self.repository))
            if there is not None and applied == there.applied:
                return applied
            if self._replaced(there, self._made(applied, seconds)):
                return applied
        raise NotAdvancedError(f"other runs keep moving {self.ref}", hint="run again, one run at a time")

    def _made(self, applied: Applied, seconds: int) -> str:
        data = record_tag(applied, self.ref, self.fleet, seconds)
        try:
            return str(self.repository.libgit.write(pygit2.enums.ObjectType.TAG, data))
        except (pygit2.GitError, OSError, ValueError) as error:
            raise NotAdvancedError(
                f"cannot write to the repository: {error}", hint="check whether the disk is full"
            ) from error

    def _replaced(self, there: StoredRecord | None, made: str) -> bool:
        """Compare and swap, under git's own lock of the ref."""
        libgit = self.repository.libgit
        try:
            if there is None:
                libgit.references.create(self.ref, made)
                return True
            reference = libgit.lookup_reference(self.ref)
            if str(reference.target) != there.id:
                return False
            reference.set_target(made)
        except (pygit2.GitError, KeyError, ValueError, OSError):
            return False
        return True

    def _set_here(self, made: str) -> None:
        """Set the local tag: the remote's tag is the base; other clones get it by their next fetch."""
        try:
            self.repository.libgit.references.create(self.ref, made, force=True)
        except (pygit2.GitError, ValueError, OSError) as error:
            raise NotAdvancedError(
                f"{self.ref} was moved at remote {self.remote}, but not here: {error}",
                hint="git fetch --tags --force",
            ) from error


def base_to_advance(root: Path, name: str, fleet: str, *, base: str | None, ref: str | None) -> Base:
    """Return the tag that a run moves, read before the run reads anything else.

    ``base`` is what the run compares with, ``ref`` the branch whose remote gets the tag. Raises InvalidInputError
    if the tag exists and ``base`` is something else, and StaleFilesError for files that differ from the commit.
    """
    repository = found(root)
    full = f"{TAGS}{name.removeprefix(TAGS)}"
    if not pygit2.reference_is_valid_name(full):
        raise InvalidInputError(
            f"--advance {name!r} is not a valid tag name", hint="for example --advance applied"
        )
    if what := edited(root):
        raise StaleFilesError(
            f"--advance records a commit, but the files were edited since HEAD: {what}",
            hint="commit the edits first",
        )
    followed = _remote(repository, ref)
    if followed is not None:
        _refresh(repository, followed, full, fleet)
    there = read_record_in(repository, full, fleet)
    compared = None if base is None or base == "none" else named(repository, base)
    if there is not None and (compared is None or compared.ref != full):
        raise InvalidInputError(
            f"--advance moves {full}, but this run compares with something else", hint=f"use --base {full}"
        )
    started = None if compared is None else Applied(compared.commit)
    head = named(repository, "HEAD").commit
    before = started if there is None else there.applied
    return Base(repository, full, fleet, head, before, None if there is None else there.id, followed)


def _remote(repository: Repository, ref: str | None) -> str | None:
    followed = None if ref is None else remote.upstream_of_branch(repository, ref)
    if followed is None:
        return None
    remote.settings(repository, followed[0])  # an address that is not allowed is reported before anything is done
    return followed[0]


def _refresh(repository: Repository, followed: str, full: str, fleet: str) -> None:
    """Fetch the remote's tag: a run that compares with an older one repeats what was undone since."""
    with remote_tag(repository, followed, full) as tag:
        there = tag.id()
        if there in (None, repository.follow(full)[1]):
            return
        theirs = read_record_in(tag.fetched(), THEIRS, fleet)
        if theirs is None or pygit2.Oid(hex=theirs.applied.commit) not in repository.libgit.odb:
            raise StaleFilesError(
                f"remote {followed} has {full} on a commit that this clone lacks", hint="fetch the whole history"
            )
        kind, data = tag.borrowing.libgit.odb.read(theirs.id)[:2]
        repository.libgit.write(kind, data)
        repository.libgit.references.create(full, theirs.id, force=True)

"""The commit that a name means. Names are read strictly: an ambiguous name is an error.

Whoever may push a branch chooses its name. Otherwise a tag and a branch with the same name, or a branch named like
the start of a commit id, would decide which commit a run is compared with.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.errors import RepositoryError
from reconciler.files.libgit import pygit2
from reconciler.files.objects import MissingObjectError
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import AbsentError, fetching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.files.repository import Repository

_NAME: Final = re.compile(r"(?P<name>[^~^:?*\[\\\s]+)(?P<steps>(?:[~^][0-9]{0,6})*)")
_STEP: Final = re.compile(r"([~^])([0-9]*)")
_ID: Final = re.compile(r"[0-9a-f]{40}")
_ABBREVIATION: Final = re.compile(r"[0-9a-f]{4,39}")
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""A name that is safe to paste into a command."""
_HEAD: Final = "HEAD"
_FORMS: Final = ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
HINT: Final = "use a commit, branch or tag"
_MOST_MEANT: Final = 3


class NamedCommit(NamedTuple):
    """The named commit, and the ref that names it: None for an id, and for an ancestor of a ref."""

    commit: str
    ref: str | None


def named(repository: Repository, text: str) -> NamedCommit:
    """Return what ``text`` names: HEAD, a branch, a tag, a remote's branch or an id; with ``~N`` or ``^N``, an
    ancestor.

    Raises RepositoryError, or its subclass AbsentError if the repository has no such commit.
    """
    match = _NAME.fullmatch(text)
    if match is None or not text.isprintable() or text.startswith("-") or "@{" in text or ".." in text:
        raise RepositoryError(f"{text!r} is not a valid git ref", hint=HINT)
    ref, found = _base(repository, match["name"])
    if found is None:
        raise _absent(repository, text)
    try:
        commit = repository.objects.peeled(found)
        for sign, number in _STEP.findall(match["steps"]):
            commit = _step(repository, text, commit, sign, int(number or 1))
    except UnreadableError as error:
        message = f"cannot read commit {text!r}: an object {error}"
        raise RepositoryError(message, hint=fetching(error)) from error
    return NamedCommit(commit, None if match["steps"] else ref)


def _base(repository: Repository, name: str) -> tuple[str | None, str | None]:
    """Return the ref with that name and the id of its target."""
    if name == _HEAD:
        ref, target = repository.follow(_HEAD)
        if target is None:
            raise AbsentError(f"the repository in {repository.top} has no commit yet", hint="commit the files")
        return ref, target
    if _ID.fullmatch(name):
        return None, _known(repository, name)
    found: dict[str, tuple[str | None, str]] = dict(_refs(repository, name))
    if (short := _abbreviated(repository, name)) is not None:
        found[f"commit {short}"] = None, short
    if len(found) > 1:
        raise RepositoryError(
            f"{name!r} is ambiguous: {' or '.join(found)}", hint="use the full name of one of them"
        )
    return next(iter(found.values()), (None, None))


def _refs(repository: Repository, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield every ref with that name, in full, with its target."""
    forms = ("{}",) if name.startswith("refs/") else _FORMS
    for full in (form.format(name) for form in forms):
        if pygit2.reference_is_valid_name(full):
            ref, target = repository.follow(full)
            if target is not None:
                yield full, (ref, target)


def _known(repository: Repository, name: str) -> str | None:
    return name if pygit2.Oid(hex=name) in repository.libgit.odb else None


def _abbreviated(repository: Repository, name: str) -> str | None:
    if not _ABBREVIATION.fullmatch(name):
        return None
    try:
        return str(repository.libgit.expand_id(name))
    except KeyError:
        return None
    except ValueError as error:
        raise RepositoryError(f"{name!r} is the start of several commit ids", hint="use the full id") from error
    except pygit2.GitError as error:
        raise RepositoryError(f"cannot look up {name!r}: {error}", hint="run `git fsck` for details") from error


def _step(repository: Repository, text: str, commit: str, sign: str, number: int) -> str:
    if sign == "^":
        return commit if number == 0 else _parent(repository, text, commit, number)
    for _ in range(number):
        commit = _parent(repository, text, commit, 1)
    return commit


def _parent(repository: Repository, text: str, commit: str, number: int) -> str:
    parents = repository.objects.commit(commit).parents
    if number > len(parents):
        raise _absent(repository, text)
    parent = parents[number - 1]
    try:
        repository.objects.commit(parent)
    except MissingObjectError:
        if repository.libgit.is_shallow:
            raise _absent(repository, text) from None
        raise
    return parent


def _absent(repository: Repository, text: str) -> AbsentError:
    if repository.libgit.is_shallow:
        return AbsentError(
            f"the shallow clone in {repository.top} does not contain commit {text!r}",
            hint=_meant(repository, text) or "fetch the whole history: git fetch --unshallow",
        )
    message = f"the repository in {repository.top} does not contain commit, branch or tag {text!r}"
    return AbsentError(message, hint=_meant(repository, text) or _remedy(text))


def _remedy(text: str) -> str:
    """Return the remedy for a name without a commit, by its form."""
    if _ABBREVIATION.fullmatch(text) or _ID.fullmatch(text):
        return (
            "fetch the whole history (git fetch --all, without --depth); a commit dropped by a rebase or a "
            "forced push is in no clone: use one that the branch contains"
        )
    name = text.removeprefix("refs/tags/")
    if "/" in name or not _TAG.fullmatch(name):
        return "use a commit, branch or tag of this repository; git fetch --tags fetches those of the remote"
    return (
        "check the spelling, or fetch the tags of the remote (git fetch --tags); the tag of the last "
        f"applied commit is set once: git tag {name} COMMIT, or, by a first run, --base none --advance "
        f"{name}"
    )


def _meant(repository: Repository, text: str) -> str | None:
    """Suggest branches of remotes with that name: CI may check out a commit without a branch."""
    wanted, *steps = re.split(r"(?=[~^])", text.removeprefix("refs/heads/"), maxsplit=1)
    remote = "refs/remotes/"
    found = (name.removeprefix(remote) for name in repository.libgit.references if name.startswith(remote))
    meant = sorted("".join((name, *steps)) for name in found if name.partition("/")[2] == wanted != _HEAD)
    return f"a remote has a branch with this name: use {' or '.join(meant[:_MOST_MEANT])}" if meant else None

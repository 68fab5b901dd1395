"""The commit that a name stands for. Names are read strictly: what two refs could mean is an error.

Whoever may push a branch chooses its name. A tag and a branch of one name, or a branch that is called like the
beginning of a commit's id, would otherwise decide which commit a run is compared with.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.errors import InvalidInputError
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
"""A name that can be pasted into a command."""
_HEAD: Final = "HEAD"
_FORMS: Final = ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
HINT: Final = "name a commit, branch or tag"
_MOST_MEANT: Final = 3


class Named(NamedTuple):
    """The commit that was named, and the ref that names it: None for an id, and for a commit before a ref's."""

    commit: str
    ref: str | None


def named(repository: Repository, text: str) -> Named:
    """What ``text`` names: HEAD, a branch, a tag, a remote's branch or an id; with ``~N`` or ``^N``, an older one.

    Raises InvalidInputError: of it, AbsentError where the repository has no such commit.
    """
    match = _NAME.fullmatch(text)
    if match is None or not text.isprintable() or text.startswith("-") or "@{" in text or ".." in text:
        raise InvalidInputError(f"{text!r} is no git ref", hint=HINT)
    ref, found = _base(repository, match["name"])
    if found is None:
        raise _absent(repository, text)
    try:
        commit = repository.objects.peeled(found)
        for sign, number in _STEP.findall(match["steps"]):
            commit = _step(repository, text, commit, sign, int(number or 1))
    except UnreadableError as error:
        message = f"the commit {text!r} cannot be read: an object {error}"
        raise InvalidInputError(message, hint=fetching(error)) from error
    return Named(commit, None if match["steps"] else ref)


def _base(repository: Repository, name: str) -> tuple[str | None, str | None]:
    """The ref of that name and the id that it stands for."""
    if name == _HEAD:
        ref, target = repository.follow(_HEAD)
        if target is None:
            raise AbsentError(f"the repository in {repository.top} has no commit yet", hint="commit the files")
        return ref, target
    if _ID.fullmatch(name):
        return None, _known(repository, name)
    found: dict[str, tuple[str | None, str]] = dict(_refs(repository, name))
    if (short := _abbreviated(repository, name)) is not None:
        found[f"the commit {short}"] = None, short
    if len(found) > 1:
        raise InvalidInputError(f"{name!r} may be {' or '.join(found)}", hint="name one of them in full")
    return next(iter(found.values()), (None, None))


def _refs(repository: Repository, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Every ref that is called so, in full, with what it leads to."""
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
        raise InvalidInputError(f"{name!r} is the beginning of several ids", hint="name the id in full") from error
    except pygit2.GitError as error:
        raise InvalidInputError(f"{name!r} cannot be looked up: {error}", hint="`git fsck` tells more") from error


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
            f"the shallow clone in {repository.top} has no commit {text!r}",
            hint=_meant(repository, text) or "the clone is shallow: fetch the history",
        )
    message = f"there is no commit {text!r} in the repository of {repository.top}"
    return AbsentError(message, hint=_meant(repository, text) or _remedy(text))


def _remedy(text: str) -> str:
    """What may be wrong with a name that names nothing, by its form."""
    if _ABBREVIATION.fullmatch(text) or _ID.fullmatch(text):
        return (
            "fetch the whole history (git fetch --all, without --depth); a commit that a rebase or a forced push "
            "has dropped is in no clone: name one that the branch has"
        )
    name = text.removeprefix("refs/tags/")
    if "/" in name or not _TAG.fullmatch(name):
        return "a commit, branch or tag of this repository; git fetch --tags gets what the remote has"
    return (
        "check its spelling, or fetch what the remote has (git fetch --tags); the tag of what was applied last is "
        f"set once: git tag {name} COMMIT, or, by a first run, --base none --advance {name}"
    )


def _meant(repository: Repository, text: str) -> str | None:
    """The branches of remotes that are called so, as where CI checks out a commit and no branch."""
    wanted, *steps = re.split(r"(?=[~^])", text.removeprefix("refs/heads/"), maxsplit=1)
    remote = "refs/remotes/"
    found = (name.removeprefix(remote) for name in repository.libgit.references if name.startswith(remote))
    meant = sorted("".join((name, *steps)) for name in found if name.partition("/")[2] == wanted != _HEAD)
    return f"a branch of a remote is called so: name {' or '.join(meant[:_MOST_MEANT])}" if meant else None

"""What ``reconciler doctor`` says about git: the repository, its history, and what changes are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.git import ahead_of_head, base_ref, commit_id, edited, fork_point, left_out, load_at
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.repository import FETCH_ALL, find
from reconciler.files.tracked import filter_of, missing_in_git, uncommitted
from reconciler.model.diagnosis import Area, fail, failed_by, ok, warn
from reconciler.model.problem import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.files.repository import Repository
    from reconciler.model.diagnosis import Check

SHORT: Final = 12
"""Digits of a commit id in a message."""
NO_BASE: Final = "none"
"""``--base none``."""
NO_CAUSE: Final = "reductions and deletions are refused"
"""Without any earlier files."""
NO_PAST: Final = "reductions, transfers and creations are refused"
"""With earlier files that cannot be used: a tenant may have a past that is not known."""


def git_checks(root: Path, base: str | None, desired: DesiredState | None) -> Iterator[Check]:
    """The checks of the repository of the folder. ``base`` is ``--base``; ``desired`` what the files declare."""
    try:
        repository = find(root)
        if repository is None:
            yield warn(
                Area.GIT,
                f"no commit of a git repository contains this folder: without earlier files, {NO_CAUSE}",
                "git init, if there is no repository; then git add --all, and git commit",
            )
        elif repository.head() is None:
            yield warn(
                Area.GIT, f"the repository in {repository.top} has no commit yet", "git add --all, and git commit"
            )
        else:
            yield from _of(repository, root, base, desired)
    except InvalidInputError as error:
        yield failed_by(Area.GIT, error)


def _of(repository: Repository, root: Path, base: str | None, desired: DesiredState | None) -> Iterator[Check]:
    change = edited(root)
    state = "without edits" if change is None else f"and the files are edited: {change}"
    yield ok(Area.GIT, f"repository {repository.top}, commit {commit_id(root, 'HEAD')[:SHORT]}, {state}")
    if gone := left_out(root):
        message = f"git has left {_listed(gone)} out of this checkout (sparse checkout)"
        yield fail(Area.GIT, message, "git sparse-checkout disable")
    if repository.libgit.is_shallow:
        yield warn(Area.GIT, "the clone is shallow: older commits are not here", FETCH_ALL)
    yield from _filters(repository, desired)
    if (hidden := missing_in_git(root, PRICE_LIST)) and change is not None:
        yield warn(Area.GIT, f"git {hidden}: {NO_PAST}", "commit it")
    if desired is not None and (not_held := uncommitted(root, desired.tenants, ())):
        message = f"no commit holds what the files say of tenant {_listed(sorted(not_held))}"
        yield warn(Area.GIT, message, "commit them: until then, what they ask for has no cause")
    yield from _base(root, base)


def _listed(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1:,} more" if len(names) > 1 else names[0]


def _filters(repository: Repository, desired: DesiredState | None) -> Iterator[Check]:
    """Files that git keeps in another form: their earlier contents cannot be compared."""
    tenants = [] if desired is None else sorted({path for one in desired.tenants.values() for path in one.files})
    for path in (PRICE_LIST, *tenants):
        if name := filter_of(repository, path):
            message = f"git filters {path} (filter={name} in .gitattributes): its earlier contents are unknown"
            yield warn(Area.GIT, message, "keep the files of the fleet in git itself, without a filter")
            return


def _base(root: Path, stated: str | None) -> Iterator[Check]:
    """What the files are compared with, or why nothing can be."""
    if stated == NO_BASE:
        yield warn(
            Area.GIT, f"nothing is the base: {NO_CAUSE}", "name the commit that was applied last: --base REF"
        )
        return
    if stated is None and (branch := ahead_of_head(root)):
        message = f"branch {branch} is ahead of these files: {NO_PAST}"
        yield warn(
            Area.GIT,
            message,
            "if it was applied, check it out; if it is only proposed, name what was applied last: --base REF",
        )
        return
    ref = stated or base_ref(root)
    if ref is None:
        message = f"there is no base: no earlier commit has a {PRICE_LIST}, so {NO_CAUSE}"
        yield warn(Area.GIT, message, "after the first apply, commit each change before you apply it")
        return
    commit = commit_id(root, ref)
    found = load_at(root, ref, only=frozenset())
    if found.desired is None:
        message = f"{ref} cannot be the base: {errors(found.problems)[0]}"
        yield warn(Area.GIT, message, "name a commit whose files were valid: --base REF")
    elif fork_point(root, ref) is None:
        yield warn(Area.GIT, f"{ref} and HEAD have no merge base in this clone: {NO_PAST}", FETCH_ALL)
    else:
        yield ok(Area.GIT, f"the base is {ref}, commit {commit[:SHORT]}")

"""The files of a fleet at a commit, read from the repository: no work tree is changed, no program is started."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.commit_tree import CommitTree
from reconciler.files.edits import difference, is_left_out, missing, removed_tenant_names
from reconciler.files.libgit import pygit2
from reconciler.files.load import Loaded, OnInvalid, load_tree
from reconciler.files.objects import TreeEntryKind
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.reading import Memo, Reading
from reconciler.files.refs import named
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import AbsentError, Repository, fetching, find, found

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from reconciler.files.known_tenants import KnownTenants
    from reconciler.plan.applied import Precedes

HEAD: Final = "HEAD"
_PARENT: Final = "HEAD^1"
_MOST_SINCE: Final = 20
"""Maximum number of additional commits to read: each takes about as long as the base."""
_BRANCHES: Final = ("refs/heads/", "refs/remotes/")


def base_ref(root: Path, known: KnownTenants | None = None) -> str | None:
    """Return the commit that the current files change: HEAD if they are edited, else its first parent.

    None outside a git checkout, and if that commit does not exist or has no tiers.yaml. Files that git ignores do
    not count as edits. ``known`` are the files of this run. Raises InvalidInputError for a repository that cannot
    be read.
    """
    repository = find(root)
    if repository is None or repository.head() is None:
        return None
    head = fleet_tree(repository, HEAD)
    ref = HEAD if head is None or difference(repository, head, root, ignoring=True, known=known) else _PARENT
    return ref if _holds_price_list(repository, ref) else None


def is_in_git(root: Path) -> bool:
    """Return whether a repository holds the fleet. Raises as ``base_ref``."""
    return find(root) is not None


def possible_base_refs(root: Path) -> list[str | None]:
    """Return what ``base_ref`` may return, whatever the files are: without reading them. Raises as it does."""
    repository = find(root)
    if repository is None or repository.head() is None:
        return [None]
    return [ref if _holds_price_list(repository, ref) else None for ref in (HEAD, _PARENT)]


def edited(root: Path) -> str | None:
    """Return which of tiers.yaml and the tenant files differs from HEAD, as text; None if none does.

    Files that git ignores count. Bytes are compared, independent of git's index; line ends LF and CRLF are equal.
    Raises InvalidInputError outside a git checkout, and for a repository that cannot be read.
    """
    repository = found(root)
    head = fleet_tree(repository, HEAD)
    if head is None:
        return "HEAD does not contain the folder of the fleet"
    return difference(repository, head, root, ignoring=False)


def commit_id(root: Path, ref: str) -> str:
    """Return the full id of the commit that a branch, tag or abbreviation names; raises InvalidInputError."""
    return named(found(root), ref).commit


def load_at(
    root: Path,
    ref: str,
    *,
    only: frozenset[str] | None = None,
    memo: Memo | None = None,
    known: KnownTenants | None = None,
) -> Loaded:
    """Load the fleet from the files of a commit. As ``load``, without pinned projects:
    ``only`` leaves out every other tenant.

    Tenants with broken files there are held back: newer files cannot repair them. Settings that this release does
    not know count as unchecked: another release applied them. Unreadable files are listed as
    ``unread`` and hold back the tenant with their name.
    """
    return load_commit(found(root), ref, only=only, memo=memo, known=known)


def load_without(root: Path, ref: str, hidden: Collection[str], only: frozenset[str]) -> Loaded:
    """Load what the files of a commit say by themselves, without the ``hidden`` ones. As ``load_at``."""
    from reconciler.files.overlay import Remainder  # noqa: PLC0415 - for files that others override only

    tree = _existing_tree(found(root), ref)
    return load_tree(Remainder(tree, hidden), OnInvalid.SKIP, Reading(only, past=True))


def load_commit(
    repository: Repository,
    ref: str,
    *,
    only: frozenset[str] | None = None,
    memo: Memo | None = None,
    known: KnownTenants | None = None,
) -> Loaded:
    """Load the files at a commit of a repository. As ``load_at``."""
    tree = _existing_tree(repository, ref)
    reading = Reading(only, memo, past=True, known=known, commit=tree)
    return load_tree(tree, OnInvalid.SKIP, reading)


def _existing_tree(repository: Repository, ref: str) -> CommitTree:
    tree = fleet_tree(repository, ref)
    if tree is None:
        raise AbsentError(
            f"commit {ref!r} does not contain the folder of the fleet", hint="use a commit that contains its files"
        )
    return tree


def fleet_tree(repository: Repository, ref: str) -> CommitTree | None:
    """Return the fleet's folder at a commit; None if the commit has none."""
    commit = named(repository, ref).commit
    try:
        tree = repository.objects.commit(commit).tree
        if repository.prefix:
            entry = repository.entry(commit, repository.prefix)
            if entry is None or entry.path != repository.prefix or entry.kind is not TreeEntryKind.FOLDER:
                return None
            tree = entry.id
        return CommitTree(ref, tree, repository.objects, repository.prefix, repository.objects.commit(commit).tree)
    except UnreadableError as error:
        message = f"cannot read the folder of the fleet at {ref}: it {error}"
        raise InvalidInputError(message, hint=fetching(error)) from error


def _holds_price_list(repository: Repository, ref: str) -> bool:
    try:
        tree = fleet_tree(repository, ref)
        return tree is not None and bool(tree.blob(PRICE_LIST))
    except (AbsentError, FileNotFoundError):
        return False
    except UnreadableError:
        return True  # it exists; reading it reports the reason


def fork_point(root: Path, ref: str, head: str = HEAD) -> str | None:
    """Return the commit where ``head`` and ``ref`` parted: ``ref`` itself if ``head`` is a descendant.

    None if no common ancestor is known here, as in a shallow clone, or if there are several, as after two crossing
    merges. Raises InvalidInputError for a ref that does not exist.
    """
    repository = found(root)
    tip, base = (named(repository, name).commit for name in (head, ref))
    try:
        common: pygit2.Oid | None = repository.libgit.merge_base(tip, base)
        if common is None or _since(repository, tip, common) & _since(repository, base, common):
            return None
    except (KeyError, ValueError, pygit2.GitError):
        return None
    return str(common)


def commits_since(root: Path, ref: str) -> list[str]:
    """Return commits after ``ref`` and before HEAD, newest first: along first parents, limited in number.

    Raises InvalidInputError for a ref that does not exist.
    """
    repository = found(root)
    head, base = (named(repository, name).commit for name in (HEAD, ref))
    walk = repository.libgit.walk(head, pygit2.enums.SortMode.TOPOLOGICAL)
    walk.simplify_first_parent()
    walk.hide(base)
    try:
        commits = [str(one.id) for one in islice(walk, _MOST_SINCE)]
    except (KeyError, ValueError, pygit2.GitError):
        return []
    return [commit for commit in commits if commit != head]


def _since(repository: Repository, commit: str, ancestor: pygit2.Oid) -> set[str]:
    """Return the commits after an ancestor, up to a commit."""
    walk = repository.libgit.walk(commit, pygit2.enums.SortMode.NONE)
    walk.hide(ancestor)
    return {str(one.id) for one in walk}


def is_shallow(root: Path) -> bool:
    """Return whether the repository lacks a part of its history; False outside a git checkout."""
    repository = find(root)
    return repository is not None and bool(repository.libgit.is_shallow)


def ahead_of_head(root: Path) -> str | None:
    """Return a branch that contains HEAD and more: the current files are older than it. None if there is none."""
    repository = find(root)
    head = None if repository is None else repository.head()
    if repository is None or head is None:
        return None
    precedes = ancestry(repository)
    for name in repository.libgit.references:
        branch, tip = _followed(repository, name) if name.startswith(_BRANCHES) else (name, None)
        if tip is not None and precedes(head, tip):
            return branch.split("/", 2)[2]
    return None


def _followed(repository: Repository, name: str) -> tuple[str, str | None]:
    """Return the branch that a ref such as ``origin/HEAD`` leads to, and the id of its commit; no id if it leads
    nowhere, which matters only to a caller that names it.
    """
    try:
        return repository.follow(name)
    except InvalidInputError:
        return name, None


def left_out(root: Path, known: KnownTenants | None = None) -> list[str]:
    """Return tenant files in HEAD that a sparse checkout, or an index flag, keeps off disk.

    ``known`` are the files of this run.
    """
    repository = find(root)
    head = None if repository is None or repository.head() is None else fleet_tree(repository, HEAD)
    if repository is None or head is None:
        return []
    return [path for path in missing(head, root, known) if is_left_out(repository, path)]


def removed_tenants(root: Path, ref: str, known: KnownTenants | None = None) -> frozenset[str]:
    """Return the names of tenant files in a commit that are not on disk, without their endings.

    ``known`` are the files of this run.
    """
    tree = fleet_tree(found(root), ref)
    return frozenset() if tree is None else removed_tenant_names(tree, root, known)


def ancestry(repository: Repository) -> Precedes:
    """Return the ancestry of commits, as far as the repository has it."""

    def precedes(older: str, newer: str) -> bool:
        try:
            return older != newer and bool(repository.libgit.descendant_of(newer, older))
        except (KeyError, ValueError, pygit2.GitError):
            return False

    return precedes

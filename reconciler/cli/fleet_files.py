"""The files of a run: now, and at the commit that they are compared with."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from reconciler.cli.bases import Bases
from reconciler.cli.flag_values import check_scope, permissions, selection
from reconciler.cli.runtime import runtime
from reconciler.cli.tenant_cache import known_tenants
from reconciler.desired.roster import different, with_names
from reconciler.desired.selection import Depth
from reconciler.errors import ExitCode, InvalidInputError, ReconcilerError
from reconciler.files.applied import read_record
from reconciler.files.edits import has_rows, sources_without_files
from reconciler.files.git import (
    ahead_of_head,
    base_ref,
    commit_id,
    fork_point,
    is_in_git,
    is_shallow,
    left_out,
    load_at,
    possible_base_refs,
    removed_tenants,
)
from reconciler.files.load import OnInvalid, load
from reconciler.files.objects import MISSING
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.regular_files import printable
from reconciler.files.repository import FETCH_ALL
from reconciler.files.tracked import declared_at_head, ignored, missing_in_git, removed_without_commit, uncommitted
from reconciler.fleet import Request
from reconciler.model.problem import Severity, errors
from reconciler.model.quoting import shown
from reconciler.model.values import replace
from reconciler.plan import ends, renames
from reconciler.plan.applied import Applied
from reconciler.plan.approval import PlanOrigin
from reconciler.plan.baseline import Baseline
from reconciler.plan.concerns import NAMES
from reconciler.plan.declared_fields import changed_since
from reconciler.plan.history import History
from reconciler.views.console import WARNING, say, say_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from reconciler.cli.flags import FilesFlags, PermissionFlags, ScopeFlags
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import SqlSource
    from reconciler.files.known_tenants import KnownTenants
    from reconciler.files.load import Loaded
    from reconciler.files.reading import Memo
    from reconciler.model.problem import Problem
    from reconciler.plan.authors import FileKey
    from reconciler.plan.newer_commit import NewerCommit
    from reconciler.plan.plan import Authored
    from reconciler.plan.resets import BranchKey, RaisedNumbers
    from reconciler.plan.tombstones import Tombstones

NO_BASE = "none"
NOTHING_IS_TAKEN = "reductions, transfers and creations are refused"
HIDDEN_HINT = "commit it, or let git look at it again: git update-index --no-assume-unchanged --no-skip-worktree"
AHEAD_HINT = (
    "if that branch was applied, check it out; if it is only proposed, name the branch of these files with --ref, "
    "or the last applied commit with --base"
)
SHALLOW_HINT = "fetch the whole history: git fetch --unshallow; in CI, fetch-depth: 0"
NO_FORK_HINT = "fetch the whole history (fetch-depth: 0); after criss-cross merges, merge the base once more"


CORRECT_THEM: Final = "correct what is listed before this; `reconciler validate` checks it without an account"


class InvalidFilesError(ReconcilerError):
    """The files cannot be used; the problems have been shown."""

    exit_code = ExitCode.INVALID


class FleetFiles:
    """The files in a folder, read once for each command."""

    def __init__(
        self,
        flags: FilesFlags,
        only: frozenset[str] | None = None,
        about: frozenset[str] | None = None,
        known: KnownTenants | None = None,
        few: bool = False,
    ) -> None:
        """``only``: read just these tenants. ``about``: read all tenants, but the run is about these. ``known``:
        what this run has read already. ``few``: the run selects few of all tenants.
        """
        self._about = about
        self._flags = flags
        self._directory = flags.directory
        self._on_invalid = OnInvalid(flags.on_invalid)
        self._only = only
        self._memo: Memo = {}
        self._earlier: dict[str, Loaded] = {}
        self._read_before = known or known_tenants(flags.directory, complete=only is None, few=few)

    def narrowed(self, only: frozenset[str]) -> FleetFiles:
        """The same files, of which just these tenants are read; what this run has read is not read again."""
        return FleetFiles(self._flags, only=only, known=self._read_before)

    def require_tip(self) -> None:
        """Raises StaleFilesError if the files are not those of the last commit of ``--ref``, if that is given."""
        if self._flags.ref is not None:
            from reconciler.files.freshness import require_tip  # noqa: PLC0415 - only where a tip is named

            require_tip(self._directory, self._flags.ref)

    def newer_commits(self) -> Callable[[], NewerCommit | None] | None:
        """What tells which commit ``--ref`` is at later on; None without ``--ref``."""
        if self._flags.ref is None:
            return None
        from reconciler.files.newer_files import NewerFiles  # noqa: PLC0415 - only where a tip is named

        head = commit_id(self._directory, "HEAD")
        return NewerFiles(self._directory, self._flags.ref, head, self._read_before)

    def desired(self, on_prices: Callable[[DesiredState], None] = lambda _: None) -> DesiredState:
        """The current files; prints their problems on stderr. Raises InvalidFilesError if they cannot be used.

        ``on_prices`` as in ``load``.
        """
        with runtime().loading():
            loaded = load(
                self._directory,
                on_invalid=self._on_invalid,
                only=self._only,
                about=self._about,
                memo=self._memo,
                known=self._read_before,
                rows=self._rows,
                on_prices=on_prices,
            )
            self._read_before.save()
        if loaded.problems:
            say_problems(loaded.problems)
        if loaded.desired is None:
            raise InvalidFilesError("the files have problems: nothing was done", hint=CORRECT_THEM)
        if self._only is None and (gone := _left_out(self._directory, self._read_before)):
            raise InvalidInputError(
                f"{_listed(gone)}: git has left files of tenants out of this checkout (sparse checkout)",
                hint="git sparse-checkout disable, or take the tenants' folders in",
            )
        return loaded.desired

    def _rows(self, source: SqlSource, fleet: DesiredState) -> list[dict[str, object]]:
        from reconciler.cli.tenant_rows import rows_of  # noqa: PLC0415 - for a fleet with a query only

        return rows_of(self, source, fleet)

    def request(self, scope: ScopeFlags, permission: PermissionFlags, desired: DesiredState) -> Request:
        """The request that the flags make, after ``require_tip``. Raises InvalidInputError for a selection that
        matches nothing.
        """
        check_scope(scope, permission, desired)
        changed, taken = None, {}
        if scope.changed_since is not None:
            kept = self._kept(scope.changed_since, desired)
            owed = {desired.current_name(name) for name in (*kept.owed, *kept.tried)}
            before = self._before_at(scope.changed_since, desired)
            changed = changed_since(desired, before.base) | (owed & desired.tenants.keys())
            changed |= ends.ended(desired, runtime().now)
            taken = renames.declared_before(renames.no_longer_declared(History(before.base), desired), before)
        history = self.history(scope.base, desired, ref=self._flags.ref)
        if permission.prune:
            from reconciler.files.names_in_files import tenant_names  # noqa: PLC0415 - only before a deletion

            _check_sources(self._directory)
            uncommitted = history.uncommitted | removed_without_commit(self._directory, desired, self._memo)
            history = replace(history, names_in_files=tenant_names(self._directory), uncommitted=uncommitted)
        return Request(
            selection=selection(scope, changed),
            depth=Depth(scope.depth),
            only=scope.only or NAMES,
            history=history,
            permissions=permissions(permission),
            strict=permission.strict,
            tombstones=partial(self.tombstones, desired),
            raised=partial(self.raised, desired),
            authors=partial(self.authors, scope.base, desired),
            removed=self._removed,
            gone=tuple(taken.values()),
        )

    def _removed(self, tenants: Collection[str]) -> frozenset[str]:
        """Those of these tenants that a commit removed from the files."""
        from reconciler.files.earlier_commits import removed  # noqa: PLC0415 - only before a deletion

        return removed(self._directory, tenants)

    def _before_at(self, ref: str, desired: DesiredState) -> Baseline:
        """The files at a commit, and at its merge base with HEAD."""
        fork = fork_point(self._directory, ref)
        here = fork is None or fork == commit_id(self._directory, ref)
        return Baseline(self._at(ref), None if here else self._loaded_at(str(fork)).desired).under(desired)

    def base(self, ref: str | None) -> DesiredState | None:
        """The files at the base: the named one, otherwise the commit that the work tree is compared with."""
        if ref == NO_BASE:
            return None
        if ref is not None:
            return self._at(ref)
        if self._compared is None:
            return None
        loaded = self._loaded_at(self._compared)
        if loaded.desired is None:
            _tell_no_base(_why(loaded))
        else:
            _tell_unknown(loaded, self._compared)
        return loaded.desired

    def history(self, base: str | None, desired: DesiredState, *, ref: str | None = None) -> History:
        """The earlier files: at the base, and at the merge base of the base and HEAD.

        Without a named base, files of a commit that a branch has left behind ask for nothing that takes, unless
        ``ref`` says that they are the newest ones.
        """
        if base is None and ref is None and (branch := ahead_of_head(self._directory)):
            _tell(f"branch {branch} is ahead of these files: {NOTHING_IS_TAKEN}", AHEAD_HINT)
            return History(lost=True)
        at_base = self.base(base)
        compared = self._compared if base is None else base
        if at_base is None or compared is None:
            if base == NO_BASE:
                return History()
            return History(lost=self._has_unreadable_history(compared), without_base=is_in_git(self._directory))
        fork = fork_point(self._directory, compared)
        if fork is None:
            problem = f"{compared} and HEAD have no merge base in this clone, or several"
            _tell(f"{problem}: {NOTHING_IS_TAKEN}", NO_FORK_HINT)
            return History(lost=True)
        if hidden := missing_in_git(self._directory, PRICE_LIST):
            _tell(f"git {hidden}: {NOTHING_IS_TAKEN}", HIDDEN_HINT)
            return History(lost=True)
        known = self._known(at_base, compared, fork, desired)
        if self._only is None:
            known = replace(known, gone=renames.no_longer_declared(known, desired))
        elif any(known.may_be_renamed(name) for name in self._only if name in desired.tenants):
            known = self._with_removed_tenants(known, compared, fork, desired)
        return replace(known, guessed=base is None)

    def _has_unreadable_history(self, compared: str | None) -> bool:
        """Whether earlier files exist that cannot be read."""
        if compared is not None:  # their errors are reported
            return True
        if not is_shallow(self._directory):
            return False
        _tell(f"the clone is shallow, and holds no commit to compare with: {NOTHING_IS_TAKEN}", SHALLOW_HINT)
        return True

    def _known(self, at_base: DesiredState, compared: str, fork_id: str, desired: DesiredState) -> History:
        older = None if fork_id == commit_id(self._directory, compared) else fork_id
        fork = None if older is None else self._loaded_at(older).desired
        kept = self._kept(compared, desired)
        bases = Bases(self._directory, desired, older)
        owed = bases.owed({**bases.last_valid_commits(at_base, compared), **kept.owed})
        tried = bases.tried(kept.tried)
        uncommitted = self._uncommitted(desired, at_base, frozenset({*owed, *tried}))
        old = ignored(self._directory, with_names(desired.tenants, uncommitted))
        known = History(at_base, fork, owed=owed, tried=tried, uncommitted=uncommitted, ignored=old)
        since = {**dict.fromkeys(kept.tried, kept.commit), **kept.owed}
        later = {} if older else bases.declared_since(known, kept)
        known = replace(
            known, creating=kept.creating, rejected=kept.rejected, unusable=bases.unusable(owed, kept.owed)
        )
        return replace(known, since=since, declared_since=later).under(desired)

    def _with_removed_tenants(self, known: History, compared: str, fork: str, desired: DesiredState) -> History:
        """Adds the tenants whose files were removed since the base: a new tenant may be one of them, renamed."""
        names = removed_tenants(self._directory, compared, self._read_before).difference(
            desired.tenants, desired.held_back
        )
        if not names:
            return known
        wider = FleetFiles(self._flags, only=names.union(self._only or ()), known=self._read_before)
        at_base = wider._loaded_at(compared).desired
        return known if at_base is None else replace(wider._known(at_base, compared, fork, desired), gone=names)

    def _kept(self, ref: str, desired: DesiredState) -> Applied:
        """The record in the base tag, for the tenants of this run: other bases, and commits that were tried."""
        record = read_record(self._directory, ref, desired.fleet)
        if record is None:
            return Applied(commit_id(self._directory, ref))
        if self._only is None:
            return record.applied
        return record.applied.about(
            {n for one in self._only for n in (desired.names(one) if one in desired.tenants else (one,))}
        )

    def _uncommitted(self, desired: DesiredState, base: DesiredState, owed: frozenset[str]) -> frozenset[str]:
        """The tenants with declarations that git does not contain."""
        known = None if desired.sql_sources else self._read_before
        return uncommitted(self._directory, desired.tenants, _may_differ(desired, base, owed), self._memo, known)

    def tombstones(self, desired: DesiredState, tenants: Collection[str]) -> Tombstones:
        """The commits since which these tenants are declared absent; empty if git does not contain them."""
        from reconciler.files.tombstones import tombstones  # noqa: PLC0415 - only for a tombstone of a live project

        return tombstones(self._directory, {name: desired.tenants[name].files for name in tenants})

    def raised(self, desired: DesiredState, branches: Collection[BranchKey]) -> RaisedNumbers:
        """When the commits up to HEAD raised the numbers of these branches."""
        from reconciler.files.raised_numbers import raised_numbers  # noqa: PLC0415 - only for a number that grew

        return raised_numbers(self._directory, desired, branches)

    def authors(
        self, base: str | None, desired: DesiredState, places: Collection[FileKey]
    ) -> Mapping[FileKey, Authored]:
        """Who wrote these keys of the files since the base."""
        ref = base or self._compared
        if ref is None or ref == NO_BASE or not places:
            return {}
        from reconciler.files.authors import authors  # noqa: PLC0415 - only where a commit asks for something

        return authors(self._directory, ref, desired, places, known=self._read_before)

    def committed(self, desired: DesiredState, tenants: Iterable[str]) -> frozenset[str]:
        """Those of these tenants that HEAD declares; none if there is no commit."""
        declared = (name for name in tenants if name in desired.tenants and not desired.tenants[name].absent)
        return declared_at_head(self._directory, declared, self._read_before)

    @cached_property
    def _compared(self) -> str | None:
        """The commit that the work tree is compared with by default."""
        return base_ref(self._directory, self._read_before)

    def possible_bases(self) -> list[str]:
        """What ``_compared`` may turn out to be once the tenants are read, each as a name for ``--base``."""
        return [ref or NO_BASE for ref in possible_base_refs(self._directory)]

    def price_list_at(self, ref: str | None) -> DesiredState | None:
        """The price list at the base, as ``base`` finds it; None if there is no base.

        Raises InvalidInputError if that price list cannot be used.
        """
        found = self._compared if ref is None else ref
        if found is None or found == NO_BASE:
            return None
        return usable(load_at(self._directory, found, only=frozenset(), known=self._read_before), found)

    def commit(self) -> str | None:
        """The commit of the files; None outside a git checkout."""
        try:
            return commit_id(self._directory, "HEAD")
        except InvalidInputError:
            return None

    def made(self, base: str | None, at: datetime) -> PlanOrigin:
        """When and from which commits a plan is made, for its readers."""
        ref = base or self._compared
        compared = None if ref is None or ref == NO_BASE else commit_id(self._directory, ref)
        return PlanOrigin(at, commit=self.commit(), base=compared)

    def _at(self, ref: str) -> DesiredState:
        loaded = self._loaded_at(ref)
        desired = usable(loaded, ref)
        _tell_unknown(loaded, ref)
        return desired

    def _loaded_at(self, ref: str) -> Loaded:
        """The files at a commit, read once: the base is often the commit of ``--changed-since``, too."""
        if ref not in self._earlier:
            known = self._read_before
            self._earlier[ref] = load_at(self._directory, ref, only=self._only, memo=self._memo, known=known)
        return self._earlier[ref]


def _may_differ(desired: DesiredState, base: DesiredState, owed: frozenset[str]) -> Iterator[str]:
    """The tenants that the files may declare otherwise than their base, found when they are first asked for."""
    yield from different(base.tenants, desired.tenants)
    yield from owed & desired.tenants.keys()


def usable(loaded: Loaded, ref: str) -> DesiredState:
    """The files at a commit. Raises InvalidInputError if its price list cannot be used."""
    if loaded.desired is None:
        why = _why(loaded)
        raise InvalidInputError(
            f"{PRICE_LIST} at {ref} cannot be used: {why}",
            hint=_fetching(why) or "name a commit whose files were valid",
        )
    return loaded.desired


def _why(loaded: Loaded) -> Problem:
    """What is wrong with a price list that cannot be used."""
    wrong = errors(loaded.problems)
    of_prices = (problem for problem in wrong if problem.location.file.endswith(PRICE_LIST))
    return next(of_prices, wrong[0])


def _fetching(problem: Problem) -> str | None:
    return FETCH_ALL if problem.message.endswith(MISSING) else None


def _tell_unknown(loaded: Loaded, ref: str) -> None:
    """Prints which files of a commit cannot be used; what they declared is unknown."""
    wrong = errors(loaded.problems)
    if wrong:
        files = len({problem.location.file for problem in wrong})
        what = "1 file" if files == 1 else f"{files:,} files"
        counts = "their tenants are compared with an earlier commit, or not reduced"
        text = f"{what} at {ref} cannot be used: {counts}: {wrong[0]}"
        _tell(text, _fetching(wrong[0]) or "repair it in a commit, and name that or a later one with --base")


def _check_sources(directory: Path) -> None:
    """Raises InvalidInputError if generated files are missing: the projects of their tenants look like orphans."""
    if has_rows(directory):
        raise InvalidInputError(
            "--prune: tiers.yaml has tenants of a database, where a missing row is no commit",
            hint="to delete a project, state: absent in a row or a file",
        )
    if empty := sources_without_files(directory):
        raise InvalidInputError(
            f"--prune: no file matches {shown(empty[0])}, so the tenants that it declares are unknown",
            hint="provide its files, or take the source out of tiers.yaml",
        )


def _left_out(directory: Path, known: KnownTenants) -> list[str]:
    try:
        return left_out(directory, known)
    except InvalidInputError:  # an error of the repository is reported where it is needed
        return []


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{printable(paths[0])}{more}"


def _tell(message: str, hint: str) -> None:
    say(message, level=WARNING, hint=hint)


def _tell_no_base(problem: Problem) -> None:
    message = f"no base to compare with, so reductions are refused: {problem.message}"
    warning = replace(problem, message=message, severity=Severity.WARNING)
    say_problems([warning])

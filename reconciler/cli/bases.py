"""The files at commits that are the base of only some tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.roster import lacking
from reconciler.errors import InvalidInputError
from reconciler.files.git import commits_since, fork_point, load_at
from reconciler.plan.baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.plan.applied import Applied
    from reconciler.plan.baseline import Unusable
    from reconciler.plan.history import History


class Bases:
    """The files of a repository at commits other than the common base."""

    def __init__(self, directory: Path, desired: DesiredState, older: str | None) -> None:
        """``older`` is the merge base of HEAD and the common base, if HEAD lacks newer commits of the base."""
        self._directory = directory
        self._desired = desired
        self._older = older

    def owed(self, bases: Mapping[str, str | None]) -> dict[str, Baseline | None]:
        """The files of each of these tenants at its own base."""
        found = self._at((commit, name) for name, commit in bases.items())
        return {name: found[commit] for name, commit in bases.items()}

    def unusable(
        self, found: Mapping[str, Baseline | None], bases: Mapping[str, str | None]
    ) -> dict[str, Unusable]:
        """Why those of these commits cannot be compared with of which nothing was ``found``."""
        lost = {commit for name, commit in bases.items() if commit is not None and found.get(name) is None}
        if not lost:
            return {}
        from reconciler.files.unusable_base import why_unusable  # noqa: PLC0415 - for such commits only

        return {commit: why_unusable(self._directory, commit) for commit in sorted(lost)}

    def tried(self, tried: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[Baseline, ...]]:
        """The files of each of these tenants at each commit that was tried for it and is in this clone."""
        found = self._at((commit, name) for name, commits in tried.items() for commit in commits)
        return {
            name: tuple(known for commit in commits if (known := found[commit]) is not None)
            for name, commits in tried.items()
        }

    def last_valid_commits(self, base: DesiredState, ref: str) -> dict[str, str | None]:
        """For each tenant whose file is invalid at the base: the newest earlier commit at which it was valid.

        No broken file was applied. If this is unknown for a tenant, its base counts: another clone may be able to
        read the file.
        """
        unread = base.unread_of(self._desired)
        broken = sorted(name for name in base.held_back - unread if name in self._desired.tenants)
        if not broken:
            return {}
        from reconciler.files.earlier_commits import last_read  # noqa: PLC0415 - for broken files only

        return last_read(self._directory, ref, broken)

    def declared_since(self, known: History, kept: Applied) -> dict[str, tuple[Baseline, ...]]:
        """The files of each tenant that its base does not declare, at the commits after that base."""
        new: dict[str, set[str]] = {}
        tenants = self._desired.tenants
        unknown = set() if known.base is None else lacking(known.base.tenants, tenants)
        for name in sorted(unknown.union(known.owed)):
            before = known.baseline(name)
            if before is None or name in before.base.tenants or name not in tenants:
                continue
            base = kept.of(name)
            if base is not None and self._is_unknown_to(before.base, name):
                new.setdefault(base, set()).add(name)
        return {
            name: baselines
            for base, names in new.items()
            for name, baselines in self._since_first_declared(base, names).items()
        }

    def _since_first_declared(self, base: str, names: set[str]) -> dict[str, tuple[Baseline, ...]]:
        """The commits after a base, from the newest back to the one that first declared each of these tenants."""
        found: dict[str, tuple[Baseline, ...]] = {}
        for commit in commits_since(self._directory, base):
            baseline = self._before(commit, frozenset(names)) if names else None
            if baseline is None:
                break
            names = names & baseline.base.tenants.keys()
            found |= {name: (baseline, *found.get(name, ())) for name in names}
        return found

    def _is_unknown_to(self, files: DesiredState, tenant: str) -> bool:
        """Whether the files declare the tenant under none of its names."""
        return not any(name in files.tenants or name in files.held_back for name in self._desired.names(tenant))

    def _at(self, wanted: Iterable[tuple[str | None, str]]) -> dict[str | None, Baseline | None]:
        """By commit, the files of the tenants that are paired with it, under all their names."""
        tenants: dict[str | None, set[str]] = {}
        for commit, name in wanted:
            tenants.setdefault(commit, set()).update(self._desired.names(name))
        return {commit: self._before(commit, frozenset(names)) for commit, names in tenants.items()}

    def _before(self, commit: str | None, names: frozenset[str]) -> Baseline | None:
        """The files of a few tenants at a commit; None if they cannot be read."""
        try:
            fork = self._older or (fork_point(self._directory, commit) if commit else None)
            files_then = [load_at(self._directory, at, only=names).desired for at in (commit, fork) if at]
        except InvalidInputError:
            return None
        if commit is None:
            files_then.insert(0, self._desired.selecting(()))
        if any(files is None for files in files_then) or (commit is not None and fork is None):
            return None
        base, *others = (files for files in files_then if files is not None)
        return Baseline(base, others[0] if others else None)

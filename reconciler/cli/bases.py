"""What the files said at commits that are the base of a few tenants only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import InvalidInputError
from reconciler.files.earlier_commits import last_read
from reconciler.files.git import commits_since, fork_point, load_at
from reconciler.plan.history import Before

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.plan.applied import Applied
    from reconciler.plan.history import History


class Bases:
    """The files of a fleet's repository at other commits than the base of all others."""

    def __init__(self, directory: Path, desired: DesiredState, older: str | None) -> None:
        """``older`` is where HEAD and the base of all others parted, where HEAD lacks what came since."""
        self._directory = directory
        self._desired = desired
        self._older = older

    def owed(self, bases: Mapping[str, str | None]) -> dict[str, Before | None]:
        """What they said of each of these tenants at its own base."""
        found = self._at((commit, name) for name, commit in bases.items())
        return {name: found[commit] for name, commit in bases.items()}

    def tried(self, tried: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[Before, ...]]:
        """What they said of each of these tenants at each commit that was tried for it and is here."""
        found = self._at((commit, name) for name, commits in tried.items() for commit in commits)
        return {
            name: tuple(known for commit in commits if (known := found[commit]) is not None)
            for name, commits in tried.items()
        }

    def before_they_broke(self, base: DesiredState, ref: str) -> dict[str, str | None]:
        """Of tenants whose files are broken at the base, the newest commit before it at which they were not.

        Nothing that was broken was applied. Of one for whom nobody can tell, the base counts: as where this clone
        cannot read a file that another one may have read.
        """
        unread = base.unread_of(self._desired)
        broken = [name for name in self._desired.tenants if name in base.held_back - unread]
        return last_read(self._directory, ref, broken) if broken else {}

    def declared_since(self, known: History, kept: Applied) -> dict[str, tuple[Before, ...]]:
        """What commits after its base say of each tenant whom the base does not know, whatever became of them."""
        new: dict[str, set[str]] = {}
        for name in self._desired.tenants:
            base, before = kept.of(name), known.before(name)
            if base is not None and before is not None and self._is_unknown_to(before.base, name):
                new.setdefault(base, set()).add(name)
        return {
            name: said
            for base, names in new.items()
            for name, said in self._back_to_its_first(base, names).items()
        }

    def _back_to_its_first(self, base: str, names: set[str]) -> dict[str, tuple[Before, ...]]:
        """The commits after a base, from the newest back to the one that first declared each of these tenants."""
        found: dict[str, tuple[Before, ...]] = {}
        for commit in commits_since(self._directory, base):
            said = self._before(commit, frozenset(names)) if names else None
            if said is None:
                break
            names = names & said.base.tenants.keys()
            found |= {name: (said, *found.get(name, ())) for name in names}
        return found

    def _is_unknown_to(self, files: DesiredState, tenant: str) -> bool:
        """Under each of its names."""
        return not any(name in files.tenants or name in files.held_back for name in self._desired.names(tenant))

    def _at(self, wanted: Iterable[tuple[str | None, str]]) -> dict[str | None, Before | None]:
        """By commit, what they said there of the tenants who are named with it."""
        tenants: dict[str | None, set[str]] = {}
        for commit, name in wanted:
            tenants.setdefault(commit, set()).add(name)
        return {commit: self._before(commit, frozenset(names)) for commit, names in tenants.items()}

    def _before(self, commit: str | None, names: frozenset[str]) -> Before | None:
        """What they said of a few tenants at a commit; None where that cannot be told."""
        try:
            parted = self._older or (fork_point(self._directory, commit) if commit else None)
            said = [load_at(self._directory, at, only=names).desired for at in (commit, parted) if at]
        except InvalidInputError:
            return None
        if commit is None:
            said.insert(0, self._desired.selecting(()))
        if any(files is None for files in said) or (commit is not None and parted is None):
            return None
        base, *fork = (files for files in said if files is not None)
        return Before(base, fork[0] if fork else None)

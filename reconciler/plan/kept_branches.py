"""Branches that a restore leaves: they keep the state that was replaced, and their names say until when."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from reconciler.model.moments import rfc3339

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.live.project import LiveBranch

_KEPT: Final = re.compile(r" \(old(?:, before restore to (?P<to>[^)]*)| until (?P<until>[^)]*))?\)\Z")
"""Neon itself appends `` (old)`` to the name of a branch that a snapshot has replaced."""

_NUMBER: Final = re.compile(r" [0-9]+\Z")
"""What ``_free`` inserts where a name is taken."""


def is_kept(branch: LiveBranch) -> bool:
    """Return whether a restore has left the branch: by its name."""
    return not branch.default and _KEPT.search(branch.name) is not None


def kept_name(branch: str, to: str, taken: Collection[str] = ()) -> str:
    """Return the name for the state that a restore to ``to`` replaces: numbered if the name is taken."""
    return _free(branch, f"(old, before restore to {to})", taken)


def kept_until_name(branch: str, until: datetime, taken: Collection[str]) -> str:
    """Return the name for a branch that a finalized preview replaces."""
    return _free(branch, f"(old until {rfc3339(until)})", taken)


def _free(branch: str, ending: str, taken: Collection[str]) -> str:
    name, number = f"{branch} {ending}", 1
    while name in taken:
        number += 1
        name = f"{branch} {number} {ending}"
    return name


def in_place_of(kept: LiveBranch, default: LiveBranch | None) -> LiveBranch | None:
    """Return the default branch if a restore of it has left the kept one: by their names."""
    name = _KEPT.sub("", kept.name)
    return default if default is not None and default.name in (name, _NUMBER.sub("", name)) else None


def restored_to(branch: LiveBranch) -> str | None:
    """Return what the restore that left the branch returned to, in the words of ``kept_name``."""
    found = _KEPT.search(branch.name)
    return None if found is None else found["to"]


def kept_until(branch: LiveBranch, branches: Iterable[LiveBranch]) -> datetime | None:
    """Return until when a kept branch was the default one; None if nothing shows it.

    A branch that keeps a state was created by the restore (Neon: preserve_under_name). One that a snapshot
    replaced is the earlier default branch itself: its name says it, or the creation of the branch in its place, of
    which no preview is one.
    """
    found = _KEPT.search(branch.name)
    if found is None:
        return None
    if found["to"] is not None:
        return branch.created_at
    restores = ((one.created_at, one.restore) for one in branches if one.restore is not None)
    replacing = [at for at, restore in restores if restore.finalized and restore.replaces_id == branch.id]
    if found["until"] is not None and (replacing or _was_a_default_branch(branch)):
        return _moment(found["until"])
    return min(replacing, default=None)


def _was_a_default_branch(branch: LiveBranch) -> bool:
    """Return whether it may have been one: a branch that somebody made by hand has a parent and no mark."""
    return branch.parent_id is None or bool(branch.annotations) or branch.restore is not None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None

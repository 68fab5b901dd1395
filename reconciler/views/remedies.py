"""What a reader can do about each list of things that need attention: one sentence below it, in every format.

Each title of such a list stands in one of three tables. A list with another title cannot be shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.usage.states import FREED_BY, RAISED_BY, RESUMED_BY
from reconciler.views import grouping
from reconciler.views.sentences import FILE_CHANGES, POLICY_WARNINGS, WAITING

if TYPE_CHECKING:
    from collections.abc import Mapping

ORPHANS: Final = "Orphans"
NOTES: Final = "Notes"
STALE: Final = "Stale"
FAILED: Final = "Failed"
SKIPPED: Final = "Skipped"
UNCHANGED: Final = "Unchanged"
APPLIED: Final = "Applied"
WITH_WARNINGS: Final = "Applied with warnings"
SECOND_PROJECTS: Final = "Second projects deleted"
ROWS_THAT_DIFFER: Final = "Rows that differ"
ROWS_CHANGED: Final = "Rows changed"
ROWS_NOT_CHANGED: Final = "Rows not changed"
SUSPENDED: Final = "Suspended"
SUSPENDED_BY_FILES: Final = "Suspended by their files"
WRITES_FAIL: Final = "Writes fail"
ABOVE_A_THRESHOLD: Final = "Above a threshold"
OVERRIDES: Final = "Overrides"

LABEL: Final = "next step:"
"""Precedes a remedy."""
GO_ON: Final = "run the same command again: it continues with the rest"

REMEDIES: Final[Mapping[str, str]] = {
    ORPHANS: (
        "of this fleet's own: add the tenant's file again, or `reconciler plan --prune` shows what "
        "`apply --prune` can delete; of others: `reconciler adopt` writes files, or delete them in Neon's console"
    ),
    WAITING: "run `reconciler apply`; where something is refused or cannot be read, remove the reason first",
    POLICY_WARNINGS: "change the files as the policy says; a warning holds nothing back",
    FAILED: f"{GO_ON}; where Neon rejects a value (400), correct the files first",
    SKIPPED: GO_ON,
    WITH_WARNINGS: "`reconciler plan` shows what is left to do",
    ROWS_THAT_DIFFER: "`reconciler registry rebuild` changes them",
    ROWS_NOT_CHANGED: "`reconciler registry rebuild` again, once the reason is gone",
    SUSPENDED: RAISED_BY,
    SUSPENDED_BY_FILES: RESUMED_BY,
    WRITES_FAIL: FREED_BY,
    ABOVE_A_THRESHOLD: RAISED_BY,
}
"""What to do about all that stands below a title, unless each item says it."""
EACH_SAYS_IT: Final = frozenset(
    {
        *(grouping.REFUSED, grouping.REFUSED_EARLIER, grouping.REPORTED, grouping.NOT_APPLIED),
        *(grouping.NOT_POSSIBLE, grouping.CONFLICTS, grouping.EARLIER_CONFLICTS, grouping.OTHER_CONFLICTS),
        STALE,
        NOTES,
    }
)
"""Titles of lists whose items name their own remedies."""
NOTHING_TO_DO: Final = frozenset({APPLIED, UNCHANGED, SECOND_PROJECTS, ROWS_CHANGED, OVERRIDES, FILE_CHANGES})
"""Titles of what is said to be known, and needs nothing."""


def remedy_of(title: str) -> str | None:
    """The remedy for all that stands below this title; None if each item says it, or nothing is to be done.

    Raises LookupError for a title whose next step nobody has written.
    """
    if title in REMEDIES:
        return REMEDIES[title]
    if title in EACH_SAYS_IT or title in NOTHING_TO_DO:
        return None
    raise LookupError(f"reconciler/views/remedies.py has no next step for {title!r}")

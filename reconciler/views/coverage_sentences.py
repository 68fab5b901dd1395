"""The sentences about what a plan costs in calls, what it has looked at, and what it has not compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.views.formatted_text import FormattedText, formatted
from reconciler.views.sentences import counted, duration, is_or_are, listed, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.plan.plan import Budget, Coverage

_ORGANIZATIONS_NAMED: Final = 20
_FIELDS_NAMED: Final = 20
READS_BY_KIND: Final = 100
"""From so many reads on, a plan says what they are for."""


def budget(spent: Budget) -> str:
    """``14 write calls (2 transfers), about 9 reads, about 3 s at the account's rate limit.``

    Of many reads: ``about 120 reads (100 of operations, 20 searches for projects)``.
    """
    length = duration(spent.seconds)
    about = length if spent.seconds < 1 else f"about {length}"
    writes = f"{counted(spent.writes, 'write call')}{_of_these(_kinds_of_writes(spent))}"
    reads = f"{counted(spent.reads, 'read')}{_of_these(_kinds_of_reads(spent))}"
    return f"{writes}, about {reads}, {about} at the account's rate limit."


def _kinds_of_writes(spent: Budget) -> Iterator[str]:
    if spent.transfers:
        yield counted(spent.transfers, "transfer")
    if spent.repeats:
        yield f"up to {counted(spent.repeats, 'repeated transfer')}"
    if spent.resizes:
        yield f"up to {counted(spent.resizes, 'resize')} of new computes"


def _kinds_of_reads(spent: Budget) -> Iterator[str]:
    known = spent.polls + spent.searches + spent.late_looks
    if spent.reads < READS_BY_KIND or not known:
        return
    others = spent.reads - known
    kinds = (
        (spent.polls, f"{spent.polls:,} of operations"),
        (spent.searches, f"{counted(spent.searches, 'search', 'searches')} for projects"),
        (spent.late_looks, f"{spent.late_looks:,} of tenants whose turn comes late"),
        (others, counted(others, "other")),
    )
    yield from (kind for count, kind in kinds if count)


def _of_these(kinds: Iterator[str]) -> str:
    listed_kinds = ", ".join(kinds)
    return f" ({listed_kinds})" if listed_kinds else ""


def coverage(looked: Coverage) -> list[FormattedText]:
    """What was looked at, and what was not, one sentence a line."""
    limits = (
        (looked.missing, f"{counted(looked.missing, 'tenant')} without a project: --only does not create it."),
        (looked.left_out, f"{counted(looked.left_out, 'tenant')} left out by the selection."),
        (looked.held_back, f"{counted(looked.held_back, 'tenant')} skipped: the file is invalid."),
        (looked.unknown, f"{counted(looked.unknown, 'project')} not shown by the API."),
        (
            looked.in_no_file,
            f"{counted(looked.in_no_file, 'project')} {is_or_are(looked.in_no_file)} in no file.",
        ),
    )
    gaps = (FormattedText((sentence,)) for count, sentence in limits if count)
    return [_looked_at(looked), *_compared(looked), *gaps]


def _compared(looked: Coverage) -> Iterator[FormattedText]:
    """Which fields were compared, or which were not."""
    if looked.only:
        yield formatted("Only {} compared.", names(looked.only, _FIELDS_NAMED))
    elif looked.computes_total:
        yield _not_compared(looked)


def _not_compared(looked: Coverage) -> FormattedText:
    """What no file declares, with how many of each were seen."""
    things = (
        ("undeclared read replicas" if looked.declared_replicas else "read replicas", looked.replicas),
        ("computes of other branches", looked.other_computes),
        ("Postgres settings", looked.tuned_computes),
        ("protected branches", looked.protected_branches),
    )
    seen_things = [f"{thing} ({seen:,} seen)" if seen else thing for thing, seen in things]
    unread = looked.computes_total - looked.used_checked
    used = f"; used quotas not read: {unread:,} of {looked.computes_total:,}" if unread else ""
    return formatted(f"Not compared: {listed(seen_things)}; region and version, unless pinned{used}.")


def _looked_at(looked: Coverage) -> FormattedText:
    where = names(looked.organizations, _ORGANIZATIONS_NAMED)
    place = formatted("in {}", where) if where else formatted("by name or id, no organization listed")
    details = (
        ("existing computes", looked.computes_checked, looked.computes_total),
        ("branches", looked.branches_checked, looked.branches_total),
        ("roles and databases", looked.databases_checked, looked.databases_total),
        ("snapshots", looked.snapshots_checked, looked.snapshots_total),
    )
    checked = [f"{what} checked: {some:,} of {total:,}" for what, some, total in details if total]
    computes = [] if looked.computes_total else ["no existing computes to check"]
    read = ", ".join((*computes, *checked))
    return formatted(f"Looked at {counted(looked.projects, 'project')} {{}}; {read}.", place)

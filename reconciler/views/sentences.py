"""The sentences that all formats share: counts, names, sources, summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.roster import number_of_places
from reconciler.model.problem import Severity
from reconciler.model.units import format_seconds
from reconciler.plan.outcome import Result
from reconciler.plan.summary import VERBS, by_kind, count_branches_and_snapshots
from reconciler.views.actions import utc_time
from reconciler.views.formatted_text import FormattedText, formatted, joined
from reconciler.views.formatted_text import joined_with_and as row
from reconciler.views.grouping import REFUSED_EARLIER, held_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.model.problem import Location, Problem
    from reconciler.plan.action import Action
    from reconciler.plan.approval import PlanOrigin
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import (
        Coverage,
        Orphan,
        Plan,
        Refusal,
        Waiting,
    )


WAITING: Final = "Waiting"
"""The title of the tenants to which an earlier commit was not applied completely."""
OTHER_HOST: Final = "Keys go to a host that is not Neon's own:"
"""Precedes the address, at the top of every output."""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """``1 tenant``, ``30,000 tenants``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(words: Sequence[str]) -> str:
    """``free``, ``free and paid``, ``free, paid and trial``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def is_or_are(count: int) -> str:
    """The verb of so many things."""
    return "is" if count == 1 else "are"


def names(tenants: Sequence[str], limit: int | None) -> FormattedText:
    """The names, or the first of them and how many more there are."""
    if limit is None or len(tenants) <= limit + 1:
        return row([formatted("{}", tenant) for tenant in tenants])
    shown = joined(formatted("{}", tenant) for tenant in tenants[:limit])
    return formatted(f"{{}} and {len(tenants) - limit:,} more", shown)


def source_text(sources: Iterable[Location]) -> FormattedText:
    """Where the files ask for it: ``tenants/acme.yaml:3 and 4 more``; empty without a place."""
    places = sorted(set(sources))
    if not places:
        return FormattedText()
    more = f" and {len(places) - 1:,} more" if len(places) > 1 else ""
    return formatted(f"{{}}{more}", str(places[0]))


def duration(seconds: float) -> str:
    """A rough length of time: ``under a second``, ``3 s``, ``4 min``, ``1.5 h``."""
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def count_held_back(refusals: Sequence[Refusal]) -> int:
    """Tenants of which something is held back, and refusals that are about no single tenant."""
    tenants = {tenant for refusal in refusals for tenant in refusal.tenants}
    return len(tenants) + sum(not refusal.tenants for refusal in refusals)


def not_done(plan: Plan, stale: int = 0) -> str:
    """What the plan does not do: ``2 refused, 1 reported, 1 stale, 1 orphan``; may be empty."""
    held = held_back(plan)
    counts = (
        f"{count_held_back(found):,} {title[0].lower()}{title[1:]}" for title, found in held.items() if found
    )
    refused = {name for refusal in held[REFUSED_EARLIER] for name in refusal.tenants}
    count = sum(name not in refused for one in plan.waiting for name in one.tenants)
    others = (f"{stale:,} stale" if stale else "", f"{count:,} waiting" if count else "")
    return ", ".join(filter(None, (*counts, *others, _undecided(plan))))


def waiting_sentence(waiting: Waiting) -> str:
    """``2 tenants wait since commit 1f2e3d4c5b6a: refused: downgrade-proof``."""
    count, many = counted(len(waiting.tenants), "tenant"), len(waiting.tenants) > 1
    if waiting.commit is None:
        return f"{count} {'were' if many else 'was'} never applied: {waiting.reason}"
    return f"{count} {'wait' if many else 'waits'} since commit {waiting.commit[:12]}: {waiting.reason}"


def _undecided(plan: Plan) -> str:
    things = ((plan.conflicts, "conflict"), (plan.orphans, "orphan"))
    return ", ".join(counted(len(found), noun) for found, noun in things if found)


def plan_summary(plan: Plan, stale: int = 0) -> str:
    """``Plan: 2 to create, 1 to upgrade; 2 refused, 1 orphan.``, or that there is nothing to do.

    ``stale`` counts the tenants whose actions a saved plan does not permit.
    """
    if plan.empty:
        return _nothing_to_do(plan, stale)
    groups = by_kind(plan.tenants)
    actions = ", ".join(f"{len(group):,} to {kind.value}" for kind, group in groups.items() if group)
    parts = (actions, branches_and_snapshots_to_do(plan.actions), not_done(plan, stale))
    return f"Plan: {'; '.join(filter(None, parts))}."


def branches_and_snapshots_to_do(actions: Iterable[Action]) -> str:
    """``3 branches and 2 snapshots to create, 1 branch to delete``; empty if there are none."""
    return _branches_and_snapshots(actions, {verb: f"to {verb}" for verb in VERBS})


def branches_and_snapshots_done(actions: Iterable[Action]) -> str:
    """``3 branches and 2 snapshots created, 1 branch deleted``; empty if there are none."""
    return _branches_and_snapshots(actions, {verb: f"{verb}d" for verb in VERBS})


def _branches_and_snapshots(actions: Iterable[Action], verbs: Mapping[str, str]) -> str:
    found = count_branches_and_snapshots(actions)
    plural = {"branch": "branches", "snapshot": "snapshots"}
    kinds = {
        words: listed([counted(found[noun, verb], noun, plural[noun]) for noun in plural if found[noun, verb]])
        for verb, words in verbs.items()
    }
    return ", ".join(f"{things} {words}" for words, things in kinds.items() if things)


def _nothing_to_do(plan: Plan, stale: int = 0) -> str:
    if plan.command is not None:
        held = not_done(plan)
        return f"Nothing to do: {held}." if held else "Nothing to do."
    if plan.refusals or plan.conflicts or stale:
        return f"Not in sync, but nothing to do: {not_done(plan, stale)}."
    if plan.coverage.tenants == 0:
        return _no_tenants(plan)
    there = plan.coverage.tenants - plan.coverage.missing
    verb = "matches" if there == 1 else "match"
    return f"In sync{_as_far(plan.coverage)}: {counted(there, 'tenant')} {verb} the files{_beside(plan)}."


def _no_tenants(plan: Plan) -> str:
    """Of an account that no file is about, too: an empty folder is not an account that matches it."""
    if not plan.coverage.undeclared:
        return f"No tenants to compare{_beside(plan)}."
    count, ours = plan.coverage.in_no_file, sum(orphan.owned is True for orphan in plan.orphans)
    sentence = f"No file declares a tenant, and {counted(count, 'project')} {is_or_are(count)} in no file"
    if ours:
        missing = "files, or the rows of a query, are missing"
        return f"{sentence}, {ours:,} of them created here: {missing}{_beside(plan)}."
    return f"{sentence}: `reconciler adopt` writes files for them{_beside(plan)}."


def _as_far(looked: Coverage) -> str:
    """A limit on the statement, if something was not read."""
    unread = (
        looked.computes_checked < looked.computes_total
        or looked.branches_checked < looked.branches_total
        or looked.databases_checked < looked.databases_total
        or looked.snapshots_checked < looked.snapshots_total
        or looked.unknown
    )
    return " as far as checked" if unread else ""


def _beside(plan: Plan) -> str:
    beside = not_done(plan)
    return f"; {beside}" if beside else ""


def drift_summary(plan: Plan, differing: int) -> str:
    """``Drift: 3 of 12 tenants differ from the files; 1 orphan.``, or that the fleet is in sync."""
    if not differing:
        return _nothing_to_do(plan)
    verb = "differs" if differing == 1 else "differ"
    sentence = f"{differing:,} of {counted(plan.coverage.tenants, 'tenant')} {verb} from the files"
    return f"Drift: {'; '.join(filter(None, (sentence, _undecided(plan))))}."


DIFF_SAYS_NOTHING_OF: Final = (
    "No call was made: reconciler plan also shows the live state, the usage, and what guards refuse."
)


def diff_summary(plan: Plan) -> str:
    """``Diff: 2 to create, 1 to upgrade; 1 snapshot to create.``, or that the files ask for nothing else."""
    held = not_done(plan)
    if plan.empty:
        only_files = "in the files only" if plan.file_changes or plan.unmanaged else ""
        return f"Diff: no project changes{f'; {held}' if held else ''}{f' ({only_files})' if only_files else ''}."
    groups = by_kind(plan.tenants)
    actions = ", ".join(f"{len(group):,} to {kind.value}" for kind, group in groups.items() if group)
    return f"Diff: {'; '.join(filter(None, (actions, branches_and_snapshots_to_do(plan.actions), held)))}."


def diff_origin(made: PlanOrigin) -> FormattedText:
    """``From commit 5a6b7c8 to commit 1f2e3d4.``"""
    after = formatted("commit {}", made.commit[:7]) if made.commit else formatted("the files in the folder")
    if made.base is None:
        return formatted("From the files before the edit to the files after it.")
    return formatted("From commit {} to {}.", made.base[:7], after)


def saved_plan_origin(fleet: str, about: PlanOrigin) -> FormattedText:
    """``Saved plan of fleet prod, made 2026-11-23 12:00 UTC at commit 1f2e3d4, compared with 5a6b7c8.``"""
    commit = formatted(" at commit {}", about.commit[:7]) if about.commit else FormattedText()
    base = formatted(", compared with {}", about.base[:7]) if about.base else FormattedText()
    return formatted(f"Saved plan of fleet {{}}, made {utc_time(about.at)}{{}}{{}}.", fleet, commit, base)


def observed(at: datetime) -> str:
    """``Planned from the live state of 2026-11-23 12:00 UTC, as recorded: no call was made.``"""
    return f"Planned from the live state of {utc_time(at)}, as recorded: no call was made."


def ownership(orphan: Orphan) -> str:
    """Whether the fleet may delete it."""
    match orphan.owned:
        case True:
            return "created here"
        case False:
            return "not created here"
        case None:
            return "ownership not read"


def report_summary(report: Report) -> str:
    """``Applied: 4 of 6 tenants; 1 skipped, 1 failed.``"""
    if not report.outcomes:
        return "Nothing was applied."
    others = (Result.UNCHANGED, Result.SKIPPED, Result.FAILED)
    beside = ", ".join(f"{report.count(result):,} {result.value}" for result in others if report.count(result))
    total = counted(len(report.outcomes), "tenant")
    applied = total if not beside else f"{report.count(Result.APPLIED):,} of {total}; {beside}"
    return f"Applied: {applied}."


def waves_summary(sizes: Sequence[int], done: int = 0) -> str:
    """``In 3 waves: 1, 9 and 90 tenants.``; ``done`` is how many earlier runs of the commit have had in theirs."""
    after = f", after the {counted(done, 'tenant')} of earlier runs" if done else ""
    return f"In {counted(len(sizes), 'wave')}: {listed([f'{size:,}' for size in sizes])} tenants{after}."


def bake_summary(seconds: float) -> str:
    """What happens after each wave."""
    return f"{format_seconds(int(seconds))} after each wave, its tenants are looked at: harm stops the run."


def problems_summary(problems: Sequence[Problem], desired: DesiredState | None) -> str:
    """``3 errors and 1 warning in 2 files.``, or that there are none in what has been checked."""
    if not problems:
        return f"No problems{_checked(desired) if desired is not None else ''}."
    warnings = sum(problem.severity is Severity.WARNING for problem in problems)
    errors = len(problems) - warnings
    counts = ((errors, "error"), (warnings, "warning"))
    files = len({problem.location.file for problem in problems})
    return f"{listed([counted(count, noun) for count, noun in counts if count])} in {counted(files, 'file')}."


def _checked(desired: DesiredState) -> str:
    """`` in 12 files: 13 tenants, 3 tiers``: the price list, and the files that tenants stand in."""
    files = 1 + number_of_places(desired.tenants)
    counts = (counted(len(desired.tenants), "tenant"), counted(len(desired.tiers), "tier"))
    return f" in {counted(files, 'file')}: {', '.join(counts)}"


FILE_CHANGES: Final = "Changed in the files only"
POLICY_WARNINGS: Final = "Policy warnings"

"""The plan and the drift report as Markdown, for the comment on a pull request."""

from __future__ import annotations

import html
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from reconciler.plan.action import CreateProject
from reconciler.views.grouping import (
    by_kind,
    collapse,
    differing,
    field_changes,
    refused_and_reported,
    same_refusals,
)
from reconciler.views.printable import printable
from reconciler.views.values import differences, label, new_values, worded
from reconciler.views.voice import DRIFT, PLAN
from reconciler.views.wording import (
    budget,
    coverage,
    drift_summary,
    made,
    ownership,
    place,
    plan_summary,
    project_facts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.approval import SavedPlan
    from reconciler.plan.change import FieldChange
    from reconciler.plan.plan import Conflict, Note, Orphan, Plan, Refusal, TenantPlan
    from reconciler.views.grouping import Block
    from reconciler.views.values import Difference
    from reconciler.views.voice import Voice

MAX_CHARACTERS: Final = 60_000
"""Forges refuse comments of more than 65,536 characters (GitHub)."""

_ROWS: Final = (200, 20, 0)
"""How many rows a table may have, until the whole fits."""
_OPEN_ROWS: Final = 20
_NAMES_SHOWN: Final = 5

_SPECIAL: Final = re.compile(r"([\\`*_\[\]#|~$])")


def plan(planned: Plan) -> str:
    """The plan, its summary on top."""
    return _document(_plan_head(planned), planned, planned.tenants, PLAN)


def drift(planned: Plan) -> str:
    """The drift report, its summary on top."""
    found = differing(planned)
    head = [f"**{drift_summary(planned, len(found))}**", *map(escaped, coverage(planned.coverage))]
    return _document(head, planned, found, DRIFT)


def saved_plan(saved: SavedPlan) -> str:
    """A saved plan, its summary on top."""
    about = escaped(made(saved.plan.fleet, saved.made))
    return _document([*_plan_head(saved.plan), about], saved.plan, saved.plan.tenants, PLAN)


def _plan_head(planned: Plan) -> list[str]:
    closing = [budget(planned.budget)] if not planned.empty else []
    return [f"**{plan_summary(planned)}**", *closing, *map(escaped, coverage(planned.coverage))]


def _document(head: Sequence[str], planned: Plan, tenants: Sequence[TenantPlan], voice: Voice) -> str:
    text = ""
    for rows in _ROWS:
        parts = ["  \n".join(head), *_tables(tenants, voice, rows), *_remarks(planned, rows)]
        text = "\n\n".join(parts) + "\n"
        if len(text) <= MAX_CHARACTERS:
            break
    return text


def _tables(tenants: Iterable[TenantPlan], voice: Voice, rows: int) -> Iterator[str]:
    for kind, members in by_kind(tenants).items():
        if members:
            blocks = collapse(members)
            table = ["| tenant | action | changes |", "|---|---|---|"]
            table += [row for block in blocks[:rows] for row in _rows(block, voice)]
            yield _details(voice.headings[kind], len(members), table, len(blocks) - rows)


def _details(title: str, count: int, lines: Sequence[str], beyond: int) -> str:
    more = [f"and {beyond:,} more"] if beyond > 0 else []
    state = " open" if len(lines) <= _OPEN_ROWS else ""
    summary = f"<details{state}><summary>{title} ({count:,})</summary>"
    return "\n\n".join([summary, "\n".join(lines), *more, "</details>"])


def _rows(block: Block, voice: Voice) -> Iterator[str]:
    who = _who(block)
    for action, following in zip_longest(block.actions, block.actions[1:]):
        told = (*voice.proof(action), voice.gap(action, following))
        changes = "<br>".join((*_changes(action, voice), *filter(None, map(escaped, told))))
        yield f"| {who} | {_action(action, block, voice)} | {changes} |"
        who = ""


def _action(action: Action, block: Block, voice: Voice) -> str:
    deed = escaped(voice.action(action, block.members[0].project))
    marks = "".join(f" **{mark}**" for mark in (voice.action_mark(action), voice.loss(action)) if mark)
    return f"{deed}{marks}<br>{escaped(action.reason)}"


def _who(block: Block) -> str:
    sources = place(action.source for member in block.members for action in member.actions)
    return f"{_names(block.names)}<br>{escaped(sources)}"


def _changes(action: Action, voice: Voice) -> Iterator[str]:
    if isinstance(action, CreateProject):
        for group, members in new_values(action.changes).items():
            yield escaped(f"{group}: {', '.join(members)}")
    for change in field_changes(action):
        mark = voice.change_mark(change, action)
        yield _change(change, voice) + (f" **{mark}**" if mark else "")


def _change(change: FieldChange, voice: Voice) -> str:
    if items := differences(change.before, change.after):
        return "<br>".join((code(label(change.path)), *(_item(item, voice) for item in items)))
    before = f"{voice.live}{worded(change.path, change.before)}"
    after = f"{voice.files}{worded(change.path, change.after)}"
    return f"{code(label(change.path))} {escaped(before + voice.between + after)}"


def _item(item: Difference, voice: Voice) -> str:
    before = f"{voice.live}{item.before}" if item.before else ""
    after = f"{voice.files}{item.after}" if item.after else ""
    return escaped(f"{item.edit.value} {item.item} {voice.between.join(filter(None, (before, after)))}")


def _remarks(planned: Plan, rows: int) -> Iterator[str]:
    refused, reported = refused_and_reported(planned.refusals)
    groups = {
        "Refused": list(map(_refusal, same_refusals(refused))),
        "Reported": list(map(_refusal, same_refusals(reported))),
        "Conflicts": list(map(_conflict, planned.conflicts)),
        "Orphans": list(map(_orphan, planned.orphans)),
        "Notes": list(map(_note, planned.notes)),
    }
    for title, lines in groups.items():
        if lines:
            yield _details(title, len(lines), lines[:rows], len(lines) - rows)


def _refusal(refusal: Refusal) -> str:
    whom = _names(refusal.tenants) if refusal.tenants else "the whole run"
    why = f"{escaped(refusal.message)}. To allow it: {escaped(refusal.remedy)}"
    return f"- **{refusal.rule.value}** {whom}: {why}"


def _conflict(conflict: Conflict) -> str:
    return f"- {code(conflict.tenant)}: {escaped(conflict.message)}. To settle it: {escaped(conflict.remedy)}"


def _orphan(orphan: Orphan) -> str:
    return f"- {code(orphan.project.name)}: {escaped(project_facts(orphan.project))}, {ownership(orphan)}"


def _note(note: Note) -> str:
    about = "" if note.tenant is None else f"{code(note.tenant)}: "
    return f"- {about}{escaped(note.message)}"


def _names(tenants: Sequence[str]) -> str:
    rest = len(tenants) - _NAMES_SHOWN
    return ", ".join(map(code, tenants[:_NAMES_SHOWN])) + (f" and {rest:,} more" if rest > 0 else "")


def code(text: str) -> str:
    """The text as it is, in a code span that it cannot leave, nor the table cell around it."""
    inside = printable(text).replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall("`+", inside)), default=0) + 1)
    gap = " " if "`" in inside or not inside.strip() else ""
    return f"{fence}{gap}{inside}{gap}{fence}"


def escaped(text: str) -> str:
    """The text as it is, with nothing in it read as Markdown, as HTML or as the name of somebody to notify."""
    return _SPECIAL.sub(r"\\\1", html.escape(printable(text), quote=False)).replace("@", "@<!-- -->")

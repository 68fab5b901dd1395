"""The plan and the drift report as Markdown, for the comment on a pull request."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final, assert_never

from reconciler.plan.action import CreateProject
from reconciler.plan.approval import Made
from reconciler.plan.summary import by_kind, differing
from reconciler.views import sentences
from reconciler.views.actions import DRIFT, PLAN, project_facts
from reconciler.views.grouping import conflicts_by_cause, field_changes, group_by_actions, held_back, same_refusals
from reconciler.views.markup import (
    ARROW,
    bullets,
    code,
    document,
    folded,
    listed,
    paragraph,
    row,
    stacked,
    strong,
    table,
    text,
)
from reconciler.views.safe_text import formatted
from reconciler.views.sentences import (
    OTHER_HOST,
    WAITING,
    budget,
    coverage,
    drift_summary,
    names,
    ownership,
    plan_summary,
    saved_plan_origin,
    source_text,
    waiting_sentence,
)
from reconciler.views.values import differences, label, new_values, worded
from reconciler.views.view import DriftView, PlanView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.plan import Conflict, Note, Orphan, Plan, Refusal, TenantPlan, Waiting
    from reconciler.views.actions import Perspective
    from reconciler.views.grouping import TenantGroup as Alike
    from reconciler.views.markup import Block, Markdown
    from reconciler.views.values import Difference

MAX_CHARACTERS: Final = 60_000
"""Forges refuse comments of more than 65,536 characters (GitHub)."""

_ROWS: Final = (200, 60, 20, 6, 2, 0)
"""How many rows a table may have, until the whole fits."""
_OPEN_ROWS: Final = 20
_NAMES_SHOWN: Final = 5
_CHANGES_SHOWN: Final = 50
_COLUMNS: Final = tuple(map(text, ("tenant", "action", "changes")))


def render(view: PlanView | DriftView, *, full: bool = False) -> str:  # noqa: ARG001 - a comment has a limit of its own
    """The view as Markdown; its length is limited."""
    match view:
        case PlanView(saved=True, made=Made() as about):
            return saved_plan(view.plan, about)
        case PlanView():
            return plan(view.plan)
        case DriftView():
            return drift(view.plan)
        case _:
            assert_never(view)


def plan(planned: Plan) -> str:
    """The plan, its summary on top."""
    return _comment(_plan_head(planned), planned, planned.tenants, PLAN)


def drift(planned: Plan) -> str:
    """The drift report, its summary on top."""
    found = differing(planned)
    head = [*_api_host(planned), strong(text(drift_summary(planned, len(found)))), *_coverage(planned)]
    return _comment(head, planned, found, DRIFT)


def saved_plan(planned: Plan, about: Made) -> str:
    """A saved plan, its summary on top."""
    origin = text(saved_plan_origin(planned.fleet, about))
    return _comment([*_plan_head(planned), origin], planned, planned.tenants, PLAN)


def _plan_head(planned: Plan) -> list[Markdown]:
    closing = [text(budget(planned.budget))] if not planned.empty else []
    return [*_api_host(planned), strong(text(plan_summary(planned))), *closing, *_coverage(planned)]


def _api_host(planned: Plan) -> list[Markdown]:
    """Where keys went, on top of everything, unless that is Neon itself."""
    if planned.api_host is None:
        return []
    return [strong(row(text(OTHER_HOST), code(planned.api_host)))]


def _coverage(planned: Plan) -> list[Markdown]:
    return list(map(text, coverage(planned.coverage)))


def _comment(
    head: Sequence[Markdown], planned: Plan, tenants: Sequence[TenantPlan], perspective: Perspective
) -> str:
    whole = ""
    for rows in _ROWS:
        whole = document(
            (paragraph(head), *_tables(tenants, perspective, rows), *_sections(planned, perspective, rows))
        )
        if len(whole) <= MAX_CHARACTERS:
            break
    return whole


def _tables(tenants: Iterable[TenantPlan], perspective: Perspective, rows: int) -> Iterator[Block]:
    for kind, members in by_kind(tenants).items():
        if members:
            alike = group_by_actions(members)
            cells = [one for block in alike[:rows] for one in _rows(block, perspective)]
            shown = table(_COLUMNS, cells)
            yield _group(
                perspective.headings[kind], len(members), shown, len(alike) - rows, opened=len(cells) <= _OPEN_ROWS
            )


def _group(title: str, count: int, shown: Block, beyond: int, *, opened: bool) -> Block:
    more = [paragraph([text(f"and {beyond:,} more")])] if beyond > 0 else []
    return folded(f"{title} ({count:,})", (shown, *more), opened=opened)


def _rows(block: Alike, perspective: Perspective) -> Iterator[tuple[Markdown, Markdown, Markdown]]:
    who = _who(block)
    for action, following in zip_longest(block.actions, block.actions[1:]):
        told = (*map(text, perspective.proof(action)), text(perspective.gap(action, following)))
        yield who, _action(action, block, perspective), stacked((*_changes(action, perspective), *told))
        who = text("")


def _action(action: Action, block: Alike, perspective: Perspective) -> Markdown:
    labels = (strong(text(mark)) for mark in (perspective.action_mark(action), perspective.loss(action)) if mark)
    description = row(text(perspective.action(action, block.members[0].project)), *labels)
    return stacked((description, text(action.reason)))


def _who(block: Alike) -> Markdown:
    sources = source_text(action.source for member in block.members for action in member.actions)
    return stacked((text(names(block.names, _NAMES_SHOWN)), text(sources)))


def _changes(action: Action, perspective: Perspective) -> Iterator[Markdown]:
    if isinstance(action, CreateProject):
        for group, members in new_values(action.changes).items():
            yield row(text(formatted("{}:", group)), listed(map(code, members[:_CHANGES_SHOWN])))
    changes = field_changes(action)
    for change in changes[:_CHANGES_SHOWN]:
        mark = perspective.change_mark(change, action)
        yield row(_change(change, perspective), *([strong(text(mark))] if mark else []))
    if beyond := changes[_CHANGES_SHOWN:]:
        yield text(f"and {len(beyond):,} more")


def _change(change: FieldChange, perspective: Perspective) -> Markdown:
    path = code(label(change.path))
    if items := differences(change.before, change.after):
        return stacked((path, *(_item(item, perspective) for item in items[:_CHANGES_SHOWN])))
    return row(path, _turn(worded(change.path, change.before), worded(change.path, change.after), perspective))


def _item(item: Difference, perspective: Perspective) -> Markdown:
    return row(code(f"{item.edit.value} {item.item}"), _turn(item.before, item.after, perspective))


def _turn(before: str, after: str, perspective: Perspective) -> Markdown:
    """From the live value to that of the files; an empty one is not there."""
    live = [text(perspective.live), code(before)] if before else []
    files = [text(perspective.files), code(after)] if after else []
    between = [ARROW] if live and files and perspective.between.strip() else []
    return row(*live, *between, *files)


def _sections(planned: Plan, perspective: Perspective, rows: int) -> Iterator[Block]:
    alone = sentences.file_change_sentences(planned) if perspective is PLAN else ()
    groups = {
        **{title: list(map(_refusal, same_refusals(held))) for title, held in held_back(planned).items()},
        **{title: list(map(_conflict, found)) for title, found in conflicts_by_cause(planned).items()},
        WAITING: list(map(_waiting, planned.waiting)),
        sentences.FILE_CHANGES: [row(text(told), text(formatted("({})", where))) for told, where in alone],
        "Orphans": list(map(_orphan, planned.orphans)),
        "Notes": list(map(_note, planned.notes)),
    }
    for title, items in groups.items():
        if items:
            shown = items[:rows]
            yield _group(title, len(items), bullets(shown), len(items) - rows, opened=len(shown) <= _OPEN_ROWS)


def _refusal(refusal: Refusal) -> Markdown:
    whom = names(refusal.tenants, _NAMES_SHOWN) if refusal.tenants else formatted("the whole run")
    why = row(strong(text(refusal.rule.value)), text(formatted("{}:", whom)), text(refusal.message))
    return stacked((why, row(text("To allow it:"), text(refusal.remedy))))


def _conflict(conflict: Conflict) -> Markdown:
    what = row(text(formatted("{}:", conflict.tenant)), text(conflict.message))
    return stacked((what, row(text("To resolve it:"), text(conflict.remedy))))


def _waiting(waiting: Waiting) -> Markdown:
    return text(formatted("{}: {}", formatted(waiting_sentence(waiting)), names(waiting.tenants, _NAMES_SHOWN)))


def _orphan(orphan: Orphan) -> Markdown:
    told = formatted(
        "{}: {}, {}", orphan.project.name, project_facts(orphan.project), formatted(ownership(orphan))
    )
    return text(told)


def _note(note: Note) -> Markdown:
    about = text("" if note.tenant is None else formatted("{}:", note.tenant))
    return row(about, text(note.message))

"""The changes of a plan as tables in Markdown: those that tenants share, and tenant by tenant."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from reconciler.plan.actions.project import CreateProject
from reconciler.views.formatted_text import formatted
from reconciler.views.grouping import field_changes
from reconciler.views.markup import ARROW, code, folded, listed, paragraph, row, stacked, strong, table, text
from reconciler.views.sentences import counted, names, source_text
from reconciler.views.values import differences, label, new_values, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.views.formatted_text import FormattedText
    from reconciler.views.grouping import TenantGroup
    from reconciler.views.markdown_size import Size
    from reconciler.views.markup import Block, Markdown
    from reconciler.views.overview import CauseGroup, Change
    from reconciler.views.perspective import Perspective
    from reconciler.views.values import ItemDifference

OPEN_ROWS: Final = 20
"""A table with more is folded away."""
CHANGES_SHOWN: Final = 50
_OVERVIEW: Final = tuple(map(text, ("change", "tenants", "effect")))
_TENANTS: Final = tuple(map(text, ("tenant", "action", "changes")))


def section(
    title: str,
    count: int,
    shown: Block,
    beyond: int,
    *,
    opened: bool,
    noun: str = "",
    document: str = "the plan",
    below: Sequence[Block] = (),
) -> Block:
    """A list under its title, how many rows are left out (``document`` as JSON has all), what is ``below``."""
    left_out = f"{beyond:,} more{f' {noun}' if noun else ''}"
    more = f"and {left_out}: {document} as JSON, and as text with --full, lists all"
    rest = [paragraph([text(more)])] if beyond > 0 else []
    return folded(f"{title} ({count:,})", (shown, *rest, *below), opened=opened)


def overview(found: Iterable[CauseGroup], size: Size) -> Iterator[Block]:
    """A table for each cause: the changes, each once."""
    for group in found:
        shown = size.cut(group.changes, lambda change: change.of.risk)
        cells = table(_OVERVIEW, (_change(change, size) for change in shown))
        beyond = len(group.changes) - len(shown)
        yield section(group.title, group.tenants, cells, beyond, opened=True, noun="changes")


def _change(change: Change, size: Size) -> tuple[Markdown, Markdown, Markdown]:
    of = change.of
    alone = len(of.tenants) == 1
    count = [] if alone else [strong(text(counted(len(of.tenants), "tenant")))]
    whom = stacked((*count, text(names(of.tenants, size.named(of.risk)))))
    effect = stacked(
        (strong(text(change.marks)), text(change.held_back)) if change.marks else (text(change.held_back),)
    )
    return stacked((text(change.words), *map(text, change.authors))), whom, effect


def tenants(
    title: str,
    alike: Sequence[TenantGroup],
    perspective: Perspective,
    authors: Mapping[str, tuple[FormattedText, ...]],
    size: Size,
    *,
    opened: bool,
) -> Block:
    """The tenants of one kind of change: a row for each action, those with the same actions together."""
    shown = size.cut(alike, lambda block: block.risk)
    cells = [one for block in shown for one in _rows(block, perspective, authors, size)]
    count = sum(len(block.members) for block in alike)
    beyond = sum(len(block.members) for block in alike[len(shown) :])
    opened = opened and len(cells) <= OPEN_ROWS
    return section(title, count, table(_TENANTS, cells), beyond, opened=opened, noun="tenants")


def _rows(
    block: TenantGroup, perspective: Perspective, authors: Mapping[str, tuple[FormattedText, ...]], size: Size
) -> Iterator[tuple[Markdown, Markdown, Markdown]]:
    who = _who(block, authors, size)
    for action, following in zip_longest(block.actions, block.actions[1:]):
        details = (*map(text, perspective.details(action)), text(perspective.gap(action, following)))
        description = stacked((action_words(action, block, perspective), text(action.reason)))
        yield who, description, stacked((*changes(action, perspective), *details))
        who = text("")


def _who(block: TenantGroup, authors: Mapping[str, tuple[FormattedText, ...]], size: Size) -> Markdown:
    sources = source_text(action.source for member in block.members for action in member.actions)
    asking = dict.fromkeys(author for name in block.names for author in authors.get(name, ()))
    count = [strong(text(counted(len(block.names), "tenant")))] if len(block.names) > 1 else []
    whom = text(names(block.names, size.named(block.risk)))
    return stacked((*count, whom, text(sources), *map(text, asking)))


def action_words(action: Action, block: TenantGroup, perspective: Perspective) -> Markdown:
    """What is done, with its marks."""
    labels = (strong(text(mark)) for mark in (perspective.action_mark(action), perspective.loss(action)) if mark)
    return row(text(perspective.action(action, block.members[0].project)), *labels)


def changes(action: Action, perspective: Perspective) -> Iterator[Markdown]:
    """Each field that an action changes, with the values before and after."""
    if isinstance(action, CreateProject):
        for group, members in new_values(action.changes).items():
            yield row(text(formatted("{}:", group)), listed(map(code, members[:CHANGES_SHOWN])))
    found = field_changes(action)
    for change in found[:CHANGES_SHOWN]:
        mark = perspective.change_mark(change, action)
        yield row(_field(change, perspective), *([strong(text(mark))] if mark else []))
    if beyond := found[CHANGES_SHOWN:]:
        yield text(f"and {len(beyond):,} more")


def _field(change: FieldChange, perspective: Perspective) -> Markdown:
    path = code(label(change.path))
    if items := differences(change.before, change.after):
        return stacked((path, *(_item(item, perspective) for item in items[:CHANGES_SHOWN])))
    return row(path, _turn(worded(change.path, change.before), worded(change.path, change.after), perspective))


def _item(item: ItemDifference, perspective: Perspective) -> Markdown:
    return row(code(f"{item.edit.value} {item.item}"), _turn(item.before, item.after, perspective))


def _turn(before: str, after: str, perspective: Perspective) -> Markdown:
    """From the live value to that of the files; an empty one is not there."""
    live = [text(perspective.live), code(before)] if before else []
    files = [text(perspective.files), code(after)] if after else []
    between = [ARROW] if live and files and perspective.between.strip() else []
    return row(*live, *between, *files)

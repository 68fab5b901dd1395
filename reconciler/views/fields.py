"""Field changes as lines: before and after in columns, and what a change does to the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.actions.project import CreateProject
from reconciler.plan.change import Risk
from reconciler.views import symbols
from reconciler.views.grouping import field_changes
from reconciler.views.terminal import CommaList, Line, column, styled, width_of
from reconciler.views.values import Edit, differences, label, new_values, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.views.perspective import Perspective
    from reconciler.views.terminal import Styled
    from reconciler.views.values import ItemDifference

_INDENT: Final = 8

_WIDEST_LABEL: Final = 26
_WIDEST_VALUE: Final = 12

_EDIT_STYLES: Final = {Edit.ADDED: symbols.ADDED, Edit.REMOVED: symbols.TAKEN, Edit.CHANGED: symbols.CHANGED}


class Columns(Struct, frozen=True):
    """The widths that all changes of a tenant share; a wider value is not aligned."""

    label: int
    before: int
    after: int

    @classmethod
    def of(cls, actions: Iterable[Action]) -> Columns:
        """The columns for the changes of these actions."""
        changes = [change for action in actions for change in field_changes(action)]
        return cls(
            label=width_of((label(change.path) for change in changes), at_most=_WIDEST_LABEL),
            before=width_of((worded(change.path, change.before) for change in changes), at_most=_WIDEST_VALUE),
            after=width_of((worded(change.path, change.after) for change in changes), at_most=_WIDEST_VALUE),
        )


def lines(action: Action, perspective: Perspective, columns: Columns) -> Iterator[Line | CommaList]:
    """The action's changes, one a line; the values of a new project in groups."""
    if isinstance(action, CreateProject):
        yield from _new_project(action.changes)
    for change in field_changes(action):
        lead = column(label(change.path), columns.label)
        labels = styled(
            perspective.change_mark(change, action), symbols.TAKEN if _takes(change) else symbols.CHANGED
        )
        if items := differences(change.before, change.after):
            yield Line(lead, labels, _INDENT)
            yield from (_item(item, perspective) for item in items)
        else:
            yield Line(lead, _change(change, perspective, columns) + labels, _INDENT)


def _change(change: FieldChange, perspective: Perspective, columns: Columns) -> Styled:
    before = column(worded(change.path, change.before), columns.before, gap=0).plain
    after = worded(change.path, change.after)
    aside = styled(f"{perspective.live}{before}{perspective.between}{perspective.files}", symbols.ASIDE)
    return aside + column(after, columns.after, symbols.TAKEN if _takes(change) else symbols.ADDED)


def _takes(change: FieldChange) -> bool:
    return change.lowering or change.risk is Risk.DESTRUCTIVE


def _item(item: ItemDifference, perspective: Perspective) -> Line:
    before = perspective.live + item.before if item.before else ""
    after = perspective.files + item.after if item.after else ""
    between = perspective.between if before and after else ""
    lead = styled(f"{item.edit.value} {item.item}  ", _EDIT_STYLES[item.edit])
    return Line(lead, styled(before + between, symbols.ASIDE) + styled(after), _INDENT + 2)


def _new_project(values: Iterable[FieldChange]) -> Iterator[CommaList]:
    groups = new_values(values)
    width = width_of(groups)
    for group, members in groups.items():
        yield CommaList(column(group, width), tuple(members), _INDENT)

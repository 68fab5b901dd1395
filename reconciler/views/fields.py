"""Field changes as lines: before and after in columns, and what a change does to the tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from reconciler.plan.action import CreateProject, PatchEndpoint
from reconciler.plan.change import Risk
from reconciler.views import signs
from reconciler.views.layout import Line, Series, column, width_of
from reconciler.views.values import Edit, differences, label, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange, Origin
    from reconciler.views.values import Difference

INDENT: Final = 8

_WIDEST_LABEL: Final = 26
_WIDEST_VALUE: Final = 12

_EDIT_STYLES: Final = {Edit.ADDED: signs.ADDED, Edit.REMOVED: signs.TAKEN, Edit.CHANGED: signs.CHANGED}


@dataclass(frozen=True, slots=True)
class Words:
    """How a view speaks of two values that differ; a mark without a word is left out."""

    live: str
    """Precedes the live value."""
    between: str
    files: str
    """Precedes the value that the files ask for."""
    lowering: str
    risks: Mapping[Risk, str]
    origins: Mapping[Origin, str]


@dataclass(frozen=True, slots=True)
class Columns:
    """The widths that all changes of a tenant share; what is wider than usual stands out of line."""

    label: int
    before: int
    after: int

    @classmethod
    def of(cls, actions: Iterable[Action]) -> Columns:
        """The columns for the changes of these actions."""
        changes = [
            change for action in actions if not isinstance(action, CreateProject) for change in action.changes
        ]
        return cls(
            label=width_of((label(change.path) for change in changes), at_most=_WIDEST_LABEL),
            before=width_of((worded(change.path, change.before) for change in changes), at_most=_WIDEST_VALUE),
            after=width_of((worded(change.path, change.after) for change in changes), at_most=_WIDEST_VALUE),
        )


def lines(action: Action, words: Words, columns: Columns) -> Iterator[Line | Series]:
    """The action's changes, one a line; the values of a new project in groups."""
    if isinstance(action, CreateProject):
        yield from _values(action.changes)
        return
    for change in action.changes:
        lead = column(label(change.path), columns.label)
        marks = _marks(change, action, words)
        if items := differences(change.before, change.after):
            yield Line(lead, marks, INDENT)
            yield from (_item(item, words) for item in items)
        else:
            yield Line(lead, _change(change, words, columns).append_text(marks), INDENT)


def _change(change: FieldChange, words: Words, columns: Columns) -> Text:
    before = column(worded(change.path, change.before), columns.before, gap=0).plain
    after = worded(change.path, change.after)
    text = Text(f"{words.live}{before}{words.between}{words.files}", signs.ASIDE)
    return text.append_text(column(after, columns.after, signs.TAKEN if _takes(change) else signs.ADDED))


def _marks(change: FieldChange, action: Action, words: Words) -> Text:
    said_of_action = isinstance(action, PatchEndpoint) and change.risk is Risk.DISRUPTIVE
    marks = (
        words.lowering if change.lowering else "",
        "" if said_of_action else words.risks.get(change.risk, ""),
        words.origins.get(change.origin, ""),
    )
    return Text(", ".join(filter(None, marks)), signs.TAKEN if _takes(change) else signs.CHANGED)


def _takes(change: FieldChange) -> bool:
    return change.lowering or change.risk is Risk.DESTRUCTIVE


def _item(item: Difference, words: Words) -> Line:
    before = words.live + item.before if item.before else ""
    after = words.files + item.after if item.after else ""
    between = words.between if before and after else ""
    lead = Text(f"{item.edit.value} {item.item}  ", _EDIT_STYLES[item.edit])
    return Line(lead, Text.assemble((before + between, signs.ASIDE), after), INDENT + 2)


def _values(values: Sequence[FieldChange]) -> Iterator[Series]:
    """``quota    active_time 100h, data_transfer 5GiB``: the values of a thing that does not exist yet."""
    groups: dict[str, list[str]] = {}
    for value in values:
        group, _, member = label(value.path).rpartition(".")
        groups.setdefault(group or "project", []).append(f"{member} {worded(value.path, value.after)}")
    width = width_of(groups)
    for group, members in groups.items():
        yield Series(column(group, width), tuple(members), INDENT)

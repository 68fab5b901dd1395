"""What `collect` wrote, and what it left out, as text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.views import symbols
from reconciler.views.formatted_text import formatted
from reconciler.views.sections import limits
from reconciler.views.sentences import counted
from reconciler.views.terminal import Line, Piece, blank_line, page, paragraph, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.adopt.collecting import NamedBy, SignUp, Uncollected
    from reconciler.views.formatted_text import FormattedText
    from reconciler.views.view import CollectedView


@page
def render(view: CollectedView, *, full: bool = False) -> Iterator[Piece]:
    """The tenants by what named them, then the projects that get no line; long lists are cut unless ``full``."""
    yield from _rows([_added(one) for one in view.added], "tenant", full=full)
    yield from _rows([_left(one, view.age) for one in view.left], "project", full=full)
    yield paragraph(_summary(view), symbols.HEADING)


def _rows(rows: Sequence[Line], noun: str, *, full: bool) -> Iterator[Piece]:
    most = limits(full=full).blocks
    yield from rows[:most]
    if most is not None and len(rows) > most:
        more = counted(len(rows) - most, f"more {noun}")
        yield Line(styled(f"and {more} (--full shows all)", symbols.ASIDE), indent=2)
    if rows:
        yield blank_line()


def _added(one: SignUp) -> Line:
    name = styled(f"+ {one.adopted.tenant}  ", symbols.ADDED)
    return Line(name, styled(f"named by {_word(one.source)}"), indent=2)


def _left(one: Uncollected, age: str) -> Line:
    """With the reason."""
    why = formatted("{}{}", one.why.value.format(age=age), f": {one.detail}" if one.detail else "")
    text = styled(formatted("{} ({})", why, one.project_id))
    return Line(styled(f"{one.tenant}  ", symbols.HEADING), text, indent=2)


def _word(source: NamedBy, tenants: int = 1) -> str:
    one = {"registry": "the registry", "annotation": "its annotation", "journal": "a journal"}
    several = {"registry": "the registry", "annotation": "their annotations", "journal": "journals"}
    return (one if tenants == 1 else several)[source.value]


def _summary(view: CollectedView) -> FormattedText:
    rest = f"; {counted(len(view.left), 'project')} left out" if view.left else ""
    if not view.added:
        return formatted(f"Nothing to collect{rest}.")
    by = Counter(one.source for one in view.added)
    named = ", ".join(f"{count:,} by {_word(source, count)}" for source, count in by.items())
    done = "Would collect" if view.dry_run else "Collected"
    return formatted(f"{done} {counted(len(view.added), 'tenant')} into {{}}: {named}{rest}.", view.file)

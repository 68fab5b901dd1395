"""What `collect` wrote, and what it left out, as text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.views import symbols
from reconciler.views.safe_text import formatted
from reconciler.views.sentences import counted
from reconciler.views.terminal import Line, Piece, blank_line, page, paragraph, styled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.adopt.collecting import NamedBy
    from reconciler.views.safe_text import FormattedText
    from reconciler.views.view import CollectedView


@page
def render(view: CollectedView) -> Iterator[Piece]:
    """The tenants by what named them, then the projects that get no line, each with its reason."""
    for sign_up in view.added:
        name = f"+ {sign_up.adopted.tenant}  "
        yield Line(styled(name, symbols.ADDED), styled(f"named by {_word(sign_up.source)}"), indent=2)
    if view.added:
        yield blank_line()
    for one in view.left:
        reason = one.why.value.format(age=view.age)
        why = formatted("{}{}", reason, f": {one.told}" if one.told else "")
        yield Line(
            styled(f"{one.tenant}  ", symbols.HEADING),
            styled(formatted("{} ({})", why, one.project_id)),
            indent=2,
        )
    if view.left:
        yield blank_line()
    yield paragraph(_summary(view), symbols.HEADING)


def _word(source: NamedBy) -> str:
    return {"registry": "the registry", "annotation": "its annotation", "journal": "a journal"}[source.value]


def _summary(view: CollectedView) -> FormattedText:
    rest = f"; {counted(len(view.left), 'project')} left out" if view.left else ""
    if not view.added:
        return formatted(f"Nothing to collect{rest}.")
    by = Counter(_word(one.source) for one in view.added)
    named = ", ".join(f"{count} by {word}" for word, count in by.items())
    done = "Would collect" if view.dry_run else "Collected"
    return formatted(f"{done} {counted(len(view.added), 'tenant')} into {{}}: {named}{rest}.", view.file)

"""What `collect` wrote, and what it left out, as text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.views import symbols
from reconciler.views.safe_text import formatted
from reconciler.views.sentences import counted
from reconciler.views.terminal import Line, Piece, blank_line, page, paragraph, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.adopt.collecting import LeftOut, Source


@page
def render(path: str, added: Sequence[tuple[str, Source]], left: Sequence[LeftOut], age: str) -> Iterator[Piece]:
    """The tenants by what named them, then the projects that get no line, each with its reason."""
    for tenant, source in added:
        yield Line(styled(f"+ {tenant}  ", symbols.ADDED), styled(f"named by {_word(source)}"), indent=2)
    if added:
        yield blank_line()
    for one in left:
        reason = one.why.value.format(age=age)
        told = formatted("{}{}", reason, f": {one.told}" if one.told else "")
        yield Line(
            styled(f"{one.tenant}  ", symbols.HEADING),
            styled(formatted("{} ({})", told, one.project_id)),
            indent=2,
        )
    if left:
        yield blank_line()
    yield paragraph(_summary(path, added, left), symbols.HEADING)


def _word(source: Source) -> str:
    return {"registry": "the registry", "annotation": "its annotation", "journal": "a journal"}[source.value]


def _summary(path: str, added: Sequence[tuple[str, Source]], left: Sequence[LeftOut]) -> str:
    rest = f"; {counted(len(left), 'project')} left out" if left else ""
    if not added:
        return f"Nothing to collect{rest}."
    by = Counter(_word(source) for _, source in added)
    named = ", ".join(f"{count} by {word}" for word, count in by.items())
    return f"Collected {counted(len(added), 'tenant')} into {path}: {named}{rest}."

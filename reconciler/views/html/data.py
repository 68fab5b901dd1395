"""The blocks of a page as JSON for its script: every tenant and every action, each text once.

The element that holds it is not executed. Everything but plain letters, digits and signs is escaped, so no text
can end the element, and no parser of HTML finds anything in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from reconciler.views.html.charts import BAD, PLAIN, WARN
from reconciler.views.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.views.html.blocks import (
        ChangeBlock,
        Facet,
        Meter,
        PageChange,
        PageMember,
        PageSection,
        PageStep,
    )

TONES: Final = (PLAIN, WARN, BAD)
SIZE, RANK, NAME = "size", "rank", "name"
"""What the script can sort by."""
_AT_ONCE: Final = 256
_ESCAPES: Final = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


class _Numbers:
    """Texts by number, each once, as they are shown."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, text: str) -> int:
        """The number of a text; 0 is the empty one."""
        if not text:
            return 0
        return self._numbers.setdefault(text, len(self._numbers) + 1)

    @property
    def texts(self) -> list[str]:
        """All of them, by number."""
        return ["", *map(printable, self._numbers)]


def page_data(
    sections: Sequence[PageSection], facets: Sequence[Facet], sorts: Sequence[tuple[str, str]]
) -> Iterator[Markup]:
    """The data of a page, piece by piece. ``sorts`` are titles with what they sort by, the first one first.

    ``blocks`` are ``[section, rank, steps, meters]``, ``rows`` are ``[name, block, project, source, is tenant,
    facet, ...]``; a facet is the number of its value, or a list of them. Other numbers are those of ``texts``.
    """
    texts = _Numbers()
    values = [_Values(facet, number, sections) for number, facet in enumerate(facets)]
    blocks = [(number, one) for number, section in enumerate(sections) for one in section.blocks]
    rows = ((number, member) for number, (_, block) in enumerate(blocks) for member in block.members)
    yield _json("{", "blocks", ":[")
    yield from _listed(_block(section, block, texts) for section, block in blocks)
    yield _json("],", "rows", ":[")
    yield from _listed(_row(number, member, texts, values) for number, member in rows)
    rest = {
        "sections": [_section(one, texts) for one in sections],
        "facets": [[facet.title, facet.every, of.shown] for facet, of in zip(facets, values, strict=True)],
        "sorts": sorts,
    }
    yield (
        _json("],", "rest", ":") + _written(rest) + _json(",", "texts", ":") + _written(texts.texts) + Markup("}")
    )


class _Values:
    """The values of a facet by number: in the order of the facet, others by name."""

    def __init__(self, facet: Facet, number: int, sections: Sequence[PageSection]) -> None:
        members = (member for section in sections for block in section.blocks for member in block.members)
        seen = {value for member in members for value in member.facets[number]}
        known = [value for value in facet.order if value in seen]
        names = [*known, *sorted(seen - set(known))]
        self._numbers = {name: number for number, name in enumerate(names)}

    @property
    def shown(self) -> list[str]:
        """All of them, by number."""
        return list(map(printable, self._numbers))

    def of(self, values: Sequence[str]) -> int | list[int]:
        """The number of the only value, or the numbers of several or none."""
        numbers = [self._numbers[value] for value in values]
        return numbers[0] if len(numbers) == 1 else numbers


def _section(section: PageSection, texts: _Numbers) -> list[Any]:
    """``[title, anchor]``, and its remedy if it has one."""
    return [texts.of(section.title), section.anchor, *([texts.of(section.remedy)] if section.remedy else [])]


def _block(section: int, block: ChangeBlock, texts: _Numbers) -> list[Any]:
    steps = [_step(one, texts) for one in block.steps]
    meters = [_meter(one, texts) for one in block.meters]
    return [section, block.rank, steps, *([meters] if meters else [])]


def _step(step: PageStep, texts: _Numbers) -> list[Any]:
    of = texts.of
    return [
        *(of(step.words), TONES.index(step.tone), of(step.marks), of(step.reason), of(step.rule)),
        [of(detail) for detail in step.details],
        [_turn(turn, texts) for turn in step.turns],
        step.more,
    ]


def _turn(turn: PageChange, texts: _Numbers) -> list[int]:
    of = texts.of
    return [of(turn.path), of(turn.before), of(turn.after), of(turn.mark), int(turn.lowering)]


def _meter(meter: Meter, texts: _Numbers) -> list[Any]:
    of = texts.of
    return [
        *(of(meter.quota), of(meter.used), of(meter.limit), meter.percent),
        *(TONES.index(meter.tone), of(meter.effect)),
    ]


def _row(block: int, member: PageMember, texts: _Numbers, facets: Sequence[_Values]) -> list[Any]:
    of = texts.of
    values = [facet.of(found) for facet, found in zip(facets, member.facets, strict=True)]
    return [of(member.name), block, of(member.project), of(member.source), int(member.is_tenant), *values]


def _listed(items: Iterator[list[Any]]) -> Iterator[Markup]:
    """Items of a list, many at once."""
    between, some = "", []
    for item in items:
        some.append(item)
        if len(some) == _AT_ONCE:
            yield Markup(between) + _inside(some)  # noqa: S704 - a comma
            between, some = ",", []
    if some:
        yield Markup(between) + _inside(some)  # noqa: S704 - a comma


def _inside(items: list[Any]) -> Markup:
    return Markup(_written(items)[1:-1])  # noqa: S704 - is written


def _json(before: str, name: str, after: str) -> Markup:
    return Markup(f'{before}"{name}"{after}')  # noqa: S704 - constants of this module


def _written(value: Any) -> Markup:
    """The value as JSON in which no sign means anything to HTML."""
    return Markup(json.dumps(value, separators=(",", ":")).translate(_ESCAPES))  # noqa: S704 - escaped here

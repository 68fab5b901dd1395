"""The reference of fields in ``docs/files.md``, made from the table of fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.model.fields.field import Effect, Patch
from reconciler.model.fields.table import ENTRY_FIELDS, FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.fields.field import Field

PAGE: Final = Path(__file__).parents[1] / "docs" / "files.md"
BEGIN: Final = "<!-- fields: begin -->\n"
END: Final = "<!-- fields: end -->\n"
_HEAD: Final = (
    "| field | value | reduction | at work | Neon | |",
    "|---|---|---|---|---|---|",
)


def fields() -> str:
    """The table of fields, as the page shows it."""
    return "\n".join((*_HEAD, *(line for field in (*FIELDS, *ENTRY_FIELDS) for line in _lines(field)))) + "\n"


def with_fields(page: str) -> str:
    """The page with the table of fields as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{fields()}{END}{after}"


def _lines(field: Field) -> Iterator[str]:
    cells = (f"`{field.label}`", field.form.value, field.ranking.words, _effect(field), _neon(field))
    yield _row(*cells, field.description)
    for member in field.members:
        form = f"{member.form.value}; required" if member.required else member.form.value
        yield _row(f"`{field.label}.{member.key}`", form, "", "", "", member.description)


def _effect(field: Field) -> str:
    words = [] if field.effect is Effect.NONE else [field.effect.value]
    if field.compute is not None and words:
        words.append("the project's own value counts for computes created later")
    if field.effect_of_less is not Effect.NONE:
        words.append(f"less {field.effect_of_less.value}")
    if field.one_way:
        words.append("permanent")
    return "; ".join(words) or Effect.NONE.value


def _neon(field: Field) -> str:
    places = [] if field.creation is None else [f"`{'.'.join(field.creation)}`"]
    if field.compute is not None:
        places.append(f"`endpoint.{'.'.join(field.compute)}`")
    if field.branch is not None:
        places.append(f"`branch.{'.'.join(field.branch)}`")
    if field.snapshot is not None:
        places.append(f"`snapshot?{'.'.join(field.snapshot)}`")
    patch = "" if field.patch is Patch.MERGES else f"; {_PATCHES[field.patch]}"
    return f"{', '.join(places)} ({field.source}){patch}"


_PATCHES: Final = {
    Patch.UNKNOWN: "sent with its whole group",
    Patch.REPLACES: "sent whole",
    Patch.NEVER: "at creation only",
}


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"

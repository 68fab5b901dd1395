"""How ``accept`` names the reduction for which a loss is accepted: by name, by a last day, or with ``true``."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.tenant import Step
from reconciler.files.finding import RejectedError
from reconciler.files.readers import kind, read_flag, refuse_secret, text_of
from reconciler.model.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.tenant import Acceptance

HINT: Final = "for example pro -> free, 7d -> 1d, or 2030-01-31"
MOST_STEPS: Final = 20
_SIDE: Final = "[A-Za-z0-9][A-Za-z0-9.-]*?"
_STEP: Final = re.compile(f"({_SIDE}) *-> *({_SIDE})")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STEP_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "string",
    "pattern": f"^{_SIDE} *-> *{_SIDE}$",
    "examples": ["pro -> free", "7d -> 1d"],
}
SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "boolean"},
        {"type": "string", "format": "date", "pattern": f"^{_DAY.pattern}$"},
        dict(_STEP_SCHEMA),
        {"type": "array", "items": dict(_STEP_SCHEMA), "maxItems": MOST_STEPS},
    ]
}


def read_acceptance(value: object) -> Acceptance:
    """Read a reduction, a list of them, the last day, true or false. Raises RejectedError."""
    if isinstance(value, list):
        if len(value) > MOST_STEPS:
            raise RejectedError(f"at most {MOST_STEPS} reductions are allowed, not {len(value)}")
        return tuple(_step(_text(entry)) for entry in value)
    text = _text(value)
    if "->" in text:
        return (_step(text),)
    return _day(text) if _DAY.fullmatch(text) else _flag(text)


def _text(value: object) -> str:
    text = text_of(value)
    if text is None:
        raise RejectedError(f"expected a reduction, a date, or true, not {kind(value)}", HINT)
    return refuse_secret(text).strip()


def _step(text: str) -> Step:
    match = _STEP.fullmatch(text)
    if match is None:
        raise RejectedError(f"{shown(text)} is not a reduction", HINT)
    if match[1] == match[2]:
        raise RejectedError(f"{shown(text)} is not a reduction: both sides are the same", HINT)
    return Step(match[1], match[2])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RejectedError(f"the date {shown(text)} does not exist", HINT) from None


def _flag(text: str) -> bool:
    try:
        return read_flag(text)
    except RejectedError:
        raise RejectedError(f"expected a reduction, a date, or true, not {shown(text)}", HINT) from None

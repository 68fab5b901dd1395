"""``accept.deletion``: the roles and databases whose deletion a tenant's file accepts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.tenant import ABSENT, Reduction
from reconciler.files.finding import RejectedError
from reconciler.files.plain_values import kind, text_of
from reconciler.files.readers import DAY, read_day, refuse_secret
from reconciler.model.quoting import shown

if TYPE_CHECKING:
    from reconciler.desired.tenant import Acceptance

MOST_DELETIONS: Final = 1_000
"""A branch has at most 500 roles and 500 databases (Neon)."""
_PATH: Final = re.compile(r"(dev_branches\..+\.)?(roles|databases)\..+", re.DOTALL)
_EXAMPLES: Final = "for example databases.legacy, [roles.app, databases.legacy], or 2030-01-31"
_PATH_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": "^(dev_branches[.].+[.])?(roles|databases)[.].+$",
    "examples": ["databases.legacy", "dev_branches.preview.roles.tester"],
}
SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"const": False},
        {"type": "string", "format": "date", "pattern": f"^{DAY.pattern}$"},
        dict(_PATH_SCHEMA),
        {"type": "array", "items": dict(_PATH_SCHEMA), "maxItems": MOST_DELETIONS},
    ]
}


def read_deletion(value: object) -> Acceptance:
    """Read the path of a role or database, a list of them, the last day, or false. Raises RejectedError."""
    if isinstance(value, list):
        if len(value) > MOST_DELETIONS:
            raise RejectedError(f"at most {MOST_DELETIONS} deletions are allowed, not {len(value)}")
        return tuple(_step(_text(entry)) for entry in value)
    text = _text(value)
    if text == "false":
        return False
    return read_day(text, _EXAMPLES) if DAY.fullmatch(text) else (_step(text),)


def _text(value: object) -> str:
    text = text_of(value)
    if text is None:
        raise RejectedError(f"expected a role or a database, not {kind(value)}", _EXAMPLES)
    return refuse_secret(text).strip()


def _step(text: str) -> Reduction:
    if not _PATH.fullmatch(text):
        raise RejectedError(f"{shown(text)} names no role and no database", _EXAMPLES)
    return Reduction(text, ABSENT)

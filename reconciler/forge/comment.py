"""The parts of a fleet's comment: a hidden marker, the fleet and commit, and the text.

The marker in the first line identifies the comments of this program. Anybody may write that line: a forge
says who wrote a comment, and only its own are edited.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.errors import InvalidInputError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")


def marker(name: str) -> str:
    """The first line of a comment. Raises InvalidInputError for a name that could end the comment in HTML."""
    if _NAME.fullmatch(name) is None or "--" in name:
        raise InvalidInputError(
            f"--name {name!r} is not a name", hint="use letters, digits, '.', '_' and single '-', at most 63"
        )
    return f"<!-- reconciler: {name} -->"


def is_marked(body: str | None, name: str) -> bool:
    """Whether a comment or an issue begins with the marker of the fleet."""
    return (body or "").split("\n", 1)[0].rstrip() == marker(name)


def marked(name: str, text: str, commit: str | None, most: int) -> str:
    """The whole comment. ``most`` is how many characters the forge takes.

    Raises InvalidInputError for a longer one, and for a commit that is none.
    """
    if commit is not None and _COMMIT.fullmatch(commit) is None:
        raise InvalidInputError("--commit is not a commit", hint="name it by its hexadecimal hash")
    about = "" if commit is None else f"Fleet `{name}` at commit {commit}:\n\n"
    body = f"{marker(name)}\n{about}{text}"
    if len(body) > most:
        raise InvalidInputError(
            f"the text has {len(text):,} characters: the forge takes {most:,}",
            hint="--format markdown writes texts that fit",
        )
    return body

"""``.neon`` files, which Neon's own command line writes into a folder: the project that the folder works with.

A ``neon.ts`` beside it is a program, and is not run: what it asks for is live already, and is adopted from there.
"""

from __future__ import annotations

import json
import re
from typing import Final

from reconciler.errors import InvalidInputError

_ID: Final = re.compile(r"[a-z0-9-]{1,60}")
WRITE_IT: Final = (
    "name a file that `neonctl set-context --project-id ...` wrote: .neon, in a folder named after the tenant"
)


def linked_project(text: str, source: str) -> str:
    """Return the id of the project in a ``.neon`` file. Raises InvalidInputError if there is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInputError(f"{source}: not JSON", hint=WRITE_IT) from None
    found = document.get("projectId") if isinstance(document, dict) else None
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise InvalidInputError(f"{source}: has no projectId", hint=WRITE_IT)
    return found

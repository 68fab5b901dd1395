"""What a run knows about creations: whether Neon keeps their annotations."""

from __future__ import annotations

import asyncio

from msgspec import Struct, field


class Creations(Struct):
    """The new projects of a run share it."""

    keep_annotations: bool | None = None
    """Whether Neon keeps the annotations of a creation. None until the run knows."""
    finding_out: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while one new project is read: the others wait for what it shows."""

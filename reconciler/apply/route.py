"""The way from one organization to another: what a run has learned of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError


@dataclass(slots=True)
class Route:
    """Shared by all units of a run that move along it."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a unit moves: no second unit takes anything before the first one knows whether that helps."""
    open: bool = False
    """Whether somebody has moved."""
    proven: bool = False
    """Whether somebody has moved of whom something was taken for it."""
    shut: ReconcilerError | None = None
    """Why those that went first could not move: nothing is taken for a move any more."""

    def closed(self) -> bool:
        """Whether nothing is taken any more for a move along it."""
        return self.shut is not None

    def known(self) -> bool:
        """Whether it is known what becomes of those of whom something is taken."""
        return self.proven or self.closed()

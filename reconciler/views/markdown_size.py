"""How much of a plan, a report or a usage a Markdown document shows, so that it fits into a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from msgspec import Struct

from reconciler.model.values import replace
from reconciler.plan.change import Risk
from reconciler.views.overview import NAMED_IF_DESTRUCTIVE, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.views.markup import Block, Markdown

Item = TypeVar("Item")

ROWS_THAT_FIT: Final = 1_000
"""No comment has room for more."""


class Size(Struct, frozen=True):
    """How much of each list is written; None is all of it."""

    rows: int | None
    destructive: int | None = None
    """Rows of what destroys something; None is all that a comment has room for."""
    names: int | None = NAMED_IF_DESTRUCTIVE
    """Tenants of such a row that are named."""

    def cut(self, found: Sequence[Item], risk: Callable[[Item], Risk] = lambda _: Risk.SAFE) -> Sequence[Item]:
        """The first rows, and those that destroy something, which come first."""
        if self.rows is None:
            return found
        destructive = sum(risk(one) is Risk.DESTRUCTIVE for one in found)
        most = ROWS_THAT_FIT if self.destructive is None else self.destructive
        return found[: max(self.rows, min(destructive, most))]

    def within(self, most: int) -> Size:
        """The size of a list inside of a list."""
        return self if self.rows is None else replace(self, rows=min(self.rows, most))

    @property
    def samples(self) -> int | None:
        """How many tenants are named where nothing is destroyed."""
        return None if self.rows is None else SAMPLES

    def named(self, risk: Risk) -> int | None:
        """How many tenants of a row are named."""
        return self.names if self.rows is None or risk is Risk.DESTRUCTIVE else SAMPLES


EVERYTHING: Final = Size(None, None, None)
_STEPS: Final = (200, 60, 20, 6, 2)
SIZES: Final = (
    *(Size(rows) for rows in _STEPS),
    *(Size(2, rows, SAMPLES) for rows in _STEPS),
    Size(0, 0, SAMPLES),
)
"""From much to little, until the whole fits: what destroys something is cut last."""


class Parts(Protocol):
    """What a document is made of."""

    @property
    def head(self) -> Sequence[Markdown]:
        """The lines on top."""

    @property
    def closing(self) -> Sequence[Block]:
        """The end; with the head it is all that is shown where nothing else fits."""

    def blocks(self, size: Size) -> Iterator[Block]:
        """Everything between them."""

"""Work, counted in lines that Python runs: the same on every machine, however busy it is."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIZES: Final = (60, 120, 240)
"""Small, so that it is quick; what grows with the square shows all the same, as the fixed part cancels out."""
MOST: Final = 2.28
"""How much more a second doubling may take than the first: twice, and a little for sorting. A square takes 4."""


def steps(act: Callable[[], object]) -> int:
    """How many lines of Python it takes, in whatever module; each round of a loop is one at least.

    Instructions would say the same, and take twice as long.
    """
    count = 0

    def local(_frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return local

    before, collects = sys.gettrace(), gc.isenabled()
    gc.disable()  # what a collection would call is no work of this
    sys.settrace(lambda *_: local)
    try:
        act()
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()
    return count


def growth(make: Callable[[int], Callable[[], object]], most: int | None = None) -> float:
    """How much more work a doubling takes than the one before it. ``make`` prepares the work of one size.

    ``most`` is the largest size that there is, where there is one. One of fewer than four entries has no three
    sizes: it is made too long.
    """
    sizes = SIZES if most is None or most > SIZES[-1] or most < 4 else (most // 4, most // 4 * 2, most // 4 * 4)
    make(sizes[0])()  # what is imported, compiled and remembered once
    small, medium, large = (steps(make(size)) for size in sizes)
    return (large - medium) / max(medium - small, large / 50)

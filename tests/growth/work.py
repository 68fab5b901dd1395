"""Work, counted in steps of the interpreter: the same on every machine, however busy it is."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIZES: Final = (60, 120, 240)
"""Small, so that it is quick; what grows with the square shows all the same, as the fixed part cancels out."""
MOST: Final = 2.35
"""How much more a second doubling may take than the first: twice, and a little for sorting. A square takes 4."""


def steps(act: Callable[[], object]) -> int:
    """How many instructions of Python it takes, in whatever module."""
    count = 0

    def local(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "opcode"
        return local

    def entering(frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return local

    before, collects = sys.gettrace(), gc.isenabled()
    gc.disable()  # what a collection would call is no work of this
    sys.settrace(entering)
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

"""Which way a field moves: whether another value takes something from the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.concerns.compute import PATHS as COMPUTE
from reconciler.plan.concerns.compute import takes as takes_compute
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.concerns.quota import shrinks
from reconciler.plan.concerns.restore_window import PATH as RESTORE_WINDOW

if TYPE_CHECKING:
    from reconciler.plan.change import Value
    from reconciler.plan.concerns.concern import Fields

EXPIRY: Final = ".expires_at"


def reduced(path: str, before: Fields, now: Fields) -> bool:
    """Whether the files moved a field in the direction that takes from the tenant.

    A field that the files begin or cease to manage has moved, and so has one without an order that is another.
    """
    was, becomes = before.get(path), now.get(path)
    if was == becomes:
        return False
    if path.endswith(EXPIRY):
        return becomes is not None and (was is None or str(becomes) < str(was))
    if was is None or becomes is None:
        return True
    return _takes(path, was, becomes)


def of_a_compute(path: str) -> str | None:
    """The member of a compute that the field is, be it the project's or a branch's; None where it is none.

    The end of the path tells: a branch may be called ``compute.v2``.
    """
    return next((member for member in COMPUTE if path == member or path.endswith(f".{member}")), None)


def _takes(path: str, was: Value, becomes: Value) -> bool:
    if (size := of_a_compute(path)) is not None:
        return takes_compute(size, was, becomes)
    if not isinstance(was, int | float) or not isinstance(becomes, int | float):
        return True
    if path in QUOTA:
        return shrinks(int(was), int(becomes))
    return becomes < was if path == RESTORE_WINDOW else True

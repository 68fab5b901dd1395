"""How many calls a list takes, and which checks share one."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from reconciler.model.api_limits import PROJECTS_PER_PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATES_PER_LISTED_PAGE: Final = 20
"""A check after creations lists every organization, so a page of a list is read for up to this many creations."""


def calls_per_list(projects: int) -> int:
    """Return the calls that list an organization with this many projects; the last page is empty (Neon)."""
    return ceil(projects / PROJECTS_PER_PAGE) + 1


def creates_per_check(listed: Mapping[str, int], creates: int) -> int:
    """Return how many projects are created before one check for duplicates, which all of them share.

    As many as one page lists, and more in a large fleet, whose list takes many calls.
    """
    size = sum(map(calls_per_list, listed.values())) + ceil(creates / PROJECTS_PER_PAGE)
    return max(PROJECTS_PER_PAGE, CREATES_PER_LISTED_PAGE * size)

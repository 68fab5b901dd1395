"""How many calls a list takes, which checks share one, and how old one of its pages may be."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import PatchProject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.state import Api
    from reconciler.plan.action import Action

CREATES_PER_LISTED_PAGE: Final = 20
"""A check after creations lists every organization, so a page of a list is read for up to this many creations."""
LONGEST_PAGE: Final = 6
"""The maximum age of a list page, as a multiple of ``look_again_after``."""
CALLS_PER_PATCH: Final = 1.2
"""Calls per tenant of a run that patches one tenant after the other: pages and repeated calls included."""


def calls_per_list(projects: int) -> int:
    """Return the calls that list an organization with this many projects; the last page is empty (Neon)."""
    return ceil(projects / PROJECTS_PER_PAGE) + 1


def creates_per_check(listed: Mapping[str, int], creates: int) -> int:
    """Return how many projects are created before one check for duplicates, which all of them share.

    As many as one page lists, and more in a large fleet, whose list takes many calls.
    """
    size = sum(map(calls_per_list, listed.values())) + ceil(creates / PROJECTS_PER_PAGE)
    return max(PROJECTS_PER_PAGE, CREATES_PER_LISTED_PAGE * size)


def max_page_age_seconds(api: Api, actions: Iterable[Action]) -> float:
    """Return how old a list page may be when a tenant with these actions is observed again.

    Usually ``look_again_after``. If the actions only raise values, one page serves all tenants on it: it may be as
    old as patching each of them takes at the rate of a fleet run.
    """
    longest = api.look_again_after_seconds
    if not all(isinstance(action, PatchProject | PatchEndpoint) and not action.lowering for action in actions):
        return longest
    patches = PROJECTS_PER_PAGE * CALLS_PER_PATCH * 60 / (api.requests_per_minute * api.batch_share)
    return max(longest, min(patches, longest * LONGEST_PAGE))

"""How many calls a command makes, as a formula of the fleet's size that is printed as it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from bench.fleet_files import DETAILED, PAYING
from reconciler.apply.run.run import LARGE_UNITS_AT_ONCE
from reconciler.desired.state import Api
from reconciler.model.api_limits import PROJECTS_PER_PAGE, PROJECTS_PER_TRANSFER
from reconciler.plan.list_pages import CREATES_PER_LISTED_PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

ORGANIZATIONS: Final = 2
CHANGED_IN: Final = 100
"""The rows with 1 % change one tenant in so many: none of those that declare branches and snapshots."""
MOST_FEW: Final = 10
READS_PER_ARRIVAL: Final = 6
"""At most, where the key of an organization sees what has moved to it after 5 seconds: one a second."""

SLOW_IN: Final = 10
"""Fewer than one resize in so many takes longer than its first poll waits."""
PAGES_SEARCHED: Final = 3
"""Pages of a list that are searched for the projects of a shared transfer: they are near each other there."""
LOCKED_IN: Final = 1000
"""The simulator's own work refuses fewer patches than one in so many."""

QUANTITIES: Final = {
    "pages": "list pages that have projects: 400 a page, for each organization",
    "ends": "one empty page that ends each organization's list; two after a full last page",
    "declaring": "tenants that declare a branch and a snapshot: 1 %",
    "others": "tenants that declare none",
    "tenants": "all of them",
    "percent": "1 % of the tenants, which are to change",
    "few": f"changed tenants of --changed-since: 1 %, at most {MOST_FEW}",
    "searches": "searches by name for those few; or the list, if it takes fewer calls by the files",
    "looks": "those searches, or the list pages, whichever is fewer",
    "organizations": "two",
    "name_searches": "searches by name before each creation, in each organization",
    "transfers": "shared transfers, of up to 400 projects each",
    "key_check": "the call that asks whose key the personal one is",
    "detail": "one read below the one tenant's project: its computes, or its branches",
    "first_patch": "one read, by which a run finds out what a patch of settings removes",
    "resized": "new projects whose first compute is resized: a patch, and a read of the operations after it",
    "slow": "new projects whose resize has not ended at the first read of its operations: one in ten",
    "again": "list pages that show moved projects again: they were observed too long ago when their key sees them",
    "moved": "tenants that do not pay yet, which are all to move",
    "routes": "shared transfers of all of them",
    "all_arrivals": f"{READS_PER_ARRIVAL} reads for each of those",
    "all_again": "list pages that show all of those again: for two transfers at once, each one for 10 seconds",
    "checks": "pages of the lists that check for second projects, after 400 creations or more",
    "arrivals": f"{READS_PER_ARRIVAL} reads for each shared transfer: until its organization's key sees projects",
    "locked": "patches that Neon refuses because it works on the project, and that are sent again: one in 1,000",
    "late": "list pages that late turns share: one for 10 seconds, and one for each new page",
}
"""What each name in a formula means."""


def quantities(tenants: int, api: Api = Api()) -> Mapping[str, int]:  # noqa: B008 - frozen
    """The value of each name, for a fleet of this size."""
    percent = len(range(1, tenants, CHANGED_IN))
    paid = len(range(0, tenants, PAYING))
    pages = ceil(paid / PROJECTS_PER_PAGE) + ceil((tenants - paid) / PROJECTS_PER_PAGE)
    declaring, few = len(range(0, tenants, DETAILED)), min(percent, MOST_FEW)
    return {
        "pages": pages,
        "ends": sum(1 + (projects % PROJECTS_PER_PAGE == 0) for projects in (paid, tenants - paid)),
        "declaring": declaring,
        "others": tenants - declaring,
        "tenants": tenants,
        "percent": percent,
        "few": few,
        "searches": _found(tenants, few * ORGANIZATIONS, pages),
        "looks": min(few * ORGANIZATIONS, pages),
        "organizations": ORGANIZATIONS,
        "name_searches": percent * ORGANIZATIONS,
        "transfers": ceil(percent / PROJECTS_PER_TRANSFER),
        "key_check": 1,
        "detail": 1,
        "first_patch": 1,
        "resized": percent,
        "slow": ceil(tenants / SLOW_IN),
        "again": _again(percent, percent, api),
        "moved": tenants - paid,
        "routes": ceil((tenants - paid) / PROJECTS_PER_TRANSFER),
        "all_arrivals": READS_PER_ARRIVAL * ceil((tenants - paid) / PROJECTS_PER_TRANSFER),
        "all_again": _again(tenants - paid, PROJECTS_PER_TRANSFER, api),
        "checks": _checks(tenants, pages),
        "arrivals": READS_PER_ARRIVAL * ceil(percent / PROJECTS_PER_TRANSFER),
        "locked": ceil(tenants / LOCKED_IN),
        "late": _late(tenants, pages, api),
    }


def _found(tenants: int, searches: int, pages: int) -> int:
    """Calls that find a few tenants: searches, or the list with the empty pages that end it."""
    expected = ceil(tenants / PROJECTS_PER_PAGE) + 2 * ORGANIZATIONS
    return pages + ORGANIZATIONS if expected < searches else searches


def _checks(created: int, pages: int) -> int:
    """List pages of the checks after so many creations, in a fleet that has so many pages before."""
    all_pages = pages + ceil(created / PROJECTS_PER_PAGE)
    per_check = max(PROJECTS_PER_PAGE, CREATES_PER_LISTED_PAGE * (all_pages + ORGANIZATIONS))
    return ceil(created / per_check) * (all_pages + ORGANIZATIONS)


def _late(turns: int, pages: int, api: Api) -> int:
    """Calls that look again at so many tenants in list order."""
    return min(turns, _pages_of(turns, api) + pages)


def _again(moved: int, at_once: int, api: Api) -> int:
    """Calls that look again at so many moved tenants, so many by each transfer, two of which are under way."""
    searched = PAGES_SEARCHED * ceil(moved / at_once)
    return min(moved, LARGE_UNITS_AT_ONCE * _pages_of(moved, api) + searched)


def _pages_of(turns: int, api: Api) -> int:
    """Pages for so many turns, where each is fresh enough for ten seconds.

    One of the calls of these seconds reads the page, and those that Neon refuses are sent again.
    """
    calls = api.requests_per_minute * api.batch_share * api.look_again_after_seconds / 60
    return ceil((turns + ceil(turns / LOCKED_IN)) / (calls - 1))


@dataclass(frozen=True, slots=True)
class Formula:
    """A sum of quantities, each so many times."""

    terms: Mapping[str, int]

    def __add__(self, other: Formula) -> Formula:
        """The sum of both."""
        names = {**self.terms, **other.terms}
        return Formula({name: self.terms.get(name, 0) + other.terms.get(name, 0) for name in names})

    def __str__(self) -> str:
        """Like ``pages + 2 declaring``."""
        written = (name if times == 1 else f"{times} {name}" for name, times in self.terms.items())
        return " + ".join(written).replace("_", " ") or "0"

    def value(self, of: Mapping[str, int]) -> int:
        """The number of calls, with the value of each name."""
        return sum(times * of[name] for name, times in self.terms.items())


def calls(**terms: int) -> Formula:
    """A formula, each quantity with how often it counts."""
    return Formula(terms)

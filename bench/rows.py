"""What is measured of the command line: commands, each on a changed fleet, with the calls that they may make.

``today`` is what the program makes at present, and more fails ``--check``. ``least`` is what nobody can do
without, as far as is known; the table shows the distance.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from bench.fleet_files import DeclaredTenant, declared
from bench.formulas import CHANGED_IN, MOST_FEW, Formula, calls
from bench.scene import BASE, fill_with_strangers
from tests.harness.found_fleet import PATTERNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RUN: Final = "run.db"
"""A copy of the account, for one row."""
LONG: Final = 10_000
"""Tenants of the largest fleet that is created or moved as a whole: some 60,000 calls."""
MORE: Final = "7GiB"
LESS: Final = "4GiB"
FILLS_CACHE: Final = "plan, in sync, empty cache"
IN_SYNC: Final = "plan, in sync"
OWN_LABELS: Final = "plan, in sync, empty cache, own labels"
NONE: Final = calls()


def untouched(_folder: Path, _tenants: int) -> None:
    """The files and the account stay as they are."""


def nothing(_tenants: int) -> Iterator[DeclaredTenant]:
    """No file is changed."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Row:
    """One command."""

    what: str
    arguments: tuple[str, ...]
    today: Formula
    least: Formula
    change: Callable[[int], Iterator[DeclaredTenant]] = nothing
    """The tenants that are declared anew, of a fleet of so many; it is committed before the command runs."""
    prepare: Callable[[Path, int], None] = untouched
    """What else is done to the folder before."""
    empty_cache: bool = False
    """Whether the cache of parsed tenants is empty, not filled with the files as they were before the change. The
    row ``FILLS_CACHE`` fills it for all others."""
    code: int = 0
    """The exit code."""
    main: bool = False
    """Whether it is measured for JSON lines and for the largest fleet too."""
    largest: int = 100_000
    """The size of the largest fleet for which it is measured."""
    plain: bool = False
    """Whether it runs as from a shell, with no way to count calls: it makes none."""


def raise_percent(tenants: int) -> Iterator[DeclaredTenant]:
    """A larger quota for 1 % of the tenants."""
    return (_raised(number) for number in range(1, tenants, CHANGED_IN))


def raise_few(tenants: int) -> Iterator[DeclaredTenant]:
    """A larger quota for ten tenants, or for 1 % where that is fewer."""
    return islice(raise_percent(tenants), MOST_FEW)


def raise_all(tenants: int) -> Iterator[DeclaredTenant]:
    """A larger quota for every tenant."""
    return map(_raised, range(tenants))


def add_percent(tenants: int) -> Iterator[DeclaredTenant]:
    """1 % more tenants."""
    return (DeclaredTenant(number, "free", prefix="new-t") for number in range(1, tenants, CHANGED_IN))


def add_all(tenants: int) -> Iterator[DeclaredTenant]:
    """Twice as many tenants."""
    return (DeclaredTenant(number, "free", prefix="new-t") for number in range(tenants))


def name_customers(tenants: int) -> Iterator[DeclaredTenant]:
    """A label of its own for every tenant."""
    return (replace(one, customer=f"Customer {one.number} Ltd") for one in map(declared, range(tenants)))


def upgrade_all(tenants: int) -> Iterator[DeclaredTenant]:
    """Another tier for everybody who does not pay yet, in the other organization."""
    return (replace(one, tier="pro") for one in map(declared, range(tenants)))


def cut_all(tenants: int) -> Iterator[DeclaredTenant]:
    """A smaller quota for every tenant."""
    return (replace(one, data_transfer=LESS) for one in map(declared, range(tenants)))


def upgrade_percent(tenants: int) -> Iterator[DeclaredTenant]:
    """Another tier for 1 % of the tenants, in the other organization."""
    return (DeclaredTenant(number, "pro") for number in range(1, tenants, CHANGED_IN))


def _raised(number: int) -> DeclaredTenant:
    return replace(declared(number), data_transfer=MORE)


def forget_files(folder: Path, tenants: int) -> None:
    """No file, and an account that other scripts have filled."""
    shutil.rmtree(folder / "tenants")
    (folder / "tiers.yaml").unlink()
    fill_with_strangers(folder / RUN, tenants)


LIVE: Final = ("--simulator", RUN)
HISTORY: Final = (*LIVE, "--base", BASE)
APPLY: Final = ("apply", *HISTORY, "--yes", "--journal", "journal.jsonl")
ADOPT: Final = ("adopt", *LIVE, "--depth", "list", *(word for text in PATTERNS for word in ("--pattern", text)))
"""A fleet of other scripts, whose owners are not read: below 200 of them a run would read them all."""
ONE: Final = declared(1).name
LISTED: Final = calls(pages=1, declaring=2)
"""The list, and the branches and the snapshots of who declares some."""
LISTED_TODAY: Final = LISTED + calls(ends=1)

ROWS: Final = (
    Row(FILLS_CACHE, ("plan", *HISTORY), LISTED_TODAY, LISTED, empty_cache=True, main=True),
    Row(IN_SYNC, ("plan", *HISTORY), LISTED_TODAY, LISTED, main=True),
    Row("plan, 1 % changed", ("plan", *HISTORY), LISTED_TODAY, LISTED, raise_percent, main=True),
    Row("plan, all changed", ("plan", *HISTORY), LISTED_TODAY, LISTED, raise_all),
    Row(
        "plan --changed-since",
        ("plan", *HISTORY, "--changed-since", BASE),
        calls(searches=1, few=2),
        calls(looks=1, few=1),
        raise_few,
    ),
    Row(
        "plan --tenant",
        ("plan", *HISTORY, "--tenant", ONE),
        calls(organizations=1, detail=2),
        calls(organizations=1, detail=1),
    ),
    Row("drift", ("drift", *LIVE), LISTED_TODAY, LISTED),
    Row(
        "drift --depth deep",
        ("drift", "--depth", "deep", *LIVE),
        calls(pages=1, ends=1, tenants=3, declaring=1),
        calls(pages=1, tenants=3, declaring=1),
    ),
    Row("validate", ("validate",), NONE, NONE, main=True),
    Row(
        "converge, in sync",
        ("converge", *LIVE, ONE),
        calls(organizations=1, detail=2),
        calls(organizations=1, detail=1),
    ),
    Row(
        "apply, 1 % created",
        APPLY,
        LISTED_TODAY + calls(percent=1, resized=3, name_searches=1, pages=1, ends=1, organizations=1),
        LISTED + calls(percent=1, resized=2, pages=1),
        add_percent,
    ),
    Row(
        "apply, 1 % moved",
        APPLY,
        LISTED_TODAY + calls(pages=1, percent=3, again=1, arrivals=1, transfers=1, key_check=1, first_patch=1),
        LISTED + calls(percent=2, transfers=1, key_check=1),
        upgrade_percent,
    ),
    Row(
        "apply, all quotas changed",
        APPLY,
        LISTED_TODAY + calls(tenants=1, first_patch=1, late=1, locked=1),
        LISTED + calls(tenants=1, pages=1),
        raise_all,
    ),
    Row("plan, all quotas cut", ("plan", *HISTORY), LISTED_TODAY, LISTED, cut_all),
    Row(
        "apply, all quotas cut",
        APPLY,
        LISTED_TODAY + calls(tenants=1, first_patch=1, late=1, locked=1),
        LISTED + calls(tenants=1, pages=1),
        cut_all,
    ),
    Row(
        "plan, as many new",
        ("plan", *HISTORY),
        LISTED_TODAY + calls(organizations=1),
        LISTED,
        add_all,
        largest=LONG,
    ),
    Row(
        "apply, as many created",
        APPLY,
        LISTED_TODAY + calls(organizations=1, tenants=5, slow=1, checks=1, percent=1),
        LISTED + calls(tenants=3, pages=1),
        add_all,
        largest=LONG,
    ),
    Row(
        "plan, all moved",
        ("plan", *HISTORY),
        LISTED_TODAY + calls(moved=2),
        LISTED + calls(moved=2),
        upgrade_all,
        largest=LONG,
    ),
    Row(
        "apply, all moved",
        APPLY,
        LISTED_TODAY
        + calls(moved=3, key_check=1, routes=3, all_arrivals=1, all_again=1, pages=1, first_patch=1, locked=1),
        LISTED + calls(moved=3, routes=1, key_check=1),
        upgrade_all,
        largest=LONG,
    ),
    Row("adopt", ADOPT, calls(pages=1, ends=1), calls(pages=1), prepare=forget_files),
    Row("plan with an unknown flag", ("plan", "--no-such-flag"), NONE, NONE, code=3, plain=True),
    Row("--help", ("--help",), NONE, NONE, plain=True),
    Row(OWN_LABELS, ("plan", *LIVE, "--base", "HEAD"), LISTED_TODAY, LISTED, name_customers, empty_cache=True),
)

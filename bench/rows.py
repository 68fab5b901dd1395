"""What is measured of the command line: commands, each on a changed fleet, with the calls that they may make.

``today`` is what the program makes at present, and more fails ``--check``. ``least`` is what nobody can do
without, as far as is known; the table shows the distance.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.formulas import CHANGED_IN, MOST_FEW, Formula, calls
from bench.scene import BASE, fill_with_strangers, name_of, tenant_file, write_tenant
from tests.harness.found_fleet import PATTERNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUN: Final = "run.db"
"""A copy of the account, for one row."""
BEFORE, AFTER = "data_transfer: 6GiB", "data_transfer: 7GiB"
NONE: Final = calls()


@dataclass(frozen=True, slots=True)
class Row:
    """One command."""

    what: str
    arguments: tuple[str, ...]
    today: Formula
    least: Formula
    change: Callable[[Path, int], None] = lambda _folder, _tenants: None
    """Changes files of a fleet of so many tenants; the change is committed before the command runs."""


def raise_percent(folder: Path, tenants: int) -> None:
    """A larger quota for 1 % of the tenants."""
    for number in range(1, tenants, CHANGED_IN):
        _raise(folder, number)


def raise_few(folder: Path, tenants: int) -> None:
    """A larger quota for ten tenants, or for 1 % where that is fewer."""
    for number in list(range(1, tenants, CHANGED_IN))[:MOST_FEW]:
        _raise(folder, number)


def raise_all(folder: Path, tenants: int) -> None:
    """A larger quota for every tenant."""
    for number in range(tenants):
        _raise(folder, number)


def add_percent(folder: Path, tenants: int) -> None:
    """1 % more tenants."""
    for number in range(1, tenants, CHANGED_IN):
        name = f"new-{name_of(number)}"
        file = tenant_file(folder, number).with_name(f"{name}.yaml")
        file.write_text(f"tenant: {name}\ntier: free\n", encoding="utf-8")


def upgrade_percent(folder: Path, tenants: int) -> None:
    """Another tier for 1 % of the tenants, in the other organization."""
    for number in range(1, tenants, CHANGED_IN):
        write_tenant(folder, number, "pro")


def forget_files(folder: Path, tenants: int) -> None:
    """No file, and an account that other scripts have filled."""
    shutil.rmtree(folder / "tenants")
    (folder / "tiers.yaml").unlink()
    fill_with_strangers(folder / RUN, tenants)


def _raise(folder: Path, number: int) -> None:
    file = tenant_file(folder, number)
    file.write_text(file.read_text(encoding="utf-8").replace(BEFORE, AFTER), encoding="utf-8")


LIVE: Final = ("--simulator", RUN)
HISTORY: Final = (*LIVE, "--base", BASE)
APPLY: Final = ("apply", *HISTORY, "--yes", "--journal", "journal.jsonl")
ADOPT: Final = ("adopt", *LIVE, "--depth", "list", *(word for text in PATTERNS for word in ("--pattern", text)))
"""A fleet of other scripts, whose owners are not read: below 200 of them a run would read them all."""
ONE: Final = name_of(1)
LISTED: Final = calls(pages=1, declaring=2)
"""The list, and the branches and the snapshots of who declares some."""
LISTED_TODAY: Final = LISTED + calls(ends=1)

ROWS: Final = (
    Row("validate", ("validate",), NONE, NONE),
    Row("plan, in sync", ("plan", *HISTORY), LISTED_TODAY, LISTED),
    Row("plan, 1 % changed", ("plan", *HISTORY), LISTED_TODAY, LISTED, raise_percent),
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
        "converge, in sync",
        ("converge", *LIVE, ONE),
        calls(organizations=1, detail=2),
        calls(organizations=1, detail=1),
    ),
    Row(
        "apply, 1 % created",
        APPLY,
        LISTED_TODAY + calls(percent=1, resized=4, name_searches=1, pages=1, ends=1, organizations=1),
        LISTED + calls(percent=1, resized=1, pages=1),
        add_percent,
    ),
    Row(
        "apply, 1 % moved",
        APPLY,
        LISTED_TODAY + calls(percent=3, seen_late=2, transfers=1, key_check=1, first_patch=1),
        LISTED + calls(percent=2, transfers=1, key_check=1),
        upgrade_percent,
    ),
    Row(
        "apply, all quotas changed",
        APPLY,
        LISTED_TODAY + calls(tenants=1, first_patch=1, late=1),
        LISTED + calls(tenants=1, pages=1),
        raise_all,
    ),
    Row("adopt", ADOPT, calls(pages=1, ends=1), calls(pages=1), forget_files),
)

"""What ``reconciler doctor`` says about the files: their problems, and the tenants by tier and source."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from reconciler.files.patterns import compiled
from reconciler.files.price_list import NO_FLEET, PRICE_LIST
from reconciler.files.price_list_reader import read_price_list
from reconciler.files.tree import WorkTree
from reconciler.model.diagnosis import Area, fail, ok, warn
from reconciler.model.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.files.load import Loaded
    from reconciler.model.diagnosis import Check

CORRECT_IT: Final = "correct it; `reconciler validate` shows whether it is right"
MOST: Final = 5
"""Problems of a kind that are listed; ``validate`` lists all."""
ABSENT: Final = "absent"


def file_checks(root: Path, loaded: Loaded) -> Iterator[Check]:
    """The checks of what was loaded from the folder."""
    if not (root / PRICE_LIST).exists():
        yield fail(
            Area.FILES,
            f"there is no {PRICE_LIST} in this folder, nor in one above it",
            NO_FLEET,
        )
        return
    yield from _problems(loaded)
    if loaded.desired is not None:
        fleet = loaded.desired
        tiers, organizations = ", ".join(fleet.tiers), " and ".join(fleet.organizations)
        yield ok(Area.FILES, f"{PRICE_LIST}: fleet {fleet.fleet}, organizations {organizations}, tiers {tiers}")
        yield from _tenants(root, fleet)


def _problems(loaded: Loaded) -> Iterator[Check]:
    """The errors, then the warnings; of each, the first ones and how many more there are."""
    for severity, found in ((Severity.ERROR, fail), (Severity.WARNING, warn)):
        of_kind = [problem for problem in loaded.problems if problem.severity is severity]
        for problem in of_kind[:MOST]:
            place = f"{problem.location}:{problem.location.column}"
            yield found(Area.FILES, f"{place}: {problem.message}", problem.hint or CORRECT_IT)
        if len(of_kind) > MOST:
            yield found(Area.FILES, f"and {len(of_kind) - MOST:,} more {severity.value}s", "reconciler validate")


def _tenants(root: Path, fleet: DesiredState) -> Iterator[Check]:
    if not fleet.tenants:
        yield warn(
            Area.FILES,
            "no file declares a tenant",
            f"describe one, in a file that `tenants` in {PRICE_LIST} matches",
        )
        return
    tiers = Counter(ABSENT if one.absent else one.tier for one in fleet.tenants.values())
    ordered = [*(tier for tier in fleet.tiers if tiers[tier]), *([ABSENT] if tiers[ABSENT] else [])]
    counted = ", ".join(f"{tier} {tiers[tier]:,}" for tier in ordered)
    number = "1 tenant" if len(fleet.tenants) == 1 else f"{len(fleet.tenants):,} tenants"
    yield ok(Area.FILES, f"{number}: {counted}; from {_by_source(root, fleet)}")


def _by_source(root: Path, fleet: DesiredState) -> str:
    patterns = {source.pattern: compiled(source.pattern) for source in read_price_list(WorkTree(root)).sources}
    found = Counter(
        next((name for name, pattern in patterns.items() if pattern.fullmatch(tenant.files[0])), "other files")
        for tenant in fleet.tenants.values()
        if tenant.files
    )
    return ", ".join(f"{name} {count:,}" for name, count in found.items())

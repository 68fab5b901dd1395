"""What Neon charges, as tiers.yaml states it, and what an amount of use costs.

Units as Neon bills them: a gigabyte is 10**9 bytes, a month 744 hours, whatever the calendar says
(introduction/usage-calculations, 2026-05-28).
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from msgspec import Struct

from reconciler.model.problem import Problem, Severity
from reconciler.model.values import PartlyCompared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.problem import Location

MONTH_HOURS: Final = 744
"""Neon: a billing month, for all months."""
GIGABYTE: Final = 10**9
NOTHING: Final = Decimal("0.000000")
OLD: Final = timedelta(days=366)
"""Prices that were looked up before that are called old."""
EXAMPLE: Final = "add `prices: {as_of: 2026-11-12, compute_hour: 0.106, storage_gb_month: 0.35}` to tiers.yaml"
"""What helps where there are no prices."""
_SMALLEST: Final = Decimal("0.000001")
"""Amounts of money are exact to a millionth, so that sums of them are exact."""


class Charge(NamedTuple):
    """One thing that Neon charges for."""

    name: str
    key: str
    """The key of its price in tiers.yaml."""
    unit: str
    """What the price is for, in the plural."""
    measured: int
    """How much of what Neon measures makes one unit."""

    def quantity(self, used: int) -> Decimal:
        """The units, from what Neon measured (CU-seconds, byte-hours, branch-hours or bytes)."""
        return rounded(Decimal(used) / self.measured)


COMPUTE: Final = Charge("compute", "compute_hour", "CU-hours", 3600)
STORAGE: Final = Charge("storage", "storage_gb_month", "GB-months", GIGABYTE * MONTH_HOURS)
HISTORY: Final = Charge("history", "history_gb_month", "GB-months", GIGABYTE * MONTH_HOURS)
SNAPSHOTS: Final = Charge("snapshots", "snapshot_gb_month", "GB-months", GIGABYTE * MONTH_HOURS)
BRANCHES: Final = Charge("branches", "branch_month", "branch-months", MONTH_HOURS)
DATA_TRANSFER: Final = Charge("data_transfer", "data_transfer_gb", "GB", GIGABYTE)
PRIVATE_TRANSFER: Final = Charge("private_transfer", "private_transfer_gb", "GB", GIGABYTE)
CHARGES: Final = (COMPUTE, STORAGE, HISTORY, SNAPSHOTS, BRANCHES, DATA_TRANSFER, PRIVATE_TRANSFER)


class Rates(Struct, frozen=True):
    """The prices of one organization."""

    prices: Mapping[str, Decimal] = {}
    """By key; a charge without one is measured, and not priced."""
    branches_included: int | None = None
    """Branches of each project that cost nothing, its default branch included; None: each child branch costs."""
    data_transfer_included_gb: Decimal = NOTHING
    """Gigabytes of public transfer of the whole organization that cost nothing in a month."""
    sponsored: bool = False
    """Whether Neon pays for all of it."""

    def price(self, charge: Charge) -> Decimal | None:
        """The price of a unit; None if tiers.yaml states none."""
        return NOTHING if self.sponsored else self.prices.get(charge.key)

    def cost(self, charge: Charge, used: int) -> Decimal | None:
        """What an amount costs, before anything that is included; None without a price.

        ``used`` is in the unit that Neon measures (``Charge.measured``).
        """
        price = self.price(charge)
        return None if price is None else rounded(Decimal(used) * price / charge.measured)

    def included_transfer(self, used_bytes: int) -> Decimal:
        """What the organization does not pay of its public transfer in a month."""
        covered = min(used_bytes, int(self.data_transfer_included_gb * GIGABYTE))
        return self.cost(DATA_TRANSFER, covered) or NOTHING

    @property
    def free_child_branches(self) -> int:
        """Child branches of each project that cost nothing. Neon: the default branch is one of those included."""
        return max(0, (self.branches_included or 1) - 1)


class Prices(PartlyCompared, frozen=True):
    """The prices of a day."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"location"})

    as_of: date
    location: Location
    """Where ``as_of`` is written."""
    currency: str = "USD"
    """Three letters (ISO 4217)."""
    rates: Rates = Rates()
    own: Mapping[str, Rates] = {}
    """The complete prices of organizations that have prices of their own."""

    def of(self, organization: str) -> Rates:
        """The prices of an organization."""
        return self.own.get(organization, self.rates)

    def problems(self, today: date) -> Iterator[Problem]:
        """An error if the prices are of a day to come, a warning if they are old."""
        if self.as_of > today:
            hint = "state the day on which you looked the prices up"
            yield Problem(self.location, f"prices.as_of {self.as_of} is in the future (today is {today})", hint)
        elif today - self.as_of > OLD:
            hint = "compare them with Neon's price list, and set prices.as_of"
            message = f"the prices are of {self.as_of}, more than a year ago"
            yield Problem(self.location, message, hint, Severity.WARNING)


def rounded(amount: Decimal) -> Decimal:
    """The amount, to a millionth."""
    return amount.quantize(_SMALLEST)

"""Money in words: two decimals, and more of what would be rounded away."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

CENT: Final = Decimal("0.01")


def money(amount: Decimal | None) -> str:
    """``1,234.56``; ``0.0021`` of an amount below a cent; ``no price`` where tiers.yaml has none."""
    if amount is None:
        return "no price"
    if amount and abs(amount) < CENT:
        return f"{amount:f}".rstrip("0")
    return f"{amount:,.2f}"


def charge_label(charge: str) -> str:
    """A charge, in words."""
    return charge.replace("_", " ")

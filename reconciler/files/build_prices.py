"""The prices that the schema has accepted -> the types of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.prices import CHARGES, NOTHING, Prices, Rates

if TYPE_CHECKING:
    from reconciler.files.tiers_schema import OwnRatesDocument, PricesDocument, RatesDocument
    from reconciler.model.problem import Location


def prices(document: PricesDocument, location: Location) -> Prices:
    """The prices of tiers.yaml; ``location`` is that of their day."""
    return Prices(
        as_of=document.as_of,
        location=location,
        currency=document.currency,
        rates=_rates(document),
        own={name: _rates(document, own) for name, own in document.organizations.items()},
    )


def _rates(common: RatesDocument, own: OwnRatesDocument | None = None) -> Rates:
    """The prices of an organization: key by key its own, else the common ones."""
    of_own = {} if own is None else own.model_dump(exclude_none=True)
    stated = {**common.model_dump(exclude_none=True), **of_own}
    return Rates(
        prices={charge.key: stated[charge.key] for charge in CHARGES if charge.key in stated},
        branches_included=stated.get("branches_included"),
        data_transfer_included_gb=stated.get("data_transfer_included_gb", NOTHING),
        sponsored=of_own.get("sponsored", False),
    )

"""tiers.yaml -> a price list, parsed unless it was read before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconciler.files.price_list import NO_FLEET, PRICE_LIST, PURPOSE, broken
from reconciler.files.regular_files import UnreadableError
from reconciler.files.tree import pointer
from reconciler.model.problem import Location, Problem

if TYPE_CHECKING:
    from reconciler.files.price_list import PriceList
    from reconciler.files.tree import Tree


class KnownPrices(Protocol):
    """Price lists that were read before, by the bytes of the file and its name in messages."""

    def prices(self, data: bytes, name: str) -> PriceList | None:
        """Return what the bytes say; None if that is not known."""

    def keep_prices(self, data: bytes, name: str, found: PriceList) -> None:
        """Remember what they say, if nothing is wrong with them."""


def read_price_list(tree: Tree, *, past: bool = False, known: KnownPrices | None = None) -> PriceList:
    """Read tiers.yaml with all its problems; tenants can be checked against it even if it has some.

    ``past`` as in ``Reading``. ``known`` has what was read before.
    """
    name = tree.name(PRICE_LIST)
    try:
        data = tree.read(PRICE_LIST)
    except FileNotFoundError:
        return broken(Problem(Location(name), "the file does not exist", PURPOSE if past else NO_FLEET))
    except UnreadableError as error:
        return broken(Problem(Location(name), str(error)))
    if instead := pointer(data):
        return broken(Problem(Location(name), *instead))
    if known is not None and (found := known.prices(data, name)) is not None:
        return found
    from reconciler.files.price_list_text import parsed_price_list  # noqa: PLC0415 - not for a known one

    found = parsed_price_list(data, name, past=past)
    if known is not None and not past:
        known.keep_prices(data, name, found)
    return found

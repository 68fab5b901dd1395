"""Which members of the official description requests have held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.installed import required
from tests.transitions.members import Member, settable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.simulator.exchanges import Exchange


def members_sent(exchanges: Iterable[Exchange]) -> set[Member]:
    """The settable members that were in any of them."""
    return {member for exchange in exchanges for member in _members(exchange) if member in settable()}


def _members(exchange: Exchange) -> Iterator[Member]:
    found = required().find(exchange.method, f"/api/v2{exchange.path}")
    if found is None:
        return
    operation = found[0].name
    for name in exchange.query:
        yield Member(operation, name)
    for path in _paths(exchange.body, ()):
        yield Member(operation, ".".join(path))


def _paths(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every path into a body, to its ends and to what lies on the way: some members are maps."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _paths(member, (*path, name))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, (*path, "[]"))

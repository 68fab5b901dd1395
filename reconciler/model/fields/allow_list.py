"""The addresses that an allow list lets in, to compare a wider list with a narrower one."""

from __future__ import annotations

from ipaddress import collapse_addresses, ip_address, ip_network, summarize_address_range
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from ipaddress import IPv4Network, IPv6Network

Network: TypeAlias = "IPv4Network | IPv6Network"

EVERYBODY: Final = ("0.0.0.0/0", "::/0")
"""What an empty list stands for (Neon: IP Allow)."""


def shuts_out(before: Iterable[str], after: Iterable[str]) -> bool:
    """Whether an address that the first list lets in is not let in by the second one."""
    wide, texts = _read(after)
    narrow, unread = _read(before)
    return bool(unread - texts) or any(not _within(network, wide) for network in narrow)


def is_address(text: str) -> bool:
    """Whether the text is an address, a network or a range of addresses."""
    try:
        return bool(_networks(text))
    except ValueError:
        return False


def _read(entries: Iterable[str]) -> tuple[list[Network], frozenset[str]]:
    """The networks of a list, without overlaps, and the entries that are none."""
    networks: list[Network] = []
    texts = set()
    for entry in tuple(entries) or EVERYBODY:
        try:
            networks += _networks(entry)
        except ValueError:
            texts.add(entry)
    return list(_collapsed(networks)), frozenset(texts)


def _networks(entry: str) -> list[Network]:
    """An address, a network (``10.0.0.0/8``), or a range (``10.0.0.1-10.0.0.9``). Raises ValueError."""
    first, dash, last = (part.strip() for part in entry.partition("-"))
    if not dash:
        return [ip_network(first, strict=False)]
    start, end = ip_address(first), ip_address(last)
    if start.version != end.version:
        raise ValueError(entry)
    return list(summarize_address_range(start, end))


def _collapsed(networks: Iterable[Network]) -> Iterator[Network]:
    by_version: dict[int, list[Network]] = {4: [], 6: []}
    for network in networks:
        by_version[network.version].append(network)
    for alike in by_version.values():
        yield from collapse_addresses(alike)  # type: ignore[type-var]


def _within(network: Network, others: Iterable[Network]) -> bool:
    return any(
        network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]
        for other in others
    )

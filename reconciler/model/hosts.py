"""Host names of computes."""

from __future__ import annotations

from typing import Final

POOLER: Final = "-pooler"
"""Neon: follows the id of the compute in the host name of its connection pooler (getConnectionURI)."""


def pooled_host(host: str) -> str:
    """Return the host of the compute's connection pooler."""
    compute, dot, rest = host.partition(".")
    return f"{compute}{POOLER}{dot}{rest}"

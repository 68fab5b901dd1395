"""What tiers.yaml says: a desired state without tenants, and the sources of its tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.model.problem import Location, Problem

PRICE_LIST: Final = "tiers.yaml"
"""The file, in the fleet's folder."""
DEFAULT_FILES: Final = "tenants/**/*.yaml"
NO_FLEET: Final = "change to the fleet's folder, name it with -C, or make one: reconciler init"
"""What helps where the folder has no price list."""
PURPOSE: Final = f"{PRICE_LIST} declares the organizations and tiers of the fleet"


class TenantSource(Struct, frozen=True):
    """A source of tenants: files that match a pattern, as YAML or with one JSON tenant per line."""

    pattern: str
    location: Location
    json_lines: bool = False


class PriceList(Struct, frozen=True):
    """The contents of tiers.yaml. ``fleet`` is None if the schema rejects it."""

    fleet: DesiredState | None
    sources: tuple[TenantSource, ...]
    problems: tuple[Problem, ...]
    policies: TenantSource | None = None
    """The files that declare policies; None if the pattern cannot be used."""
    digest: str = ""
    """Of the bytes that were read; empty if the schema rejects them."""


def broken(*problems: Problem) -> PriceList:
    """Return a price list that cannot be used."""
    return PriceList(None, (TenantSource(DEFAULT_FILES, problems[0].location),), problems)

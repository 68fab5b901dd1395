"""Tenant names, and the project names that follow from them."""

from __future__ import annotations

import re
import unicodedata
from itertools import product
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

MAX_TENANT_LENGTH: Final = 128
TENANT_SIGN: Final = "[A-Za-z0-9._+@-]"
"""ASCII only: letters of other alphabets look the same and would be another tenant."""
TENANT: Final = re.compile(rf"[A-Za-z0-9_+@]{TENANT_SIGN}*")
"""User ids and e-mail addresses. A name that starts with ``.`` would be a hidden file, with ``-`` an option."""


def composed(text: str) -> str:
    """Return the text in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def identity(name: str) -> str:
    """Return the form in which equal names are equal: NFC, without case."""
    return name.casefold() if name.isascii() else composed(name).casefold()


PLACEHOLDER: Final = "{tenant}"
TIER: Final = "{tier}"
ORGANIZATION: Final = "{organization}"
PLACEHOLDERS: Final = (PLACEHOLDER, TIER, ORGANIZATION)
_VARIABLE: Final = re.compile("|".join(map(re.escape, (TIER, ORGANIZATION))))


class Frame(Struct, frozen=True):
    """The text before and after a tenant's name in its project's name."""

    start: str
    end: str

    @classmethod
    def of(cls, pattern: str) -> Frame:
        """Return the frame of a pattern with one ``{tenant}`` and no other placeholder."""
        start, _, end = pattern.partition(PLACEHOLDER)
        return cls(start, end)

    def name(self, tenant: str) -> str:
        """Return the project's name."""
        return f"{self.start}{tenant}{self.end}"

    def tenant(self, project_name: str) -> str | None:
        """Return the tenant whose project has this name; None if the name does not fit."""
        long_enough = len(project_name) > len(self.start) + len(self.end)
        if long_enough and project_name.startswith(self.start) and project_name.endswith(self.end):
            return project_name[len(self.start) : len(project_name) - len(self.end)]
        return None


class Search(Struct, frozen=True):
    """A search at Neon, which matches parts of names, and the names that it is for."""

    text: str
    names: tuple[str, ...]


class Naming(Struct, frozen=True):
    """The pattern of project names: ``{tenant}`` once, ``{tier}`` and ``{organization}`` any number of times.

    ``previous`` are older patterns that still match. ``tiers`` are the patterns of tiers that have their own, by
    the tier's name.
    """

    project: str
    previous: tuple[str, ...] = ()
    tiers: Mapping[str, str] = {}

    @property
    def patterns(self) -> tuple[str, ...]:
        """All patterns, the current one first."""
        return tuple(dict.fromkeys((self.project, *self.tiers.values(), *self.previous)))

    def project_name(self, tenant: str, *, tier: str = "", organization: str = "") -> str:
        """Return the name of a tenant's project for this tier and organization."""
        return self.frame(tier=tier, organization=organization).name(tenant)

    def frame(self, *, tier: str, organization: str = "") -> Frame:
        """Return the frame of the current names for this tier and organization."""
        return Frame.of(_filled(self.tiers.get(tier, self.project), tier, organization))

    def frames(self, tiers: Collection[str], organizations: Collection[str]) -> tuple[Frame, ...]:
        """Return the frames of every tier and organization: a change of either may be partly applied."""
        filled = (name for pattern in self.patterns for name in _each(pattern, tiers, organizations))
        return tuple(dict.fromkeys(map(Frame.of, filled)))

    def searches(self, tenants: Iterable[str], names: Collection[str]) -> Iterator[Search]:
        """Yield searches that find all of these names of the tenants."""
        left = dict.fromkeys(names)
        for pattern, tenant in product(self.patterns, tenants):
            text = next(part for part in _VARIABLE.split(pattern) if PLACEHOLDER in part)
            text = text.replace(PLACEHOLDER, tenant)
            found = tuple(name for name in left if text in name)
            if found:
                yield Search(text, found)
                left = {name: None for name in left if name not in found}


def _each(pattern: str, tiers: Collection[str], organizations: Collection[str]) -> Iterator[str]:
    """Yield the pattern with every value of its placeholders except the tenant's."""
    of_tiers = tiers if TIER in pattern else ("",)
    of_organizations = organizations if ORGANIZATION in pattern else ("",)
    return (_filled(pattern, *values) for values in product(of_tiers, of_organizations))


def _filled(pattern: str, tier: str, organization: str) -> str:
    return pattern.replace(TIER, tier).replace(ORGANIZATION, organization)

"""Tenant names, and the project names that follow from them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

MAX_TENANT_LENGTH: Final = 128
TENANT_SIGN: Final = "[A-Za-z0-9._+@-]"
"""ASCII alone: letters of other alphabets look like these and would be another tenant."""
TENANT: Final = re.compile(rf"[A-Za-z0-9_+@]{TENANT_SIGN}*")
"""User ids and e-mail addresses. A name that begins with ``.`` would be a hidden file, with ``-`` an option."""


def composed(text: str) -> str:
    """The text in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def identity(name: str) -> str:
    """What tenants' names have in common that are one name."""
    return composed(name).casefold()


PLACEHOLDER: Final = "{tenant}"
TIER: Final = "{tier}"
ORGANIZATION: Final = "{organization}"
PLACEHOLDERS: Final = (PLACEHOLDER, TIER, ORGANIZATION)
_VARIABLE: Final = re.compile("|".join(map(re.escape, (TIER, ORGANIZATION))))


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before and after a tenant's name in the name of its project."""

    start: str
    end: str

    @classmethod
    def of(cls, pattern: str) -> Frame:
        """Of a pattern that holds ``{tenant}`` once, and no other placeholder."""
        start, _, end = pattern.partition(PLACEHOLDER)
        return cls(start, end)

    def name(self, tenant: str) -> str:
        """The project's name."""
        return f"{self.start}{tenant}{self.end}"

    def tenant(self, project_name: str) -> str | None:
        """The tenant whose project has this name; None where it is no name of this frame."""
        long_enough = len(project_name) > len(self.start) + len(self.end)
        if long_enough and project_name.startswith(self.start) and project_name.endswith(self.end):
            return project_name[len(self.start) : len(project_name) - len(self.end)]
        return None


@dataclass(frozen=True, slots=True)
class Search:
    """One search at Neon, which takes parts of names, and the names that it is for."""

    text: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Naming:
    """``project`` holds ``{tenant}`` once, and ``{tier}`` and ``{organization}`` any number of times.

    ``previous`` are older patterns that still match.
    """

    project: str
    previous: tuple[str, ...] = ()

    @property
    def patterns(self) -> tuple[str, ...]:
        """All of them, the current one first."""
        return (self.project, *self.previous)

    def project_name(self, tenant: str, *, tier: str = "", organization: str = "") -> str:
        """The name that the project of a tenant of this tier and organization is to have."""
        return Frame.of(_filled(self.project, tier, organization)).name(tenant)

    def frames(self, tiers: Collection[str], organizations: Collection[str]) -> tuple[Frame, ...]:
        """Those of every tier and organization: a change of either may be half done."""
        filled = (name for pattern in self.patterns for name in _each(pattern, tiers, organizations))
        return tuple(dict.fromkeys(map(Frame.of, filled)))

    def searches(self, tenants: Iterable[str], names: Collection[str]) -> Iterator[Search]:
        """Searches that find all of these names, which are the tenants' by any pattern."""
        left = dict.fromkeys(names)
        for pattern, tenant in product(self.patterns, tenants):
            text = next(part for part in _VARIABLE.split(pattern) if PLACEHOLDER in part)
            text = text.replace(PLACEHOLDER, tenant)
            found = tuple(name for name in left if text in name)
            if found:
                yield Search(text, found)
                left = {name: None for name in left if name not in found}


def _each(pattern: str, tiers: Collection[str], organizations: Collection[str]) -> Iterator[str]:
    """The pattern with every value of the placeholders that it holds beside the tenant's."""
    of_tiers = tiers if TIER in pattern else ("",)
    of_organizations = organizations if ORGANIZATION in pattern else ("",)
    return (_filled(pattern, *values) for values in product(of_tiers, of_organizations))


def _filled(pattern: str, tier: str, organization: str) -> str:
    return pattern.replace(TIER, tier).replace(ORGANIZATION, organization)

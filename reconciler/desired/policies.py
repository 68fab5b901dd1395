"""Policies of the user's own: what a plan may do beyond the guards, as expressions in CEL. Types, no YAML.

``desired.policy`` has the drift policies and thresholds of tiers.yaml, which are guards of the program's own.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from reconciler.desired.selection import has_label
from reconciler.model.values import PartlyCompared

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.model.problem import Location
    from reconciler.model.values import JsonText


class Scope(Enum):
    """What a policy judges, one by one. A narrower scope knows everything that a wider one knows."""

    PLAN = "plan"
    TENANT = "tenant"
    ACTION = "action"
    CHANGE = "change"


class OnViolation(Enum):
    """What becomes of an action that violates a policy."""

    DENY = "deny"
    WARN = "warn"


class ExpectedResult(Enum):
    """What an example of a policy says about its values."""

    PASS = "pass"  # noqa: S105 - no password
    VIOLATE = "violate"


class Expression(PartlyCompared, frozen=True):
    """One expression in CEL, and its place in the file."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"location"})

    text: str
    location: Location


class PolicyExample(PartlyCompared, frozen=True):
    """Values for a policy, and whether they violate it."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"location"})

    name: str
    given: JsonText
    """A mapping from names of variables to their values."""
    expected: ExpectedResult
    location: Location


class DeclaredPolicy(PartlyCompared, frozen=True):
    """One policy of a file. Where all of ``when`` is true, all of ``require`` has to be true."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"examples", "location"})

    name: str
    scope: Scope
    effect: OnViolation
    when: tuple[Expression, ...]
    require: tuple[Expression, ...]
    message: Expression
    """Text, with expressions in braces: ``{tenant.name} gets {change.after} CU``."""
    tiers: frozenset[str]
    """The tiers that it is about; empty for all."""
    labels: tuple[tuple[str, str | None], ...]
    """Labels that a tenant must have, each with its value, or None for any value."""
    examples: tuple[PolicyExample, ...]
    location: Location

    @property
    def concerns_everyone(self) -> bool:
        """Whether it selects no tenants."""
        return not self.tiers and not self.labels

    def concerns(self, tenant: Tenant) -> bool:
        """Whether it is about this tenant."""
        of_tier = not self.tiers or tenant.tier in self.tiers
        return of_tier and all(has_label(tenant, key, value) for key, value in self.labels)

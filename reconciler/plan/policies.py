"""What policies of the user's own find in a plan: the types, and the interface to what evaluates them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.problem import Location
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan, PolicyWarning


class Denial(Struct, frozen=True):
    """Why a policy denies something."""

    policy: str
    message: str
    source: Location

    def __str__(self) -> str:
        return f"policy {self.policy}: {self.message}"


class PolicyFindings(Struct, frozen=True):
    """Everything that the policies find in one plan."""

    tenants: Mapping[str, tuple[Denial, ...]]
    """Tenants with all their actions, each with the policies that deny them."""
    actions: Mapping[Action, tuple[Denial, ...]]
    """Denied actions; their tenants may keep others."""
    warnings: tuple[PolicyWarning, ...] = ()


class PolicyJudge(Protocol):
    """Evaluates the policies of a fleet."""

    def of_plan(self, plan: Plan) -> PolicyFindings:
        """Judge a plan without what the guards refuse."""

    def of_turn(self, plan: Plan) -> PolicyFindings:
        """Judge a late turn: its tenants as they are now, within the plan that was judged first."""

"""Refusals of a declared object that Neon would reject, and of changes that apply at creation only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from reconciler.plan.action import Action

CORRECT_IT: Final = "correct the entry in the tenant's file, or remove it"


def cannot_be_done(action: Action, message: str, remedy: str) -> Refusal:
    """Return the refusal of an action that Neon would reject."""
    return Refusal(Rule.CANNOT_BE_DONE, (action.tenant,), message, remedy, (action,))


OF_A_COPY: Final = "use another name, delete the existing one first, or revert the change"
OF_A_PROJECT: Final = (
    "revert the change, or declare a new tenant: a project is never deleted and created again to change a field"
)


def made_at_creation(tenant: str, message: str, remedy: str = OF_A_COPY) -> Refusal:
    """Return the refusal of a commit that changes a field which applies at creation only."""
    return Refusal(Rule.MADE_AT_CREATION, (tenant,), f"{message}: this field applies at creation only", remedy, ())

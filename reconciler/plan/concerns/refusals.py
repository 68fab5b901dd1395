"""Refusals of what a file declares: Neon would reject it, or it counts at creation only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from reconciler.plan.action import Action

CORRECT_IT: Final = "correct the entry in the tenant's file, or remove it"


def undoable(action: Action, message: str, remedy: str) -> Refusal:
    """The refusal of an action that Neon would not carry out. It was asked for where the files asked for it."""
    return Refusal(Rule.CANNOT_BE_DONE, (action.tenant,), message, remedy, (action,))


OF_A_COPY: Final = "give it another name, delete it first, or take the change back"
OF_A_PROJECT: Final = "take the change back, or declare another tenant: no project is destroyed to change a field"


def refusal(tenant: str, message: str, remedy: str = OF_A_COPY) -> Refusal:
    """The refusal of a commit that changes in a file what counts at creation only."""
    return Refusal(Rule.MADE_AT_CREATION, (tenant,), f"{message}: that counts at creation only", remedy, ())

"""What is declared and cannot be: refused, so that it is never taken for what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from reconciler.plan.action import Action

CORRECT_IT: Final = "correct the entry in the tenant's file, or remove it"


def undoable(action: Action, message: str, remedy: str) -> Refusal:
    """The refusal of an action that Neon would not carry out. It was asked for where the files asked for it."""
    return Refusal(Rule.CANNOT_BE_DONE, (action.tenant,), message, remedy, (action,))

"""What was made in one way and is to be made in another: refused, for nothing would come of it."""

from __future__ import annotations

from typing import Final

from reconciler.plan.plan import Refusal, Rule

OF_A_COPY: Final = "give it another name, delete it first, or take the change back"
OF_A_PROJECT: Final = "take the change back, or declare another tenant: no project is destroyed to change a field"


def refusal(tenant: str, message: str, remedy: str = OF_A_COPY) -> Refusal:
    """The refusal of a commit that changes in a file what counts at creation only."""
    return Refusal(Rule.MADE_AT_CREATION, (tenant,), f"{message}: that counts at creation only", remedy, ())

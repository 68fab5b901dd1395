"""The events of a run that follow from its outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.plan.event import ActionEnded, TenantEnded

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.plan.event import Event
    from reconciler.plan.outcome import ActionOutcome, TenantOutcome


class OutcomeEvents(Struct, frozen=True):
    """Sends each outcome as an event."""

    tell: Callable[[Event], None]
    now: Callable[[], datetime]

    def action(self, outcome: ActionOutcome) -> None:
        """An action has ended."""
        self.tell(ActionEnded(self.now(), outcome))

    def tenant(self, outcome: TenantOutcome) -> None:
        """Nothing more happens to a tenant."""
        self.tell(TenantEnded(self.now(), outcome))

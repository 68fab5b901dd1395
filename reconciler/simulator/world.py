"""Everything that outlives a request: the store, the clock and the switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reconciler.simulator.behaviour import Behaviour, Switches
    from reconciler.simulator.clock import Clock
    from reconciler.simulator.data import Data
    from reconciler.simulator.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class World:
    """One simulated account, as one process has it open."""

    store: Store
    clock: Clock
    switches: Switches

    @property
    def behaviour(self) -> Behaviour:
        """The current switches."""
        return self.switches.behaviour

    @property
    def data(self) -> Data[Transaction]:
        """The rows of the branches."""
        return self.store.data

    def writing(self) -> AbstractContextManager[Transaction]:
        """One transaction at the current time."""
        return self.store.writing(self.clock.not_before)

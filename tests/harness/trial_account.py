"""One simulated account for all trials of a process: it is put back to a stored state instead of made anew."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import TYPE_CHECKING

from reconciler.simulator.behaviour import Switches
from reconciler.simulator.clock import Clock, LoopTime
from reconciler.simulator.store import Store
from reconciler.simulator.world import World
from tests.harness.account import ORGANIZATIONS, a_simulator
from tests.harness.runs import UNHURRIED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.simulator import Simulator


class TrialAccount:
    """The account at present, and a second one that is any earlier state of it."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        """For what makes projects by hand."""
        self.ids: Mapping[str, str] = dict(simulator.organization_ids)
        """Of the organizations, by name."""
        self._empty = self.stored()
        self._past = Store(":memory:")

    @property
    def world(self) -> World:
        """The account at present."""
        return self.simulator.world

    @property
    def now(self) -> float:
        """Seconds since 1970, by the running loop."""
        return self.world.clock.now()

    def stored(self) -> bytes:
        """All of it, to be put back or looked at later."""
        return self.simulator.world.store._connection.serialize()

    def restart(self, state: bytes | None = None) -> None:
        """Go back to a stored state, or to no project at all; time begins again with the next loop."""
        store, earlier = self.simulator.world.store, _opened(state or self._empty)
        earlier.backup(store._connection)
        earlier.close()
        store.read_again()
        self.simulator.world = _world(store)

    def at(self, state: bytes) -> World:
        """The account as it was when it was stored. The next call ends what this one has returned."""
        self._past.close()
        self._past._connection = _opened(state)
        self._past.read_again()
        return _world(self._past)


def _world(store: Store) -> World:
    return World(store, Clock(store, LoopTime()), Switches(store))


def _opened(state: bytes) -> sqlite3.Connection:
    """A new connection each time: full-text search keeps statements of its own, which outlive what it searched."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.deserialize(state)
    return connection


@cache
def trial_account() -> TrialAccount:
    """That of this process."""
    return TrialAccount(a_simulator(*ORGANIZATIONS, behaviour=UNHURRIED))

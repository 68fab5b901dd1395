"""Simulated time, which jumps, and the time of the machine, which PostgreSQL writes into its log.

Each step of simulated time is stored with the machine's time. Between two steps both go on at the same pace.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.simulator.clock import Clock
    from reconciler.simulator.store import Reading, Store

SCHEMA: Final = """
CREATE TEMP TRIGGER IF NOT EXISTS time_goes_on AFTER UPDATE OF latest ON main.state BEGIN
    INSERT INTO steps_in_time (simulated, machine) VALUES (simulated_time(new.latest), machine_time()); END;
"""


def machine_time() -> float:
    """Seconds since 1970, by the clock that PostgreSQL reads."""
    return time.time()  # noqa: TID251 - compared with times in PostgreSQL's log


def record_steps(store: Store, clock: Clock) -> None:
    """Stores each step in time that this process takes from now on, with both clocks read at once.

    A transaction is older than its end, where this happens: its own time would be compared with a later one.
    """
    store.extend(SCHEMA, simulated_time=clock.not_before, machine_time=machine_time)


def machine_time_of(store: Reading, moment: float) -> float:
    """The last machine time at which simulated time was no later than ``moment``; never in the future."""
    before = store.row("SELECT * FROM steps_in_time WHERE simulated <= ? ORDER BY id DESC LIMIT 1", moment)
    if before is None:
        return 0.0
    following = store.value("SELECT machine FROM steps_in_time WHERE id > ? ORDER BY id LIMIT 1", before["id"])
    found: float = before["machine"] + moment - before["simulated"]
    return min(found, machine_time() if following is None else following)

"""A connection to PostgreSQL that waits for an answer for so long only, whatever is between it and the database.

The database ends what takes too long, and TCP finds out when the other machine is gone. Neither helps where
something takes the connection and is silent: a pooler whose database is being replaced, a server that was stopped.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg

if TYPE_CHECKING:
    from collections.abc import Generator

Read = TypeVar("Read")

ANSWER_SECONDS: Final = 20.0
"""Longer than the database lets a statement or a lock take: its own message comes first."""


class SilentError(psycopg.OperationalError):
    """Nothing came for too long."""


class AnsweringConnection(psycopg.Connection[Any]):
    """Closes itself where the other side is silent."""

    @classmethod
    def opened(cls, *args: Any, **named: Any) -> AnsweringConnection:
        """As ``connect``. What begins a transaction sets its isolation, whatever the database or the role sets.

        Nothing is prepared: behind a pooler, the next transaction may be in another session.
        """
        connection = cls.connect(*args, **named)
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection.prepare_threshold = None
        return connection

    def wait(self, gen: Generator[Any, Any, Read], *args: Any, **named: Any) -> Read:
        """As in psycopg. Raises SilentError."""
        try:
            return super().wait(_bounded(gen), *args, **named)
        except SilentError:
            self.close()
            raise


def _bounded(reading: Generator[Any, Any, Read]) -> Generator[Any, Any, Read]:
    """The same steps of psycopg, each of which it asks for again several times a second until something came."""
    try:
        wanted, until = next(reading), monotonic() + ANSWER_SECONDS
        while True:
            came = yield wanted
            if came:
                until = monotonic() + ANSWER_SECONDS
            elif monotonic() > until:
                raise SilentError(f"no answer within {ANSWER_SECONDS:.0f} s")
            wanted = reading.send(came)
    except StopIteration as ended:
        found: Read = ended.value
        return found

"""What branches hold: rows. The simulator keeps none, unless it runs with PostgreSQL (``simulator/postgres``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

Transaction_contra = TypeVar("Transaction_contra", contravariant=True)
"""That of the store, which knows this module."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a compute can be connected to."""

    address: str
    """Host and port."""
    query: str
    """What a connection string has to say besides."""


class Data(Protocol[Transaction_contra]):
    """What the simulator tells of its branches, so that their rows follow.

    Ids are those of branches and snapshots.
    """

    def copy(
        self,
        transaction: Transaction_contra,
        source_id: str,
        target_id: str,
        *,
        point: float | None = None,
        schema_only: bool = False,
    ) -> None:
        """Gives a branch or snapshot the rows that another has at this moment, or had at ``point``.

        ``point`` is in simulated seconds since 1970. Both can be the same branch, which goes back to its own past.
        """

    def share(self, transaction: Transaction_contra, source_id: str, target_id: str) -> None:
        """Gives a branch the rows and the history of another, which gets rows of its own right after."""

    def configure(self, transaction: Transaction_contra, branch_id: str) -> None:
        """Creates the roles and databases that a branch has by now, with their passwords and owners."""

    def delete_role(self, transaction: Transaction_contra, branch_id: str, name: str) -> None:
        """Deletes a role of a branch."""

    def delete_database(self, transaction: Transaction_contra, branch_id: str, name: str) -> None:
        """Deletes a database of a branch, with its rows."""

    def rename_database(self, transaction: Transaction_contra, branch_id: str, before: str, after: str) -> None:
        """Gives a database of a branch another name."""

    def place(self, host: str, *, pooled: bool) -> Place | None:
        """Where the compute with that host name can be connected to; None if nothing listens."""

    def end_connections(self) -> None:
        """Ends the connections of computes that do not run any more.

        Called after every change, and when time is skipped.
        """

    def close(self) -> None:
        """Ends everything that this process has started."""


class NoData:
    """The usual simulator: branches hold no rows, and nothing listens where a connection string points."""

    def copy(
        self,
        transaction: object,
        source_id: str,
        target_id: str,
        *,
        point: float | None = None,
        schema_only: bool = False,
    ) -> None:
        """Does nothing."""

    def share(self, transaction: object, source_id: str, target_id: str) -> None:
        """Does nothing."""

    def configure(self, transaction: object, branch_id: str) -> None:
        """Does nothing."""

    def delete_role(self, transaction: object, branch_id: str, name: str) -> None:
        """Does nothing."""

    def delete_database(self, transaction: object, branch_id: str, name: str) -> None:
        """Does nothing."""

    def rename_database(self, transaction: object, branch_id: str, before: str, after: str) -> None:
        """Does nothing."""

    def place(self, host: str, *, pooled: bool) -> Place | None:
        """None."""

    def end_connections(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""

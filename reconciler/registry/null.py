"""The registry of a fleet without a registry: every claim succeeds, and nothing is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, ParamSpec, TypeVar

from reconciler.live.registered import Lease

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from reconciler.live.registered import (
        ConnectionStrings,
        KeptConnection,
        Placement,
        Record,
        Registered,
        RegisteredTenant,
    )
    from reconciler.model.notice import NoticeKey, Sent, SentByKey

P = ParamSpec("P")
T = TypeVar("T")


class NullRegistry:
    """The interface of ``Registry``, without a database."""

    keeps_rows: ClassVar[bool] = False
    """Whether a claim excludes other runs. If not, a run must search for projects of a concurrent run."""

    @property
    def keeps_strings(self) -> bool:
        """Whether rows keep connection strings: there are no rows."""
        return False

    def require_key(self) -> None:
        """Does nothing: no key is needed."""

    async def write(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Makes a call that writes."""
        return call(*args, **named)

    async def read(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Makes a call that reads."""
        return call(*args, **named)

    def prepare(self) -> None:
        """Does nothing."""

    def rows(self, tenants: Collection[str] | None = None) -> dict[str, Registered]:  # noqa: ARG002
        """Returns no rows."""
        return {}

    def claim(self, tenant: str, run: str, at: datetime) -> Registered | None:  # noqa: ARG002
        """Always succeeds."""
        return None

    def take_over(self, tenant: str, lapsed: Registered, run: str, at: datetime) -> bool:  # noqa: ARG002
        """Always succeeds."""
        return True

    def release(self, tenant: str, run: str) -> None:
        """Does nothing."""

    def place(self, placement: Placement, run: str, at: datetime) -> None:
        """Does nothing."""

    def correct(
        self,
        placements: Sequence[Placement],  # noqa: ARG002
        seen: Mapping[str, Registered],  # noqa: ARG002
        run: str,  # noqa: ARG002
        at: datetime,  # noqa: ARG002
    ) -> list[str]:
        """Returns no tenants: there are no rows."""
        return []

    def rename(self, tenant: str, present: str, seen: Registered) -> None:
        """Does nothing."""

    def drop(self, tenant: str, seen: Registered) -> bool:  # noqa: ARG002
        """Always succeeds."""
        return True

    def tenants(self) -> list[RegisteredTenant]:
        """Returns no rows."""
        return []

    def describe(self, tenant: str, project_id: str, record: Record, at: datetime) -> None:
        """Does nothing."""

    def forget(self, tenant: str, project_id: str, at: datetime) -> None:
        """Does nothing."""

    def expect_strings(self, tenant: str, project_id: str, at: datetime) -> None:
        """Does nothing."""

    def keep_strings(
        self,
        tenant: str,  # noqa: ARG002
        project_id: str,  # noqa: ARG002
        strings: ConnectionStrings,  # noqa: ARG002
        at: datetime,  # noqa: ARG002
    ) -> bool:
        """Keeps nothing: there are no rows."""
        return False

    def remove_strings(self, tenant: str, project_id: str, at: datetime) -> bool:  # noqa: ARG002
        """Removes nothing."""
        return False

    def kept_connections(self, tenants: Collection[str] | None = None) -> dict[str, KeptConnection]:  # noqa: ARG002
        """Returns no connections."""
        return {}

    def tenants_with_strings(self) -> dict[str, str]:
        """Returns no tenants."""
        return {}

    def revisions(self, tenants: Collection[str] | None = None) -> dict[str, int]:  # noqa: ARG002
        """Returns no revisions."""
        return {}

    def accept(self, revisions: Mapping[str, int], run: str, at: datetime) -> dict[str, int]:  # noqa: ARG002
        """Accepts every revision."""
        return {}

    def lease(self, part: str, run: str, at: datetime, *, lapsed_before: datetime) -> Lease:  # noqa: ARG002
        """Always succeeds: no other run is known."""
        return Lease(part, run, 0, at, at)

    def leases(self) -> list[Lease]:
        """None: there is no table."""
        return []

    def renew(self, lease: Lease, at: datetime) -> bool:  # noqa: ARG002
        """Always succeeds."""
        return True

    def release_lease(self, lease: Lease) -> None:
        """Does nothing."""

    def sent_notices(self, destination: str) -> dict[NoticeKey, Sent]:  # noqa: ARG002
        """Returns nothing."""
        return {}

    def record_sent(self, destination: str, before: SentByKey, after: SentByKey, at: datetime) -> None:
        """Does nothing."""

    def change_calls(
        self,
        account: str,  # noqa: ARG002
        change: Callable[[str | None, float], tuple[str, T]],  # noqa: ARG002
    ) -> T | None:
        """Changes nothing: there is no table."""
        return None

    def close(self) -> None:
        """Does nothing."""

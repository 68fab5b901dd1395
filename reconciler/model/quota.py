"""The quota of a project, and what it has used of it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from reconciler.model.values import replace

OFF: Final = 1
"""Neon: a quota of 1 switches a tenant off (guides/consumption-limits)."""


class Quota(Struct, frozen=True):
    """A project's limits per billing period; 0 is unlimited (Neon: ProjectQuota; 0 and absent mean the same)."""

    active_time_seconds: int = 0
    compute_time_seconds: int = 0
    written_data_bytes: int = 0
    data_transfer_bytes: int = 0
    logical_size_bytes: int = 0

    def off(self) -> Quota:
        """Return the quota of a suspended tenant: the members that suspend computes are at Neon's minimum.

        The logical size stops writes only, and of a single branch: it stays.
        """
        return replace(
            self,
            active_time_seconds=OFF,
            compute_time_seconds=OFF,
            written_data_bytes=OFF,
            data_transfer_bytes=OFF,
        )


class Consumption(Struct, frozen=True):
    """What a project has used in this billing period, as a read of the single project states; None if it does not.

    Neon: lags by up to an hour (guides/consumption-limits).
    """

    active_time_seconds: int | None = None
    compute_time_seconds: int | None = None
    written_data_bytes: int | None = None
    data_transfer_bytes: int | None = None

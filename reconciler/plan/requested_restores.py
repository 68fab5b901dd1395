"""The command for a requested restore, whether a program or a person requests it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.errors import InvalidInputError
from reconciler.model.units import format_seconds
from reconciler.plan.restoring import RestoreFromSnapshot, RestoreTo

if TYPE_CHECKING:
    from reconciler.plan.commanded import Asked, Command


def requested_restore(
    *, to: datetime | timedelta | None, snapshot: str | None, preview: bool, again: bool
) -> Asked:
    """Return a function that makes the command for a tenant. Raises InvalidInputError for an invalid request."""
    if (to is None) is (snapshot is None):
        raise InvalidInputError("a restore needs a moment or a snapshot", hint="--to 2h, or --snapshot NAME")
    if snapshot is not None:
        return lambda tenant, at: RestoreFromSnapshot(
            tenant=tenant, asked_at=at, snapshot=snapshot, preview=preview, again=again
        )
    if isinstance(to, timedelta):
        return _ago(to, preview=preview, again=again)
    if to is None or to.tzinfo is None:
        raise InvalidInputError("the moment has no time zone", hint="for example 2031-11-05T14:00:00Z")
    moment = to.replace(microsecond=0)
    return lambda tenant, at: RestoreTo(tenant=tenant, asked_at=at, to=moment, preview=preview, again=again)


def _ago(length: timedelta, *, preview: bool, again: bool) -> Asked:
    if length <= timedelta():
        raise InvalidInputError("a restore goes back in time", hint="for example --to 2h")
    length_text = format_seconds(int(length.total_seconds()))

    def asked(tenant: str, at: datetime) -> Command:
        try:
            moment = (at - length).replace(microsecond=0)
        except OverflowError as error:
            raise InvalidInputError(f"{length_text} ago is before year 1") from error
        return RestoreTo(tenant=tenant, asked_at=at, to=moment, ago=length_text, preview=preview, again=again)

    return asked

"""The notices of a reading of the usage: each crossing of a threshold once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.model.fields.field import Unit
from reconciler.model.fields.table import BY_PATH
from reconciler.model.notice import Findings, Notice, NoticeKey, Sent, Weight
from reconciler.model.units import roughly_bytes, roughly_seconds
from reconciler.usage.amounts import LOGICAL_SIZE
from reconciler.usage.ranking import crossings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from reconciler.usage.ranking import Crossing
    from reconciler.usage.usage import OrganizationUsage, QuotaUsage, Usage

USAGE: Final = "usage"
ROOM: Final = "room"
REACHED: Final = "at a limit"
NEAR: Final = "above a threshold"
FULL: Final = 100
"""The level of a quota that is reached."""
SIZE: Final = f"quota.{LOGICAL_SIZE}"


def findings(usage: Usage, left_out: Collection[str] = ()) -> Findings:
    """Every crossing, those of a limit first. ``left_out`` are the tenants that the reading was not about.

    A crossing lasts until the use is below its threshold or, where the quota is one of a billing period, until the
    period ends. A reading with another threshold (``--above``) has its own notices.
    """
    notices = sorted((*_of_tenants(usage), *_of_organizations(usage)), key=lambda notice: -notice.weight)
    return Findings(
        fleet=usage.fleet,
        notices=tuple(notices),
        looked_at=_looked_at(usage, left_out),
        command="reconciler usage",
    )


def _looked_at(usage: Usage, left_out: Collection[str]) -> Callable[[NoticeKey], bool]:
    """Whether the reading knows that something is over: not of what it did not read."""
    of_tenants, of_rooms = _topic(USAGE, usage), _topic(ROOM, usage)
    unseen = frozenset((*usage.unread, *left_out))
    listed = frozenset(one.organization for one in usage.organizations)
    unknown = frozenset(
        (tenant.tenant, quota.quota)
        for tenant in usage.tenants
        for quota in tenant.quotas
        if quota.used is None and quota.limit is not None
    )

    def looked_at(key: NoticeKey) -> bool:
        if key.topic == of_rooms:
            return key.subject in listed
        return key.topic == of_tenants and key.subject not in unseen and (key.subject, key.what) not in unknown

    return looked_at


def _topic(topic: str, usage: Usage) -> str:
    return topic if usage.above is None else f"{topic} above {usage.above}%"


def _of_tenants(usage: Usage) -> Iterator[Notice]:
    for crossing in crossings(usage.tenants):
        quota = crossing.quota
        since = "" if quota.quota == SIZE else usage.period_start.date().isoformat()
        level = FULL if quota.reached else quota.threshold or 0
        yield Notice(
            key=NoticeKey(_topic(USAGE, usage), crossing.tenant.tenant, quota.quota),
            text=_reached(crossing, usage) if quota.reached else _near(crossing),
            heading=REACHED if quota.reached else NEAR,
            weight=Weight.FAILURE if quota.reached else Weight.WARNING,
            sent=Sent(level, since),
        )


def _reached(crossing: Crossing, usage: Usage) -> str:
    name, quota = _named(crossing), crossing.quota
    if quota.quota == SIZE:
        return f"{name}: {_label(quota)} is used up ({_limit(quota)}): writes fail until rows are deleted"
    until = f"its computes cannot start until {usage.period_end:%Y-%m-%d} UTC"
    return f"{name}: {_label(quota)} is used up ({_limit(quota)}): {until}"


def _near(crossing: Crossing) -> str:
    quota = crossing.quota
    day = "" if quota.reached_on is None else f", reached about {quota.reached_on}"
    used = _amount(quota, quota.used or 0)
    return f"{_named(crossing)}: {quota.percent:.1f}% of {_label(quota)} used, {used} of {_limit(quota)}{day}"


def _named(crossing: Crossing) -> str:
    return f"{crossing.tenant.tenant} (tier {crossing.tenant.tier})"


def _label(quota: QuotaUsage) -> str:
    return BY_PATH[quota.quota].label.removeprefix("quota.")


def _limit(quota: QuotaUsage) -> str:
    return BY_PATH[quota.quota].worded(quota.limit or 0)


def _amount(quota: QuotaUsage, amount: int) -> str:
    return (roughly_bytes if BY_PATH[quota.quota].unit is Unit.BYTES else roughly_seconds)(amount)


def _of_organizations(usage: Usage) -> Iterator[Notice]:
    for one in usage.organizations:
        if one.threshold is not None and one.limit is not None:
            yield _room(usage, one, one.limit, one.threshold)


def _room(usage: Usage, one: OrganizationUsage, limit: int, threshold: int) -> Notice:
    full = one.projects >= limit
    room = (
        f"{one.projects:,} of {limit:,} projects ({one.percent:.1f}%), room for {max(0, limit - one.projects):,}"
    )
    return Notice(
        key=NoticeKey(_topic(ROOM, usage), one.organization, "projects"),
        text=f"organization {one.organization}: {room}",
        heading=REACHED if full else NEAR,
        weight=Weight.FAILURE if full else Weight.WARNING,
        sent=Sent(FULL if full else threshold, ""),
    )

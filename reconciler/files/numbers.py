"""Readers of numbers, sizes, durations and times: the text of a single value -> the value, or a RejectedError."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from reconciler.files.finding import RejectedError
from reconciler.model.api_limits import OLDEST_PG_VERSION
from reconciler.model.compute import (
    DEFAULT_SUSPEND_TIMEOUT_SECONDS,
    LONGEST_SUSPEND_SECONDS,
    NEVER_SUSPEND,
    SHORTEST_SUSPEND_SECONDS,
)
from reconciler.model.quoting import shown
from reconciler.model.units import NEVER, UNLIMITED, format_seconds, parse_bytes, parse_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[0-9]+")
_COUNT_DIGITS: Final = 9
REVISION_DIGITS: Final = 18
"""Enough for a time in microseconds; fits into the 64 bits of a registry's column."""
_MAJOR_VERSION = re.compile(r"[1-9][0-9]")
_PARTS_OF_A_CU: Final = (Decimal("0.25"), Decimal("0.5"))
_WEEKDAYS: Final = tuple("1234567")
_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def read_bytes_quota(text: str) -> int:
    """Bytes; 0 means no limit."""
    return _read_quota(text, parse_bytes, "1B")


def read_time_quota(text: str) -> int:
    """Seconds; 0 means no limit."""
    return _read_quota(text, parse_seconds, "1s")


def _read_quota(text: str, parse: Callable[[str], int], least: str) -> int:
    if text == UNLIMITED:
        return 0
    amount = parse(text)
    if amount == 0:
        raise RejectedError("Neon reads 0 as no limit", f"write {UNLIMITED}; or {least} to switch the tenant off")
    return amount


def read_suspend_timeout(text: str) -> int:
    """Seconds until an idle compute suspends; NEVER_SUSPEND for ``never``."""
    if text == NEVER:
        return NEVER_SUSPEND
    seconds = parse_seconds(text)
    if seconds == 0:
        default = format_seconds(DEFAULT_SUSPEND_TIMEOUT_SECONDS)
        message = f"Neon reads {shown(text)} as its default, which is {default}"
        raise RejectedError(message, f"write {default}; or {NEVER}, for a compute that stays on")
    if not SHORTEST_SUSPEND_SECONDS <= seconds <= LONGEST_SUSPEND_SECONDS:
        allowed = f"from {format_seconds(SHORTEST_SUSPEND_SECONDS)} to {format_seconds(LONGEST_SUSPEND_SECONDS)}"
        raise RejectedError(f"{shown(text)}: Neon allows timeouts {allowed}", f"or {NEVER}")
    return seconds


def read_cu(text: str) -> float:
    """A compute size (Neon: manage/computes). The largest one is a limit of the organization."""
    size = Decimal(text) if _NUMBER.fullmatch(text) else Decimal(0)
    if size not in _PARTS_OF_A_CU and (size <= 0 or size % 1):
        raise RejectedError(f"{shown(text)} is not a compute size", "Neon has 0.25, 0.5, and whole numbers")
    return float(text)


def read_count(text: str) -> int:
    """A whole number from 0."""
    return _read_whole(text, _COUNT_DIGITS)


def read_revision(text: str) -> int:
    """A number that increases with each version: 7, or seconds since 1970."""
    return _read_whole(text, REVISION_DIGITS)


def _read_whole(text: str, digits: int) -> int:
    if not _WHOLE.fullmatch(text):
        raise RejectedError(f"expected a whole number, not {shown(text)}")
    if len(text) > digits:
        raise RejectedError(f"expected a whole number of at most {digits} digits, not {shown(text)}")
    return int(text)


def read_positive(text: str) -> int:
    """A whole number from 1."""
    count = read_count(text)
    if count == 0:
        raise RejectedError("must be at least 1")
    return count


def read_whole_percent(text: str) -> int:
    """A whole number from 1 to 100."""
    percent = read_count(text)
    if not 1 <= percent <= 100:
        raise RejectedError(f"expected a whole number from 1 to 100, not {shown(text)}")
    return percent


def read_pg_version(text: str) -> int:
    """A major version. The API decides which newer versions are available."""
    if not _MAJOR_VERSION.fullmatch(text):
        raise RejectedError(f"expected a major Postgres version such as 17, not {shown(text)}")
    if int(text) < OLDEST_PG_VERSION:
        raise RejectedError(f"Neon has no Postgres {text}", f"{OLDEST_PG_VERSION} or newer")
    return int(text)


def read_percent(text: str) -> float:
    """0 to 100."""
    number = text.removesuffix("%")
    if not _NUMBER.fullmatch(number) or float(number) > 100:
        raise RejectedError(f"expected a number from 0 to 100, not {shown(text)}")
    return float(number)


def read_share(text: str) -> float:
    """More than 0, at most 1."""
    if not _NUMBER.fullmatch(text) or not 0 < float(text) <= 1:
        raise RejectedError(f"expected a number above 0 and up to 1, not {shown(text)}")
    return float(text)


def read_weekday(text: str) -> int:
    """Neon: MaintenanceWindow; Monday is 1."""
    if text not in _WEEKDAYS:
        raise RejectedError(f"{shown(text)} is not a day of the week", "1 is Monday, 7 is Sunday")
    return int(text)


def read_time_of_day(text: str) -> str:
    """Neon: MaintenanceWindow."""
    if not _TIME_OF_DAY.fullmatch(text):
        raise RejectedError(f"{shown(text)} is not a time of day", "hours and minutes in UTC, as in 02:30")
    return text


def read_moment(text: str) -> datetime:
    """A date and time with its zone, in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RejectedError(f"{shown(text)} is not a date and time", "as in 2030-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise RejectedError(f"{shown(text)} has no time zone", f"for UTC, write {moment.isoformat()}Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise RejectedError(f"{shown(text)} is not between the years 1 and 9999 in UTC") from None


def read_date(text: str) -> date:
    """A day."""
    try:
        return date.fromisoformat(text if _DATE.fullmatch(text) else "")
    except ValueError:
        raise RejectedError(f"{shown(text)} is not a date", "as in 2030-01-31") from None


def read_price(text: str) -> Decimal:
    """A price of one unit, exactly as it is written: without a currency, and never negative."""
    if text.startswith("-") and _NUMBER.fullmatch(text[1:]):
        raise RejectedError(f"a price is never negative: {shown(text)}", "write 0 for what costs nothing")
    if not _NUMBER.fullmatch(text):
        raise RejectedError(f"expected a price such as 0.106, not {shown(text)}", "the currency has its own key")
    return Decimal(text)


def read_currency(text: str) -> str:
    """A code of ISO 4217, by its form alone."""
    if not _CURRENCY.fullmatch(text):
        raise RejectedError(f"{shown(text)} is not the code of a currency", "three capital letters, as in USD")
    return text

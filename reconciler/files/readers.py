"""Readers: the text of a single value -> the value, or a RejectedError worded for its author."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Final

from reconciler.desired.address import EXAMPLE, read_api_address
from reconciler.desired.naming import (
    MAX_TENANT_LENGTH,
    ORGANIZATION,
    PLACEHOLDER,
    PLACEHOLDERS,
    TENANT,
    TIER,
    composed,
)
from reconciler.desired.tier import EnvReference
from reconciler.files.events import NULLS, Quoted
from reconciler.files.finding import RejectedError, did_you_mean, nearest
from reconciler.files.hidden_text import has_hidden
from reconciler.model.api_limits import MAX_NAME_LENGTH, OLDEST_PG_VERSION
from reconciler.model.compute import (
    DEFAULT_SUSPEND_TIMEOUT_SECONDS,
    LONGEST_SUSPEND_SECONDS,
    NEVER_SUSPEND,
    SHORTEST_SUSPEND_SECONDS,
)
from reconciler.model.fields.allow_list import is_address
from reconciler.model.quoting import looks_secret, shown
from reconciler.model.units import NEVER, UNLIMITED, format_seconds, parse_bytes, parse_seconds
from reconciler.plan.concerns import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.model.values import Json

RESERVED_DATABASES: Final = ("postgres", "template0", "template1")
"""Neon: docs, manage/databases."""
RESERVED_ROLES: Final = ("neon_superuser", "cloud_admin", "zenith_admin", "public", "none")
"""Neon: docs, manage/roles; names that start with ``pg_`` are reserved too."""


REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
PROJECT_ID = re.compile(r"[a-z0-9-]{1,60}")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PASSWORD = re.compile(r"://[^/]*:[^/]*@|://[^/]*@[^/]*@|[?&]password=", re.IGNORECASE)
"""Of an address: after its user, or as a parameter."""
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_WHOLE = re.compile(r"[0-9]+")
_COUNT_DIGITS: Final = 9
REVISION_DIGITS: Final = 18
"""Room for a time in microseconds; any such number fits into the 64 bits that a registry has for it."""
_MAJOR_VERSION = re.compile(r"[1-9][0-9]")
_PARTS_OF_A_CU: Final = (Decimal("0.25"), Decimal("0.5"))
_WEEKDAYS: Final = tuple("1234567")
_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_BRACES: Final = re.compile(r"\{[^{}]*\}|[{}]")


def kind(value: object) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else "text"


def text_of(value: object) -> str | None:
    """A scalar as text, JSON's numbers and booleans as if written in YAML; None for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def refuse_secret(text: str) -> str:
    """Any text but one of Neon's API keys."""
    if looks_secret(text):
        raise RejectedError("this looks like an API key", "name an environment variable instead: ${NAME}")
    return text


def read_text(text: str) -> str:
    """Text that can stand on a line, in NFC."""
    return composed(_printable(text))


def _printable(text: str) -> str:
    if has_hidden(text):
        raise RejectedError("holds a character that cannot be printed")
    return text


def read_glob(text: str) -> str:
    """A pattern of files, as it is written: some file systems keep the form of a name."""
    read_name(text)
    return text


def read_name(text: str) -> str:
    """The name of a snapshot or branch."""
    text = composed(text)
    if not text.strip() or text != text.strip():
        raise RejectedError("a name must not be blank or begin or end with a space")
    if len(text) > MAX_NAME_LENGTH:
        raise RejectedError(f"a name has at most {MAX_NAME_LENGTH} characters, this one has {len(text)}")
    return read_text(text)


def read_tenant_name(text: str) -> str:
    """The name of a tenant, fit for a file name and a project name."""
    if not TENANT.fullmatch(text):
        raise RejectedError(
            f"{shown(text)} is no tenant name",
            "letters A to Z, digits and . _ - + @, not beginning with '.' or '-'",
        )
    if len(text) > MAX_TENANT_LENGTH:
        raise RejectedError(f"a tenant name has at most {MAX_TENANT_LENGTH} characters, this one has {len(text)}")
    return text


def read_slug(text: str) -> str:
    """The name of a fleet, an organization, a tier or a region."""
    if not SLUG.fullmatch(text):
        raise RejectedError(f"{shown(text)} is no name", "up to 63 lower-case letters, digits and '-'")
    return text


def read_project_id(text: str) -> str:
    """Neon: a project id."""
    if not PROJECT_ID.fullmatch(text):
        raise RejectedError(f"{shown(text)} is no project id", "as the console shows it: cool-river-12345678")
    return text


def read_database(text: str) -> str:
    """The name of a database; Neon reserves some."""
    if text in RESERVED_DATABASES:
        raise RejectedError(
            f"the database name {text!r} is reserved", f"reserved: {', '.join(RESERVED_DATABASES)}"
        )
    return _read_identifier(text, "database")


def read_role(text: str) -> str:
    """The name of a role; Neon and Postgres reserve some."""
    if text in RESERVED_ROLES or text.startswith("pg_"):
        raise RejectedError(f"the role name {text!r} is reserved", _reserved(("pg_*", *RESERVED_ROLES)))
    return _read_identifier(text, "role")


def _reserved(names: tuple[str, ...]) -> str:
    return f"reserved: {', '.join(names)}"


def _read_identifier(text: str, what: str) -> str:
    text = read_name(text)
    if len(text.encode()) > 63:
        raise RejectedError(f"a {what} name has at most 63 bytes, this one has {len(text.encode())}")
    return text


def read_reference(text: str) -> EnvReference:
    """``${NAME}``. The value itself never goes into a message: it may be a key."""
    match = REFERENCE.fullmatch(text)
    if match is None:
        raise RejectedError(
            "a key must not stand in the files", "write ${NAME} and set the environment variable NAME"
        )
    return EnvReference(match[1])


def read_registry_address(text: str) -> str | EnvReference:
    """The address of a database, or the environment variable that holds it. A password is never repeated."""
    if match := REFERENCE.fullmatch(text):
        return EnvReference(match[1])
    remedy = "write ${NAME} and set the environment variable NAME"
    if _PASSWORD.search(text):
        raise RejectedError("a password must not stand in the files", remedy)
    if not text.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise RejectedError("no address of a registry", f"sqlite:///registry.db, or {remedy}")
    return read_text(text)


def read_organization_id(text: str) -> str | EnvReference:
    """An id, or the environment variable that holds it."""
    match = REFERENCE.fullmatch(text)
    if match is not None:
        return EnvReference(match[1])
    if not PROJECT_ID.fullmatch(text):
        raise RejectedError(f"{shown(text)} is no organization id", "org-cool-river-12345678, or ${NAME}")
    return text


def read_naming(text: str) -> str:
    """A pattern for project names, with room for the longest tenant name."""
    text = read_name(text)
    for braces in _BRACES.findall(text):
        if braces not in PLACEHOLDERS:
            raise RejectedError(f"{shown(braces)} is no placeholder", _placeholder_hint(braces))
    if text.count(PLACEHOLDER) != 1:
        raise RejectedError(f"{shown(text)} must hold {PLACEHOLDER} exactly once", 'as in "myapp-{tenant}"')
    refuse_long_names(text)
    return text


def _placeholder_hint(braces: str) -> str:
    near = nearest(braces.strip("{}"), [placeholder.strip("{}") for placeholder in PLACEHOLDERS])
    return f"known: {', '.join(PLACEHOLDERS)}" if near is None else f"did you mean '{{{near}}}'?"


def refuse_long_names(pattern: str, tiers: Iterable[str] = (), organizations: Iterable[str] = ()) -> None:
    """Raises RejectedError where the longest tenant, tier and organization make a name too long for Neon."""
    longest = {PLACEHOLDER: MAX_TENANT_LENGTH, TIER: _most(tiers), ORGANIZATION: _most(organizations)}
    length = len(pattern) + sum(
        pattern.count(placeholder) * (characters - len(placeholder)) for placeholder, characters in longest.items()
    )
    if length > MAX_NAME_LENGTH:
        raise RejectedError(f"project names could have {length} characters, Neon allows {MAX_NAME_LENGTH}")


def _most(names: Iterable[str]) -> int:
    return max(map(len, names), default=0)


def read_host(text: str) -> str:
    """The address that all API paths are appended to. A user name or password in it is never repeated."""
    try:
        return read_api_address(text)
    except ValueError as error:
        named = "this" if "@" in text else shown(text)
        raise RejectedError(f"{named} is no API address: {error}", EXAMPLE) from None


def read_bytes_quota(text: str) -> int:
    """Bytes; 0 stands for no limit."""
    return _read_quota(text, parse_bytes)


def read_time_quota(text: str) -> int:
    """Seconds; 0 stands for no limit."""
    return _read_quota(text, parse_seconds)


def _read_quota(text: str, parse: Callable[[str], int]) -> int:
    if text == UNLIMITED:
        return 0
    amount = parse(text)
    if amount == 0:
        raise RejectedError("0 means no limit to Neon", f"write {UNLIMITED}; or 1 to switch the tenant off")
    return amount


def read_suspend_timeout(text: str) -> int:
    """Seconds until an idle compute suspends; NEVER_SUSPEND for ``never``."""
    if text == NEVER:
        return NEVER_SUSPEND
    seconds = parse_seconds(text)
    if seconds == 0:
        default = format_seconds(DEFAULT_SUSPEND_TIMEOUT_SECONDS)
        message = f"{shown(text)} means Neon's default to Neon, which is {default}"
        raise RejectedError(message, f"write {default}; or {NEVER}, for a compute that stays on")
    if not SHORTEST_SUSPEND_SECONDS <= seconds <= LONGEST_SUSPEND_SECONDS:
        allowed = f"from {format_seconds(SHORTEST_SUSPEND_SECONDS)} to {format_seconds(LONGEST_SUSPEND_SECONDS)}"
        raise RejectedError(f"{shown(text)}: Neon has timeouts {allowed}", f"or {NEVER}")
    return seconds


def read_cu(text: str) -> float:
    """A compute size (Neon: manage/computes). How large they get is left to the organization: it changes."""
    size = Decimal(text) if _NUMBER.fullmatch(text) else Decimal(0)
    if size not in _PARTS_OF_A_CU and (size <= 0 or size % 1):
        raise RejectedError(f"{shown(text)} is no compute size", "Neon has 0.25, 0.5, and whole numbers")
    return float(text)


def read_count(text: str) -> int:
    """A whole number from 0."""
    return _read_whole(text, _COUNT_DIGITS)


def read_revision(text: str) -> int:
    """A number that grows: 7, or seconds since 1970."""
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


def read_pg_version(text: str) -> int:
    """A major version. Which newer ones are offered, and where, is left to the server."""
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


def read_flag(text: str) -> bool:
    """Nothing but true and false: to YAML 1.1 ``no`` was a boolean, to us it is a mistake."""
    if text not in {"true", "false"}:
        raise RejectedError(f"expected true or false, not {shown(text)}")
    return text == "true"


def read_address(text: str) -> str:
    """An address, a network or a range of addresses (Neon: IP Allow)."""
    if not is_address(text):
        raise RejectedError(f"{shown(text)} is no IP address", "10.0.0.1, 10.0.0.0/8 or 10.0.0.1-10.0.0.9")
    return text


def read_weekday(text: str) -> int:
    """Neon: MaintenanceWindow; Monday is 1."""
    if text not in _WEEKDAYS:
        raise RejectedError(f"{shown(text)} is no day of the week", "1 is Monday, 7 is Sunday")
    return int(text)


def read_time_of_day(text: str) -> str:
    """Neon: MaintenanceWindow."""
    if not _TIME_OF_DAY.fullmatch(text):
        raise RejectedError(f"{shown(text)} is no time of day", "hours and minutes in UTC, as in 02:30")
    return text


def read_moment(text: str) -> datetime:
    """A date and time with its zone, in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RejectedError(f"{shown(text)} is no date and time", "as in 2030-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise RejectedError(f"{shown(text)} has no time zone", "end it with Z for UTC, as in 2030-01-31T12:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise RejectedError(f"{shown(text)} is not between the years 1 and 9999 in UTC") from None


def read_version(text: str) -> int:
    """The version of the format: so far there is one."""
    if text != "1":
        raise RejectedError(f"version {shown(text)} is not known to this release", "known: 1")
    return 1


def one_of(words: tuple[str, ...], text: str) -> str:
    """One of a few words."""
    if text not in words:
        raise RejectedError(f"{shown(text)} is not one of {', '.join(words)}", did_you_mean(text, words))
    return text


def read_concern(text: str) -> str:
    """The name of a concern."""
    return one_of(NAMES, text)


def read_state(text: str) -> bool:
    """True for ``absent``, the tombstone."""
    return one_of(("present", "absent"), text) == "absent"


def read_free_form(value: object) -> Json:
    """A value of ``unchecked`` settings: plain scalars by the YAML 1.2 core schema, quoted ones as text."""
    if isinstance(value, dict):
        return {_sendable(str(key)): read_free_form(member) for key, member in value.items()}
    if isinstance(value, list):
        return [read_free_form(member) for member in value]
    if isinstance(value, str):
        return _free_form_scalar(value)
    if isinstance(value, float):
        return _finite(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    raise RejectedError(f"cannot be read: {kind(value)}")


def _free_form_scalar(text: str) -> Json:
    if isinstance(text, Quoted):
        return _sendable(str(text))
    if text in NULLS:
        return None
    if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return text.lower() == "true"
    if _INTEGER.fullmatch(text) and len(text) < 20:
        return int(text)
    return _finite(float(text)) if _FLOAT.fullmatch(text) else _sendable(text)


def _finite(number: float) -> float:
    if not isfinite(number):
        raise RejectedError("the number is too large")
    return number


def _sendable(text: str) -> str:
    """JSON can escape what is no text: half of a surrogate pair."""
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise RejectedError("holds half a character")
    return refuse_secret(text)

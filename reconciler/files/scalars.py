"""How a single value is written in the files: the types of the schema's fields, each with its own reader."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from pydantic_core import core_schema

from reconciler.desired.naming import MAX_TENANT_LENGTH, TENANT
from reconciler.desired.policy import DriftPolicy
from reconciler.desired.tier import (
    AtLimit,
    EnvReference,
    KeptStrings,
    Occasion,
    SnapshotMethod,
    WhenCrowded,
)
from reconciler.files import numbers, readers
from reconciler.files.finding import RejectedError
from reconciler.files.plain_values import kind, text_of
from reconciler.files.readers import PROJECT_ID, REFERENCE, SLUG
from reconciler.model.api_limits import MAX_NAME_LENGTH, MAX_REPLICA_NAME_LENGTH, OLDEST_PG_VERSION
from reconciler.model.fields.ranking import AUDIT_LEVELS
from reconciler.model.units import parse_seconds
from reconciler.plan.concerns import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum


MOST_KNOWN: Final = 1000
"""Texts of one scalar that are remembered."""


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A pydantic type: ``read`` gets the text as written and raises ValueError, worded for its author."""

    read: Callable[[str], object]
    expected: str
    schema: dict[str, Any]
    _known: dict[str, object] = field(default_factory=dict, repr=False)
    """The values of texts that were read before: a fleet has few different ones of most scalars."""

    def validate(self, value: object) -> object:
        """The value of a scalar."""
        if isinstance(value, str) and value in self._known:
            return self._known[value]
        text = text_of(value)
        if text is None:
            raise RejectedError(f"expected {self.expected}, not {kind(value)}")
        found = self.read(readers.refuse_secret(text))
        if len(self._known) < MOST_KNOWN:
            self._known[text] = found
        return found

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, Any]:
        return dict(self.schema)


def member(members: type[Enum]) -> Scalar:
    """One of the values of an enumeration."""
    words = tuple(str(member.value) for member in members)
    return Scalar(lambda text: members(readers.one_of(words, text)), f"one of {', '.join(words)}", _choice(words))


def _choice(words: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


def _text(pattern: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "string"} | ({"pattern": f"^{pattern}$"} if pattern else {}) | more


_SIZE: Final = {"type": ["string", "integer"], "examples": ["512MiB", "5GB"]}
_DURATION: Final = {"type": ["string", "integer"], "examples": ["100h", "7d", "5m"]}
_ANY: Final = {"type": ["string", "integer", "number", "boolean"]}
_COUNT: Final = {"type": "integer", "minimum": 0}

TEXT: Final = Scalar(readers.read_text, "text", _ANY)
Text: TypeAlias = Annotated[str, TEXT]
Name: TypeAlias = Annotated[
    str, Scalar(readers.read_name, "a name", _text(minLength=1, maxLength=MAX_NAME_LENGTH))
]
ReplicaName: TypeAlias = Annotated[
    str, Scalar(readers.read_replica_name, "a name", _text(minLength=1, maxLength=MAX_REPLICA_NAME_LENGTH))
]
TenantName: TypeAlias = Annotated[
    str,
    Scalar(
        readers.read_tenant_name,
        "a tenant name",
        _text(TENANT.pattern, maxLength=MAX_TENANT_LENGTH),
    ),
]
Slug: TypeAlias = Annotated[str, Scalar(readers.read_slug, "a name", _text(SLUG.pattern))]
Word: TypeAlias = Annotated[str, Scalar(readers.read_name, "a name", _text(minLength=1))]
"""A name of something declared elsewhere in the files; a rule checks that it exists."""
Parameter: TypeAlias = Annotated[
    str, Scalar(readers.read_parameter, "a Postgres parameter such as work_mem", _text(readers.PARAMETER.pattern))
]
Revision: TypeAlias = Annotated[
    int, Scalar(numbers.read_revision, "a whole number", _COUNT | {"maximum": 10**numbers.REVISION_DIGITS - 1})
]
ProjectId: TypeAlias = Annotated[str, Scalar(readers.read_project_id, "a project id", _text(PROJECT_ID.pattern))]
Database: TypeAlias = Annotated[str, Scalar(readers.read_database, "a database name", _text(minLength=1))]
Role: TypeAlias = Annotated[str, Scalar(readers.read_role, "a role name", _text(minLength=1))]
Reference: TypeAlias = Annotated[
    EnvReference,
    Scalar(readers.read_reference, "an environment variable such as ${NAME}", _text(REFERENCE.pattern)),
]
OrganizationId: TypeAlias = Annotated[
    str | EnvReference, Scalar(readers.read_organization_id, "an organization id or ${NAME}", _text(minLength=1))
]
RegistryAddress: TypeAlias = Annotated[
    str | EnvReference,
    Scalar(readers.read_registry_address, "${NAME}, or an address such as sqlite:///registry.db", _text()),
]
_AROUND: Final = r"([^{}]|\{tier\}|\{organization\})*"
NamingPattern: TypeAlias = Annotated[
    str,
    Scalar(readers.read_naming, 'a pattern such as "myapp-{tenant}"', _text(_AROUND + r"\{tenant\}" + _AROUND)),
]
RotationPattern: TypeAlias = Annotated[
    str, Scalar(readers.read_rotation, "a pattern such as auto-{date}", _text(_AROUND + r"\{date\}" + _AROUND))
]
Host: TypeAlias = Annotated[str, Scalar(readers.read_host, "an address", _text(r"https?://.+"))]
Glob: TypeAlias = Annotated[str, Scalar(readers.read_glob, "a pattern such as tenants/**/*.yaml", _text())]
BytesQuota: TypeAlias = Annotated[int, Scalar(numbers.read_bytes_quota, "a size such as 512MiB", _SIZE)]
TimeQuota: TypeAlias = Annotated[int, Scalar(numbers.read_time_quota, "a duration such as 100h", _DURATION)]
Seconds: TypeAlias = Annotated[int, Scalar(parse_seconds, "a duration such as 7d", _DURATION)]
SuspendTimeout: TypeAlias = Annotated[
    int, Scalar(numbers.read_suspend_timeout, "a duration such as 5m", _DURATION)
]
ComputeUnits: TypeAlias = Annotated[
    float,
    Scalar(
        numbers.read_cu,
        "a compute size such as 0.25",
        {"type": "number", "anyOf": [{"enum": [0.25, 0.5]}, {"multipleOf": 1, "minimum": 1}]},
    ),
]
Count: TypeAlias = Annotated[int, Scalar(numbers.read_count, "a whole number", _COUNT)]
Positive: TypeAlias = Annotated[int, Scalar(numbers.read_positive, "a whole number", _COUNT | {"minimum": 1})]
PgVersion: TypeAlias = Annotated[
    int,
    Scalar(
        numbers.read_pg_version,
        "a major Postgres version such as 17",
        _COUNT | {"minimum": OLDEST_PG_VERSION, "maximum": 99},
    ),
]
Percent: TypeAlias = Annotated[
    float, Scalar(numbers.read_percent, "a number from 0 to 100", {"type": "number", "minimum": 0, "maximum": 100})
]
WholePercent: TypeAlias = Annotated[
    int,
    Scalar(
        numbers.read_whole_percent,
        "a whole number from 1 to 100",
        {"type": "integer", "minimum": 1, "maximum": 100},
    ),
]
Share: TypeAlias = Annotated[
    float, Scalar(numbers.read_share, "a number up to 1", {"type": "number", "exclusiveMinimum": 0, "maximum": 1})
]
Flag: TypeAlias = Annotated[bool, Scalar(readers.read_flag, "true or false", {"type": "boolean"})]
Address: TypeAlias = Annotated[
    str, Scalar(readers.read_address, "an address such as 10.0.0.1 or 10.0.0.0/8", _text(minLength=1))
]
Weekday: TypeAlias = Annotated[
    int, Scalar(numbers.read_weekday, "a day of the week, 1 to 7", {"type": "integer", "minimum": 1, "maximum": 7})
]
TimeOfDay: TypeAlias = Annotated[
    str, Scalar(numbers.read_time_of_day, "a time of day such as 02:30", _text(r"([01][0-9]|2[0-3]):[0-5][0-9]"))
]
AuditLevel: TypeAlias = Annotated[
    str,
    Scalar(partial(readers.one_of, AUDIT_LEVELS), f"one of {', '.join(AUDIT_LEVELS)}", _choice(AUDIT_LEVELS)),
]
Moment: TypeAlias = Annotated[
    datetime,
    Scalar(numbers.read_moment, "a date and time such as 2030-01-31T12:00:00Z", _text(format="date-time")),
]
Day: TypeAlias = Annotated[date, Scalar(numbers.read_date, "a date such as 2030-01-31", _text(format="date"))]
Price: TypeAlias = Annotated[
    Decimal, Scalar(numbers.read_price, "a price such as 0.106", {"type": "number", "minimum": 0})
]
Currency: TypeAlias = Annotated[str, Scalar(numbers.read_currency, "a currency such as USD", _text(r"[A-Z]{3}"))]
Query: TypeAlias = Annotated[str, Scalar(readers.read_query, "an SQL query", _text(minLength=1))]
FormatVersion: TypeAlias = Annotated[int, Scalar(readers.read_version, "1", {"const": 1})]
STATES: Final = ("present", "suspended", "absent")
State: TypeAlias = Annotated[
    str, Scalar(partial(readers.one_of, STATES), f"one of {', '.join(STATES)}", _choice(STATES))
]
Reason: TypeAlias = Annotated[str, Scalar(readers.read_reason, "text", _ANY | {"maxLength": readers.MAX_REASON})]
Concern: TypeAlias = Annotated[str, Scalar(partial(readers.one_of, NAMES), "a concern", _choice(NAMES))]
Drift: TypeAlias = Annotated[DriftPolicy, member(DriftPolicy)]
WhenFull: TypeAlias = Annotated[AtLimit, member(AtLimit)]
Method: TypeAlias = Annotated[SnapshotMethod, member(SnapshotMethod)]
Crowded: TypeAlias = Annotated[WhenCrowded, member(WhenCrowded)]
Before: TypeAlias = Annotated[Occasion, member(Occasion)]
Strings: TypeAlias = Annotated[KeptStrings, member(KeptStrings)]

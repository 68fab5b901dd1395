"""Values of the desired state in the types of msgpack, and back.

Only what the program itself has written is read: each type has a number, and nothing else can be made.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.naming import Naming
from reconciler.desired.policy import DriftPolicy, Policy, Threshold, Thresholds
from reconciler.desired.prices import Prices, Rates
from reconciler.desired.rotation import Rotation
from reconciler.desired.state import Api, Defaults, DesiredState
from reconciler.desired.tenant import Accepted, Boost, DevBranch, Hold, Overrides, Pins, Reduction, Snapshot
from reconciler.desired.tier import (
    AtLimit,
    BranchCleanup,
    Cleanup,
    DevBranchPolicy,
    EnvReference,
    Occasion,
    Organization,
    OrganizationLimits,
    SnapshotMethod,
    SnapshotPolicy,
    SqlSource,
    Tier,
    WhenCrowded,
)
from reconciler.files.price_list import PriceList, TenantSource
from reconciler.model.compute import Compute
from reconciler.model.database import Database
from reconciler.model.problem import Location
from reconciler.model.quota import Quota
from reconciler.model.values import JsonText, defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_AS_THEY_ARE: Final = frozenset({type(None), bool, int, float, str})
_ENUMS: Final = (Occasion, AtLimit, SnapshotMethod, WhenCrowded, DriftPolicy)
_PLAIN: Final[tuple[tuple[type, Callable[[Any], Iterable[Any]], Callable[[list[Any]], Any]], ...]] = (
    (tuple, iter, tuple),
    (list, iter, list),
    (frozenset, sorted, frozenset),
    (date, lambda day: [day.isoformat()], lambda parts: date.fromisoformat(*parts)),
    (datetime, lambda moment: [moment.isoformat()], lambda parts: datetime.fromisoformat(*parts)),
    (Decimal, lambda number: [str(number)], lambda parts: Decimal(*parts)),
    *((kind, lambda member: [member.value], lambda parts, kind=kind: kind(*parts)) for kind in _ENUMS),
)
"""Each other type: what it consists of, and how it is made of that."""
_RECORDS: Final[tuple[type, ...]] = (
    *(Overrides, Snapshot, DevBranch, Compute, Database, Pins, Accepted, Reduction, Boost, Hold, JsonText),
    *(Quota, EnvReference, Organization, OrganizationLimits, SqlSource, Tier, Rotation, SnapshotPolicy),
    *(DevBranchPolicy, BranchCleanup, Cleanup, Naming, Policy, Threshold, Thresholds, Prices, Rates),
    *(Api, Defaults, DesiredState, TenantSource, PriceList),
)
_LOCATION: Final = len(_PLAIN)
_FIRST: Final = _LOCATION + 1
_PARTS: Final = {kind: (code, parts) for code, (kind, parts, _) in enumerate(_PLAIN)}
_CODES: Final = {kind: _FIRST + number for number, kind in enumerate(_RECORDS)}


def packed(value: Any, file: str | None = None) -> Any:
    """Return a value in the types of msgpack; its locations are in ``file``.

    Raises LookupError for a type that is not packed, and for a location elsewhere.
    """
    kind = value.__class__
    if kind in _AS_THEY_ARE:
        return value
    if kind is dict:
        return {key: packed(member, file) for key, member in value.items()}
    if kind in _CODES:
        stated = {
            name: packed(getattr(value, name), file)
            for name, default in defaults(kind).items()
            if getattr(value, name) is not default
        }
        return [_CODES[kind], stated]
    if kind is Location:
        if value.file != file:
            raise LookupError(value.file)
        return [_LOCATION, value.line, value.column]
    code, parts = _PARTS[kind]
    return [code, *(packed(part, file) for part in parts(value))]


def built(value: Any, file: str = "") -> Any:
    """Return what was packed, its locations in ``file``.

    Raises LookupError, TypeError or ValueError for what no ``packed`` returns.
    """
    if isinstance(value, dict):
        return {key: built(member, file) for key, member in value.items()}
    if not isinstance(value, list):
        return value
    code, *members = value
    if code >= _FIRST:
        return _RECORDS[code - _FIRST](**built(members[0], file))
    if code == _LOCATION:
        return Location(file, *members)
    return _PLAIN[code][2]([built(member, file) for member in members])

"""Reads the JSON documents of a plan and of a report, back to the plan and the report."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, get_args

import msgspec
from msgspec import Struct, structs

from reconciler.documents.shapes import FORMAT_VERSION, PLAN, PROJECT_MEMBERS, REPORT, shape
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.live.project import LiveProject, LiveSnapshot
from reconciler.model.compute import Compute
from reconciler.model.format_version import OtherFormatError, require_format
from reconciler.model.moments import utc
from reconciler.model.problem import Location
from reconciler.model.quoting import shown
from reconciler.model.strict_json import MAX_DEPTH, decoded, refuse_depth
from reconciler.model.values import JsonText, replace
from reconciler.plan.action import Action
from reconciler.plan.actions.restore import Consequence
from reconciler.plan.approval import PlanOrigin, SavedPlan, Stale
from reconciler.plan.change import FieldChange
from reconciler.plan.forecast import Forecast, TierCount
from reconciler.plan.outcome import ActionOutcome, Deletion, Harm, HarmedTenant, Report, TenantOutcome
from reconciler.plan.plan import (
    Authored,
    Budget,
    Conflict,
    Coverage,
    FileChange,
    Note,
    OrganizationRoom,
    Orphan,
    Overview,
    Plan,
    PolicyWarning,
    Refusal,
    TenantPlan,
    TenantTier,
    TierOverview,
    Unmanaged,
    Waiting,
)
from reconciler.plan.plan_cost import CostRange, PlanCost, TenantPlanCost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.model.strict_json import Maker, Makers
    from reconciler.model.values import Value
    from reconciler.plan.actions.base import TenantAction

Shaped: TypeAlias = Any
"""A struct of ``shapes``: its members are those of the type, and what follows from them."""

Read = TypeVar("Read")

AGAIN: Final = "make a new one with `reconciler plan --out`"
REPORTED: Final = "`reconciler apply --output report.json` writes one"
_SHARD: Final = re.compile(r"[1-9][0-9]{0,3}/[1-9][0-9]{0,3}")
_STRUCTURED: Final = ("settings.", "endpoint.settings.")
"""Paths below them hold structured values only, so that ``true`` there is JSON and no flag."""
_NESTED: Final = (dict, list)
MOST_MONEY: Final = Decimal(10**18)
"""More than any plan of ours says: a number with a large exponent takes gigabytes as text."""


class _MisfitError(ValueError):
    """Something that no plan of ours says, with its place in the document."""

    def __init__(self, words: str, *steps: str | int) -> None:
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
        super().__init__(f"{path.removeprefix('.')}: {words}" if path else words)
        self.words = words
        self.steps = steps

    def below(self, step: str | int) -> _MisfitError:
        """The same, one level up."""
        return _MisfitError(self.words, step, *self.steps)


class SavedReport(Struct, frozen=True):
    """What the document of a report contains."""

    report: Report
    stale: tuple[Stale, ...]


def parse_saved_plan(data: bytes, name: str) -> SavedPlan:
    """The plan of a document. Raises InvalidInputError, with the place in it, for what is none.

    ``name`` is what messages call the document.
    """
    return _parsed(data, _saved_plan, f"{name} cannot be used as a saved plan", AGAIN, {"tenants": _made_at_once})


def parse_report(data: bytes, name: str) -> SavedReport:
    """The report of a document. Raises InvalidInputError, with the place in it, for what is none.

    ``name`` is what messages call the document. Documents do not state whether Neon refused a key.
    """
    return _parsed(data, _saved_report, f"{name} cannot be used as a report", REPORTED)


def _parsed(
    data: bytes,
    read: Callable[[Any], Read],
    text: str,
    hint: str,
    items: Makers = MappingProxyType({}),
) -> Read:
    try:
        return read(decoded(data, items))
    except msgspec.ValidationError as error:
        why = _worded(str(error))
    except UnicodeError:
        why = "it contains half of a surrogate pair"
    except OtherFormatError as error:
        why, hint = str(error), error.hint(hint)
    except ValueError as error:
        why = str(error)
    raise InvalidInputError(f"{text}: {why}", hint=hint)


def _saved_plan(written: Any) -> SavedPlan:
    _check_kind(written, "plan")
    given = written.get("tenants")
    rest = {**written, "tenants": []} if isinstance(given, list) else written
    document: Shaped = msgspec.convert(rest, PLAN)
    tenants = tuple(_tenant_at(place, one) for place, one in enumerate(given or ()))
    _refuse_twins(tenants)
    plan = Plan(**{**_members(document, Plan.__struct_fields__), "tenants": tenants})
    return SavedPlan(plan, PlanOrigin(utc(document.made_at), document.commit, document.base))


def _made_at_once(before: Mapping[str, object]) -> Maker:
    """Makes a tenant of each item, of which only this is kept.

    The first item that is none ends the reading, however many come after it, if the members ``before`` say that
    this is a saved plan. Where they do not, it is kept as it was written, to be reported in turn, and nothing is
    made of the items after it.
    """
    refused = False
    places = count()

    def made(written: Any) -> Any:
        nonlocal refused
        place = next(places)
        if refused:
            return None
        try:
            return _tenant_at(place, written)
        except (ValueError, msgspec.ValidationError):
            if _is_plan(before):
                raise
            refused = True
            return written

    return made


def _is_plan(written: Any) -> bool:
    try:
        _check_kind(written, "plan")
    except (_MisfitError, OtherFormatError):
        return False
    return True


def _tenant_at(place: int, found: Any) -> TenantPlan:
    if isinstance(found, TenantPlan):
        return found
    try:
        return _tenant(found)
    except _MisfitError as misfit:
        raise misfit.below(place).below("tenants") from None
    except msgspec.ValidationError as error:
        message = str(error)
        if _PLACE.fullmatch(message) is None:
            message = f"{message} - at `$`"
        raise msgspec.ValidationError(message.replace(" - at `$", f" - at `$.tenants[{place}]", 1)) from None


def _tenant(written: Any) -> TenantPlan:
    document: Shaped = msgspec.convert(written, shape(TenantPlan))
    planned: TenantPlan = _restored(document)
    for number, (one, action) in enumerate(zip(document.actions, planned.actions, strict=True)):
        for misfit in _contradictions_of_action(one, action, planned.tenant):
            raise misfit.below(number).below("actions")
    return planned


def _refuse_twins(tenants: tuple[TenantPlan, ...]) -> None:
    seen: set[str] = set()
    for place, planned in enumerate(tenants):
        if planned.tenant in seen:
            raise _MisfitError(f"{shown(planned.tenant)} is listed twice", "tenants", place, "tenant")
        seen.add(planned.tenant)


def _saved_report(written: Any) -> SavedReport:
    _check_kind(written, "report")
    document: Shaped = msgspec.convert(written, REPORT)
    names = [name for name in Report.__struct_fields__ if name not in ("outcomes", "stopped_by")]
    more = {"outcomes": _below(document, "tenants"), "stopped_by": _stopped_by(document.stopped_by)}
    report = Report(**_members(document, tuple(names)), **more)
    if report.shard is not None and not _SHARD.fullmatch(report.shard):
        raise _MisfitError(f"{shown(report.shard)} is no part of a fleet, such as 2/8", "shard")
    return SavedReport(report, _below(document, "stale"))


def _below(document: Shaped, name: str) -> Any:
    return _members(document, (name,))[name]


def _stopped_by(written: str | None) -> ExitCode | None:
    if written is None:
        return None
    found = next((code for code in ExitCode if code.name.lower() == written), None)
    if found is None:
        raise _MisfitError(f"{shown(written)} is no reason to stop", "stopped_by")
    return found


def _check_kind(written: Any, kind: str) -> None:
    """Before anything else, so that another document is called by its name."""
    if not isinstance(written, dict) or "kind" not in written or "format_version" not in written:
        raise _MisfitError("it is not a document of this program")
    if written["kind"] != kind:
        raise _MisfitError(f"{shown(written['kind'])} is not {kind!r}", "kind")
    require_format(written["format_version"], FORMAT_VERSION)


def _contradictions_of_action(written: Shaped, action: Action, tenant: str) -> Iterator[_MisfitError]:
    """What follows from the action, and is said otherwise by the document, however it came to say it."""
    if action.tenant != tenant:
        yield _MisfitError(f"{shown(action.tenant)} is not {shown(tenant)}", "tenant")
    if written.risk is not action.risk:
        words = f"{shown(written.risk.value)} does not match its changes: {shown(action.risk.value)}"
        yield _MisfitError(words, "risk")
    if written.lowering != action.lowering:
        yield _MisfitError(f"{str(written.lowering).lower()} does not match its changes", "lowering")


def _restored(written: Any) -> Any:
    """The value of this program for a value of a document."""
    if isinstance(written, Struct):
        return _RESTORE[type(written)](written)
    if isinstance(written, tuple):
        return tuple(_each(written))
    if isinstance(written, dict):
        return {name: _restored(one) for name, one in written.items()}
    return utc(written) if isinstance(written, datetime) else written


def _each(written: tuple[Any, ...]) -> Iterator[Any]:
    for place, one in enumerate(written):
        try:
            yield _restored(one)
        except _MisfitError as misfit:
            raise misfit.below(place) from None


def _members(written: Shaped, names: tuple[str, ...]) -> dict[str, Any]:
    """These members by name, as far as documents contain them."""
    members = {}
    for name in names:
        if name in written.__struct_fields__:
            try:
                members[name] = _restored(getattr(written, name))
            except _MisfitError as misfit:
                raise misfit.below(name) from None
    return members


def _maker(of: type[Struct]) -> Callable[[Shaped], Any]:
    """Makes a value of the type from its document."""
    return lambda written: of(**_members(written, of.__struct_fields__))


def _change(written: Shaped) -> FieldChange:
    """Of a large plan there are hundreds of thousands."""
    change = FieldChange(*structs.astuple(written))
    nested = isinstance(written.before, _NESTED) or isinstance(written.after, _NESTED)
    if nested or change.path.startswith(_STRUCTURED):
        before = None if written.before is None else _value(change.path, written.before, "before")
        return replace(change, before=before, after=_value(change.path, written.after, "after"))
    return change


def _value(path: str, written: Any, *place: str) -> Value:
    """A value as it was written, of the field at the path."""
    if not path.startswith(_STRUCTURED) and not isinstance(written, _NESTED):
        value: Value = written
        return value
    try:
        refuse_depth(written, MAX_DEPTH)
    except RecursionError:
        raise _MisfitError(f"nested more than {MAX_DEPTH} levels deep", *place) from None
    return JsonText.of(written)


def _values(by_path: Mapping[str, Any], place: str) -> tuple[tuple[str, Value], ...]:
    return tuple((path, _value(path, one, place, shown(path)[1:-1])) for path, one in by_path.items())


def _action(of: type[TenantAction]) -> Callable[[Shaped], Any]:
    make = _maker(of)
    if "companions" not in of.__struct_fields__:
        return make
    return lambda written: replace(make(written), companions=_values(written.companions, "companions"))


def _compute(written: Shaped) -> Compute:
    made: Compute = _maker(Compute)(written)
    if written.pg_settings is None:
        return made
    if not isinstance(written.pg_settings, dict):
        raise _MisfitError("not a mapping", "pg_settings")
    return replace(made, pg_settings=JsonText.of(written.pg_settings))


def _file_change(written: Shaped) -> FileChange:
    change: FileChange = _maker(FileChange)(written)
    before, after = (
        None if one is None else _value(written.path, one, name)
        for name, one in (("before", written.before), ("after", written.after))
    )
    return replace(change, before=before, after=after)


def _unmanaged(written: Shaped) -> Unmanaged:
    live = tuple(
        (path, None if one is None else _value(path, one, "live", shown(path)[1:-1]))
        for path, one in written.live.items()
    )
    kept: Unmanaged = _maker(Unmanaged)(written)
    return replace(kept, live=live)


def _project(written: Shaped) -> LiveProject:
    """The project as far as a plan contains it: observed settings are left out."""
    seen = _members(written, PROJECT_MEMBERS)
    return LiveProject(quota=None, compute=None, restore_window_seconds=None, settings=None, **seen)


def _deletion(written: Shaped) -> Deletion:
    members = _members(written, Deletion.__struct_fields__)
    return Deletion(at=utc(written.deleted_at), **members)


def _cost_range(written: Shaped) -> CostRange:
    for name in ("low", "high"):
        amount = getattr(written, name)
        if not amount.is_finite() or not 0 <= amount < MOST_MONEY:
            raise _MisfitError("not an amount of money", name)
    made: CostRange = _maker(CostRange)(written)
    return made


_SAME: Final = (
    *(PlanCost, TenantPlanCost, Overview, TierOverview, OrganizationRoom),
    *(TenantTier, Authored, Forecast, TierCount),
    *(ActionOutcome, TenantOutcome, Harm, HarmedTenant, Stale),
    *(
        Location,
        LiveSnapshot,
        TenantPlan,
        Consequence,
        Refusal,
        Conflict,
        Orphan,
        Note,
        PolicyWarning,
        Waiting,
        Coverage,
        Budget,
    ),
)
_RESTORE: Final[Mapping[type[Struct], Callable[[Shaped], Any]]] = {
    **{shape(of): _maker(of) for of in _SAME},
    **{shape(of): _action(of) for of in get_args(Action)},
    shape(Compute): _compute,
    shape(FieldChange): _change,
    shape(FileChange): _file_change,
    shape(Unmanaged): _unmanaged,
    shape(LiveProject): _project,
    shape(CostRange): _cost_range,
    shape(Deletion): _deletion,
}

_PLACE: Final = re.compile(r"(?P<words>.*) - at `\$(?P<path>.*)`", re.DOTALL)
_NAMED: Final = re.compile(r"Object (?P<fault>contains unknown|missing required) field `(?P<name>.*)`", re.DOTALL)
_TYPES: Final = re.compile(r"Expected `(?P<expected>.*)`, got `(?P<found>.*)`")
_CHOICE: Final = re.compile(r"Invalid (?:enum )?value '?(?P<value>.*?)'?", re.DOTALL)
_TYPE_NAMES: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "a date and time with its zone, such as 2030-01-31T12:00:00Z",
}


def _worded(message: str) -> str:
    """msgspec's message with the place first, in words that speak of JSON."""
    found = _PLACE.fullmatch(message)
    path, words = ("", message) if found is None else ((found["path"] or "").removeprefix("."), found["words"])
    if named := _NAMED.fullmatch(words):
        place = f"{path}.{shown(named['name'])[1:-1]}".removeprefix(".")
        return f"{place}: {'unknown key' if named['fault'] == 'contains unknown' else 'the key is missing'}"
    if types := _TYPES.fullmatch(words):
        return f"{path}: expected {_type_names(types['expected'])}, not {_type_names(types['found'])}"
    if "RFC3339" in words or "timezone" in words:
        return f"{path}: expected {_TYPE_NAMES['datetime']}"
    if choice := _CHOICE.fullmatch(words):
        fault = (
            "is not a kind of action"
            if path.endswith(("].kind", ".action.kind"))
            else "is not one of the values allowed here"
        )
        return f"{path}: {shown(choice['value'])} {fault}"
    return f"{path}: {words[0].lower()}{words[1:]}"


def _type_names(types: str) -> str:
    """``int | null`` in words."""
    return " or ".join(_TYPE_NAMES.get(one, one) for one in types.split(" | "))

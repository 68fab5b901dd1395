"""The shape of every type in a document: a struct with the members of the type, all of them required.

What a document tells differently from a type stands in ``DIFFERENCES`` and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Meta, Struct, defstruct, structs

from reconciler.live.project import LiveProject
from reconciler.model.compute import Compute
from reconciler.model.problem import Location, Problem, Severity
from reconciler.model.quota import Consumption, Quota
from reconciler.model.values import Json, Value
from reconciler.plan.action import TenantAction
from reconciler.plan.approval import Stale
from reconciler.plan.change import Risk
from reconciler.plan.outcome import ActionOutcome, Deletion, Report, Result, TenantOutcome
from reconciler.plan.plan import Conflict, Coverage, Plan, Refusal, TenantPlan
from reconciler.plan.summary import Kind

FORMAT_VERSION: Final = 1
"""Grows when a reader of an older version would misunderstand; new keys do not count."""
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
ValuesByPath: TypeAlias = tuple[tuple[str, Value], ...]
PROJECT_MEMBERS: Final = (
    *("id", "name", "organization", "region", "pg_version", "created_at"),
    *("storage_bytes", "last_active_at", "snapshots"),
)
"""What a document tells of a live project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a document tells a type differently from the type's own members."""

    only: tuple[str, ...] | None = None
    """The members that are told; None for all of them."""
    without: tuple[str, ...] = ()
    added: Mapping[str, Any] = field(default_factory=dict)
    """What follows from the members, by name, with its type; or a member of another type."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The name of a member in the document, by its own."""
    defaults_may_be_missing: bool = False
    """Whether a member that has a default may be missing in what is read."""


DIFFERENCES: Final[Mapping[type, Difference]] = {
    TenantAction: Difference(added={"risk": Risk, "lowering": bool}),
    TenantPlan: Difference(added={"kind": Kind}),
    Refusal: Difference(without=("unheld",)),
    Conflict: Difference(without=("asked_for",)),
    LiveProject: Difference(only=PROJECT_MEMBERS),
    Coverage: Difference(defaults_may_be_missing=True),
    ActionOutcome: Difference(without=("denied",)),
    TenantOutcome: Difference(added={"recoverable_until": Moment | None}),
    Deletion: Difference(renamed={"at": "deleted_at"}),
}


_PLAIN: Final[Mapping[Any, Any]] = {
    Value: Any,
    Json: Any,
    Any: Any,
    datetime: Moment,
    ValuesByPath: dict[str, Any],
}
_NAMES: Final = {one.__name__: one for one in (datetime, Mapping, Compute, Quota, Consumption)} | {"Json": Any}
"""What a module of types imports for the type checker only."""


@cache
def shape(of: type) -> type[Struct]:
    """The struct that a document holds in place of the type."""
    difference = next((DIFFERENCES[base] for base in of.__mro__ if base in DIFFERENCES), Difference())
    members = [
        (difference.renamed.get(name, name), _written(hint), *_default(of, name, difference))
        for name, hint in _members(of).items()
        if (difference.only is None or name in difference.only) and name not in difference.without
    ]
    added = [(name, _written(hint)) for name, hint in difference.added.items()]
    return _struct(of.__name__, [*members, *added], doc=of.__doc__, tag=_tag(of))


def _struct(name: str, members: list[Any], *, doc: str | None, tag: str | None = None) -> type[Struct]:
    return defstruct(
        name,
        members,
        namespace={"__doc__": doc},
        module=__name__,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        tag_field=None if tag is None else "kind",
        tag=tag,
    )


def _members(of: type) -> dict[str, Any]:
    """The type of each member, by name."""
    hints = get_type_hints(of, localns=_NAMES, include_extras=True)
    names = [one.name for one in fields(of)] if is_dataclass(of) else of.__struct_fields__  # type: ignore[attr-defined]
    return {name: hints[name] for name in names}


def _list_of(one: Any) -> Any:
    return tuple.__class_getitem__((one, ...))


def _default(of: type, name: str, difference: Difference) -> tuple[Any, ...]:
    """The default of a member that may be missing, as defstruct takes it."""
    if not difference.defaults_may_be_missing:
        return ()
    default = next(one.default for one in structs.fields(of) if one.name == name)
    return () if default is NODEFAULT else (default,)


def _tag(of: type) -> str | None:
    return str(of.__struct_config__.tag) if issubclass(of, TenantAction) else None


def _written(hint: Any) -> Any:
    """The type that stands in a document where a type of ours has this one."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(map(_written, arguments))]  # noqa: UP007 - of as many as there are
    if origin is tuple:
        return _list_of(_written(arguments[0]))
    if origin is Mapping:
        return dict.__class_getitem__((str, _written(arguments[1])))
    ours = isinstance(hint, type) and (is_dataclass(hint) or issubclass(hint, Struct))
    return shape(hint) if ours else hint


_CHANGED: Final = _struct(
    "BranchCounts",
    [("create", int), ("change", int), ("delete", int)],
    doc="How many branches are created, changed and deleted.",
)
_MADE: Final = _struct(
    "SnapshotCounts", [("create", int), ("delete", int)], doc="How many snapshots are created and deleted."
)
_COPIES: Final = [("branches", _CHANGED), ("snapshots", _MADE)]


def _counts(name: str, kinds: type[Enum], *others: str, doc: str) -> type[Struct]:
    counted = [(kind.value, int, *([0] if kind is Kind.ADOPT else [])) for kind in kinds]
    return _struct(name, [*counted, *_COPIES, *((other, int) for other in others)], doc=doc)


_PLAN_COUNTS: Final = _counts(
    "PlanCounts",
    Kind,
    *("refusals", "conflicts", "orphans"),
    doc="Tenants by what their actions amount to, and everything beside them.",
)
_REPORT_COUNTS: Final = _counts(
    "ReportCounts", Result, "stale", doc="Tenants by what became of them, and branches and snapshots."
)
_API_HOST: Final = ("api_host", str | None, None)
"""Left out where it is Neon's own."""


def _document(kind: str, of: type, members: Mapping[str, Any], *, without: tuple[str, ...] = ()) -> type[Struct]:
    """A whole document: the members of the type and more; a member of its own type is replaced."""
    own = {name: _written(hint) for name, hint in _members(of).items() if name not in without}
    api_host = [_API_HOST] if own.pop("api_host", None) else []
    header = {"format_version": Literal[1], "kind": Literal[kind]}
    told = {**header, **own, **{name: _written(hint) for name, hint in members.items()}}
    return _struct(f"{kind.capitalize()}Document", [*told.items(), *api_host], doc=of.__doc__)


FILES_ALONE: Final = ("unmanaged", "file_changes", "waiting")
"""Members of a plan that no drift report has: they speak of a commit."""
PLAN: Final = _document(
    "plan", Plan, {"counts": _PLAN_COUNTS, "made_at": datetime, "commit": str | None, "base": str | None}
)
DRIFT: Final = _document("drift", Plan, {"counts": _PLAN_COUNTS}, without=FILES_ALONE)
REPORT: Final = _document(
    "report",
    Report,
    {
        "counts": _REPORT_COUNTS,
        "stopped_by": str | None,
        "tenants": tuple[TenantOutcome, ...],
        "stale": tuple[Stale, ...],
    },
    without=("outcomes",),
)
_PROBLEM: Final = _struct(
    "Problem",
    [*_members(Location).items(), ("severity", Severity), ("message", str), ("hint", str | None)],
    doc=Problem.__doc__,
)
PROBLEMS: Final = _struct(
    "ProblemsDocument",
    [("format_version", Literal[1]), ("kind", Literal["problems"]), ("problems", _list_of(_PROBLEM))],
    doc="What is wrong with the files.",
)

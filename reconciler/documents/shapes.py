"""The shape of every type in a document: a struct with the members of the type, all of them required.

``DIFFERENCES`` lists every difference between a document and the types.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Meta, Struct, defstruct, structs

from reconciler.live.project import LiveProject
from reconciler.live.registered import RegisteredTenants
from reconciler.model.compute import Compute
from reconciler.model.database import Database
from reconciler.model.diagnosis import Diagnosis, Status
from reconciler.model.problem import Location, Problem, Severity
from reconciler.model.quota import Consumption, Quota
from reconciler.model.record import Audit
from reconciler.model.values import Json, JsonText, Value
from reconciler.plan.actions.base import TenantAction, Verb
from reconciler.plan.approval import Stale
from reconciler.plan.change import Risk
from reconciler.plan.explained import Explained
from reconciler.plan.outcome import ActionOutcome, Deletion, Report, Result, TenantOutcome
from reconciler.plan.plan import Conflict, Coverage, Plan, Refusal, TenantPlan
from reconciler.plan.plan_cost import PastCost
from reconciler.plan.registration import RowChanges
from reconciler.plan.return_points import ReturnPoints
from reconciler.plan.shared_changes import SharedChange
from reconciler.plan.summary import ChangeKind
from reconciler.usage.cost import Cost
from reconciler.usage.states import StateCount
from reconciler.usage.usage import Usage

FORMAT_VERSION: Final = 1
"""Grows when a reader of an older version would misunderstand; new keys do not count."""
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
ValuesByPath: TypeAlias = tuple[tuple[str, Value], ...]
PROJECT_MEMBERS: Final = (
    *("id", "name", "organization", "region", "pg_version", "created_at"),
    *("storage_bytes", "last_active_at", "snapshots"),
)
"""What a document contains of a live project."""


class ShapeOverride(Struct, frozen=True, kw_only=True):
    """How the document of a type differs from the type's own members."""

    only: tuple[str, ...] | None = None
    """The members in the document; None for all of them."""
    without: tuple[str, ...] = ()
    added: Mapping[str, Any] = {}
    """What follows from the members, by name, with its type; or a member of another type."""
    renamed: Mapping[str, str] = {}
    """The name of a member in the document, by its own."""
    defaults_may_be_missing: bool = False
    """Whether a member that has a default may be missing in what is read."""


DIFFERENCES: Final[Mapping[type, ShapeOverride]] = {
    TenantAction: ShapeOverride(added={"risk": Risk, "lowering": bool}),
    TenantPlan: ShapeOverride(added={"kind": ChangeKind}),
    Refusal: ShapeOverride(without=("uncommitted",)),
    Conflict: ShapeOverride(without=("asked_for",)),
    LiveProject: ShapeOverride(only=PROJECT_MEMBERS),
    Coverage: ShapeOverride(defaults_may_be_missing=True),
    ActionOutcome: ShapeOverride(without=("denied",)),
    TenantOutcome: ShapeOverride(added={"recoverable_until": Moment | None}),
    Deletion: ShapeOverride(renamed={"at": "deleted_at"}),
}


_PLAIN: Final[Mapping[Any, Any]] = {
    Value: Any,
    Json: Any,
    JsonText: Any,
    Any: Any,
    datetime: Moment,
    ValuesByPath: dict[str, Any],
}
_FOREIGN: Final = (datetime, Mapping, Compute, Quota, Consumption, Database)
_NAMES: Final = {one.__name__: one for one in _FOREIGN} | {"Json": Any, "Value": Value, "Verb": Verb}
"""What a module of types imports for the type checker only."""


@cache
def shape(of: type) -> type[Struct]:
    """The struct that a document holds in place of the type."""
    difference = next((DIFFERENCES[base] for base in of.__mro__ if base in DIFFERENCES), ShapeOverride())
    members = [
        (difference.renamed.get(name, name), written(hint), *_default(of, name, difference))
        for name, hint in members_of(of).items()
        if (difference.only is None or name in difference.only) and name not in difference.without
    ]
    added = [(name, written(hint)) for name, hint in difference.added.items()]
    return struct(of.__name__, [*members, *added], doc=of.__doc__, tag=_tag(of))


def struct(
    name: str, members: list[Any], *, doc: str | None, tag: str | None = None, tag_field: str = "kind"
) -> type[Struct]:
    """A struct with these members: name, type and perhaps default."""
    return defstruct(
        name,
        members,
        namespace={"__doc__": doc},
        module=__name__,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        tag_field=None if tag is None else tag_field,
        tag=tag,
    )


def members_of(of: type[Struct]) -> dict[str, Any]:
    """The type of each member, by name."""
    hints = get_type_hints(of, localns=_NAMES, include_extras=True)
    return {name: hints[name] for name in of.__struct_fields__}


def _list_of(one: Any) -> Any:
    return tuple.__class_getitem__((one, ...))


def _default(of: type, name: str, difference: ShapeOverride) -> tuple[Any, ...]:
    """The default of a member that may be missing, as defstruct takes it."""
    if not difference.defaults_may_be_missing:
        return ()
    default = next(one.default for one in structs.fields(of) if one.name == name)
    return () if default is NODEFAULT else (default,)


def _tag(of: type) -> str | None:
    return str(of.__struct_config__.tag) if issubclass(of, TenantAction) else None


def written(hint: Any) -> Any:
    """The type that stands in a document where a type of ours has this one."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(map(written, arguments))]  # noqa: UP007 - of as many as there are
    if origin is tuple:
        return _list_of(written(arguments[0]))
    if origin is Mapping:
        return dict.__class_getitem__((str, written(arguments[1])))
    ours = isinstance(hint, type) and issubclass(hint, Struct)
    return shape(hint) if ours else hint


_CHANGED: Final = struct(
    "BranchCounts",
    [("create", int), ("change", int), ("delete", int)],
    doc="How many branches are created, changed and deleted.",
)
_MADE: Final = struct(
    "SnapshotCounts", [("create", int), ("delete", int)], doc="How many snapshots are created and deleted."
)
_COPIES: Final = [("branches", _CHANGED), ("snapshots", _MADE)]


NEWER_KINDS: Final = (ChangeKind.ADOPT, ChangeKind.RESTORE)
"""Kinds that an earlier document does not count."""


def _counts(name: str, kinds: type[Enum], *others: str, doc: str) -> type[Struct]:
    counted = [(kind.value, int, *([0] if kind in NEWER_KINDS else [])) for kind in kinds]
    return struct(name, [*counted, *_COPIES, *((other, int) for other in others)], doc=doc)


PLAN_COUNTS: Final = _counts(
    "PlanCounts",
    ChangeKind,
    *("refusals", "conflicts", "orphans"),
    doc="Number of tenants for each kind of change, and of everything else in the plan.",
)
REPORT_COUNTS: Final = _counts(
    "ReportCounts", Result, "stale", doc="Tenants by result, and branches and snapshots."
)
_LEFT_OUT: Final[Mapping[str, tuple[()] | None]] = {
    **dict.fromkeys(
        (
            "forecast",
            "refused_forecast",
            "api_host",
            "command",
            "observed_at",
            "monthly_cost",
            "past_cost",
            "harm",
            "shard",
            "overview",
        )
    ),
    "warnings": (),
}
"""Members of a whole document that say something unusual, or that earlier documents lack, with what they are where
they are left out."""


def document(kind: str, of: type, members: Mapping[str, Any], *, without: tuple[str, ...] = ()) -> type[Struct]:
    """A whole document: the members of the type and more; a member of its own type is replaced."""
    own = {name: hint for name, hint in members_of(of).items() if name not in without}
    typed = {name: written(hint) for name, hint in {**own, **members}.items()}
    unusual = [(name, typed.pop(name), default) for name, default in _LEFT_OUT.items() if name in typed]
    typed = {"format_version": Literal[1], "kind": Literal[kind], **typed}
    return struct(f"{kind.capitalize()}Document", [*typed.items(), *unusual], doc=of.__doc__)


_SHARED: Final = {"shared_changes": tuple[SharedChange, ...]}
FILES_ALONE: Final = (
    "forecast",
    "refused_forecast",
    "unmanaged",
    "file_changes",
    "waiting",
    "monthly_cost",
    "command",
    "observed_at",
)
"""Members of a plan that no drift report has: they speak of a commit, of what apply does, or of a command."""
PLAN: Final = document(
    "plan",
    Plan,
    {
        **_SHARED,
        "counts": PLAN_COUNTS,
        "made_at": datetime,
        "commit": str | None,
        "base": str | None,
        "past_cost": PastCost | None,
    },
)
DRIFT: Final = document("drift", Plan, {**_SHARED, "counts": PLAN_COUNTS}, without=FILES_ALONE)
DIFF: Final = document(
    "diff",
    Plan,
    {**_SHARED, "counts": PLAN_COUNTS, "commit": str | None, "base": str | None},
    without=(
        *("orphans", "waiting", "coverage", "budget", "organizations"),
        *("api_host", "command", "observed_at", "monthly_cost", "forecast", "refused_forecast"),
    ),
)
REPORT: Final = document(
    "report",
    Report,
    {
        "counts": REPORT_COUNTS,
        "stopped_by": str | None,
        "tenants": tuple[TenantOutcome, ...],
        "stale": tuple[Stale, ...],
    },
    without=("outcomes",),
)
HISTORY: Final = document("history", ReturnPoints, {})
EXPLAINED: Final = document("explained", Explained, {})
USAGE_MEMBERS: Final = tuple(name for name in Usage.__struct_fields__ if name != "api_host")
USAGE: Final = document("usage", Usage, {"states": tuple[StateCount, ...]})
COST_MEMBERS: Final = tuple(name for name in Cost.__struct_fields__ if name != "api_host")
AUDIT: Final = document("audit", Audit, {})
COST: Final = document("cost", Cost, {})
DOCTOR: Final = document(
    "doctor",
    Diagnosis,
    {"counts": struct("CheckCounts", [(one.value, int) for one in Status], doc="How many checks found what.")},
)
REGISTRY: Final = document("registry", RegisteredTenants, {})
ROW_CHANGES: Final = document("row_changes", RowChanges, {})
_PROBLEM: Final = struct(
    "Problem",
    [*members_of(Location).items(), ("severity", Severity), ("message", str), ("hint", str | None)],
    doc=Problem.__doc__,
)
PROBLEMS: Final = struct(
    "ProblemsDocument",
    [("format_version", Literal[1]), ("kind", Literal["problems"]), ("problems", _list_of(_PROBLEM))],
    doc="What is wrong with the files.",
)

"""The variables of policies, in one table: name, type, scope, meaning, and where the value comes from.

The table is a published interface: names and types stay. The reference in docs/policies.md and the JSON Schema
follow from it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from reconciler.desired.policies import Scope
from reconciler.model.values import JsonText
from reconciler.plan.change import highest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.model.values import Value
    from reconciler.policies.subject import PolicySubject

    Read: TypeAlias = Callable[[Any], object]

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class _Unknown:
    """No value: an expression that needs it cannot be evaluated."""


UNKNOWN: Final = _Unknown()


class Variable(NamedTuple):
    """One variable."""

    name: str
    type: str
    """As CEL writes it; ``dyn`` for a value of any type."""
    meaning: str
    read: Read
    live: bool = False
    """Whether the value comes from the live account: ``diff`` does not know it."""

    @property
    def scope(self) -> Scope:
        """The widest scope that has it."""
        root = self.name.partition(".")[0]
        return Scope.PLAN if root == "approvals" else Scope(root)


def _plan(name: str, kind: str, meaning: str, read: Read, *, live: bool = False) -> Variable:
    return Variable(name, kind, meaning, lambda subject: read(subject.plan), live)


def _tenant(name: str, kind: str, meaning: str, read: Read, *, live: bool = False) -> Variable:
    return Variable(f"tenant.{name}", kind, meaning, lambda subject: read(subject.tenant), live)


def _action(name: str, kind: str, meaning: str, read: Read) -> Variable:
    return Variable(f"action.{name}", kind, meaning, lambda subject: read(subject.action))


def _change(name: str, kind: str, meaning: str, read: Read) -> Variable:
    return Variable(f"change.{name}", kind, meaning, lambda subject: read(subject.change))


def _plain(value: Value) -> object:
    return value.value if isinstance(value, JsonText) else value


def _money(of: str) -> Read:
    def read(plan: Any) -> object:
        return float(getattr(plan.cost, of).high) if plan.cost else UNKNOWN

    return read


def _difference(plan: Any) -> object:
    if plan.context.desired.prices is None:
        return UNKNOWN
    return float(plan.cost.after.high - plan.cost.before.high) if plan.cost else 0.0


def _highest_share(tenant: Any) -> object:
    return max(tenant.usage.values()) if tenant.usage else UNKNOWN


VARIABLES: Final[tuple[Variable, ...]] = (
    _plan("plan.fleet", "string", "The fleet's name.", lambda p: p.plan.fleet),
    _plan(
        "plan.command",
        "string",
        "The command that asks for the actions, such as `restore`; empty if the files do.",
        lambda p: p.plan.command or "",
    ),
    _plan("plan.commit", "string", "The commit of the files; empty if unknown.", lambda p: p.context.commit or ""),
    _plan("plan.time", "timestamp", "When the plan is made.", lambda p: p.context.now),
    _plan(
        "plan.weekday",
        "string",
        "That day of the week in UTC, such as `Friday`.",
        lambda p: WEEKDAYS[p.context.now.weekday()],
    ),
    _plan(
        "plan.declared",
        "int",
        "Tenants that the files declare.",
        lambda p: _declared(p.context.desired.tenants.values()),
    ),
    _plan("plan.tenants", "int", "Tenants with actions.", lambda p: len(p.plan.tenants)),
    _plan(
        "plan.actions",
        "map<string, int>",
        "The number of actions by kind, such as `patch_project`. A kind without actions is not in it.",
        lambda p: p.actions,
    ),
    _plan(
        "plan.risks",
        "map<string, int>",
        "The number of actions by risk: `safe`, `disruptive`, `destructive`; all three are in it.",
        lambda p: p.risks,
    ),
    _plan(
        "plan.transitions",
        "map<string, int>",
        "The number of tenants by change of tier, such as `free -> pro`. Others are not in it.",
        lambda p: p.transitions,
    ),
    _plan(
        "plan.suspends",
        "int",
        "Tenants that the plan suspends: by `state: suspended`, or by a quota that is used up.",
        lambda p: len(p.suspended),
        live=True,
    ),
    _plan(
        "plan.tiers_edited",
        "list<string>",
        "The tiers that tiers.yaml declares differently from the base.",
        lambda p: sorted(p.tiers_edited),
    ),
    _plan(
        "plan.cost_before",
        "double",
        "What the tenants whose limits change can cost a month now, at most. Needs prices.",
        _money("before"),
        live=True,
    ),
    _plan("plan.cost_after", "double", "The same after the plan.", _money("after"), live=True),
    _plan(
        "plan.cost_change",
        "double",
        "The difference of the two; 0 if no limit changes. Needs prices.",
        _difference,
        live=True,
    ),
    _plan(
        "approvals.count",
        "int",
        "How many people approved the run: the names in RECONCILER_APPROVALS, each once.",
        lambda p: len(p.context.approvals),
    ),
    _plan("approvals.by", "list<string>", "Their names.", lambda p: list(p.context.approvals)),
    _tenant("name", "string", "The tenant's name.", lambda t: t.planned.tenant),
    _tenant("tier", "string", "Its tier; empty if no file declares it.", lambda t: t.tier),
    _tenant("tier_before", "string", "Its tier at the base; empty if it had none.", lambda t: t.tier_before),
    _tenant(
        "tier_edited",
        "bool",
        "Whether tiers.yaml declares its tier differently from the base.",
        lambda t: t.tier in t.of.tiers_edited,
    ),
    _tenant(
        "labels", "map<string, string>", "Its labels.", lambda t: dict(t.declared.labels) if t.declared else {}
    ),
    _tenant(
        "labels_before",
        "map<string, string>",
        "Its labels at the base.",
        lambda t: dict(t.before.labels) if t.before else {},
    ),
    _tenant("organization", "string", "The organization of its tier.", lambda t: t.organization),
    _tenant(
        "project",
        "string",
        "The name of its live project; empty for a new one.",
        lambda t: t.project_name,
    ),
    _tenant("new", "bool", "Whether its project is created.", lambda t: t.is_new),
    _tenant("deleted", "bool", "Whether its project is deleted.", lambda t: t.is_deleted),
    _tenant(
        "suspended",
        "bool",
        "Whether the plan suspends it, or its file does.",
        lambda t: t.planned.tenant in t.of.suspended or bool(t.declared and t.declared.suspended),
        live=True,
    ),
    _tenant(
        "reduces",
        "bool",
        "Whether an action is a reduction.",
        lambda t: any(action.lowering for action in t.planned.actions),
    ),
    _tenant(
        "risk",
        "string",
        "The highest risk of its actions.",
        lambda t: highest([action.risk for action in t.planned.actions]).value,
    ),
    _tenant(
        "usage",
        "map<string, double>",
        "The used share of each limited quota, such as `active_time_seconds`: 1.0 is all of it. A quota whose use "
        "was not read is not in it.",
        lambda t: t.usage,
        live=True,
    ),
    _tenant(
        "usage_share", "double", "The highest of these. No value if none was read.", _highest_share, live=True
    ),
    _action("kind", "string", "Such as `create_project`, `patch_project`, `delete_branch`.", lambda a: a.kind),
    _action("verb", "string", "Such as `create`, `change`, `delete`.", lambda a: a.verb),
    _action("thing", "string", "Such as `project`, `branch`, `snapshot`, `compute`.", lambda a: a.subject),
    _action("risk", "string", "`safe`, `disruptive` or `destructive`.", lambda a: a.risk.value),
    _action("reduces", "bool", "Whether it is a reduction for the tenant.", lambda a: a.lowering),
    _action("reason", "string", "Why it is planned, in a few words.", lambda a: a.reason),
    _change("path", "string", "The field, as in JSON documents: `compute.max_cu`.", lambda c: c.path),
    _change("before", "dyn", "The live value; null if there is none.", lambda c: _plain(c.before)),
    _change("after", "dyn", "The new value; null if there is none.", lambda c: _plain(c.after)),
    _change("reduces", "bool", "Whether it is a reduction for the tenant.", lambda c: c.lowering),
    _change("risk", "string", "`safe`, `disruptive` or `destructive`.", lambda c: c.risk.value),
    _change(
        "origin",
        "string",
        "Why the field differs: `config`, `drift`, `base-ahead`, `command` or `unknown`.",
        lambda c: c.origin.value,
    ),
)


def _declared(tenants: Iterable[Any]) -> int:
    return sum(not tenant.absent for tenant in tenants)


_WIDTH: Final = {scope: number for number, scope in enumerate(Scope)}


def known_in(scope: Scope) -> dict[str, Variable]:
    """The variables that a policy of this scope has, by name."""
    return {one.name: one for one in VARIABLES if _WIDTH[one.scope] <= _WIDTH[scope]}


def types_in(scope: Scope) -> dict[str, str]:
    """Their types."""
    return {name: variable.type for name, variable in known_in(scope).items()}


def values(subject: PolicySubject, variables: Iterable[Variable]) -> dict[str, object]:
    """The values of variables, without those that have none."""
    read = ((variable.name, variable.read(subject)) for variable in variables)
    return {name: value for name, value in read if value is not UNKNOWN}


_JSON_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "double": {"type": "number"},
    "bool": {"type": "boolean"},
    "timestamp": {"type": "string", "format": "date-time"},
    "dyn": {},
    "list<string>": {"type": "array", "items": {"type": "string"}},
    "map<string, int>": {"type": "object", "additionalProperties": {"type": "integer"}},
    "map<string, double>": {"type": "object", "additionalProperties": {"type": "number"}},
    "map<string, string>": {"type": "object", "additionalProperties": {"type": "string"}},
}


def variables_schema() -> dict[str, Any]:
    """The JSON Schema of the values of an example: any of the variables, by name."""
    members = {
        one.name: {**_JSON_TYPES[one.type], "description": f"{one.meaning} From scope {one.scope.value}."}
        for one in VARIABLES
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": json.loads(json.dumps(members)),
        "additionalProperties": False,
        "title": "The variables of policies, by name",
    }

"""The changes of a plan, each once: how many tenants it concerns, why, and from which layer of the files it comes.

A change of the project and of its computes is one change. The fields that follow from another tier are one change,
and so is all that a new project gets.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from reconciler.plan.actions.branch import PatchBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.contents import PatchDatabase
from reconciler.plan.actions.project import CreateProject, TransferProject
from reconciler.plan.change import Origin, Risk
from reconciler.plan.plan import Layer, Rule, TenantTier
from reconciler.plan.tenant_tier import OF_POLICIES, declared_at, paths_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.actions.base import Verb
    from reconciler.plan.change import FieldChange
    from reconciler.plan.plan import Plan

MOST_VALUES: Final = 3
"""Maximum number of pairs of values that are listed for a field; more are only counted."""
TIER: Final = "tier"
"""The ``thing`` of a change to another tier."""
PROJECT: Final = "project"


class SharedChange(Struct, frozen=True):
    """The same change of one or more tenants."""

    cause: Origin
    tier: str | None
    """The tier of these tenants; None if the change does not depend on it, or no file declares them."""
    layer: Layer
    """Where the files state it."""
    verb: Verb
    thing: str
    """What is changed, created or deleted: ``project``, ``branch``, ``tier``."""
    names: tuple[str, ...]
    """The names of the branches, snapshots, roles or databases, in order; empty for a project."""
    path: str | None
    """Of the field, without such names; None if the change is not one of a field."""
    before: Value
    after: Value
    values: int
    """How many pairs of values there are; ``before`` and ``after`` are None if more than one."""
    risk: Risk
    lowering: bool
    restarts: bool
    """Whether it restarts a compute that runs."""
    tenants: tuple[str, ...]
    """In name order."""
    refused: tuple[str, ...]
    """Those of them for which a guard refuses it."""
    rules: tuple[Rule, ...]
    """The guards that do, in the order of the plan."""


class _Key(NamedTuple):
    """What makes changes of several tenants one."""

    cause: Origin
    tier: str | None
    layer: Layer
    verb: Verb
    thing: str
    path: str | None
    risk: Risk
    lowering: bool
    restarts: bool
    before: Value
    after: Value
    several: bool = False
    """Whether there are too many pairs of values to list each."""


class _One(NamedTuple):
    """A change of one tenant."""

    cause: Origin
    tier: str | None
    layer: Layer
    verb: Verb
    thing: str
    path: str | None
    before: Value
    after: Value
    name: str | None


class _Weight(NamedTuple):
    risk: Risk
    lowering: bool
    restarts: bool

    def and_also(self, other: _Weight) -> _Weight:
        return _Weight(
            max(self.risk, other.risk), self.lowering or other.lowering, self.restarts or other.restarts
        )


class _Member(NamedTuple):
    one: _One
    tenant: str
    rule: Rule | None


def shared_changes(plan: Plan) -> list[SharedChange]:
    """Return the changes that a plan makes or refuses: by cause, the riskiest first, then the most tenants."""
    members: dict[_Key, list[_Member]] = {}
    for actions, rule in _actions(plan):
        for tenant, own in _by_tenant(actions).items():
            for one, weight in _of_tenant(own, plan.tiers.get(tenant)).items():
                key = _Key(*one[:6], *weight, one.before, one.after)
                members.setdefault(key, []).append(_Member(one, tenant, rule))
    found = [_shared(key, those) for key, those in _few_values(members).items()]
    return sorted(found, key=_order)


CAUSES: Final = (Origin.CONFIG, Origin.COMMAND, Origin.UNKNOWN, Origin.DRIFT, Origin.BASE_AHEAD)
"""The order in which changes are listed."""
_RISKS: Final = tuple(reversed(Risk))


def _order(change: SharedChange) -> tuple[object, ...]:
    severity = (_RISKS.index(change.risk), not change.lowering, -len(change.tenants))
    return (CAUSES.index(change.cause), *severity, change.thing, change.verb, change.path or "", change.tenants)


def _actions(plan: Plan) -> Iterator[tuple[Iterable[Action], Rule | None]]:
    yield plan.actions, None
    for refusal in plan.refusals:
        yield refusal.actions, refusal.rule


def _by_tenant(actions: Iterable[Action]) -> dict[str, list[Action]]:
    tenants: dict[str, list[Action]] = {}
    for action in actions:
        tenants.setdefault(action.tenant, []).append(action)
    return tenants


def _of_tenant(actions: Sequence[Action], tier: TenantTier | None) -> dict[_One, _Weight]:
    """Return the changes of one tenant: one of its project is the same as that of the project's compute."""
    found: dict[_One, _Weight] = {}
    for one, weight in _each(actions, tier):
        found[one] = found[one].and_also(weight) if one in found else weight
    new = next((one for one in found if (one.verb, one.thing) == ("create", PROJECT)), None)
    return found if new is None else {new: found[new]}


def _each(actions: Sequence[Action], tier: TenantTier | None) -> Iterator[tuple[_One, _Weight]]:
    for action in actions:
        if action.verb == "change" or isinstance(action, TransferProject):
            for change in action.changes:
                yield _of_field(action, change, tier), _weight(action, change)
        else:
            yield _of_action(action, tier), _Weight(action.risk, action.lowering, restarts=False)


def _weight(action: Action, change: FieldChange) -> _Weight:
    restarts = isinstance(action, PatchEndpoint) and change.risk is Risk.DISRUPTIVE
    return _Weight(change.risk, change.lowering, restarts)


def _of_action(action: Action, tier: TenantTier | None) -> _One:
    cause = action.changes[0].origin if action.changes else Origin.COMMAND
    if isinstance(action, CreateProject):
        return _One(
            cause, None if tier is None else tier.tier, Layer.FILE, "create", PROJECT, None, None, None, None
        )
    name = next((str(value) for key in _NAMES if (value := getattr(action, key, None)) is not None), None)
    return _One(cause, None, _layer(action, tier), action.verb, action.subject, None, None, None, name)


def _layer(action: Action, tier: TenantTier | None) -> Layer:
    """Return the layer that asks for a thing: the tier, by a policy, or the tenant's file."""
    if tier is None or not isinstance(action, OF_POLICIES):
        return Layer.FILE
    return Layer.FILE if any(path in tier.layers for path in paths_of(action)) else Layer.TIER


_NAMES: Final = ("replica", "snapshot", "database", "role", "branch")
"""Members of actions that name their object, innermost first."""


def _of_field(action: Action, change: FieldChange, tier: TenantTier | None) -> _One:
    layers: Mapping[str, Layer] = {} if tier is None else tier.layers
    at = declared_at(action, change)
    at = at if at in layers else change.path
    layer, own = layers.get(at, Layer.TIER), None if tier is None else tier.tier
    if tier is not None and tier.changed and change.origin is Origin.CONFIG and layer is Layer.TIER:
        return _One(change.origin, own, layer, "change", TIER, TIER, tier.before, tier.tier, None)
    thing, of = _subject(action, change, at)
    path = change.path.rpartition(".")[2] if thing == "branch" and at == change.path else change.path
    return _One(change.origin, own, layer, "change", thing, path, change.before, change.after, of)


def _subject(action: Action, change: FieldChange, at: str) -> tuple[str, str | None]:
    """Return what the change is about, and its name if it is neither the project nor its main compute."""
    if isinstance(action, PatchBranch):
        return "branch", action.branch
    if isinstance(action, PatchDatabase):
        return "database", action.database
    if isinstance(action, PatchEndpoint) and at != change.path:
        return ("branch", action.branch) if action.replica is None else ("read replica", action.replica)
    return PROJECT, None


def _few_values(members: Mapping[_Key, list[_Member]]) -> dict[_Key, list[_Member]]:
    """Merge the changes of a field that has many pairs of values."""
    pairs = Counter(_without_values(key) for key in members)
    merged: dict[_Key, list[_Member]] = {}
    for key, those in members.items():
        wider = _without_values(key)
        merged.setdefault(wider if pairs[wider] > MOST_VALUES and key.path != TIER else key, []).extend(those)
    return merged


def _without_values(key: _Key) -> _Key:
    return key._replace(before=None, after=None, several=True)


def _shared(key: _Key, members: Sequence[_Member]) -> SharedChange:
    refused = {member.tenant for member in members if member.rule is not None}
    return SharedChange(
        **{name: value for name, value in key._asdict().items() if name != "several"},
        names=tuple(sorted({member.one.name for member in members if member.one.name is not None})),
        values=len({(member.one.before, member.one.after) for member in members}),
        tenants=tuple(sorted({member.tenant for member in members})),
        refused=tuple(sorted(refused)),
        rules=tuple(dict.fromkeys(member.rule for member in members if member.rule is not None)),
    )

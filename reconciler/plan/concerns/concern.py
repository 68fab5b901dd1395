"""A concern: one aspect of a project, with the declared fields and the differences of live state.

And what concerns share: the risk of a change, fields that are sent together, and refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from msgspec import Struct

from reconciler.desired.tier import OrganizationLimits
from reconciler.model.fields.field import Effect, Patch
from reconciler.model.fields.table import BY_PATH, ENTRY_BY_PATH, FIELDS
from reconciler.model.values import PartlyCompared, Value
from reconciler.plan.change import FieldChange, Risk
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.model.fields.field import Field
    from reconciler.plan.action import Action
    from reconciler.plan.change import Origin


Fields: TypeAlias = Mapping[str, Value]
"""Values by field path."""
Stated: TypeAlias = "Mapping[str, Value | Assignment]"
"""All declared fields of a tenant by path, with its organization."""

POLICY: Final = "policy."
"""How the paths begin of what a tier says about deletions by policies: it decides about causes only."""
RISKS: Final[Mapping[Effect, Risk]] = {
    Effect.NONE: Risk.SAFE,
    Effect.RESTARTS: Risk.DISRUPTIVE,
    Effect.DISCONNECTS: Risk.DISRUPTIVE,
    Effect.SUSPENDS: Risk.DISRUPTIVE,
    Effect.STOPS_WRITES: Risk.DISRUPTIVE,
    Effect.LOSES_HISTORY: Risk.DESTRUCTIVE,
    Effect.ENDS: Risk.DESTRUCTIVE,
}


class Assignment(PartlyCompared, frozen=True):
    """The organization that the files assign to a tenant. Tier and limits do not count in comparisons."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"limits", "tier"})

    organization: str
    limits: OrganizationLimits = OrganizationLimits()
    tier: str | None = None
    """The tier that assigns the organization; None if unknown."""


class Concern(Struct, frozen=True):
    """One aspect of a project. It yields field changes and does not know which call carries them."""

    name: str
    """Its name for ``--only`` and ``drift_policy``."""
    wanted: Callable[[Settings], Fields]
    """The fields that the files manage. Others keep their live values."""
    changes: Callable[[Settings, LiveProject], Iterator[FieldChange]]
    """The differences of the live project, each with its risk; the planner adds the origin."""


def differing(wanted: Fields, observed: Fields) -> Iterator[tuple[str, Value, Value]]:
    """Path, live value and declared value of each field that differs."""
    for path, after in wanted.items():
        before = observed.get(path)
        if before != after:
            yield path, before, after


def turns_off(change: FieldChange) -> bool:
    """Whether the change turns off a setting that Neon cannot turn off."""
    field = BY_PATH.get(change.path)
    return field is not None and field.one_way and change.lowering


def changed(path: str, before: Value, after: Value, *, at_work: bool = False) -> FieldChange:
    """The change, with its risk and whether it is a reduction, by the table of fields.

    ``at_work`` says that it is a change of an existing compute: a project's default for computes that are
    created later interrupts no tenant. A setting that is not in the table counts as no reduction.
    """
    field = BY_PATH.get(path)
    return (
        FieldChange(path, before, after) if field is None else _judged(field, path, before, after, at_work=at_work)
    )


def changed_in_copy(thing: str, key: str, before: Value, after: Value) -> FieldChange:
    """The change of a key of the branch or snapshot with the path ``thing``."""
    field = ENTRY_BY_PATH[f"{thing.partition('.')[0]}.{key}"]
    return _judged(field, f"{thing}.{key}", before, after, at_work=False)


def _judged(field: Field, path: str, before: Value, after: Value, *, at_work: bool) -> FieldChange:
    takes = field.ranking.takes(before, after)
    effects = [field.effect] if at_work or field.compute is None else []
    effects += [field.effect_of_less] if takes else []
    risk = max((RISKS[effect] for effect in effects), default=Risk.SAFE)
    return FieldChange(path, before, after, risk, lowering=takes)


_SENT_ALONG: Final = [field for field in FIELDS if field.patch is Patch.UNKNOWN]
TOGETHER: Final = tuple(
    tuple(field.path for field in _SENT_ALONG if field.group == group)
    for group in dict.fromkeys(field.group for field in _SENT_ALONG)
)
"""All quota members; all compute members. Neon does not document whether a patch merges or replaces the group."""


def companions(changes: Iterable[FieldChange], values: Fields) -> tuple[tuple[str, Value], ...]:
    """Return the known values of unchanged fields that have to be sent together with the changed fields."""
    changed = {change.path for change in changes}
    return tuple(
        (path, values[path])
        for group in TOGETHER
        if changed.intersection(group)
        for path in group
        if path not in changed and path in values
    )


CORRECT_IT: Final = "correct the entry in the tenant's file, or remove it"


def existence(path: str, origin: Origin, *, before: bool) -> FieldChange:
    """The change that deletes a thing that exists (``before``), or creates one."""
    was, becomes = ("present", "absent") if before else ("absent", "present")
    risk = Risk.DESTRUCTIVE if before else Risk.SAFE
    return FieldChange(path, was, becomes, risk, lowering=before, origin=origin)


def cannot_be_done(action: Action, message: str, remedy: str) -> Refusal:
    """Return the refusal of an action that Neon would reject."""
    return Refusal(Rule.CANNOT_BE_DONE, (action.tenant,), message, remedy, (action,))


OF_A_COPY: Final = "use another name, delete the existing one first, or revert the change"
OF_A_PROJECT: Final = (
    "revert the change, or declare a new tenant: a project is never deleted and created again to change a field"
)


def made_at_creation(tenant: str, message: str, remedy: str = OF_A_COPY) -> Refusal:
    """Return the refusal of a commit that changes a field which applies at creation only."""
    return Refusal(Rule.MADE_AT_CREATION, (tenant,), f"{message}: this field applies at creation only", remedy, ())

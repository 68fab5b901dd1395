"""What a concern is: one aspect of a project, what the files want of it and where live differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.desired.tier import OrganizationLimits
from reconciler.model.fields.field import Effect
from reconciler.model.fields.table import BY_PATH
from reconciler.model.values import Value
from reconciler.plan.change import FieldChange, Risk

if TYPE_CHECKING:
    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject

Fields: TypeAlias = Mapping[str, Value]
"""Values by field path."""
Stated: TypeAlias = "Mapping[str, Value | Assignment]"
"""All that files state of a tenant, by field path: where it is, too."""

RISKS: Final[Mapping[Effect, Risk]] = {
    Effect.NONE: Risk.SAFE,
    Effect.RESTARTS: Risk.DISRUPTIVE,
    Effect.DISCONNECTS: Risk.DISRUPTIVE,
    Effect.SUSPENDS: Risk.DISRUPTIVE,
    Effect.STOPS_WRITES: Risk.DISRUPTIVE,
    Effect.LOSES_HISTORY: Risk.DESTRUCTIVE,
}


@dataclass(frozen=True, slots=True)
class Assignment:
    """The organization that the files assign to a tenant. Tier and limits do not count in comparisons."""

    organization: str
    limits: OrganizationLimits = field(default=OrganizationLimits(), compare=False)
    tier: str | None = field(default=None, compare=False)
    """The tier that assigns the organization; None if unknown."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One aspect of a project. It yields field changes and does not know which call carries them."""

    name: str
    """As ``--only`` and ``drift_policy`` call it."""
    wanted: Callable[[Settings], Fields]
    """The fields that the files manage. A field that is absent is left alone."""
    changes: Callable[[Settings, LiveProject], Iterator[FieldChange]]
    """Where the live project differs, each with its risk; the origin is added by the planner."""


def differing(wanted: Fields, observed: Fields) -> Iterator[tuple[str, Value, Value]]:
    """(path, before, after) of every wanted field whose live value is another."""
    for path, after in wanted.items():
        before = observed.get(path)
        if before != after:
            yield path, before, after


def turns_off(change: FieldChange) -> bool:
    """Whether it is to turn off what Neon cannot turn off."""
    field = BY_PATH.get(change.path)
    return field is not None and field.one_way and change.lowering


def changed(path: str, before: Value, after: Value, *, at_work: bool = False) -> FieldChange:
    """The change, with its risk and what it takes from the tenant, as the table of fields says.

    ``at_work`` says that it is a change of an existing compute: what a project holds for computes that are created
    later disturbs nobody. A setting that the table does not have takes nothing, as far as anybody knows.
    """
    field = BY_PATH.get(path)
    if field is None:
        return FieldChange(path, before, after)
    takes = field.ranking.takes(before, after)
    effects = [field.effect] if at_work or field.compute is None else []
    effects += [field.effect_of_less] if takes else []
    risk = max((RISKS[effect] for effect in effects), default=Risk.SAFE)
    return FieldChange(path, before, after, risk, lowering=takes)

"""What a tenant's file accepts: whether it covers a reduction, how it is written, and when it is spent.

An acceptance is for one reduction, not for all that may follow. It counts where it is new, which is as long as
neither the base nor the fork has it: then it was written for what is asked for now. Once the base has it, it is
spent. Only one that names a last day counts until then; and ``true``, as older files have it, for a change of
tier.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from reconciler.desired.tenant import Accepted, Step
from reconciler.model.units import UNLIMITED, format_bytes, format_seconds, parse_bytes, parse_seconds
from reconciler.plan import declared_fields
from reconciler.plan.change import Origin
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Acceptance, Tenant
    from reconciler.model.values import Value
    from reconciler.plan.change import FieldChange
    from reconciler.plan.history import History

Loss: TypeAlias = Literal["suspension", "full_branches", "history_loss"]
"""What a reduction may cost the tenant, as ``accept`` calls it."""

LOSSES: Final = tuple(member.name for member in fields(Accepted))
UNKNOWN: Final = "unknown"
"""Stands for a live value that Neon does not tell."""
LOGICAL_SIZE: Final = "quota.logical_size_bytes"


@dataclass(frozen=True, slots=True)
class Acceptances:
    """What the file of one tenant accepts, beside what the files accepted before."""

    tenant: Tenant
    desired: DesiredState
    history: History
    now: datetime | None = None
    """None where nobody tells the time: then no day counts."""
    permitted: bool = False
    """Whether a person permits reductions in this run: ``true`` counts then where nobody knows how old it is."""

    def cover(self, loss: Loss, change: FieldChange) -> bool:
        """Whether the file accepts what the change may cost."""
        acceptance: Acceptance = getattr(self.tenant.accept, loss)
        if isinstance(acceptance, date):
            return self._is_not_over(acceptance)
        new = self._is_new(loss)
        if isinstance(acceptance, bool):
            return acceptance and (self.permitted if new is None else new or self._is_of_a_tier(change))
        return new is not False and any(self._names(step, change) for step in acceptance)

    def is_spent(self, loss: str) -> bool:
        """Whether the file accepts it for nothing any more. Of a base that was guessed nobody knows that."""
        acceptance: Acceptance = getattr(self.tenant.accept, loss)
        if isinstance(acceptance, date):
            return not self._is_not_over(acceptance)
        return acceptance is not False and self._is_new(loss) is False and not self.history.guessed

    def written(self, found: Iterable[tuple[Loss, FieldChange]]) -> str:
        """The line that accepts these losses, as it is to stand in the tenant's file."""
        steps: dict[Loss, dict[Step, None]] = {}
        values: dict[Loss, dict[Step, None]] = {}
        for loss, change in found:
            steps.setdefault(loss, {})[self._step(change)] = None
            values.setdefault(loss, {})[_of_values(change)] = None
        members = (f"{loss}: {self._worded(loss, named, values[loss])}" for loss, named in steps.items())
        return f"accept: {{{', '.join(members)}}}"

    def _worded(self, loss: Loss, *choices: Iterable[Step]) -> str:
        """The first way to say it that is new: what the base has already is spent."""
        for choice in choices:
            steps = tuple(choice)
            if self._is_new(loss, steps) is not False:
                return str(steps[0]) if len(steps) == 1 else f"[{', '.join(map(str, steps))}]"
        return "YYYY-MM-DD" if self.now is None else f"{self.now.date()}"

    def _is_new(self, loss: str, acceptance: Acceptance | None = None) -> bool | None:
        """Whether the files did not accept that before; None where nobody can tell."""
        before = self.history.accepted(self.tenant.name)
        now = getattr(self.tenant.accept, loss) if acceptance is None else acceptance
        return None if before is None else all(getattr(accepted, loss) != now for accepted in before)

    def _step(self, change: FieldChange) -> Step:
        """How a file names the reduction: by the tiers, where it changes the tier."""
        was = self.history.tier(self.tenant.name)
        return _of_values(change) if was in (None, self.tenant.tier) else Step(was, self.tenant.tier)

    def _is_not_over(self, day: date) -> bool:
        return self.now is not None and self.now.date() <= day

    def _is_of_a_tier(self, change: FieldChange) -> bool:
        """Whether a commit asks for it by another tier."""
        was = self.history.tier(self.tenant.name)
        return change.origin is Origin.CONFIG and was not in (None, self.tenant.tier)

    def _names(self, step: Step, change: FieldChange) -> bool:
        if (change.before, change.after) == (_read(change.path, step.before), _read(change.path, step.after)):
            return True
        was = self.history.tier(self.tenant.name)
        return step.after == self.tenant.tier and (was == step.before or self._was_granted(step.before, change))

    def _was_granted(self, tier: str, change: FieldChange) -> bool:
        """Whether the live value is what the tenant would have in that tier."""
        if tier not in self.desired.tiers or change.before is None:
            return False
        there = declared_fields.fields(self.desired, replace(self.tenant, tier=tier))
        return there.get(change.path) == change.before


def notes(desired: DesiredState, history: History, tenants: Iterable[Tenant], now: datetime) -> Iterator[Note]:
    """Acceptances that serve for nothing any more, so that no file carries one for a later day."""
    for tenant in tenants:
        if tenant.accept == Accepted() or tenant.absent:
            continue
        accepts = Acceptances(tenant, desired, history, now)
        spent = [loss for loss in LOSSES if accepts.is_spent(loss)]
        standing = [loss for loss in spent if getattr(tenant.accept, loss) is True]
        if standing and history.tier(tenant.name) == tenant.tier:
            words = "accept names no reduction, and stands for the next change of tier, too: remove it"
            yield Note(tenant.name, f"{words} ({', '.join(standing)})", tenant.location)
        if spent := [loss for loss in spent if loss not in standing]:
            yield Note(tenant.name, f"accept is spent, remove it: {', '.join(spent)}", tenant.location)


def _of_values(change: FieldChange) -> Step:
    return Step(_as_written(change.path, change.before), _as_written(change.path, change.after))


def _as_written(path: str, value: Value) -> str:
    if not isinstance(value, int | float):
        return UNKNOWN
    if value == 0 and path in QUOTA:
        return UNLIMITED
    return format_bytes(int(value)) if path.endswith("_bytes") else format_seconds(int(value))


def _read(path: str, text: str) -> Value:
    """The value that is written; None for one that Neon does not tell, the text itself where it is no value."""
    if text == UNKNOWN:
        return None
    if text == UNLIMITED and path in QUOTA:
        return 0
    try:
        return parse_bytes(text) if path.endswith("_bytes") else parse_seconds(text)
    except ValueError:
        return text

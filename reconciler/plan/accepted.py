"""What a tenant's file accepts: whether it covers a reduction, how it is written, and when it is used up.

An acceptance covers one reduction, not later ones. It counts while it is new: while neither the base nor the fork
has it. Once the base has it, it is used up. Exceptions: one with a last day counts until that day, and ``true``
(older files) counts for a change of tier.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec import Struct

from reconciler.desired.tenant import ABSENT, Accepted, Reduction
from reconciler.model.fields.field import Unit
from reconciler.model.fields.table import BY_PATH, unit_of
from reconciler.model.units import UNLIMITED, parse_bytes, parse_seconds
from reconciler.model.values import replace
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

Loss: TypeAlias = Literal["suspension", "full_branches", "history_loss", "deletion"]
"""What a reduction may cost the tenant, by its key in ``accept``."""

LOSSES: Final = Accepted.__struct_fields__
UNKNOWN: Final = "unknown"
"""Stands for a live value that Neon does not return."""
LOGICAL_SIZE: Final = "quota.logical_size_bytes"


class Acceptances(Struct, frozen=True):
    """What the file of one tenant accepts, compared with what the earlier files accepted."""

    tenant: Tenant
    desired: DesiredState
    history: History
    now: datetime | None = None
    """None if the time is not known: then no last day counts."""
    permitted: bool = False
    """Whether ``--allow lowering`` was given: then ``true`` counts also if its age is unknown."""

    def allow(self, loss: Loss, change: FieldChange) -> bool:
        """Return whether the file accepts what the change may cost; ``state: suspended`` accepts a suspension."""
        if loss == "suspension" and self.tenant.suspended:
            return True
        acceptance: Acceptance = getattr(self.tenant.accept, loss)
        if isinstance(acceptance, date):
            return self._is_not_over(acceptance)
        new = self._is_new(loss)
        if isinstance(acceptance, bool):
            return acceptance and (self.permitted if new is None else new or self._is_of_a_tier(change))
        return new is not False and any(self._names(step, change) for step in acceptance)

    def is_spent(self, loss: str) -> bool:
        """Return whether the file accepts it without effect. Unknown if the base was guessed."""
        acceptance: Acceptance = getattr(self.tenant.accept, loss)
        if isinstance(acceptance, date):
            return not self._is_not_over(acceptance)
        return acceptance is not False and self._is_new(loss) is False and not self.history.guessed

    def written(self, found: Iterable[tuple[Loss, FieldChange]]) -> str:
        """Return the line for the tenant's file that accepts these losses."""
        steps: dict[Loss, dict[Reduction, None]] = {}
        values: dict[Loss, dict[Reduction, None]] = {}
        for loss, change in found:
            steps.setdefault(loss, {})[self._step(change)] = None
            values.setdefault(loss, {})[_of_values(change)] = None
        members = (f"{loss}: {self._worded(loss, named, values[loss])}" for loss, named in steps.items())
        return f"accept: {{{', '.join(members)}}}"

    def _worded(self, loss: Loss, *choices: Iterable[Reduction]) -> str:
        """Return the first new way to write it: what the base already has is used up."""
        for choice in choices:
            steps = tuple(choice)
            if self._is_new(loss, steps) is not False:
                return str(steps[0]) if len(steps) == 1 else f"[{', '.join(map(str, steps))}]"
        return "YYYY-MM-DD" if self.now is None else f"{self.now.date()}"

    def _is_new(self, loss: str, acceptance: Acceptance | None = None) -> bool | None:
        """Return whether the earlier files did not accept it; None if unknown."""
        before = self.history.accepted(self.tenant.name)
        now = getattr(self.tenant.accept, loss) if acceptance is None else acceptance
        return None if before is None else all(getattr(accepted, loss) != now for accepted in before)

    def _step(self, change: FieldChange) -> Reduction:
        """Return how a file names the reduction: by tiers if the tier changes."""
        was = self.history.tier(self.tenant.name)
        if change.after == ABSENT or was in (None, self.tenant.tier):
            return _of_values(change)
        return Reduction(was, self.tenant.tier)

    def _is_not_over(self, day: date) -> bool:
        return self.now is not None and self.now.date() <= day

    def _is_of_a_tier(self, change: FieldChange) -> bool:
        """Return whether a commit asks for it by changing the tier."""
        was = self.history.tier(self.tenant.name)
        return change.origin is Origin.CONFIG and was not in (None, self.tenant.tier)

    def _names(self, step: Reduction, change: FieldChange) -> bool:
        if change.after == ABSENT:
            return step == _of_values(change) and not self._accepted_before(step)
        if (change.before, change.after) == (_read(change.path, step.before), _read(change.path, step.after)):
            return True
        was = self.history.tier(self.tenant.name)
        return step.after == self.tenant.tier and (was == step.before or self._was_granted(step.before, change))

    def _accepted_before(self, step: Reduction) -> bool:
        """Return whether an earlier file accepts the same deletion: that one is done, this is of a namesake."""
        before = (accepted.deletion for accepted in self.history.accepted(self.tenant.name) or ())
        return any(step in accepted for accepted in before if isinstance(accepted, tuple))

    def _was_granted(self, tier: str, change: FieldChange) -> bool:
        """Return whether the live value is what the tenant would have in that tier."""
        if tier not in self.desired.tiers or change.before is None:
            return False
        there = declared_fields.fields(self.desired, replace(self.tenant, tier=tier))
        return there.get(change.path) == change.before


def notes(desired: DesiredState, history: History, tenants: Iterable[Tenant], now: datetime) -> Iterator[Note]:
    """Yield a note for each acceptance without effect, so that no file keeps it for a later reduction."""
    for tenant in tenants:
        if tenant.accept == Accepted() or tenant.absent:
            continue
        accepts = Acceptances(tenant, desired, history, now)
        spent = [loss for loss in LOSSES if accepts.is_spent(loss)]
        accepted_by_true = [loss for loss in spent if getattr(tenant.accept, loss) is True]
        if accepted_by_true and history.tier(tenant.name) == tenant.tier:
            words = "accept names no reduction and would also cover the next change of tier: remove it"
            yield Note.about(tenant, f"{words} ({', '.join(accepted_by_true)})")
        if spent := [loss for loss in spent if loss not in accepted_by_true]:
            yield Note.about(tenant, f"accept has been used, remove it: {', '.join(spent)}")


def accepts_more(tenant: Tenant, history: History) -> bool:
    """Return whether the file accepts something that the known earlier files did not accept."""
    before = history.accepted(tenant.name) or ()
    accepted = [(loss, now) for loss in LOSSES if (now := getattr(tenant.accept, loss)) is not False]
    return any(all(getattr(earlier, loss) != now for earlier in before) for loss, now in accepted) and bool(before)


def _of_values(change: FieldChange) -> Reduction:
    if change.after == ABSENT:
        return Reduction(change.path, ABSENT)
    return Reduction(_as_written(change.path, change.before), _as_written(change.path, change.after))


def _as_written(path: str, value: Value) -> str:
    return BY_PATH[path].worded(value) if isinstance(value, int | float) else UNKNOWN


def _read(path: str, text: str) -> Value:
    """Return the written value; None for an unknown one, the text itself if it is no value."""
    if text == UNKNOWN:
        return None
    if text == UNLIMITED and path in QUOTA:
        return 0
    try:
        return parse_bytes(text) if unit_of(path) is Unit.BYTES else parse_seconds(text)
    except ValueError:
        return text

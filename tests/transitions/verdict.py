"""What has to be true of each tenant after a run: what is wrong, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule
from tests.transitions.account import NEIGHBOUR
from tests.transitions.fields import Kept
from tests.transitions.table import fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.plan.plan import Plan
    from tests.transitions.account import Round
    from tests.transitions.answers import Answers
    from tests.transitions.fields import Field
    from tests.transitions.lanes import Files, Stated


@dataclass(frozen=True, slots=True)
class Verdict:
    """Judges one tenant in one round; ``before`` is what the API told of it before, if there was a project."""

    tenant: str
    files: Files
    round: Round
    before: Answers | None

    def findings(self) -> Iterator[str]:
        """Everything that is wrong."""
        yield from self._second_plan()
        if self.files.bad:
            yield from self._of_bad()
        else:
            yield from self._of_good()

    def _second_plan(self) -> Iterator[str]:
        second, plan = self.round.second, self.round.plan
        if left := [action for each in second.tenants if each.tenant == self.tenant for action in each.actions]:
            planned = [(action.kind, [(c.path, c.before, c.after) for c in action.changes]) for action in left]
            yield f"perpetual difference: {planned}"
        was, now = held_back(plan, self.tenant), held_back(second, self.tenant)
        if was != now:
            yield f"refused at first {was}, then {now}"

    def _of_bad(self) -> Iterator[str]:
        """The file of a tenant with a bad value is refused, and nothing is done to the tenant."""
        if self.tenant not in self.round.desired.held_back:
            yield f"taken for good: {bad(self.files)}"
            return
        after = self.round.answers.get(self.tenant)
        told, was = _told(after), _told(self.before)
        if told != was:
            yield f"a file that is refused changed {differing(was, told)}"

    def _of_good(self) -> Iterator[str]:
        if self.tenant in self.round.desired.held_back:
            if not any(field.doubtful for field in self.files.stated):
                yield f"taken for bad: {self.round.problems.get(self.tenant)}"
            return
        results = [outcome for outcome in self.round.report.outcomes if outcome.tenant == self.tenant]
        if any(outcome.result is not Result.APPLIED for outcome in results):
            yield f"not applied: {[(o.result, o.message) for each in results for o in each.actions]}"
        fixed = set(self._fixed())
        refused = held_back(self.round.plan, self.tenant)
        if refused and (doubtful := {field for field in self.files.stated if field.doubtful}):
            fixed |= doubtful
        if bool(refused) != bool(fixed):
            yield f"refused: {refused}, to be refused: {[field.name for field in fixed]}"
        after = self.round.answers.get(self.tenant)
        if after is None:
            if not refused:
                yield "there is no project"
            return
        yield from self._read_back(after, fixed)

    def _read_back(self, after: Answers, fixed: set[Field]) -> Iterator[str]:
        """What is stated is told; everything else is told as before."""
        groups = {"compute"} & {field.group for field in self.files.stated if field.doubtful}
        groups |= {field.group for field, stated in self.files.stated.items() if stated.value is not None}
        for field in fields():
            stated, told = self.files.stated.get(field), field.told(after)
            was = None if self.before is None else field.told(self.before)
            if field in fixed:
                if told != was:
                    yield f"{field.name}: refused, and {was!r} became {told!r}"
            elif stated is not None and stated.value is not None:
                if told != stated.value.told and not (fixed and told == was):
                    yield f"{field.name}: {stated.value!r} is stated, {told!r} is told"
            elif stated is not None and field.ends:
                if told != field.absent:
                    yield f"{field.name}: nobody states it any more, and {told!r} is told"
            elif self.before is not None and field.group not in groups and told != was:
                yield f"{field.name}: nobody states it, and {was!r} became {told!r}"

    def _fixed(self) -> Iterator[Field]:
        """The fields that ask for what cannot be any more."""
        if self.before is None:
            return
        for field, stated in self.files.stated.items():
            if (stated.value is not None or field.ends) and self._cannot_become(field, stated, self.before):
                yield field

    @staticmethod
    def _cannot_become(field: Field, stated: Stated, before: Answers) -> bool:
        live = field.told(before)
        wanted = field.absent if stated.value is None else stated.value.told
        if field.kept is Kept.ONE_WAY:
            return live is True and wanted is False
        return field.kept is Kept.AT_CREATION and live != wanted


def bad(files: Files) -> dict[str, Any]:
    """The bad values, by field."""
    return {field.name: one.own.written for field, one in files.stated.items() if one.bad and one.own}


def _told(answers: Answers | None) -> dict[str, Any]:
    return {} if answers is None else {field.name: field.told(answers) for field in fields()}


def differing(was: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The values that are others now."""
    return {name: (was.get(name), value) for name, value in now.items() if was.get(name) != value}


def held_back(plan: Plan, tenant: str) -> list[object]:
    """What is refused of a tenant: each rule with its message and changes, and conflicts.

    That a small quota is used up is told from then on, whatever the files say.
    """
    refusals = [
        (
            refusal.rule.value,
            refusal.message,
            [(c.path, c.before, c.after) for a in refusal.actions if a.tenant == tenant for c in a.changes],
        )
        for refusal in plan.refusals
        if tenant in refusal.tenants and refusal.rule is not Rule.CANNOT_CONNECT
    ]
    return [*refusals, *(conflict.message for conflict in plan.conflicts if conflict.tenant == tenant)]


def of_neighbour(round_: Round) -> Iterator[str]:
    """Whatever others state, the neighbour's change is applied in the same run."""
    results = [outcome.result for outcome in round_.report.outcomes if outcome.tenant == NEIGHBOUR]
    if results != [Result.APPLIED]:
        yield f"{NEIGHBOUR}: {results}"

"""Evaluates policies over a plan: denials and warnings. The order of evaluation has no effect."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.desired.policies import OnViolation, Scope
from reconciler.plan.plan import Note, PolicyWarning
from reconciler.plan.policies import Denial, PolicyFindings
from reconciler.policies.cel import EvaluationError
from reconciler.policies.program import program_of
from reconciler.policies.subject import PlanSubject, PolicyContext, PolicySubject, TenantSubject
from reconciler.policies.variables import known_in, values

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan
    from reconciler.policies.program import PolicyProgram
    from reconciler.policies.variables import Variable

MOST_SECONDS: Final = 20.0
"""Maximum processor time of one policy in a run; after that it denies the rest."""
TOO_SLOW: Final = f"its evaluation takes more than {MOST_SECONDS:g} s of processor time"


class PolicyVerdict(NamedTuple):
    """The result of one evaluation of a policy."""

    effect: OnViolation
    message: str


@dataclass
class _Judged:
    """One policy, and its verdicts so far."""

    program: PolicyProgram
    spent: Callable[[], float]
    """The processor time of this thread, in seconds."""
    seconds: float = 0.0
    known: dict[Hashable, PolicyVerdict | None] = field(default_factory=dict)

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """Those in its expressions."""
        uses = self.program.uses
        return tuple(one for name, one in known_in(self.program.declared.scope).items() if name in uses)

    @property
    def of_live_state(self) -> list[str]:
        """The variables in it that only the live state gives."""
        return [one.name for one in self.variables if one.live]

    def verdict(self, subject: PolicySubject) -> PolicyVerdict | None:
        """Evaluate it, once for equal values."""
        started = self.spent()
        if self.seconds > MOST_SECONDS:
            return PolicyVerdict(OnViolation.DENY, TOO_SLOW)
        given = values(subject, self.variables)
        key = tuple(value if isinstance(value, str | int | float) else repr(value) for value in given.values())
        if key not in self.known:
            self.known[key] = evaluate(self.program, given)
        self.seconds += self.spent() - started
        return self.known[key]


def evaluate(program: PolicyProgram, given: Mapping[str, object]) -> PolicyVerdict | None:
    """Return the verdict of a policy on these values; None if they do not violate it. An error denies."""
    try:
        broken = program.violated(given)
        return None if broken is None else PolicyVerdict(program.declared.effect, program.message_for(given))
    except EvaluationError as error:
        return PolicyVerdict(OnViolation.DENY, str(error))


class Judge:
    """The policies of a fleet, compiled once. Raises PolicyError if one cannot be compiled."""

    def __init__(
        self,
        policies: Iterable[DeclaredPolicy],
        context: PolicyContext,
        *,
        spent: Callable[[], float],
        live: bool = True,
    ) -> None:
        """``spent`` is the processor time of this thread, in seconds. ``live``: the live state is known."""
        ordered = sorted(policies, key=lambda one: one.name)
        judged = [_Judged(program_of(one), spent) for one in ordered]
        self._policies = [one for one in judged if live or not one.of_live_state]
        self._left_out = [one for one in judged if not live and one.of_live_state]
        self._context = context
        self._first: PlanSubject | None = None

    @property
    def left_out(self) -> tuple[Note, ...]:
        """A note for each policy that cannot be evaluated without the live state."""
        return tuple(
            Note(
                None,
                f"policy {one.program.declared.name} is not evaluated: only the live state gives "
                f"{', '.join(one.of_live_state)}",
                one.program.declared.location,
            )
            for one in self._left_out
        )

    def of_plan(self, plan: Plan) -> PolicyFindings:
        """Judge a plan without what the guards refuse."""
        self._first = PlanSubject(plan, self._context)
        return self._found(self._policies, self._first, plan)

    def of_turn(self, plan: Plan) -> PolicyFindings:
        """Judge a late turn by the policies for less than a plan. ``plan`` is known as it was judged first."""
        narrower = [one for one in self._policies if one.program.declared.scope is not Scope.PLAN]
        return self._found(narrower, self._first or PlanSubject(plan, self._context), plan)

    def _found(self, judged: Iterable[_Judged], of: PlanSubject, plan: Plan) -> PolicyFindings:
        found = _Findings()
        tenants = [TenantSubject(of, planned) for planned in plan.tenants]
        for one in judged:
            declared = one.program.declared
            concerned = [tenant for tenant in tenants if _concerns(declared, tenant)]
            if declared.scope is Scope.PLAN:
                found.add_plan(
                    declared, one.verdict(PolicySubject(of)) if concerned or not tenants else None, concerned
                )
                continue
            for subject in _subjects(declared.scope, of, concerned):
                found.add(declared, one.verdict(subject), subject)
        return found.complete()


def _concerns(declared: DeclaredPolicy, tenant: TenantSubject) -> bool:
    """Whether the policy selects the tenant as it is declared, or as the base declares it."""
    known = (tenant.declared, tenant.before)
    return declared.concerns_everyone or any(one is not None and declared.concerns(one) for one in known)


def _subjects(scope: Scope, of: PlanSubject, tenants: Iterable[TenantSubject]) -> Iterator[PolicySubject]:
    for tenant in tenants:
        if scope is Scope.TENANT:
            yield PolicySubject(of, tenant)
            continue
        for action in tenant.planned.actions:
            if scope is Scope.ACTION:
                yield PolicySubject(of, tenant, action)
            else:
                yield from (PolicySubject(of, tenant, action, change) for change in action.changes)


@dataclass(slots=True)
class _Findings:
    tenants: dict[str, list[Denial]] = field(default_factory=lambda: defaultdict(list))
    actions: dict[Action, list[Denial]] = field(default_factory=lambda: defaultdict(list))
    warnings: dict[tuple[DeclaredPolicy, str], dict[str, None]] = field(default_factory=dict)

    def add_plan(
        self, declared: DeclaredPolicy, verdict: PolicyVerdict | None, concerned: Iterable[TenantSubject]
    ) -> None:
        """Add what a policy says about a whole plan: it denies the actions of the tenants that it selects."""
        if verdict is None:
            return
        if verdict.effect is OnViolation.WARN:
            self.warnings.setdefault((declared, verdict.message), {})
            return
        denial = Denial(declared.name, verdict.message, declared.location)
        for tenant in concerned:
            self.tenants[tenant.planned.tenant].append(denial)

    def add(self, declared: DeclaredPolicy, verdict: PolicyVerdict | None, subject: PolicySubject) -> None:
        """Add what a policy says about a tenant, an action or a change: it denies the whole call of a change."""
        if verdict is None or subject.tenant is None:
            return
        name = subject.tenant.planned.tenant
        if verdict.effect is OnViolation.WARN:
            self.warnings.setdefault((declared, verdict.message), {})[name] = None
            return
        denials = self.tenants[name] if subject.action is None else self.actions[subject.action]
        denial = Denial(declared.name, verdict.message, declared.location)
        if denial not in denials:
            denials.append(denial)

    def complete(self) -> PolicyFindings:
        """Return everything that was added."""
        return PolicyFindings(
            {name: tuple(denials) for name, denials in self.tenants.items()},
            {action: tuple(denials) for action, denials in self.actions.items()},
            tuple(
                PolicyWarning(declared.name, message, tuple(tenants), declared.location)
                for (declared, message), tenants in self.warnings.items()
            ),
        )

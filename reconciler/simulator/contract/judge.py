"""Holds exchanges against the official description, both sides of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.simulator.contract.strict import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.simulator.contract.description import Description
    from reconciler.simulator.contract.exchange import Answered, Asked
    from reconciler.simulator.contract.operation import Operation

MOST_KEPT: Final = 10_000
"""Exchanges that a judge remembers, so that one that sits for days does not take ever more memory."""


@dataclass(frozen=True, slots=True)
class JudgedExchange:
    """A request that passed, with the status of its answer; None if the answer was lost."""

    method: str
    path: str
    operation: str | None
    status: int | None

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.operation or 'no operation'}) -> {self.status or 'no answer'}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A finding, and the exchange it is about."""

    exchange: JudgedExchange
    finding: Finding

    def __str__(self) -> str:
        return f"{self.exchange}: {self.finding}"


class Judge:
    """Collects the exchanges that passed, and what was wrong with them.

    ``refusals_allowed`` is for clients that ask for the forbidden on purpose: a bad request is then a
    violation only if it is accepted.
    """

    def __init__(
        self,
        description: Description,
        *,
        refusals_allowed: bool = False,
        on_violation: Callable[[Violation], None] = lambda _: None,
    ) -> None:
        self._description = description
        self._refusals_allowed = refusals_allowed
        self._on_violation = on_violation
        self.exchanges: deque[JudgedExchange] = deque(maxlen=MOST_KEPT)
        """The latest ones."""
        self.judged = 0
        """How many there were in all."""
        self.operations: set[str] = set()
        """The ids of the operations that were used so far."""
        self.violations: list[Violation] = []

    def rule(self, asked: Asked, answered: Answered | None) -> list[Violation]:
        """Judge one exchange; ``answered`` is None if the connection broke. Gives what is wrong with it."""
        route = self._description.find(asked.method, asked.path)
        status = None if answered is None else answered.status
        exchange = JudgedExchange(asked.method, asked.path, route and route[0].name, status)
        findings = [*self._about_request(asked, route, status), *_about_answer(route and route[0], answered)]
        violations = [Violation(exchange, finding) for finding in findings]
        self.exchanges.append(exchange)
        self.judged += 1
        if route is not None:
            self.operations.add(route[0].name)
        self.violations += violations
        for violation in violations:
            self._on_violation(violation)
        return violations

    def _about_request(
        self, asked: Asked, route: tuple[Operation, Mapping[str, str]] | None, status: int | None
    ) -> list[Finding]:
        if self._refusals_allowed and (status is None or status >= 400):
            return []
        if route is None:
            return [Finding("request", "no operation has this method and path")]
        operation, values = route
        return [
            *operation.path_findings(values),
            *operation.query_findings(asked.query),
            *operation.body_findings(asked.media_type, asked.content),
        ]


def _about_answer(operation: Operation | None, answered: Answered | None) -> list[Finding]:
    """What is wrong with an answer; unknown routes have no rules."""
    if operation is None or answered is None or answered.scripted:
        return []
    return list(operation.answer_findings(answered.status, answered.media_type, answered.content))

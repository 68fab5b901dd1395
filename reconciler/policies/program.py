"""Compiled policies: the expressions of a declared policy, ready to be evaluated."""

from __future__ import annotations

import re
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from reconciler.errors import PolicyError
from reconciler.model.moments import rfc3339
from reconciler.policies.cel import CelProgram, EvaluationError, InvalidExpressionError, compiled
from reconciler.policies.variables import known_in, types_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.desired.policies import DeclaredPolicy, Expression

MAX_SHOWN: Final = 200
"""Characters of a value in a message."""
MAX_MESSAGE: Final = 1000
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_COMPARISON: Final = "`reconciler schema policy-variables` lists all variables"


class Flaw(NamedTuple):
    """What is wrong with one expression of a policy."""

    expression: Expression
    message: str
    hint: str | None


class NamedProgram(NamedTuple):
    """A program, and the text that it was compiled from."""

    text: str
    program: CelProgram


class PolicyProgram(Struct, frozen=True):
    """A policy that can be evaluated."""

    declared: DeclaredPolicy
    when: tuple[NamedProgram, ...]
    require: tuple[NamedProgram, ...]
    message: tuple[str | NamedProgram, ...]
    """Texts and expressions, one after the other."""

    @property
    def uses(self) -> frozenset[str]:
        """The variables in all of its expressions."""
        parts = (part for part in self.message if isinstance(part, NamedProgram))
        return frozenset(name for each in (*self.when, *self.require, *parts) for name in each.program.uses)

    def violated(self, values: Mapping[str, object]) -> str | None:
        """Return the first requirement that is not met, or None. Raises EvaluationError."""
        if not all(_truth(condition, values) for condition in self.when):
            return None
        return next((one.text for one in self.require if not _truth(one, values)), None)

    def message_for(self, values: Mapping[str, object]) -> str:
        """Return the message for these values. Raises EvaluationError."""
        parts = (one if isinstance(one, str) else _shown(_value(one, values)) for one in self.message)
        return "".join(parts)[:MAX_MESSAGE]


def program_of(declared: DeclaredPolicy) -> PolicyProgram:
    """Compile a policy. Raises PolicyError: its file was not checked, or the library is another one."""
    for flaw in flaws(declared):
        raise PolicyError(f"{flaw.expression.location}: policy {declared.name}: {flaw.message}", hint=flaw.hint)
    types = types_in(declared.scope)

    def programs(expressions: tuple[Expression, ...]) -> tuple[NamedProgram, ...]:
        return tuple(NamedProgram(one.text, compiled(one.text, types, boolean=True)) for one in expressions)

    message = tuple(
        part if number % 2 == 0 else NamedProgram(part, compiled(part, types, boolean=False))
        for number, part in enumerate(_BRACES.split(declared.message.text))
    )
    return PolicyProgram(declared, programs(declared.when), programs(declared.require), message)


def flaws(declared: DeclaredPolicy) -> Iterator[Flaw]:
    """Yield what is wrong with the expressions of a policy. Raises PolicyError without the library."""
    for expression in (*declared.when, *declared.require):
        yield from _flaws(declared, expression, expression.text, boolean=True)
    for part in _BRACES.findall(declared.message.text):
        yield from _flaws(declared, declared.message, part, boolean=False)


def _flaws(declared: DeclaredPolicy, expression: Expression, text: str, *, boolean: bool) -> Iterator[Flaw]:
    try:
        compiled(text, types_in(declared.scope), boolean=boolean)
    except InvalidExpressionError as error:
        hint = error.hint
        if error.undeclared is not None:
            hint = _meant(error.undeclared, declared)
        yield Flaw(expression, str(error), hint)


def _meant(name: str, declared: DeclaredPolicy) -> str:
    """Return the hint for an unknown name."""
    known = known_in(declared.scope)
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return (
        f"did you mean {near[0]!r}?"
        if near
        else f"scope {declared.scope.value} has other variables: {_COMPARISON}"
    )


def _truth(one: NamedProgram, values: Mapping[str, object]) -> bool:
    return _value(one, values) is True


def _value(one: NamedProgram, values: Mapping[str, object]) -> object:
    try:
        return one.program.value(values)
    except EvaluationError as error:
        raise EvaluationError(f"cannot evaluate `{one.text}`: {error}") from error


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        text = {None: "nothing", True: "true", False: "false"}[value]
    elif isinstance(value, float):
        text = f"{value:.15g}"
    elif isinstance(value, datetime):
        text = rfc3339(value)
    elif isinstance(value, list):
        text = ", ".join(map(str, value))
    else:
        text = str(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."

"""The examples of policies: values for their variables, and whether they violate the policy."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.desired.policies import ExpectedResult
from reconciler.model.problem import Problem
from reconciler.policies.cel import EvaluationError
from reconciler.policies.program import program_of
from reconciler.policies.variables import known_in, types_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.desired.policies import DeclaredPolicy, PolicyExample
    from reconciler.policies.program import PolicyProgram


class ExampleResult(NamedTuple):
    """The result of one example."""

    policy: DeclaredPolicy
    example: PolicyExample
    passed: bool
    message: str
    """The message of the policy about the values; empty if they do not violate it."""


def try_examples(policies: Iterable[DeclaredPolicy]) -> Iterator[ExampleResult]:
    """Try the examples of policies. Raises PolicyError if one cannot be compiled."""
    for declared in policies:
        program = program_of(declared)
        yield from (_tried(program, example) for example in declared.examples)


def _tried(program: PolicyProgram, example: PolicyExample) -> ExampleResult:
    given = _values(program.declared, example)
    try:
        violated = program.violated(given) is not None
        message = program.message_for(given) if violated else ""
    except EvaluationError as error:
        return ExampleResult(program.declared, example, passed=False, message=str(error))
    passed = violated is (example.expected is ExpectedResult.VIOLATE)
    return ExampleResult(program.declared, example, passed, message)


def unfit(declared: DeclaredPolicy) -> Iterator[Problem]:
    """Yield values of examples that no variable of the policy can have."""
    types = types_in(declared.scope)
    for example in declared.examples:
        for name, value in _given(example).items():
            if name not in types:
                hint = f"scope {declared.scope.value} has {', '.join(types)}"
                yield Problem(example.location, f"there is no variable {name!r}", hint)
            elif not _FITS[types[name]](value):
                yield Problem(example.location, f"{name} is of type {types[name]}, which the value does not fit")


def _given(example: PolicyExample) -> Mapping[str, object]:
    given = example.given.value
    return given if isinstance(given, dict) else {}


def _values(declared: DeclaredPolicy, example: PolicyExample) -> dict[str, object]:
    types = known_in(declared.scope)
    return {name: _typed(types[name].type, value) for name, value in _given(example).items()}


def _typed(kind: str, value: object) -> object:
    if kind == "double" and isinstance(value, int):
        return float(value)
    if kind == "timestamp":
        return datetime.fromisoformat(str(value))
    if kind == "map<string, double>" and isinstance(value, dict):
        return {key: float(member) for key, member in value.items()}
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(value: object) -> bool:
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False


def _map_of(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


_FITS: Final[Mapping[str, Callable[[object], bool]]] = {
    "string": _is_text,
    "int": _is_int,
    "double": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "timestamp": _is_time,
    "dyn": lambda _: True,
    "list<string>": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "map<string, int>": _map_of(_is_int),
    "map<string, double>": _map_of(_is_number),
    "map<string, string>": _map_of(_is_text),
}

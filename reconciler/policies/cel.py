"""CEL: the only code that calls the library. Expressions are checked before they run, and bounded.

The library (cel-expr-python, Google's CEL for C++) type-checks against declared variables, cannot call anything
outside, limits nesting to 32 levels and an evaluation to 10,000 steps of loops, and matches regular expressions in
linear time (RE2). It sets no limit to the size of a value, and RE2 takes long to compile a large expression:
``hindrance`` keeps both small.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.errors import MissingPolicyPackageError
from reconciler.policies import INSTALL

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LENGTH: Final = 2000
"""Maximum number of characters of an expression."""
MAX_LOOPS: Final = 2
_LOOPS: Final = re.compile(r"\b(all|exists|exists_one|map|filter)\b")
_MATCHES: Final = re.compile(r"\bmatches\b")
_ERROR: Final = re.compile(r"ERROR: <input>:\d+:(-?\d+): (.*)")
_NOISE: Final = re.compile(r" \(in container ''\)| \[[A-Z_]+\]$|^[A-Z_]+: ")
_KINDS: Final = re.compile(r"\((?:int, double|double, int)\)")
_UNDECLARED: Final = re.compile(r"undeclared reference to '([^']*)'")


class InvalidExpressionError(ValueError):
    """An expression cannot be compiled. ``undeclared`` is the unknown name in it, if that is why."""

    def __init__(self, message: str, hint: str | None = None, undeclared: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.undeclared = undeclared


class EvaluationError(ValueError):
    """An expression has no value, for example because a key is missing."""


class CelProgram(Struct, frozen=True):
    """A compiled expression."""

    uses: tuple[str, ...]
    """The variables in it."""
    _compiled: Any

    def value(self, values: Mapping[str, object]) -> object:
        """Evaluate. Raises EvaluationError."""
        try:
            found = self._compiled.eval(data={name: values[name] for name in self.uses if name in values})
            kind, value = found.type().name(), found.plain_value()
        except (RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise EvaluationError(_plain(str(error))) from error
        if kind == "ERROR":
            raise EvaluationError(_plain(str(value)))
        return value


def compiled(text: str, variables: Mapping[str, str], *, boolean: bool) -> CelProgram:
    """Compile an expression over variables, given with their types. ``boolean``: it must be true or false.

    Raises InvalidExpressionError, and PolicyError if the library is not installed.
    """
    if because := hindrance(text):
        raise InvalidExpressionError(because, "divide it into several, or make it simpler")
    declared = tuple(variables.items())
    program = _compile(text, declared)
    kind = program.return_type().name()
    if boolean and kind != "BOOL":
        raise InvalidExpressionError(
            f"the value is of type {kind.lower()}", "compare it: the value must be a bool"
        )
    return CelProgram(tuple(name for name in variables if _uses(text, name, declared)), program)


def hindrance(text: str) -> str | None:
    """Return why an expression could take long, or None. Words in string literals count too."""
    if len(text) > MAX_LENGTH:
        return f"the expression has {len(text):,} characters, and may have {MAX_LENGTH:,}"
    loops = len(_LOOPS.findall(text))
    if loops > MAX_LOOPS:
        return f"the expression has {loops} loops (all, exists, exists_one, map, filter), and may have {MAX_LOOPS}"
    matches = len(_MATCHES.findall(text))
    if matches > 1 or (matches and loops):
        return "the expression has two regular expressions (matches), or one and a loop"
    return None


def _uses(text: str, variable: str, declared: tuple[tuple[str, str], ...]) -> bool:
    """Return whether the expression needs the variable: without it, it cannot be compiled."""
    if variable.rpartition(".")[2] not in text:
        return False
    try:
        _compile(text, tuple(one for one in declared if one[0] != variable))
    except InvalidExpressionError:
        return True
    return False


def _compile(text: str, declared: tuple[tuple[str, str], ...]) -> Any:
    try:
        return _environment(declared).compile(text)
    except RuntimeError as error:
        raise _invalid(str(error)) from error
    except (TypeError, UnicodeError) as error:
        raise InvalidExpressionError("contains half of a surrogate pair") from error


@cache
def _environment(declared: tuple[tuple[str, str], ...]) -> Any:
    cel = library()
    return cel.NewEnv(variables={name: cel.Type(signature) for name, signature in declared})


def library() -> Any:
    """Return the library's module; raises PolicyError if it is not installed."""
    try:
        from cel_expr_python import cel  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise MissingPolicyPackageError(f"policies need the package {error.name}", hint=INSTALL) from error
    return cel


def _invalid(error_text: str) -> InvalidExpressionError:
    found = _ERROR.search(error_text)
    if found is None:
        return InvalidExpressionError(_plain(error_text.splitlines()[0] if error_text else "is not an expression"))
    column, message = found.groups()
    message = _plain(message)
    place = f" at character {column}" if int(column) > 0 else ""
    undeclared = _UNDECLARED.search(message)
    hint = "an int and a double differ: write 2.0, double(...) or int(...)" if _KINDS.search(message) else None
    return InvalidExpressionError(f"{message}{place}", hint, undeclared and undeclared[1])


def _plain(message: str) -> str:
    """Return a message of the library on one line, without its codes."""
    return _NOISE.sub("", message.split("\n", 1)[0]).strip()

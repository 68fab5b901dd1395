"""``reconciler policy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.fleet_files import CORRECT_THEM, InvalidFilesError
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files.load import load
from reconciler.model.problem import Problem, Severity, has_error
from reconciler.views.console import say, say_problems
from reconciler.views.view import ProblemsView

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reconciler.cli.flags import OutputFlags
    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.policies.examples import ExampleResult


def test(directory: Path, policies: tuple[str, ...], output: OutputFlags) -> ExitCode:
    """Tries the examples of the named policies, or of all; INVALID if one does not come out as it says."""
    check_outputs(output, ProblemsView)
    chosen = _chosen(_declared(directory), policies)
    if not chosen:
        say("the fleet has no policies")
        return ExitCode.DONE
    from reconciler.policies.examples import try_examples  # noqa: PLC0415 - its library is an extra

    results = list(try_examples(chosen))
    problems = [*_failed(results), *_without_examples(chosen)]
    publish(output, ProblemsView(problems))
    passed = sum(result.passed for result in results)
    say(f"{passed} of {len(results)} examples of {len(chosen)} policies come out as they say")
    return ExitCode.INVALID if has_error(problems) else ExitCode.DONE


def _declared(directory: Path) -> Sequence[DeclaredPolicy]:
    """The policies of the folder. Raises InvalidFilesError if a file cannot be used."""
    loaded = load(directory, only=frozenset())
    if loaded.problems:
        say_problems(loaded.problems)
    if loaded.desired is None:
        raise InvalidFilesError("the files have problems: nothing was tried", hint=CORRECT_THEM)
    return loaded.desired.policies


def _chosen(declared: Sequence[DeclaredPolicy], names: tuple[str, ...]) -> list[DeclaredPolicy]:
    known = [policy.name for policy in declared]
    for name in names:
        if name not in known:
            raise InvalidInputError(f"there is no policy {name!r}", hint=f"one of {', '.join(known)}")
    return [policy for policy in declared if not names or policy.name in names]


def _failed(results: Sequence[ExampleResult]) -> Iterator[Problem]:
    for policy, example, passed, message in results:
        if not passed:
            came = f"says: {message}" if message else "says nothing"
            expected = f"the example {example.name!r} expects {example.expected.value}"
            yield Problem(example.location, f"policy {policy.name} {came}; {expected}")


def _without_examples(policies: Sequence[DeclaredPolicy]) -> Iterator[Problem]:
    for policy in policies:
        if not policy.examples:
            message, hint = (
                f"policy {policy.name} has no examples",
                "add one that violates it, and one that passes",
            )
            yield Problem(policy.location, message, hint, Severity.WARNING)

"""Whether the files may decide where keys are sent: they are compared with the base before any key is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.desired.destinations import differences, host_of, not_to_be_named
from reconciler.errors import InvalidInputError, UntrustedFilesError
from reconciler.model.problem import Problem, Severity
from reconciler.neon.trust import (
    HOST_HINT,
    host_is_allowed,
    host_not_allowed,
    naming_hint,
    variable_not_allowed,
)
from reconciler.views.console import show, stderr_console
from reconciler.views.formats import text_of
from reconciler.views.view import ProblemsView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.fleet_files import FleetFiles
    from reconciler.desired.state import DesiredState
    from reconciler.environment import Environment

OWNER: Final = "--trust-files"
REVIEW: Final = f"the owner of the keys reviews these lines, and permits them with {OWNER}"


def require_trust(
    desired: DesiredState, environ: Environment, files: FleetFiles, ref: str | None, *, trust_files: bool
) -> DesiredState | None:
    """The price list at the base. Files may name the variables that it names. ``ref`` is ``--base``.

    Raises UntrustedFilesError if the files send keys to other destinations than the base does, if the base cannot
    be read, and on a pull request without ``--base``: the author of a pull request controls its files and its
    history. Raises InvalidInputError if the files name a variable that neither the base nor ``RECONCILER_ENV``
    names, even with ``trust_files``.
    """
    if ref is None and environ.of_a_pull_request and not trust_files and files.commit() is not None:
        raise UntrustedFilesError(
            "a run with keys on a pull request needs a trusted base: its author controls the commits",
            hint=f"pass a base, such as --base applied; or {OWNER} if the owner of the keys wrote all commits",
        )
    base = _base(files, ref, trust_files=trust_files)
    if unknown := list(_unknown(desired, environ, base)):
        _show(unknown)
        raise InvalidInputError("the files name variables that are not permitted: no key was read")
    if base is not None and not trust_files and (found := differences(desired, base)):
        _show([Problem(one.location, str(one)) for one in found])
        raise UntrustedFilesError(
            "the files send keys to other destinations than the base does: no key was read", hint=REVIEW
        )
    return base


def doubts(desired: DesiredState, environ: Environment) -> Iterator[Problem]:
    """What a run with keys refuses unless the base has it too. Warnings, because no base is read here."""
    for problem in _unknown(desired, environ, None):
        hint = f"a run with keys refuses this unless the base has it too; {problem.hint}"
        yield replace(problem, hint=hint, severity=Severity.WARNING)
    if not host_is_allowed(desired, environ):
        named = host_of(desired)
        yield Problem(named.location, host_not_allowed(named), HOST_HINT, Severity.WARNING)


def _unknown(desired: DesiredState, environ: Environment, base: DesiredState | None) -> Iterator[Problem]:
    for one in not_to_be_named(desired, base, environ.names_allowed()):
        yield Problem(one.location, variable_not_allowed(one), naming_hint([one]))


def _base(files: FleetFiles, ref: str | None, *, trust_files: bool) -> DesiredState | None:
    try:
        return files.price_list_at(ref)
    except InvalidInputError as error:
        if trust_files:
            return None
        raise UntrustedFilesError(
            f"cannot compare the destinations of keys with the base: {error}",
            hint=f"pass --base with a commit whose files are valid; or {REVIEW}",
        ) from error


def _show(problems: list[Problem]) -> None:
    show(text_of(ProblemsView(problems)), stderr_console())

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
    unnamed,
)
from reconciler.views.console import show, stderr_console
from reconciler.views.formats import text_of
from reconciler.views.view import ProblemsView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.desired import FleetFiles
    from reconciler.desired.state import DesiredState
    from reconciler.environment import Environment

OWNER: Final = "--trust-files"
REVIEW: Final = f"the owner of the keys reviews these lines, and permits them with {OWNER}"


def require_trust(
    desired: DesiredState, environ: Environment, files: FleetFiles, ref: str | None, *, trust_files: bool
) -> DesiredState | None:
    """The price list at the base, whose variables may be named. ``ref`` is ``--base``.

    Raises UntrustedFilesError where the files send keys elsewhere than those at the base, where that cannot be
    known, and on a pull request where no base is named: what a CI service checks out then is somebody else's, its
    history too.
    Raises InvalidInputError where they name a variable that nobody else speaks of, whoever trusts them.
    """
    if ref is None and environ.of_a_pull_request and not trust_files and files.commit() is not None:
        raise UntrustedFilesError(
            "on a pull request a run with keys needs a trusted base: the parent commit may be a stranger's",
            hint=f"name it, as in --base applied; or {OWNER}, where all commits are the key owner's",
        )
    base = _base(files, ref, trust_files=trust_files)
    if unknown := list(_unknown(desired, environ, base)):
        _show(unknown)
        raise InvalidInputError("the files name variables that are not permitted: no key was read")
    if base is not None and not trust_files and (found := differences(desired, base)):
        _show([Problem(one.location, str(one)) for one in found])
        raise UntrustedFilesError("the files send keys elsewhere than at the base: no key was read", hint=REVIEW)
    return base


def doubts(desired: DesiredState, environ: Environment) -> Iterator[Problem]:
    """What a run with keys refuses unless the base has it too. Warnings, because no base is read here."""
    for problem in _unknown(desired, environ, None):
        hint = f"a run with keys refuses it unless the base has it too; {problem.hint}"
        yield replace(problem, hint=hint, severity=Severity.WARNING)
    if not host_is_allowed(desired, environ):
        named = host_of(desired)
        yield Problem(named.location, host_not_allowed(named), HOST_HINT, Severity.WARNING)


def _unknown(desired: DesiredState, environ: Environment, base: DesiredState | None) -> Iterator[Problem]:
    for one in not_to_be_named(desired, base, environ.names_allowed()):
        yield Problem(one.location, unnamed(one), naming_hint([one]))


def _base(files: FleetFiles, ref: str | None, *, trust_files: bool) -> DesiredState | None:
    try:
        return files.price_list_at(ref)
    except InvalidInputError as error:
        if trust_files:
            return None
        raise UntrustedFilesError(
            f"nobody can tell whether the files send keys elsewhere than before: {error}",
            hint=f"--base names a commit whose files were valid; or {REVIEW}",
        ) from error


def _show(problems: list[Problem]) -> None:
    show(text_of(ProblemsView(problems)), stderr_console())

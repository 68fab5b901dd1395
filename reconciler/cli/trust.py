"""Whether files may say where keys go: what they say is held against the base, before any key is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.destinations import differences, host_of, not_to_be_named
from reconciler.desired.problem import Problem, Severity
from reconciler.errors import InvalidInputError, UntrustedFilesError
from reconciler.neon.trust import (
    HOST_HINT,
    check_names,
    host_is_allowed,
    host_not_allowed,
    naming_hint,
    unnamed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.desired import FleetFiles
    from reconciler.desired.state import DesiredState
    from reconciler.environment import Environment

OWNER: Final = "--trust-files"
REVIEW: Final = f"the owner of the keys looks at these lines, and says {OWNER} where they are meant"


def require_trust(
    desired: DesiredState, environ: Environment, files: FleetFiles, ref: str | None, *, trust_files: bool
) -> DesiredState | None:
    """The price list at the base, whose variables may be named. ``ref`` is ``--base``.

    Raises UntrustedFilesError where the files send keys elsewhere than those at the base, where that cannot be
    known, and in CI where no base is named: what a CI service checks out may be a stranger's, its history too.
    """
    if trust_files:
        return _if_usable(files, ref)
    if ref is None and environ.of_a_runner and files.commit() is not None:
        raise UntrustedFilesError(
            "in CI a run with keys needs a trusted base: the commit before this one may be a stranger's",
            hint=f"name it, as in --base applied; or {OWNER}, where all commits are the key owner's",
        )
    base = _base(files, ref)
    check_names(desired, environ, base)
    if base is not None and (found := differences(desired, base)):
        lines = "\n".join(map(str, found))
        raise UntrustedFilesError(f"the files send keys elsewhere than those at the base:\n{lines}", hint=REVIEW)
    return base


def doubts(desired: DesiredState, environ: Environment) -> Iterator[Problem]:
    """What a run with keys would refuse unless the base says it too: warnings, because no base is looked at."""
    for one in not_to_be_named(desired, None, environ.names_allowed()):
        hint = f"it may where the base names it too; {naming_hint([one])}"
        message = unnamed(one).removeprefix(f"{one.place}: ")
        yield Problem(one.location, message, hint, Severity.WARNING)
    if not host_is_allowed(desired, environ):
        named = host_of(desired)
        message = host_not_allowed(named).removeprefix(f"{named.place}: ")
        yield Problem(named.location, message, HOST_HINT, Severity.WARNING)


def _base(files: FleetFiles, ref: str | None) -> DesiredState | None:
    try:
        return files.price_list_at(ref)
    except InvalidInputError as error:
        raise UntrustedFilesError(
            f"nobody can tell whether the files send keys elsewhere than before: {error}",
            hint=f"--base names a commit whose files were valid; or {REVIEW}",
        ) from error


def _if_usable(files: FleetFiles, ref: str | None) -> DesiredState | None:
    try:
        return files.price_list_at(ref)
    except InvalidInputError:
        return None

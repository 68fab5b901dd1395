"""What the files may decide: where keys are sent is compared with the base, and policies are those of the base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from reconciler.cli.runtime import runtime
from reconciler.desired.destinations import differences, host_of, unpermitted_variables
from reconciler.errors import InvalidInputError, UntrustedFilesError
from reconciler.model.problem import Problem, Severity
from reconciler.model.values import replace
from reconciler.neon.trust import (
    HOST_HINT,
    host_not_allowed,
    naming_hint,
    permitted_host,
    variable_not_allowed,
)
from reconciler.views.console import say_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.desired.state import DesiredState
    from reconciler.environment import Environment
    from reconciler.fleet import Request


class FilesAtBase(Protocol):
    """The files of a run, as far as trust needs them."""

    def commit(self) -> str | None:
        """The commit of the files; None outside a git checkout."""

    def price_list_at(self, ref: str | None) -> DesiredState | None:
        """The price list at the base; None if there is no base."""

    def possible_bases(self) -> list[str]:
        """The commits of which one is the base if ``--base`` names none, before the tenants are read."""


OWNER: Final = "--trust-files"
REPAIR: Final = "pass --base with a commit whose policies are valid"
REVIEW: Final = (
    f"the owner of the keys reviews these lines, and permits them with {OWNER}, until a "
    "commit that has them is the base (--base)"
)


def require_trust(
    desired: DesiredState,
    environ: Environment,
    files: FilesAtBase,
    ref: str | None,
    *,
    trust_files: bool,
    tell: Callable[[Sequence[Problem]], None] = say_problems,
) -> DesiredState | None:
    """The price list at the base. Files may name the variables that it names. ``ref`` is ``--base``.

    Raises UntrustedFilesError if the files send keys to other destinations than the base does, if the base cannot
    be read, and on a pull request without ``--base``: the author of a pull request controls its files and its
    history. Raises InvalidInputError if the files name a variable that neither the base nor ``RECONCILER_ENV``
    names, even with ``trust_files``.
    """
    _require_named_base(environ, files, ref, trust_files=trust_files)
    base = _base(files, ref, trust_files=trust_files)
    if unknown := list(_unknown(desired, environ, base)):
        tell(unknown)
        raise InvalidInputError("the files name variables that are not permitted: no key was read")
    if base is not None and not trust_files and (found := differences(desired, base)):
        tell([Problem(one.location, str(one)) for one in found])
        raise UntrustedFilesError(
            "the files send keys to other destinations than the base does: no key was read", hint=REVIEW
        )
    return base


def require_trust_ahead(
    prices: DesiredState, environ: Environment, files: FilesAtBase, ref: str | None, *, trust_files: bool
) -> DesiredState | None:
    """A price list at the base, before the tenants are read. Prints nothing; raises what ``require_trust`` raises.

    Which commit the base is then follows from the tenants too: every one that it may be has to permit the files.
    """
    _require_named_base(environ, files, ref, trust_files=trust_files)
    base = None
    for possible in files.possible_bases() if ref is None else [ref]:
        base = require_trust(
            prices, environ, files, possible, trust_files=trust_files, tell=lambda _problems: None
        )
    return base


def _require_named_base(environ: Environment, files: FilesAtBase, ref: str | None, *, trust_files: bool) -> None:
    if ref is None and environ.of_a_pull_request and not trust_files and files.commit() is not None:
        raise UntrustedFilesError(
            "a run with keys on a pull request needs a trusted base: its author controls the commits",
            hint=f"pass a base, such as --base applied; or {OWNER} if the owner of the keys wrote all commits",
        )


def with_policies(request: Request, files: FilesAtBase, desired: DesiredState, base: str | None) -> Request:
    """Return the request with what policies know of the run. ``base`` is ``--base``.

    On a pull request, the policies are those of the base: its author could change those of the files. Raises
    UntrustedFilesError if they cannot be read there, and InvalidInputError for approvals that are no names.
    """
    environ = runtime().environ
    policies = _policies_of_base(files, desired, base) if environ.of_a_pull_request else None
    return replace(request, policies=policies, approvals=environ.approvals(), commit=files.commit())


def _policies_of_base(
    files: FilesAtBase, desired: DesiredState, ref: str | None
) -> tuple[DeclaredPolicy, ...] | None:
    if files.commit() is None:
        return None
    try:
        base = files.price_list_at(ref)
    except InvalidInputError as error:
        if ref is None and not desired.policies:  # its author controls the commits all the same
            return None
        raise UntrustedFilesError(f"cannot read the policies at the base: {error}", hint=REPAIR) from error
    if base is None:
        if desired.policies:
            raise UntrustedFilesError("on a pull request, policies are those of a base", hint="pass --base")
        return None
    if base.unread_policies:
        raise UntrustedFilesError(f"cannot use the policies at the base: {base.unread_policies[0]}", hint=REPAIR)
    return base.policies


def unpermitted_values(desired: DesiredState, environ: Environment) -> Iterator[Problem]:
    """What a run with keys refuses unless the base has it too. Warnings, because no base is read here."""
    for problem in _unknown(desired, environ, None):
        hint = f"a run with keys refuses this unless the base has it too; {problem.hint}"
        yield replace(problem, hint=hint, severity=Severity.WARNING)
    if permitted_host(desired, environ) is None:
        named = host_of(desired)
        yield Problem(named.location, host_not_allowed(named), HOST_HINT, Severity.WARNING)


def _unknown(desired: DesiredState, environ: Environment, base: DesiredState | None) -> Iterator[Problem]:
    for one in unpermitted_variables(desired, base, environ.names_allowed()):
        yield Problem(one.location, variable_not_allowed(one), naming_hint([one]))


def _base(files: FilesAtBase, ref: str | None, *, trust_files: bool) -> DesiredState | None:
    try:
        return files.price_list_at(ref)
    except InvalidInputError as error:
        if trust_files:
            return None
        raise UntrustedFilesError(
            f"cannot compare the destinations of keys with the base: {error}",
            hint=f"pass --base with a commit whose files are valid; or {REVIEW}",
        ) from error

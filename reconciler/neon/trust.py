"""Where tiers.yaml may send keys, and which names and hosts need a permission from outside the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.address import NEON, canonical, canonical_host, is_same_address
from reconciler.desired.destinations import host_of, unpermitted_variables
from reconciler.environment import HOST, HOSTS_ALLOWED, NAMES_ALLOWED
from reconciler.errors import InvalidInputError, UntrustedFilesError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.destinations import KeyDestination
    from reconciler.desired.state import DesiredState
    from reconciler.environment import Environment

LOOKS: Final = f"use the form {NEON}"


def check_names(desired: DesiredState, environ: Environment, base: DesiredState | None) -> None:
    """Raises InvalidInputError with every variable that the files may not name. Reads none of them."""
    if found := list(unpermitted_variables(desired, base, environ.names_allowed())):
        sentence = "; ".join(f"{one.place}: {variable_not_allowed(one)}" for one in found)
        raise InvalidInputError(sentence, hint=naming_hint(found))


def variable_not_allowed(reference: KeyDestination) -> str:
    """The message about a variable that files may not name."""
    return f"{reference.path}: {reference.value} is not permitted as {_use(reference)}"


def naming_hint(found: list[KeyDestination]) -> str:
    """The hint about how to permit the variables."""
    names = dict.fromkeys(str(one.value)[2:-1] for one in found)
    return f"to permit it: export {NAMES_ALLOWED}={','.join(names)}"


def chosen_host(desired: DesiredState, environ: Environment, flag: str | None) -> str:
    """The host of all calls: ``flag``, otherwise the environment's, otherwise that of the files if permitted.

    The result is a text from outside the files, so the text in the files never decides where keys are sent.
    Raises InvalidInputError for an invalid address, UntrustedFilesError for one that only the files name.
    """
    if flag is not None:
        return _address(flag, "--api-host")
    if (outside := environ.find(HOST)) is not None:
        return _address(outside.reveal(), f"${HOST}")
    if (host := permitted_host(desired, environ)) is not None:
        return host
    named = host_of(desired)
    raise UntrustedFilesError(f"{named.place}: {host_not_allowed(named)}", hint=HOST_HINT)


def permitted_host(desired: DesiredState, environ: Environment) -> str | None:
    """The host in the files, as a text from outside them; None if it may not receive keys."""
    named = str(host_of(desired).value)
    return next((known for known in (NEON, *_hosts_allowed(environ)) if is_same_address(named, known)), None)


def host_not_allowed(named: KeyDestination) -> str:
    """The message about a host that only the files name."""
    return f"{named.path}: {str(named.value)!r} is not Neon's API, and only the files name it"


HOST_HINT: Final = f"to send the keys there, add the host to {HOSTS_ALLOWED}, or pass --api-host"
"""The hint about how to permit the host. It does not repeat the address, which may come from an attacker."""


def _address(text: str, source: str) -> str:
    try:
        return canonical(text)
    except ValueError as error:
        raise InvalidInputError(
            f"the value of {source} is not the address of an API: {error}", hint=LOOKS
        ) from None


def _hosts_allowed(environ: Environment) -> Iterator[str]:
    for word in environ.words(HOSTS_ALLOWED):
        try:
            yield canonical_host(word.reveal())
        except ValueError as error:
            message = f"${HOSTS_ALLOWED} contains a word that is not the address of an API: {error}"
            raise InvalidInputError(message, hint=LOOKS) from None


def _use(reference: KeyDestination) -> str:
    return f"{'an' if reference.use.value[0] in 'aeioAEIO' else 'a'} {reference.use.value}"

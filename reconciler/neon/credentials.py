"""The key and id of each organization: the variables that ``tiers.yaml`` names, read from the environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.tier import EnvReference
from reconciler.errors import InvalidInputError, MalformedKeyError, MissingKeyError, WrongOrganizationError
from reconciler.model.api_limits import ID_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Organization
    from reconciler.environment import Environment
    from reconciler.secret import Secret

_KEY = re.compile(r"[!#-&(-~]+")
"""The characters that a request header may contain, without quotes: those of an env file that nothing removed."""
_ORGANIZATION_ID = re.compile(ID_PATTERN)
"""A key may match it too."""
_NO_KEY = re.compile(r"org-[a-z0-9-]{1,56}")
"""An organization id that cannot be a key: every id of Neon's begins with ``org-``. Ids appear in output and in
addresses, so a value from the environment must match. An id in the files may be any ``_ORGANIZATION_ID``."""
_LOOKS: Final = "ids look like org-quiet-lake-12345678"


class Key(Struct, frozen=True):
    """An API key and its environment variable. Messages name only the variable."""

    variable: str
    secret: Secret


class OrganizationAccess(Struct, frozen=True):
    """The id and key of one organization; ``name`` is its name in ``tiers.yaml``."""

    name: str
    id: str
    key: Key


class Access(Struct, frozen=True):
    """The ids and keys of the organizations of a fleet."""

    organizations: Mapping[str, OrganizationAccess]
    personal: Key | None = None
    personal_variable: str | None = None
    """The variable that ``personal_api_key`` names, set or not. None if the files do not name one."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every key. No message may show any of them."""
        personal = () if self.personal is None else (self.personal.secret,)
        return (*(each.key.secret for each in self.organizations.values()), *personal)

    def personal_key(self) -> Key:
        """The key for transfers (Neon: an organization key may not transfer). Raises MissingKeyError."""
        if self.personal is not None:
            return self.personal
        if self.personal_variable is None:
            message = "transferring projects between organizations needs a personal API key"
            raise MissingKeyError(
                f"{message}, but tiers.yaml does not name one",
                hint="add `personal_api_key: ${PERSONAL_API_KEY}` to tiers.yaml",
            )
        message = f"${self.personal_variable} is not set: transferring projects needs a personal API key"
        raise MissingKeyError(
            message, hint=f"export {self.personal_variable}=... (personal_api_key in tiers.yaml)"
        )


def read_access(desired: DesiredState, environ: Environment) -> Access:
    """Reads every variable that the files name.

    Raises MissingKeyError with all variables that are not set or empty, WrongOrganizationError if two
    organizations have the same id, and MalformedKeyError for an invalid value; its message names the variable, not
    the value. InvalidInputError is about an id in the files. The personal key may be missing: only a transfer
    needs it.
    """
    organizations = desired.organizations.values()
    _require(organizations, environ)
    accesses = {organization.name: organization_access(organization, environ) for organization in organizations}
    _require_ids_of_their_own(accesses.values())
    reference = desired.personal_api_key
    return Access(
        organizations=accesses,
        personal=personal_key(desired, environ),
        personal_variable=reference.name if reference else None,
    )


def personal_key(desired: DesiredState, environ: Environment) -> Key | None:
    """The key of a person; None if it is not set, or the files name none. Raises MalformedKeyError."""
    reference = desired.personal_api_key
    found = environ.find(reference.name) if reference else None
    return _key(reference, found) if reference and found else None


def unset_variables(organization: Organization, environ: Environment) -> dict[str, str]:
    """What each variable of an organization that is not set, or empty, would contain: by its name."""
    references = _references(organization)
    return {one.name: what for what, one in references if environ.find(one.name) is None}


def _require(organizations: Iterable[Organization], environ: Environment) -> None:
    missing = {
        name: f"${name} ({what} of organization {organization.name}, {organization.location})"
        for organization in organizations
        for name, what in unset_variables(organization, environ).items()
    }
    if missing:
        message = f"not set in the environment: {', '.join(missing.values())}"
        raise MissingKeyError(message, hint=" ".join(["export", *(f"{name}=..." for name in missing)]))


def _require_ids_of_their_own(accesses: Iterable[OrganizationAccess]) -> None:
    first: dict[str, str] = {}
    for access in accesses:
        if (other := first.setdefault(access.id, access.name)) != access.name:
            raise WrongOrganizationError(
                f"organizations {other} and {access.name} have the same id: are ids or keys swapped?",
                hint="compare the ids in the environment with `organizations` in tiers.yaml",
            )


def _references(organization: Organization) -> Iterator[tuple[str, EnvReference]]:
    if isinstance(organization.id, EnvReference):
        yield "id", organization.id
    yield "API key", organization.api_key


def organization_access(organization: Organization, environ: Environment) -> OrganizationAccess:
    """The id and key of one organization. Raises the errors of ``read_access``."""
    key = organization.api_key
    return OrganizationAccess(
        name=organization.name, id=_id(organization, environ), key=_key(key, _found(key, environ))
    )


def _id(organization: Organization, environ: Environment) -> str:
    reference = organization.id
    where = f"organization {organization.name} ({organization.location})"
    if not isinstance(reference, EnvReference):
        if not _ORGANIZATION_ID.fullmatch(reference):
            raise InvalidInputError(f"{reference!r} is not an organization id: {where}", hint=_LOOKS)
        return reference
    value = _found(reference, environ)
    if not value.looks_like(_NO_KEY):
        raise MalformedKeyError(f"the value of ${reference.name} is not an organization id: {where}", hint=_LOOKS)
    return value.reveal()


def _key(reference: EnvReference, value: Secret) -> Key:
    if not value.looks_like(_KEY):
        raise MalformedKeyError(
            f"the value of ${reference.name} is not an API key: it contains spaces, quotes or other characters "
            "that no key has",
            hint=f"set {reference.name} again, to the key and nothing else",
        )
    return Key(variable=reference.name, secret=value)


def _found(reference: EnvReference, environ: Environment) -> Secret:
    value = environ.find(reference.name)
    if value is None:
        raise MissingKeyError(f"${reference.name} is not set", hint=f"export {reference.name}=...")
    return value

"""Which key and id open which organization: the references of ``tiers.yaml``, looked up in the environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.desired.tier import EnvReference
from reconciler.errors import InvalidInputError, MissingKeyError
from reconciler.neon.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Organization

_KEY = re.compile(r"[!-~]+")
"""What fits into a request header."""
_ORGANIZATION_ID = re.compile(r"[a-z0-9-]{1,60}")
"""Neon: the pattern of ``org_id``."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key and the environment variable that holds it, which is all that a message may name."""

    variable: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class OrganizationAccess:
    """How to reach one organization; ``name`` is the one in ``tiers.yaml``."""

    name: str
    id: str
    key: Key


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that opens the organizations of a fleet."""

    organizations: Mapping[str, OrganizationAccess]
    personal: Key | None = None
    personal_variable: str | None = None
    """The variable that ``personal_api_key`` names, set or not; None where the files name none."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every key: none of them may be shown, whichever call an answer belongs to."""
        personal = () if self.personal is None else (self.personal.secret,)
        return (*(each.key.secret for each in self.organizations.values()), *personal)

    def personal_key(self) -> Key:
        """The key for transfers (Neon: an organization key may not transfer). Raises MissingKeyError."""
        if self.personal is not None:
            return self.personal
        if self.personal_variable is None:
            message = "moving projects between organizations needs a personal API key, and tiers.yaml names none"
            raise MissingKeyError(message, hint="add `personal_api_key: ${PERSONAL_API_KEY}` to tiers.yaml")
        message = f"${self.personal_variable} is not set: moving projects needs a personal API key"
        raise MissingKeyError(
            message, hint=f"export {self.personal_variable}=... (personal_api_key in tiers.yaml)"
        )


def read_access(desired: DesiredState, environ: Mapping[str, str]) -> Access:
    """Look up every reference. Raises MissingKeyError with all that are missing; an empty value is missing.

    The personal key may be missing: only a transfer asks for it.
    """
    organizations = desired.organizations.values()
    _require(organizations, environ)
    reference = desired.personal_api_key
    return Access(
        organizations={organization.name: _access(organization, environ) for organization in organizations},
        personal=_key(reference, environ) if reference and _value(reference, environ) else None,
        personal_variable=reference.name if reference else None,
    )


def _require(organizations: Iterable[Organization], environ: Mapping[str, str]) -> None:
    missing = {
        reference.name: f"${reference.name} ({what} of organization {organization.name}, {organization.location})"
        for organization in organizations
        for what, reference in _references(organization)
        if not _value(reference, environ)
    }
    if missing:
        message = f"not set in the environment: {', '.join(missing.values())}"
        raise MissingKeyError(message, hint=" ".join(["export", *(f"{name}=..." for name in missing)]))


def _references(organization: Organization) -> Iterator[tuple[str, EnvReference]]:
    if isinstance(organization.id, EnvReference):
        yield "id", organization.id
    yield "API key", organization.api_key


def _access(organization: Organization, environ: Mapping[str, str]) -> OrganizationAccess:
    return OrganizationAccess(
        name=organization.name, id=_id(organization, environ), key=_key(organization.api_key, environ)
    )


def _id(organization: Organization, environ: Mapping[str, str]) -> str:
    reference = organization.id
    value = _value(reference, environ) if isinstance(reference, EnvReference) else reference
    if not _ORGANIZATION_ID.fullmatch(value):
        message = f"{value!r} is no organization id: organization {organization.name} ({organization.location})"
        raise InvalidInputError(message, hint="ids look like org-quiet-lake-12345678")
    return value


def _key(reference: EnvReference, environ: Mapping[str, str]) -> Key:
    value = _value(reference, environ)
    if not _KEY.fullmatch(value):
        raise InvalidInputError(
            f"the value of ${reference.name} cannot be an API key: it holds spaces or other signs"
        )
    return Key(variable=reference.name, secret=Secret(value))


def _value(reference: EnvReference, environ: Mapping[str, str]) -> str:
    return environ.get(reference.name, "").strip()

"""Where the files send keys and notices: which variable as which key, for which organization, to which host."""

from __future__ import annotations

import re
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.address import canonical
from reconciler.desired.tier import EnvReference
from reconciler.model.problem import Location

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.desired.state import DesiredState


class VariableUse(Enum):
    """What a value of tiers.yaml is used for, as text."""

    HOST = "host"
    ID = "organization id"
    KEY = "API key"
    REGISTRY = "registry address"
    NOTICES = "notification address"
    REGISTRY_KEY = "registry key"
    TENANTS = "address of a database of tenants"
    QUERY = "query"


_NAMES: Final[Mapping[VariableUse, re.Pattern[str]]] = {
    VariableUse.ID: re.compile(r"NEON_\w+(?<!KEY)(?<!TOKEN)(?<!SECRET)(?<!PASSWORD)(?<!_URL)(?<!_URI)"),
    VariableUse.KEY: re.compile(
        r"(?!\w*_ID\Z|NEON_API_HOST\Z)NEON_\w+(?<!_URL)(?<!_URI)|\w*_ORG_API_KEY|PERSONAL_API_KEY"
    ),
    VariableUse.REGISTRY: re.compile(r"REGISTRY_URL|NEON_\w*(_URL|_URI|REGISTRY)"),
    VariableUse.NOTICES: re.compile(r"(?!NEON_)(\w+_)?NOTIFY_URLS?"),
    VariableUse.REGISTRY_KEY: re.compile(r"REGISTRY_KEY"),
    VariableUse.TENANTS: re.compile(r"(?!NEON_)(\w+_)?TENANTS_URL"),
}
"""Variables that files may name for a use without a permission: a key is never used as an id, nor an id as a
key.
"""
_NOWHERE: Final = Location("tiers.yaml")


class KeyDestination(Struct, frozen=True):
    """A value of tiers.yaml that decides where keys are sent. ``path`` is its keys, joined by dots."""

    path: str
    use: VariableUse
    value: str | EnvReference
    location: Location

    @property
    def place(self) -> str:
        """``file:line:column``."""
        return f"{self.location}:{self.location.column}"


class DestinationDifference(Struct, frozen=True):
    """A value that differs from the base. ``now`` or ``then`` is None if only one of them has it."""

    path: str
    now: KeyDestination | None
    then: KeyDestination | None

    @property
    def location(self) -> Location:
        """Its current location; for a removed value, the file."""
        return self.now.location if self.now else _NOWHERE

    def __str__(self) -> str:
        if self.now is None:
            return f"{self.path} was removed; it was {_shown(self.then)} at the base"
        was = f"was {_shown(self.then)} at the base" if self.then else "was not set at the base"
        return f"{self.path} is {_shown(self.now)}, but {was}"


def is_permitted(name: str, use: VariableUse) -> bool:
    """Whether the name of a variable shows its use, so that files may name it without a permission."""
    return _NAMES[use].fullmatch(name) is not None


def destinations(fleet: DesiredState) -> Iterator[KeyDestination]:
    """Yield every value that decides where keys are sent."""
    for name, organization in fleet.organizations.items():
        yield _at(fleet, f"organizations.{name}.id", VariableUse.ID, organization.id)
        yield _at(fleet, f"organizations.{name}.api_key", VariableUse.KEY, organization.api_key)
    if fleet.personal_api_key is not None:
        yield _at(fleet, "personal_api_key", VariableUse.KEY, fleet.personal_api_key)
    if fleet.registry is not None:
        yield _at(fleet, "registry.url", VariableUse.REGISTRY, fleet.registry)
    for number, reference in enumerate(fleet.notify):
        yield _at(fleet, f"notify.urls.{number}", VariableUse.NOTICES, reference)
    if fleet.registry_key is not None:
        yield _at(fleet, "registry.key", VariableUse.REGISTRY_KEY, fleet.registry_key)
    for source in fleet.sql_sources:
        path = f"tenants.{source.index}.sql"
        yield _at(fleet, f"{path}.url", VariableUse.TENANTS, source.url)
        yield _at(fleet, f"{path}.query", VariableUse.QUERY, source.query)
    yield host_of(fleet)


def host_of(fleet: DesiredState) -> KeyDestination:
    """Return the host in the files; Neon's own if they name none."""
    return _at(fleet, "api.host", VariableUse.HOST, fleet.api.host)


def unpermitted_variables(
    fleet: DesiredState, base: DesiredState | None, allowed: Collection[str]
) -> Iterator[KeyDestination]:
    """Yield references to variables that only the files name.

    A variable is allowed if the files at the base name it for the same use, if it is in ``allowed`` from outside,
    or if its name shows its use.
    """
    before = {(one.use, one.value) for one in destinations(base)} if base is not None else set()
    for one in destinations(fleet):
        if (
            isinstance(one.value, EnvReference)
            and one.value.name not in allowed
            and (one.use, one.value) not in before
            and not is_permitted(one.value.name, one.use)
        ):
            yield one


def differences(fleet: DesiredState, base: DesiredState) -> list[DestinationDifference]:
    """Return where the files send keys differently from the base, in file order."""
    now, then = ({one.path: one for one in destinations(state)} for state in (fleet, base))
    paths = dict.fromkeys((*now, *then))
    found = (DestinationDifference(path, now.get(path), then.get(path)) for path in paths)
    return [one for one in found if _essence(one.now) != _essence(one.then)]


def _at(fleet: DesiredState, path: str, use: VariableUse, value: str | EnvReference) -> KeyDestination:
    return KeyDestination(path, use, value, fleet.places.get(path, _NOWHERE))


def _essence(destination: KeyDestination | None) -> str | EnvReference | None:
    if destination is None:
        return None
    value = destination.value
    if destination.use is VariableUse.HOST and isinstance(value, str):
        with suppress(ValueError):  # an invalid address is compared as written
            return canonical(value)
    return value


def _shown(destination: KeyDestination | None) -> str:
    """The value as a message shows it; a registry address is not shown, because it may contain a password."""
    if destination is None:
        return "nothing"
    value = destination.value
    if isinstance(value, EnvReference):
        return str(value)
    if destination.use is VariableUse.QUERY:
        return "another query"
    return "another address" if destination.use is VariableUse.REGISTRY else repr(value)

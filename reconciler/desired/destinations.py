"""Where keys go, as the files say it: which variable is sent as which key, for which organization, and where."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from reconciler.desired.api_host import normal
from reconciler.desired.tier import EnvReference
from reconciler.model.problem import Location

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.desired.state import DesiredState


class Use(Enum):
    """What a value of tiers.yaml is for, in words."""

    HOST = "host"
    ID = "organization id"
    KEY = "API key"
    REGISTRY = "address of a registry"


_NAMES: Final[Mapping[Use, re.Pattern[str]]] = {
    Use.ID: re.compile(r"NEON_\w+(?<!KEY)(?<!TOKEN)(?<!SECRET)(?<!PASSWORD)(?<!_URL)(?<!_URI)"),
    Use.KEY: re.compile(
        r"(?!\w*_ID\Z|NEON_API_HOST\Z)NEON_\w+(?<!_URL)(?<!_URI)|\w*_ORG_API_KEY|PERSONAL_API_KEY"
    ),
    Use.REGISTRY: re.compile(r"REGISTRY_URL|NEON_\w*(_URL|_URI|REGISTRY)"),
}
"""The variables that files may name as what, without anybody's word: a key is taken for no id, nor the reverse."""
_NOWHERE: Final = Location("tiers.yaml")


@dataclass(frozen=True, slots=True)
class Destination:
    """One value of tiers.yaml that decides where keys go. ``path`` is its keys, with dots between them."""

    path: str
    use: Use
    value: str | EnvReference
    location: Location

    @property
    def place(self) -> str:
        """``file:line:column``."""
        return f"{self.location}:{self.location.column}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not the one at the base. ``now`` or ``then`` is None where only one of them has it."""

    path: str
    now: Destination | None
    then: Destination | None

    @property
    def location(self) -> Location:
        """Where it stands now; for what is gone, the file."""
        return self.now.location if self.now else _NOWHERE

    def __str__(self) -> str:
        if self.now is None:
            return f"{self.path} is gone, which was {_shown(self.then)} at the base"
        was = f"was {_shown(self.then)} at the base" if self.then else "did not stand there at the base"
        return f"{self.path} is {_shown(self.now)}, and {was}"


def destinations(fleet: DesiredState) -> Iterator[Destination]:
    """Every value that decides where keys go."""
    for name, organization in fleet.organizations.items():
        yield _at(fleet, f"organizations.{name}.id", Use.ID, organization.id)
        yield _at(fleet, f"organizations.{name}.api_key", Use.KEY, organization.api_key)
    if fleet.personal_api_key is not None:
        yield _at(fleet, "personal_api_key", Use.KEY, fleet.personal_api_key)
    if fleet.registry is not None:
        yield _at(fleet, "registry.url", Use.REGISTRY, fleet.registry)
    yield host_of(fleet)


def host_of(fleet: DesiredState) -> Destination:
    """The host that the files name; Neon's own where they name none."""
    return _at(fleet, "api.host", Use.HOST, fleet.api.host)


def not_to_be_named(
    fleet: DesiredState, base: DesiredState | None, allowed: Collection[str]
) -> Iterator[Destination]:
    """The references to variables that nobody but the files speaks of.

    A variable may be named that the files at the base name for the same use, that is ``allowed`` from outside, or
    whose name says what it is for.
    """
    before = {(one.use, one.value) for one in destinations(base)} if base is not None else set()
    for one in destinations(fleet):
        if (
            isinstance(one.value, EnvReference)
            and one.value.name not in allowed
            and (one.use, one.value) not in before
            and not _NAMES[one.use].fullmatch(one.value.name)
        ):
            yield one


def differences(fleet: DesiredState, base: DesiredState) -> list[Difference]:
    """Where the files send keys elsewhere than those at the base, in the order of the files."""
    now, then = ({one.path: one for one in destinations(state)} for state in (fleet, base))
    paths = dict.fromkeys((*now, *then))
    found = (Difference(path, now.get(path), then.get(path)) for path in paths)
    return [one for one in found if _essence(one.now) != _essence(one.then)]


def _at(fleet: DesiredState, path: str, use: Use, value: str | EnvReference) -> Destination:
    return Destination(path, use, value, fleet.places.get(path, _NOWHERE))


def _essence(destination: Destination | None) -> str | EnvReference | None:
    if destination is None:
        return None
    value = destination.value
    if destination.use is Use.HOST and isinstance(value, str):
        with suppress(ValueError):  # what is no address is compared as it is written
            return normal(value)
    return value


def _shown(destination: Destination | None) -> str:
    """The value as a message shows it: the files' own text, of which an address may hold more than is meant."""
    if destination is None:
        return "nothing"
    value = destination.value
    if isinstance(value, EnvReference):
        return str(value)
    return "another address" if destination.use is Use.REGISTRY else repr(value)

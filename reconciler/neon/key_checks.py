"""What ``reconciler doctor`` says about keys and organizations: whose a key is, and what it opens there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import (
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    ReconcilerError,
    UnreachableError,
)
from reconciler.model.diagnosis import MESSAGES, Area, fail, ok, warn
from reconciler.neon.key_calls import ADMIN, PERSON, KeyCalls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from reconciler.desired.tier import OrganizationLimits
    from reconciler.model.diagnosis import Check
    from reconciler.neon.credentials import Key, OrganizationAccess
    from reconciler.neon.transport import Transport

SWAPPED: Final = "are ids or keys swapped?"
CONSOLE: Final = "(console: settings of the organization, API keys)"
COMPARED: Final = ("settings.", "default_endpoint_settings.", "history_retention_seconds", "name", "org_id")
"""How members begin that plans compare: they are shown first."""
MOST_SHOWN: Final = 6
NEARLY_FULL: Final = 0.95
"""The share of the limit on projects from which a warning is given."""


class KnownOrganizations(Struct, frozen=True):
    """The ids of the fleet's organizations, by name."""

    ids: Mapping[str, str]

    def name_of(self, id_: str) -> str | None:
        """The name of an organization with this id."""
        return next((name for name, known in self.ids.items() if known == id_), None)


async def organization_key_checks(
    transport: Transport, access: OrganizationAccess, known: KnownOrganizations
) -> AsyncIterator[Check]:
    """The checks of the key of an organization. Raises UnreachableError."""
    calls, variable = KeyCalls(transport, access.key), access.key.variable
    try:
        owner = await calls.owner()
    except (AuthenticationError, PermissionDeniedError) as error:
        yield _unknown(
            access.key, f"create a key of organization {access.name} {CONSOLE}, and export {variable}", error
        )
        return
    if owner.auth_method == PERSON:
        remedy = f"use a key of organization {access.name} {CONSOLE}: this one opens all that the person can"
        yield warn(Area.KEYS, f"${variable} is the key of a person, not of organization {access.name}", remedy)
    elif owner.account_id in known.ids.values() and owner.account_id != access.id:
        other = known.name_of(owner.account_id)
        message = (
            f"${variable} is the key of organization {other} ({owner.account_id}), but organization {access.name}"
        )
        yield fail(Area.KEYS, f"{message} has the id {access.id}: {SWAPPED}", _compare(access), denied=True)
        return
    try:
        opened = await calls.organization(access.id)
        found = await calls.listed_and_read(access.id)
    except (NotFoundError, PermissionDeniedError):
        message = f"${variable} does not open organization {access.name} ({access.id})"
        yield fail(Area.KEYS, message, _compare(access), denied=True)
        return
    if opened is None:
        message = f"${variable} may not read organization {access.name} itself: is it the key of one project?"
        yield warn(Area.KEYS, message, f"create a key of the organization {CONSOLE}")
    else:
        yield ok(
            Area.KEYS,
            f"${variable} opens organization {access.name} ({opened.name}, {access.id}, plan {opened.plan})",
        )
    if found is not None:
        yield _listed(access.name, *found)


def _unknown(key: Key, remedy: str, error: ReconcilerError) -> Check:
    refused = isinstance(error, AuthenticationError)
    return fail(
        Area.KEYS,
        f"${key.variable} is {'a key that Neon does not know' if refused else 'a key that may do nothing'}",
        remedy,
        denied=True,
    )


def _compare(access: OrganizationAccess) -> str:
    return f"compare ${access.key.variable} and the id of organization {access.name} with the console"


def _listed(name: str, listed: frozenset[str], read: frozenset[str]) -> Check:
    only = sorted(read - listed, key=lambda member: (not member.startswith(COMPARED), member))
    if not only:
        return ok(Area.ORGANIZATIONS, f"{name}: the list of projects states all that a read of one project states")
    more = f" and {len(only) - MOST_SHOWN} more" if len(only) > MOST_SHOWN else ""
    return ok(
        Area.ORGANIZATIONS,
        f"{name}: the list of projects leaves out {', '.join(only[:MOST_SHOWN])}{more}, "
        "which a read of one project states",
    )


def room_check(name: str, count: int, limits: OrganizationLimits) -> Check:
    """How many projects an organization has, and how many it may have."""
    if limits.projects is None:
        return ok(Area.ORGANIZATIONS, f"{name}: {count:,} projects, with no limit in tiers.yaml")
    text = f"{name}: {count:,} of {limits.projects:,} projects"
    if count >= limits.projects:
        return fail(
            Area.ORGANIZATIONS,
            f"{text}: no tenant can be created",
            f"raise the limit with Neon, then limits.projects of {name}",
        )
    if count >= NEARLY_FULL * limits.projects:
        return warn(
            Area.ORGANIZATIONS, f"{text}: {limits.projects - count:,} are left", "ask Neon for a higher limit"
        )
    return ok(Area.ORGANIZATIONS, text)


async def personal_key_checks(transport: Transport, key: Key, known: KnownOrganizations) -> AsyncIterator[Check]:
    """The checks of the key of a person. Raises UnreachableError."""
    calls = KeyCalls(transport, key)
    remedy = "create a personal API key of an admin of all organizations (console: account settings, API keys)"
    try:
        owner = await calls.owner()
        if owner.auth_method != PERSON:
            whose = known.name_of(owner.account_id)
            named = f"organization {whose}" if whose else "an organization"
            message = f"${key.variable} is the key of {named}, not of a person: it cannot transfer projects"
            yield fail(Area.KEYS, message, remedy, denied=True)
            return
        opened = await calls.organizations()
    except (AuthenticationError, PermissionDeniedError) as error:
        yield _unknown(key, remedy, error)
        return
    if lacking := [name for name, id_ in known.ids.items() if id_ not in opened]:
        message = f"${key.variable} is the key of a person who is not in organization {' and '.join(lacking)}"
        yield fail(Area.KEYS, message, remedy, denied=True)
        return
    yield await _roles(calls, known)


async def _roles(calls: KeyCalls, known: KnownOrganizations) -> Check:
    """Neon: a transfer needs an admin of the origin, and a member of the destination."""
    variable = calls.key.variable
    try:
        person = await calls.person()
        roles = {name: await calls.role_in(id_, person) for name, id_ in known.ids.items()}
    except UnreachableError:
        raise
    except ReconcilerError as error:
        message = f"${variable} is the key of a person whose roles cannot be read: {error}"
        return warn(Area.KEYS, message, error.hint or MESSAGES)
    text = ", ".join(f"{role or 'unknown'} of {name}" for name, role in roles.items())
    if others := [name for name, role in roles.items() if role != ADMIN]:
        origins = " and ".join(others)
        message = f"${variable} is the key of a person: {text}. No project can be transferred out of {origins}"
        return warn(Area.KEYS, message, "make the person an admin there")
    return ok(Area.KEYS, f"${variable} is the key of a person: {text}")

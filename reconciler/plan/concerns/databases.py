"""Roles and databases of branches: create declared ones, correct owners, delete those that the files removed.

Neon stores nowhere who created a role or a database. So one that the files declared, at the base and where they
parted from it, and declare no longer is to be deleted; one that no file declared is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.annotations import Purpose
from reconciler.model.values import JsonText
from reconciler.plan.ownership import declared_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.model.database import Database
    from reconciler.model.values import Value
    from reconciler.plan.concerns.concern import Fields

NAME: Final = "databases"
"""The concern, which includes roles. Those of development branches belong to the concern of their branch."""
ROLES: Final = "roles"
DATABASES: Final = "databases"
OF_BRANCHES: Final = "dev_branches"
OWNER: Final = "owner"


class Declared(Struct, frozen=True):
    """What the files want on one branch. None means not managed."""

    branch: str | None
    """The name of a development branch; None for the default branch."""
    roles: tuple[str, ...] | None
    databases: tuple[Database, ...] | None

    @property
    def concern(self) -> str:
        """The concern that it belongs to."""
        return NAME if self.branch is None else OF_BRANCHES

    def path(self, *parts: str) -> str:
        """Return the field path of one of its lists, or of a thing in it."""
        return ".".join((*(() if self.branch is None else (OF_BRANCHES, self.branch)), *parts))

    @property
    def fields(self) -> Iterator[tuple[str, Value]]:
        """Every declared role and database by its path, and a marker that the list is managed."""
        if self.roles is not None:
            yield self.path(ROLES), True
            yield from ((self.path(ROLES, name), True) for name in self.roles)
        if self.databases is not None:
            yield self.path(DATABASES), True
            yield from ((self.path(DATABASES, one.name), owned_by(one.owner)) for one in self.databases)


def owned_by(owner: str) -> JsonText:
    """Return the value of a database's path."""
    return JsonText.of({OWNER: owner})


def declared(settings: Settings) -> Iterator[Declared]:
    """Yield what the files want on each branch of which they manage roles or databases."""
    if (settings.roles, settings.databases) != (None, None):
        yield Declared(None, settings.roles, settings.databases)
    for branch in settings.dev_branches or ():
        if (branch.roles, branch.databases) != (None, None):
            yield Declared(branch.name, branch.roles, branch.databases)


def declares(settings: Settings) -> bool:
    """Return whether the files manage roles or databases of any branch."""
    return any(declared(settings))


def wanted(settings: Settings) -> Fields:
    """Return the declared roles and databases by field path."""
    return dict(pair for one in declared(settings) for pair in one.fields)


def unread_roles(settings: Settings, project: LiveProject, fleet: str) -> tuple[str, ...]:
    """Return the ids of the branches whose roles are still to be read: declared, or owners of new databases."""
    return tuple(
        branch.id
        for one, branch in live(settings, project, fleet)
        if branch.id not in project.roles and (one.roles is not None or _databases_differ(one, project, branch))
    )


def unread_databases(settings: Settings, project: LiveProject, fleet: str) -> tuple[str, ...]:
    """Return the ids of the branches whose databases are still to be read.

    Those of a branch with a role that no file declares too: the role may be one that the files removed, and Neon
    deletes no role that owns a database.
    """
    first = settings.first_database.owner
    return tuple(
        branch.id
        for one, branch in live(settings, project, fleet)
        if branch.id not in project.databases
        and (
            one.databases is not None
            or not {first, *(one.roles or ())}.issuperset(project.roles.get(branch.id, ()))
        )
    )


def differ(settings: Settings, project: LiveProject, fleet: str) -> bool:
    """Return whether a declared role or database is missing, or has another owner: then a compute is needed."""
    return any(
        _roles_differ(one, project, branch) or _databases_differ(one, project, branch)
        for one, branch in live(settings, project, fleet)
    )


def observed(settings: Settings, project: LiveProject, fleet: str) -> bool:
    """Return whether all declared roles and databases of existing branches were read."""
    return project.branches is not None and not (
        unread_roles(settings, project, fleet) or unread_databases(settings, project, fleet)
    )


def _roles_differ(one: Declared, project: LiveProject, branch: LiveBranch) -> bool:
    seen = project.roles.get(branch.id)
    return seen is not None and not set(seen).issuperset(one.roles or ())


def _databases_differ(one: Declared, project: LiveProject, branch: LiveBranch) -> bool:
    seen = project.databases.get(branch.id)
    return seen is not None and not set(seen).issuperset(one.databases or ())


def live(settings: Settings, project: LiveProject, fleet: str) -> Iterator[tuple[Declared, LiveBranch]]:
    """Yield what is declared with the live branch that it is declared for; branches must have been read."""
    branches = by_name(project, fleet)
    for one in declared(settings):
        found = project.default_branch if one.branch is None else branches.get(one.branch)
        if found is not None and (one.branch is None or not found.default):
            yield one, found


def by_name(project: LiveProject, fleet: str) -> Mapping[str, LiveBranch]:
    """Return the branches by the names that they have, and by those under which they were made."""
    seen = project.branches or ()
    made = ((declared_name(branch, fleet, Purpose.DEV_BRANCH), branch) for branch in seen)
    return {**{name: branch for name, branch in made if name}, **{branch.name: branch for branch in seen}}

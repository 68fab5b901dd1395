"""The actions that give the branches of a tenant the roles and databases which its files declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct

from reconciler.model.annotations import Purpose
from reconciler.model.api_limits import DATABASES_PER_BRANCH, ROLES_PER_BRANCH
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch, ResetBranch
from reconciler.plan.actions.contents import CreateDatabase, CreateRole, DeleteDatabase, DeleteRole, PatchDatabase
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.concerns.branch_matching import BranchMatching
from reconciler.plan.concerns.concern import cannot_be_done, existence
from reconciler.plan.concerns.databases import DATABASES, OWNER, ROLES, Declared, declared, declares, owned_by
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.live.project import LiveBranch
    from reconciler.plan.comparison import Comparison, Finding

Creation: TypeAlias = CreateRole | CreateDatabase | PatchDatabase
"""What waits while the tenant is suspended: the plan after that has the same differences."""
DECLARE_IT: Final = "declare the role, or give the database another owner"
GIVE_IT_AWAY: Final = "declare another owner of the database, or declare the role again"
TOO_MANY: Final = "delete unused ones, or declare fewer"
CONNECTED: Final = "create or enable it in the console"
RESUME: Final = "declare it again, or resume the tenant first"
WAITS: Final = "roles and databases are not changed while the tenant is suspended: no compute runs to do it"


class Contents(Struct, frozen=True):
    """The roles and databases of a branch: the owner of each database by its name. None means not read."""

    roles: frozenset[str] | None
    databases: Mapping[str, str] | None
    complete: bool = True
    """Whether these are all; of a new branch, only a part may be known."""

    def after(self, actions: Sequence[Creation]) -> Contents:
        """Return the contents after these actions; roles and databases must be known."""
        roles = {action.role for action in actions if isinstance(action, CreateRole)}
        made = {action.database: action.owner for action in actions if not isinstance(action, CreateRole)}
        return Contents((self.roles or frozenset()) | roles, {**(self.databases or {}), **made}, self.complete)


def findings(comparison: Comparison, found: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the actions in execution order, and refusals. ``found`` is what is planned for the branches."""
    if not declares(comparison.settings):
        return
    planned = [one for place in _places(comparison, found) for one in place.findings()]
    if not comparison.settings.suspended:
        yield from planned
        return
    if any(isinstance(one, Creation) for one in planned):
        yield Note.about(comparison.tenant, WAITS)
    for one in planned:
        if isinstance(one, DeleteRole | DeleteDatabase):
            yield cannot_be_done(one, f"{_what(one)} cannot be deleted while the tenant is suspended", RESUME)
        elif not isinstance(one, Creation):
            yield one


class _Places(Struct, frozen=True):
    """The branches of a plan, with what each of them has before its own roles and databases are created."""

    comparison: Comparison
    matching: BranchMatching
    created: Mapping[str, CreateBranch]
    """Development branches that the plan creates, by name."""
    reset: Mapping[str, str]
    """The parent of each branch that the plan resets, by the id of the branch."""
    renamed: Mapping[str, str]
    """The new name of each branch that the plan renames, by its name."""
    deleted: frozenset[str]
    """The ids of the branches that the plan deletes."""

    def place(self, one: Declared) -> _Place | None:
        """Where the declared roles and databases belong; None if the branch neither exists nor is created."""
        if one.branch is None:
            branch = self.comparison.project.default_branch
            return None if branch is None else self._existing(one, branch)
        if one.branch in self.created:
            return _Place(self.comparison, one, one.branch, self._copied(self.created[one.branch]), is_new=True)
        branch = self.matching.of(one.branch)
        if branch is None or branch.default or branch.id in self.deleted:
            return None
        if branch.id in self.reset:
            name = self.renamed.get(branch.name, branch.name)
            return _Place(self.comparison, one, name, self._of_parent(self.reset[branch.id]), is_new=True)
        return self._existing(one, branch)

    def _existing(self, one: Declared, branch: LiveBranch) -> _Place:
        return _Place(self.comparison, one, branch.name, self._live(branch), _hindrance(self.comparison, branch))

    def _live(self, branch: LiveBranch) -> Contents:
        project = self.comparison.project
        roles, databases = project.roles.get(branch.id), project.databases.get(branch.id)
        return Contents(
            None if roles is None else frozenset(roles),
            None if databases is None else {one.name: one.owner for one in databases},
        )

    def _copied(self, action: CreateBranch) -> Contents:
        """What the branch has from its parent; of an earlier time, only what came with the project is certain."""
        return self._first if action.at is not None else self._of_parent(action.parent)

    def _of_parent(self, name: str) -> Contents:
        """The contents of a branch when child branches are created from it."""
        if (created := self.created.get(name)) is not None:
            return self._copied(created)
        branch = next((one for one in self.comparison.project.branches or () if one.name == name), None)
        if branch is None:
            return self._first
        own = [one for one in declared(self.comparison.settings) if one.branch is None and branch.default]
        filled = [action for one in own for action in self._filled(one, branch)]
        return self._assumed(own, self._live(branch)).after(filled)

    def _assumed(self, own: Iterable[Declared], seen: Contents) -> Contents:
        """What was read of a branch; in place of what was not, what came with the project and what is declared."""
        roles, databases = {*(self._first.roles or ())}, {**(self._first.databases or {})}
        for one in own:
            roles.update(one.roles or ())
            databases.update((each.name, each.owner) for each in one.databases or ())
        return Contents(
            frozenset(roles) if seen.roles is None else seen.roles,
            databases if seen.databases is None else seen.databases,
            complete=None not in (seen.roles, seen.databases),
        )

    def _filled(self, one: Declared, branch: LiveBranch) -> Iterator[Creation]:
        """The contents that the plan creates on a branch, and owners that a commit changes."""
        if one.concern in self.comparison.only:
            for action in self._existing(one, branch).findings():
                if isinstance(action, CreateRole | CreateDatabase) or (
                    isinstance(action, PatchDatabase) and action.changes[0].origin is Origin.CONFIG
                ):
                    yield action

    @property
    def _first(self) -> Contents:
        first = self.comparison.settings.first_database
        return Contents(frozenset({first.owner}), {first.name: first.owner}, complete=False)


def _places(comparison: Comparison, found: Iterable[Finding]) -> list[_Place]:
    found = list(found)
    new = (one for one in found if isinstance(one, CreateBranch) and one.purpose is Purpose.DEV_BRANCH)
    places = _Places(
        comparison,
        BranchMatching(comparison),
        {one.branch: one for one in new},
        {one.branch_id: one.parent for one in found if isinstance(one, ResetBranch)},
        {one.branch: one.rename_to for one in found if isinstance(one, PatchBranch) and one.rename_to},
        frozenset(one.branch_id for one in found if isinstance(one, DeleteBranch)),
    )
    managed = (one for one in declared(comparison.settings) if one.concern in comparison.only)
    return [place for place in map(places.place, managed) if place is not None]


def _hindrance(comparison: Comparison, branch: LiveBranch) -> str | None:
    """Why Neon cannot change roles and databases of an existing branch: a compute of it has to do so."""
    project = comparison.project
    if not project.id or project.endpoints is None:
        return None
    writer = project.read_write(branch)
    if writer is None:
        return f"branch {branch.name!r} has no read-write compute"
    return f"the compute of branch {branch.name!r} is disabled" if writer.disabled else None


class _Place(Struct, frozen=True):
    """One branch with what the files want on it, and what it has before that."""

    comparison: Comparison
    declared: Declared
    branch: str
    """The name that the branch has when its roles and databases are changed."""
    seen: Contents
    hindrance: str | None = None
    """Why nothing can be changed."""
    is_new: bool = False
    """Whether the plan creates or resets the branch: nobody is connected to it."""

    def findings(self) -> Iterator[Finding]:
        """Yield roles before the databases that they own; deleted databases before the roles that owned them."""
        yield from self._roles()
        yield from self._databases()
        deleted = list(self._deleted_databases())
        yield from deleted
        yield from self._deleted_roles({one.database for one in deleted})

    def _roles(self) -> Iterator[Finding]:
        seen, wanted = self.seen.roles, self.declared.roles
        if seen is None or wanted is None:
            return
        missing = [name for name in wanted if name not in seen]
        for number, name in enumerate(missing, start=len(seen) + 1):
            action = CreateRole(**self._creation(ROLES, name, self._disrupts), role=name)
            yield self._possible(action, number, ROLES_PER_BRANCH, ROLES)

    def _databases(self) -> Iterator[Finding]:
        seen, wanted = self.seen.databases, self.declared.databases
        if seen is None or wanted is None:
            return
        number = len(seen)
        for database in wanted:
            if database.name not in seen:
                number += 1
                made = self._creation(DATABASES, database.name, Risk.SAFE)
                create = CreateDatabase(**made, database=database.name, owner=database.owner)
                yield self._possible(create, number, DATABASES_PER_BRANCH, DATABASES)
            elif seen[database.name] != database.owner:
                yield self._possible(self._patch(database.name, seen[database.name], database.owner))

    def _creation(self, kind: str, name: str, risk: Risk) -> dict[str, Any]:
        path = self.declared.path(kind, name)
        origin = self.comparison.origin(path)
        return {
            "tenant": self.comparison.tenant.name,
            "reason": "declared, and not on the branch" if origin is Origin.DRIFT else "declared",
            "source": self.comparison.tenant.location,
            "changes": (replace(existence(path, origin, before=False), risk=risk),),
            "branch": self.branch,
            "of_new_branch": self.is_new,
        }

    def _patch(self, name: str, before: str, after: str) -> PatchDatabase:
        """A new owner is a reduction for the earlier one: it needs a commit that states another owner."""
        path = self.declared.path(DATABASES, name)
        origin = self.comparison.origin(path, reduces=True, live=owned_by(before))
        return PatchDatabase(
            tenant=self.comparison.tenant.name,
            reason="differs from the files",
            source=self.comparison.tenant.location,
            changes=(FieldChange(f"{path}.{OWNER}", before, after, Risk.SAFE, lowering=True, origin=origin),),
            branch=self.branch,
            of_new_branch=self.is_new,
            database=name,
            owner=after,
        )

    def _deleted_databases(self) -> Iterator[DeleteDatabase]:
        """What came with the project stays, and on a branch what it has from the default branch."""
        first, settings = self.comparison.settings.first_database, self.comparison.settings
        stated = (*(settings.databases or ()), *(self.declared.databases or ()))
        kept = {first.name, *(one.name for one in stated)}
        if self.declared.databases is not None:
            for name in self._removed(DATABASES, sorted({*(self.seen.databases or {})} - kept)):
                owner = (self.seen.databases or {})[name]
                yield DeleteDatabase(**self._deletion(DATABASES, name), database=name, owner=owner)

    def _deleted_roles(self, deleted: Iterable[str]) -> Iterator[Finding]:
        settings = self.comparison.settings
        kept = {settings.first_database.owner, *(settings.roles or ()), *(self.declared.roles or ())}
        if self.declared.roles is None or (self.is_new and not self.seen.complete):
            return
        owners = self._owners(deleted)
        for name in self._removed(ROLES, sorted((self.seen.roles or frozenset()) - kept)):
            action = DeleteRole(**self._deletion(ROLES, name), role=name)
            if name in owners:
                message = f"{_what(action)} cannot be deleted: it owns database {owners[name]!r}"
                yield cannot_be_done(action, message, GIVE_IT_AWAY)
            else:
                yield action

    def _owners(self, deleted: Iterable[str]) -> Mapping[str, str]:
        """Return a database of each role that owns one after the plan."""
        stated = {one.name: one.owner for one in self.declared.databases or ()}
        there = {**(self.seen.databases or {}), **stated}
        return {owner: name for name, owner in there.items() if name not in set(deleted)}

    def _removed(self, kind: str, names: Iterable[str]) -> Iterator[str]:
        """Yield those that earlier files of the tenant declared; others are somebody's own."""
        earlier = self.comparison.earlier
        yield from (name for name in names if any(self.declared.path(kind, name) in before for before in earlier))

    def _deletion(self, kind: str, name: str) -> dict[str, Any]:
        path = self.declared.path(kind, name)
        origin = self.comparison.origin(path, reduces=True)
        return {
            "tenant": self.comparison.tenant.name,
            "reason": "no longer declared",
            "source": self.comparison.tenant.location,
            "changes": (existence(path, origin, before=True),),
            "branch": self.branch,
            "of_new_branch": self.is_new,
        }

    def _possible(self, action: Creation, number: int = 0, most: int = 1, what: str = "") -> Finding:
        """Return the action, or the refusal of one that Neon would reject."""
        if self.hindrance is not None:
            return cannot_be_done(action, f"{_what(action)} cannot be changed: {self.hindrance}", CONNECTED)
        if number > most:
            message = f"Neon allows {most} {what} on a branch"
            return cannot_be_done(action, f"{_what(action)} cannot be created: {message}", TOO_MANY)
        known = None if self.seen.roles is None else self.seen.roles.union(self.declared.roles or ())
        if not isinstance(action, CreateRole) and known is not None and action.owner not in known:
            message = f"{_what(action)} cannot belong to role {action.owner!r}, which does not exist"
            return cannot_be_done(action, message, DECLARE_IT)
        return action

    @property
    def _disrupts(self) -> Risk:
        """Neon: a new role drops connections. To a new project or branch there are none."""
        return Risk.SAFE if self.is_new or not self.comparison.project.id else Risk.DISRUPTIVE


def _what(action: Creation | DeleteRole | DeleteDatabase) -> str:
    name = action.role if isinstance(action, CreateRole | DeleteRole) else action.database
    return f"{action.thing} {name!r} of branch {action.branch!r}"

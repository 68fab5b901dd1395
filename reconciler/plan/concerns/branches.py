"""Development branches: create what is declared, mend what moved, delete what was ours and is declared no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.action import CreateBranch, DeleteBranch, PatchBranch
from reconciler.plan.change import FieldChange, JsonText, Risk
from reconciler.plan.concerns import compute
from reconciler.plan.concerns.moments import expired, outside_window, text
from reconciler.plan.ownership import Purpose, declared_name
from reconciler.plan.plan import Note, Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.desired.settings import Settings
    from reconciler.desired.tenant import DevBranch
    from reconciler.live.project import Compute, Json, LiveBranch
    from reconciler.plan.case import Case, Finding
    from reconciler.plan.change import Origin
    from reconciler.plan.concerns.concern import Fields

NAME: Final = "dev_branches"
RESTORED: Final = " (old)"
"""Neon: a restore keeps the replaced branch, annotations included, under its name with this ending."""


def path(name: str) -> str:
    """The field path of a development branch."""
    return f"{NAME}.{name}"


def wanted(settings: Settings) -> Fields:
    """Each declared branch whole, and that branches are managed at all."""
    if settings.dev_branches is None:
        return {}
    return {NAME: True, **{path(branch.name): _spec(branch) for branch in settings.dev_branches}}


def computes(settings: Settings) -> dict[str, Compute | None]:
    """What the files want of each development branch's compute, by the branch's name."""
    return {branch.name: branch.compute for branch in settings.dev_branches or ()}


def _spec(branch: DevBranch) -> JsonText:
    """What counts after creation too; ``parent`` and ``at`` do not."""
    stated: dict[str, Json] = {}
    stated.update(compute.members(branch.compute))
    return JsonText.of(stated | {"expires_at": text(branch.expires_at) if branch.expires_at else None})


def findings(case: Case) -> Iterator[Finding]:
    """Actions in the order in which they can run, and what stands in the way of others."""
    declared = case.settings.dev_branches
    if declared is None or case.project.branches is None or NAME not in case.only:
        return
    wanted_now = [branch for branch in declared if not expired(branch.expires_at, case.now)]
    live = _Live(case, case.project.branches, frozenset(branch.name for branch in wanted_now))
    yield from live.deletions()
    missing = []
    for branch in wanted_now:
        found = live.of(branch.name)
        if found is None:
            missing.append(branch)
        else:
            yield from _mended(case, branch, found)
    yield from _creations(case, missing, live)


class _Live:
    """The live branches of a project, as far as this concern may touch them."""

    def __init__(self, case: Case, branches: Sequence[LiveBranch], names: frozenset[str]) -> None:
        self._case = case
        self._branches = branches
        self._names = names
        self._by_name = {branch.name: branch for branch in branches}

    def of(self, name: str) -> LiveBranch | None:
        """The branch of that name, whoever made it; else the one that we made under it."""
        if name in self._by_name:
            return self._by_name[name]
        ours = (b for b in self._branches if self._ours(b) == name and not b.name.endswith(RESTORED))
        return next(ours, None)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __len__(self) -> int:
        return len(self._branches)

    def deletions(self) -> Iterator[Finding]:
        """Children before their parents; what cannot be deleted is noted."""
        doomed = {branch.id: branch for branch in self._branches if self._undeclared(branch)}
        for branch in _children_first(doomed.values()):
            if hindrance := self._hindrance(branch, doomed):
                yield _note(self._case, f"branch {branch.name!r} is declared no more and stays: {hindrance}")
            else:
                yield self._delete(branch)

    def surviving(self) -> int:
        """How many branches are left after the deletions."""
        return len(self) - sum(isinstance(finding, DeleteBranch) for finding in self.deletions())

    def _ours(self, branch: LiveBranch) -> str | None:
        return declared_name(branch, self._case.fleet, Purpose.DEV_BRANCH)

    def _undeclared(self, branch: LiveBranch) -> bool:
        name = self._ours(branch)
        if name is None or branch.default or branch.name in self._names or branch.name.endswith(RESTORED):
            return False
        if expired(branch.expires_at, self._case.now):
            return False  # Neon's own job deletes it, some time after the moment
        return name not in self._names or name in self._by_name

    def _hindrance(self, branch: LiveBranch, doomed: dict[str, LiveBranch]) -> str | None:
        if branch.protected:
            return "it is protected in Neon"
        staying = [b.name for b in self._branches if b.parent_id == branch.id and b.id not in doomed]
        return f"{staying[0]!r} is a child of it" if staying else None

    def _delete(self, branch: LiveBranch) -> DeleteBranch:
        name = self._ours(branch) or branch.name
        origin = self._case.origin(path(name), NAME)
        return DeleteBranch(
            tenant=self._case.tenant.name,
            reason="declared no more",
            source=self._case.tenant.location,
            changes=(_existence(name, origin, before=True),),
            branch=branch.name,
            branch_id=branch.id,
            purpose=Purpose.DEV_BRANCH,
        )


def _mended(case: Case, branch: DevBranch, live: LiveBranch) -> Iterator[Finding]:
    if live.default:
        yield _note(case, f"{branch.name!r} is the name of the default branch: nothing is done about it")
        return
    changes = [*_renaming(case, branch, live), *_another_expiry(case, branch, live)]
    if changes:
        yield PatchBranch(
            tenant=case.tenant.name,
            reason="differs from the tenant's file",
            source=case.tenant.location,
            changes=tuple(changes),
            branch=live.name,
        )


def _renaming(case: Case, branch: DevBranch, live: LiveBranch) -> Iterator[FieldChange]:
    own = path(branch.name)
    if live.name != branch.name:
        yield FieldChange(f"{own}.name", live.name, branch.name, origin=case.origin(own))


def _another_expiry(case: Case, branch: DevBranch, live: LiveBranch) -> Iterator[FieldChange]:
    """Expiry against expiry. One that the file leaves out is left alone; an earlier one takes data away sooner."""
    own, until = path(branch.name), branch.expires_at
    if until is None or (live.expires_at is not None and text(live.expires_at) == text(until)):
        return
    before = None if live.expires_at is None else text(live.expires_at)
    sooner = live.expires_at is None or until < live.expires_at
    risk = Risk.DESTRUCTIVE if sooner else Risk.SAFE
    yield FieldChange(f"{own}.expires_at", before, text(until), risk, lowering=sooner, origin=case.origin(own))


def _creations(case: Case, missing: Sequence[DevBranch], live: _Live) -> Iterator[Finding]:
    room = _room(case, live)
    made: set[str] = set()
    for branch in _parents_first(missing):
        default = case.project.default_branch
        parent = branch.parent or (default.name if default else None)
        if hindrance := _cannot_be_made(case, branch):
            yield _note(case, f"branch {branch.name!r} is not created: {hindrance}")
        elif parent is None or (parent not in live and parent not in made):
            yield _note(case, f"branch {branch.name!r} is not created: its parent {parent!r} does not exist")
        elif room is not None and len(made) >= room:
            yield _no_room(case, branch, parent, len(live))
        else:
            made.add(branch.name)
            yield _create(case, branch, parent)


def _room(case: Case, live: _Live) -> int | None:
    """How many more branches the organization allows; it counts all of them, whoever made them (Neon)."""
    limit = case.there.branches
    return None if limit is None else max(0, limit - live.surviving())


def _cannot_be_made(case: Case, branch: DevBranch) -> str | None:
    if branch.at is None:
        return None
    return outside_window(branch.at, case.restore_window_seconds, case.now)


def _create(case: Case, branch: DevBranch, parent: str) -> CreateBranch:
    return CreateBranch(
        tenant=case.tenant.name,
        reason="declared, not live",
        source=case.tenant.location,
        changes=(_existence(branch.name, case.origin(path(branch.name)), before=False),),
        branch=branch.name,
        parent=parent,
        purpose=Purpose.DEV_BRANCH,
        at=branch.at,
        expires_at=branch.expires_at,
        schema_only=branch.schema_only,
        compute=branch.compute,
    )


def _no_room(case: Case, branch: DevBranch, parent: str, live: int) -> Refusal:
    limit, organization = case.there.branches, case.settings.organization
    return Refusal(
        Rule.BRANCH_LIMIT,
        (case.tenant.name,),
        f"organization {organization} allows {limit} branches in a project, and {live} are live",
        "delete branches that are not needed, or declare fewer",
        (_create(case, branch, parent),),
    )


def _existence(name: str, origin: Origin, *, before: bool) -> FieldChange:
    was, becomes = ("present", "absent") if before else ("absent", "present")
    risk = Risk.DESTRUCTIVE if before else Risk.SAFE
    return FieldChange(path(name), was, becomes, risk, lowering=before, origin=origin)


def _note(case: Case, message: str) -> Note:
    return Note(case.tenant.name, message, case.tenant.location)


def _children_first(branches: Iterable[LiveBranch]) -> list[LiveBranch]:
    by_id = {branch.id: branch for branch in branches}

    def depth(branch: LiveBranch) -> int:
        parent = by_id.get(branch.parent_id or "")
        return 0 if parent is None else 1 + depth(parent)

    return sorted(by_id.values(), key=lambda branch: (-depth(branch), branch.name, branch.id))


def _parents_first(branches: Sequence[DevBranch]) -> list[DevBranch]:
    """In the order of the file, but no branch before its parent. The files hold no circle."""
    by_name = {branch.name: branch for branch in branches}
    found: dict[str, DevBranch] = {}

    def add(branch: DevBranch) -> None:
        parent = by_name.get(branch.parent or "")
        if parent is not None and parent.name not in found and parent is not branch:
            add(parent)
        found[branch.name] = branch

    for branch in branches:
        if branch.name not in found:
            add(branch)
    return list(found.values())

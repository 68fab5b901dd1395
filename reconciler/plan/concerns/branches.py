"""Development branches: create what is declared, mend what moved, delete what was ours and is declared no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.desired.settings import override_compute
from reconciler.model.annotations import Purpose
from reconciler.model.moments import rfc3339
from reconciler.plan.action import CreateBranch, DeleteBranch, PatchBranch
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.concerns import compute
from reconciler.plan.concerns.branch_matching import BranchMatching
from reconciler.plan.concerns.organization import branches_allowed
from reconciler.plan.concerns.refusals import CORRECT_IT, undoable
from reconciler.plan.concerns.times import hindrance as cannot_expire
from reconciler.plan.concerns.times import moved_of_branch, outside_window, reset_note, too_far
from reconciler.plan.concerns.times import path as expiry_path
from reconciler.plan.plan import Note, Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.desired.settings import Settings
    from reconciler.desired.tenant import DevBranch
    from reconciler.live.project import LiveBranch
    from reconciler.model.compute import Compute
    from reconciler.model.values import Value
    from reconciler.plan.case import Case, Finding
    from reconciler.plan.concerns.concern import Fields

NAME: Final = "dev_branches"
MADE_AS: Final = ("parent", "at", "schema_only")
"""Members of a branch that count at its creation only."""
EXPIRED: Final = "expired by the tenant's file"
UNDELETABLE: Final = "take away what keeps it, or declare it again"
ANOTHER_NAME: Final = "give it another name in the tenant's file, or the default branch its own name again"
ANOTHER_EXPIRY: Final = "take away what keeps it, or state the expiry that it has"


def path(name: str) -> str:
    """The field path of a development branch."""
    return f"{NAME}.{name}"


def wanted(settings: Settings) -> Fields:
    """Each declared branch whole, and that branches are managed at all."""
    if settings.dev_branches is None:
        return {}
    return {NAME: True, **{own: value for branch in settings.dev_branches for own, value in _stated(branch)}}


def computes(settings: Settings) -> list[Compute]:
    """What the files want of the computes of development branches."""
    return [branch.compute for branch in settings.dev_branches or () if branch.compute is not None]


def _stated(branch: DevBranch) -> Iterator[tuple[str, Value]]:
    """What counts after creation too, and what counts at creation only (``plan.at_creation``)."""
    own = path(branch.name)
    yield own, "present"
    if branch.expires_at is not None:
        yield expiry_path(own), rfc3339(branch.expires_at)
    yield from made_as(branch)
    yield from ((f"{own}.{member}", value) for member, value in compute.members(branch.compute).items())


def made_as(branch: DevBranch) -> Iterator[tuple[str, Value]]:
    """What the branch states that counts at its creation only."""
    own = path(branch.name)
    if branch.parent is not None:
        yield f"{own}.parent", branch.parent
    if branch.at is not None:
        yield f"{own}.at", rfc3339(branch.at)
    if branch.schema_only:
        yield f"{own}.schema_only", True


def findings(case: Case) -> Iterator[Finding]:
    """Actions in the order in which they can run, and what stands in the way of others."""
    if case.settings.dev_branches is None or case.project.branches is None or NAME not in case.only:
        return
    live = BranchMatching(case)
    deletions = list(_deletions(case, live))
    yield from deletions
    deleted = {finding.branch_id for finding in deletions if isinstance(finding, DeleteBranch)}
    staying = [branch for branch in case.project.branches if branch.id not in deleted]
    parents = frozenset(branch.parent_id for branch in staying)
    for branch in live.declared:
        if found := live.of(branch.name):
            yield from _mended(case, branch, found, parents)
    yield from _creations(case, live, staying)


def sized(case: Case) -> Iterator[tuple[LiveBranch, Compute]]:
    """The live branches whose computes the files size, with what they want of them."""
    live = BranchMatching(case)
    for branch in live.declared:
        found = live.of(branch.name)
        if found is not None and not found.default and branch.compute is not None:
            yield found, branch.compute


def _deletions(case: Case, live: BranchMatching) -> Iterator[Finding]:
    """Children before their parents; what cannot be deleted is refused, and so stay its parents.

    One that somebody renamed is kept, and is nobody's but theirs.
    """
    doomed = {branch.id: branch for branch in live.undeclared()}
    written = {declared.name for declared in case.settings.dev_branches or ()}
    for branch in _children_first(list(doomed.values())):
        name = live.declared_as(branch)
        over = EXPIRED if name in written else "declared no more"
        delete = _delete(case, branch, name, over)
        if branch.name != name:
            del doomed[branch.id]
            renamed = (
                f"branch {branch.name!r} is {over} and stays: somebody renamed it; it was created as {name!r}"
            )
            yield Note(case.tenant.name, renamed, case.tenant.location)
        elif hindrance := live.hindrance(branch, doomed):
            del doomed[branch.id]
            yield undoable(delete, f"branch {branch.name!r} is {over} and stays: {hindrance}", UNDELETABLE)
        else:
            yield delete


def _delete(case: Case, branch: LiveBranch, name: str, reason: str) -> DeleteBranch:
    """An expiry that a commit has stated is cause enough once it has passed; one that is new needs a cause."""
    own = path(name)
    expiry = expiry_path(own)
    stated = case.past is not None and case.past.base.get(expiry) == case.wanted_now.get(expiry)
    spoken_of = (expiry, own, NAME) if reason == EXPIRED else (own, NAME)
    origin = Origin.CONFIG if reason == EXPIRED and stated else case.origin(*spoken_of, reduces=True)
    return DeleteBranch(
        tenant=case.tenant.name,
        reason=reason,
        source=case.tenant.location,
        changes=(_existence(name, origin, before=True),),
        branch=branch.name,
        branch_id=branch.id,
        purpose=Purpose.DEV_BRANCH,
    )


def _mended(case: Case, branch: DevBranch, live: LiveBranch, parents: Collection[str | None]) -> Iterator[Finding]:
    """``parents`` are the ids of the branches that have children once the deletions are through."""
    if live.default:
        message = f"branch {branch.name!r} is not created: it is the name of the default branch"
        yield undoable(_create(case, branch, branch.parent or live.name), message, ANOTHER_NAME)
        return
    yield from reset_note(case, f"branch {branch.name!r}", live, branch.expires_at)
    expiry = list(moved_of_branch(case, path(branch.name), live, branch.expires_at))
    if expiry and (hindrance := cannot_expire(case, live, branch.expires_at, parents)):
        message = f"the expiry of branch {branch.name!r} is left as it is: {hindrance}"
        yield undoable(_patch(case, live, expiry), message, ANOTHER_EXPIRY)
        expiry = []
    if changes := [*_renaming(case, branch, live), *expiry]:
        yield _patch(case, live, changes)


def _patch(case: Case, live: LiveBranch, changes: Sequence[FieldChange]) -> PatchBranch:
    return PatchBranch(
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


@dataclass(frozen=True, slots=True)
class _Parent:
    """A branch that others may start from."""

    expires: bool
    created_at: datetime
    """Now, for one that this plan creates: it has no earlier moment."""


def _creations(case: Case, live: BranchMatching, staying: Sequence[LiveBranch]) -> Iterator[Finding]:
    limit, most = case.limits.branches, case.settings.most_dev_branches
    expiring = {branch.name for branch in live.declared if branch.expires_at is not None}
    names = {found.id: branch.name for branch in live.declared if (found := live.of(branch.name))}
    unmanaged = {branch.id: branch.expires_at is not None for branch in staying if branch.id not in names}
    there = {
        (name := names.get(branch.id, branch.name)): _Parent(
            unmanaged.get(branch.id, name in expiring), branch.created_at
        )
        for branch in staying
    }
    for branch in _parents_first([branch for branch in live.declared if live.of(branch.name) is None]):
        parent = branch.parent or live.default_name
        if hindrance := _cannot_be_made(case, branch, parent, there.get(parent)):
            message = f"branch {branch.name!r} is not created: {hindrance}"
            yield undoable(_create(case, branch, parent), message, CORRECT_IT)
        elif limit is not None and len(there) >= limit:
            allowed = branches_allowed(case.organization, case.limits)
            yield _no_room(case, branch, parent, f"{allowed}, and this one would hold {len(there) + 1}")
        elif most is not None and len(names) >= most:
            yield _no_room(case, branch, parent, f"tier {case.settings.tier} allows {most} development branches")
        else:
            names[branch.name] = branch.name
            there[branch.name] = _Parent(branch.expires_at is not None, case.now)
            yield _create(case, branch, parent)


def _cannot_be_made(case: Case, branch: DevBranch, parent_name: str, parent: _Parent | None) -> str | None:
    if parent is None:
        return f"its parent {parent_name!r} does not exist"
    if parent.expires:
        return f"its parent {parent_name!r} expires, and Neon gives such a branch no children"
    if cannot := too_far(branch.expires_at, case.now) or _unfit_sizes(case, branch):
        return cannot
    if branch.at is None:
        return None
    if branch.at < parent.created_at:
        return f"{rfc3339(branch.at)} lies before its parent {parent_name!r} was created"
    return outside_window(branch.at, case.restore_window_seconds, case.now)


def _unfit_sizes(case: Case, branch: DevBranch) -> str | None:
    """Why its compute cannot be made; an end of the range that no file states is the project's default."""
    whole = override_compute(case.project.compute, branch.compute)
    if branch.compute is None or whole is None or whole.min_cu is None or whole.max_cu is None:
        return None
    return None if compute.is_a_range(whole.min_cu, whole.max_cu) else compute.no_range(whole.min_cu, whole.max_cu)


def _create(case: Case, branch: DevBranch, parent: str) -> CreateBranch:
    return CreateBranch(
        tenant=case.tenant.name,
        reason="declared",
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


def _no_room(case: Case, branch: DevBranch, parent: str, message: str) -> Refusal:
    return Refusal(
        Rule.BRANCH_LIMIT,
        (case.tenant.name,),
        message,
        "delete branches that are not needed, or declare fewer",
        (_create(case, branch, parent),),
    )


def _existence(name: str, origin: Origin, *, before: bool) -> FieldChange:
    was, becomes = ("present", "absent") if before else ("absent", "present")
    risk = Risk.DESTRUCTIVE if before else Risk.SAFE
    return FieldChange(path(name), was, becomes, risk, lowering=before, origin=origin)


def _children_first(branches: Sequence[LiveBranch]) -> list[LiveBranch]:
    by_id = {branch.id: branch for branch in branches}
    parents = {branch.id: branch.parent_id or "" for branch in branches}
    depths: dict[str, int] = {}
    for branch in branches:
        for one in reversed(_way_up(branch.id, parents, depths)):
            depths[one] = 1 + depths.get(parents[one], -1)
    return sorted(by_id.values(), key=lambda branch: (-depths[branch.id], branch.name, branch.id))


def _parents_first(branches: Sequence[DevBranch]) -> list[DevBranch]:
    """In the order of the file, but no branch before its parent. The files hold no circle."""
    by_name = {branch.name: branch for branch in branches}
    parents = {branch.name: branch.parent or "" for branch in branches}
    found: dict[str, DevBranch] = {}
    for branch in branches:
        for name in reversed(_way_up(branch.name, parents, found)):
            found[name] = by_name[name]
    return list(found.values())


def _way_up(start: str, parents: Mapping[str, str], passed: Container[str]) -> list[str]:
    """From a branch to its parent and so on, as far as nothing has passed before; a circle is passed once."""
    way: dict[str, None] = {}
    while start in parents and start not in passed and start not in way:
        way[start] = None
        start = parents[start]
    return list(way)

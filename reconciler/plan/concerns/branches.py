"""Development branches: create declared ones, repair changed ones, delete ours that are no longer declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.annotations import Purpose
from reconciler.model.fields.table import made_as as made_as_fields
from reconciler.model.moments import rfc3339
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch
from reconciler.plan.change import FieldChange, Origin
from reconciler.plan.concerns import branch_resets, compute, protection
from reconciler.plan.concerns.branch_matching import BranchMatching
from reconciler.plan.concerns.concern import CORRECT_IT, cannot_be_done, existence
from reconciler.plan.concerns.idle_branches import DISPOSABLE, IdleBranches
from reconciler.plan.concerns.organization import branches_allowed
from reconciler.plan.concerns.times import (
    ends_an_expiry,
    moved_of_branch,
    outside_window,
    rejected,
    reset_note,
    too_far,
)
from reconciler.plan.concerns.times import hindrance as cannot_expire
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
    from reconciler.plan.comparison import Comparison, Finding
    from reconciler.plan.concerns.concern import Fields

NAME: Final = "dev_branches"
MADE_AS: Final = made_as_fields(NAME)
"""Members of a branch that apply at creation only."""
EXPIRED: Final = "expired according to the tenant's file"
UNDELETABLE: Final = "remove the obstacle, or declare the branch again"
ANOTHER_NAME: Final = "rename the branch in the tenant's file, or give the default branch its original name"
NO_EXPIRY: Final = "remove the expiry from the branch first: Neon protects no branch that expires"
ANOTHER_EXPIRY: Final = "remove the obstacle, or declare the live expires_at"


def path(name: str) -> str:
    """Return the field path of a development branch."""
    return f"{NAME}.{name}"


def wanted(settings: Settings) -> Fields:
    """Return the declared branches by field path, and a marker that branches are managed."""
    if settings.dev_branches is None:
        return {}
    return {NAME: True, **{own: value for branch in settings.dev_branches for own, value in _stated(branch)}}


def stated(settings: Settings) -> bool:
    """Return whether the files declare branches, or the protection of the default branch."""
    return settings.dev_branches is not None or settings.protected is not None


def computes(settings: Settings) -> list[Compute]:
    """Return the declared computes of development branches."""
    return [branch.compute for branch in settings.dev_branches or () if branch.compute is not None]


def _stated(branch: DevBranch) -> Iterator[tuple[str, Value]]:
    """Yield the fields of a branch, including those that apply at creation only (``plan.at_creation``)."""
    own = path(branch.name)
    yield own, "present"
    if branch.expires_at is not None:
        yield expiry_path(own), rfc3339(branch.expires_at)
    if branch.protected is not None:
        yield protection.path(own), branch.protected
    if branch.reset:
        yield f"{own}{branch_resets.MEMBER}", branch.reset
    if branch.disposable:
        yield f"{own}{DISPOSABLE}", True
    yield from made_as(branch)
    yield from ((f"{own}.{member}", value) for member, value in compute.members(branch.compute).items())


def made_as(branch: DevBranch) -> Iterator[tuple[str, Value]]:
    """Yield the fields of a branch that apply at creation only."""
    own = path(branch.name)
    if branch.parent is not None:
        yield f"{own}.parent", branch.parent
    if branch.at is not None:
        yield f"{own}.at", rfc3339(branch.at)
    if branch.schema_only:
        yield f"{own}.schema_only", True


def findings(comparison: Comparison) -> Iterator[Finding]:
    """Yield branch actions in execution order, and refusals and notes."""
    if comparison.project.branches is None or NAME not in comparison.only:
        return
    live = BranchMatching(comparison)
    unused = IdleBranches(comparison, live)
    cleaned = list(unused.deletions())
    yield from cleaned
    if comparison.settings.dev_branches is None:
        return
    gone = {finding.branch_id for finding in cleaned if isinstance(finding, DeleteBranch)}
    deletions = list(_deletions(comparison, live, gone))
    deleted = gone | {finding.branch_id for finding in deletions if isinstance(finding, DeleteBranch)}
    staying = [branch for branch in comparison.project.branches if branch.id not in deleted]
    parents = frozenset(branch.parent_id for branch in staying)
    for branch in live.declared:
        if (found := live.of(branch.name)) and found.id not in deleted:
            yield from _mended(comparison, branch, found, parents)
    uncertain = {d.branch_id for d in deletions if isinstance(d, DeleteBranch) and not _asked_for(d)}
    made = list(_creations(comparison, live, staying, unused, uncertain))
    room = {finding.branch_id for finding in made if isinstance(finding, DeleteBranch)}
    yield from (d for d in deletions if not (isinstance(d, DeleteBranch) and d.branch_id in room))
    yield from made


def _asked_for(deletion: DeleteBranch) -> bool:
    return all(change.origin is Origin.CONFIG for change in deletion.changes)


def sized(comparison: Comparison) -> Iterator[tuple[LiveBranch, Compute]]:
    """Yield the live branches whose computes the files size, each with its declared compute."""
    live = BranchMatching(comparison)
    for branch in live.declared:
        found = live.of(branch.name)
        if found is not None and not found.default and branch.compute is not None:
            yield found, branch.compute


def _deletions(comparison: Comparison, live: BranchMatching, gone: Collection[str]) -> Iterator[Finding]:
    """Yield deletions, children before parents. A branch that cannot be deleted is refused, and its parents stay.
    ``gone`` are the ids of branches that are deleted for another reason.

    A branch that somebody renamed is kept.
    """
    doomed = {branch.id: branch for branch in live.undeclared() if branch.id not in gone}
    written = {declared.name for declared in comparison.settings.dev_branches or ()}
    for branch in _children_first(list(doomed.values())):
        name = live.declared_as(branch)
        over = EXPIRED if name in written else "no longer declared"
        delete = _delete(comparison, branch, name, over)
        if branch.name != name:
            del doomed[branch.id]
            renamed = (
                f"branch {branch.name!r} is {over} but is kept: it was created as {name!r} and somebody renamed it"
            )
            yield Note.about(comparison.tenant, renamed)
        elif hindrance := live.hindrance(branch, doomed):
            del doomed[branch.id]
            yield cannot_be_done(
                delete, f"branch {branch.name!r} is {over} but cannot be deleted: {hindrance}", UNDELETABLE
            )
        else:
            yield delete


def _delete(comparison: Comparison, branch: LiveBranch, name: str, reason: str) -> DeleteBranch:
    """The passing of an expiry is no cause: Neon itself ends a branch that has it. A branch that lives on has lost
    its expiry, or was given a later one: by somebody who wants to keep it, until a commit speaks of it.
    """
    own = path(name)
    spoken_of = (expiry_path(own), own, NAME) if reason == EXPIRED else (own, NAME)
    origin = comparison.origin(*spoken_of, reduces=True)
    return DeleteBranch(
        tenant=comparison.tenant.name,
        reason=reason,
        source=comparison.tenant.location,
        changes=(existence(path(name), origin, before=True),),
        branch=branch.name,
        branch_id=branch.id,
        purpose=Purpose.DEV_BRANCH,
    )


def _mended(
    comparison: Comparison, branch: DevBranch, live: LiveBranch, parents: Collection[str | None]
) -> Iterator[Finding]:
    """``parents`` are the ids of branches that still have children after the deletions."""
    if live.default:
        message = f"branch {branch.name!r} cannot be created: the default branch has this name"
        yield cannot_be_done(_create(comparison, branch, branch.parent or live.name), message, ANOTHER_NAME)
        return
    yield from branch_resets.findings(comparison, branch, path(branch.name), live, parents)
    yield from reset_note(comparison, f"branch {branch.name!r}", live, branch.expires_at)
    guarded = list(protection.of_branch(comparison, path(branch.name), live, branch.protected))
    expiry = list(moved_of_branch(comparison, path(branch.name), live, branch.expires_at))
    stays_protected = live.protected and not any(change.origin is Origin.CONFIG for change in guarded)
    if expiry and (
        hindrance := cannot_expire(
            comparison, path(branch.name), live, branch.expires_at, parents, protected=stays_protected
        )
    ):
        message = f"the expiry of branch {branch.name!r} cannot be changed: {hindrance}"
        yield cannot_be_done(_patch(comparison, live, expiry), message, ANOTHER_EXPIRY)
        expiry = []
    if branch.protected and guarded and live.expires_at is not None and not _ends_for_sure(expiry):
        message = f"branch {branch.name!r} cannot be protected: it has an expiry"
        yield cannot_be_done(_patch(comparison, live, guarded), message, NO_EXPIRY)
        guarded = []
    if changes := [*_renaming(comparison, branch, live), *guarded, *expiry]:
        yield _patch(comparison, live, changes)


def _ends_for_sure(expiry: Sequence[FieldChange]) -> bool:
    """Return whether a commit removes the expiry: the guards refuse it otherwise."""
    return any(ends_an_expiry(change) and change.origin is Origin.CONFIG for change in expiry)


def _patch(comparison: Comparison, live: LiveBranch, changes: Sequence[FieldChange]) -> PatchBranch:
    return PatchBranch(
        tenant=comparison.tenant.name,
        reason="differs from the tenant's file",
        source=comparison.tenant.location,
        changes=tuple(changes),
        branch=live.name,
    )


def _renaming(comparison: Comparison, branch: DevBranch, live: LiveBranch) -> Iterator[FieldChange]:
    own = path(branch.name)
    if live.name != branch.name:
        yield FieldChange(f"{own}.name", live.name, branch.name, origin=comparison.origin(own))


class _Parent(Struct, frozen=True):
    """A branch that can be the parent of new branches."""

    expires: bool
    created_at: datetime
    """Creation time; for a branch that this plan creates, the time of planning."""


def _creations(
    comparison: Comparison,
    live: BranchMatching,
    staying: Sequence[LiveBranch],
    unused: IdleBranches,
    uncertain: Collection[str],
) -> Iterator[Finding]:
    """``uncertain`` are the ids of branches that stay if no commit asks for their deletion."""
    limit, most = comparison.limits.branches, comparison.settings.most_dev_branches
    expiring = {branch.name for branch in live.declared if branch.expires_at is not None}
    there_now, doubtful = {branch.id for branch in staying}, set(uncertain)
    found = ((live.of(branch.name), branch) for branch in live.declared)
    names = {one.id: branch.name for one, branch in found if one is not None and one.id in there_now}
    unmanaged = {branch.id: branch.expires_at is not None for branch in staying if branch.id not in names}
    there = {
        (name := names.get(branch.id, branch.name)): _Parent(
            unmanaged.get(branch.id, name in expiring), branch.created_at
        )
        for branch in staying
    }
    for branch in _parents_first([branch for branch in live.declared if live.of(branch.name) is None]):
        parent = branch.parent or live.default_name
        if left_out := unused.not_again(branch):
            yield left_out
            continue
        if hindrance := _cannot_be_made(comparison, branch, parent, there.get(parent)):
            message = f"branch {branch.name!r} cannot be created: {hindrance}"
            yield cannot_be_done(_create(comparison, branch, parent), message, CORRECT_IT)
            continue
        full = limit is not None and len(there) + len(doubtful) >= limit
        many = most is not None and len(names) >= most
        if full and not many and (leaving := unused.room_for(branch, parent, there_now | doubtful)):
            yield leaving
            doubtful.discard(leaving.branch_id)
            there.pop(names.pop(leaving.branch_id, leaving.branch), None)
        if limit is not None and len(there) >= limit:
            allowed = branches_allowed(comparison.organization, comparison.limits)
            yield _no_room(comparison, branch, parent, f"{allowed}; this branch would be number {len(there) + 1}")
        elif most is not None and len(names) >= most:
            yield _no_room(
                comparison, branch, parent, f"tier {comparison.settings.tier} allows {most} development branches"
            )
        else:
            names[branch.name] = branch.name
            there[branch.name] = _Parent(branch.expires_at is not None, comparison.now)
            yield _create(comparison, branch, parent)


def _cannot_be_made(
    comparison: Comparison, branch: DevBranch, parent_name: str, parent: _Parent | None
) -> str | None:
    if parent is None:
        return f"its parent branch {parent_name!r} does not exist"
    if parent.expires:
        return (
            f"its parent branch {parent_name!r} has an expiry, and Neon does not allow children of such a branch"
        )
    if cannot := too_far(branch.expires_at, comparison.now) or compute.unfit(branch.compute, comparison.project):
        return cannot
    if branch.at is None:
        return None
    if branch.at < parent.created_at:
        return f"{rfc3339(branch.at)} is before the creation of its parent branch {parent_name!r}"
    window = outside_window(branch.at, comparison.restore_window_seconds, comparison.now)
    return window or rejected(comparison, path(branch.name), branch.at)


def _create(comparison: Comparison, branch: DevBranch, parent: str) -> CreateBranch:
    return CreateBranch(
        tenant=comparison.tenant.name,
        reason="declared",
        source=comparison.tenant.location,
        changes=(existence(path(branch.name), comparison.origin(path(branch.name)), before=False),),
        branch=branch.name,
        parent=parent,
        purpose=Purpose.DEV_BRANCH,
        at=branch.at,
        expires_at=branch.expires_at,
        schema_only=branch.schema_only,
        protected=bool(branch.protected),
        compute=branch.compute,
    )


def _no_room(comparison: Comparison, branch: DevBranch, parent: str, message: str) -> Refusal:
    return Refusal(
        Rule.BRANCH_LIMIT,
        (comparison.tenant.name,),
        message,
        "delete unused branches, or declare fewer branches",
        (_create(comparison, branch, parent),),
    )


def _children_first(branches: Sequence[LiveBranch]) -> list[LiveBranch]:
    by_id = {branch.id: branch for branch in branches}
    parents = {branch.id: branch.parent_id or "" for branch in branches}
    depths: dict[str, int] = {}
    for branch in branches:
        for one in reversed(_way_up(branch.id, parents, depths)):
            depths[one] = 1 + depths.get(parents[one], -1)
    return sorted(by_id.values(), key=lambda branch: (-depths[branch.id], branch.name, branch.id))


def _parents_first(branches: Sequence[DevBranch]) -> list[DevBranch]:
    """Sort in file order, but parents before children. The files hold no cycle."""
    by_name = {branch.name: branch for branch in branches}
    parents = {branch.name: branch.parent or "" for branch in branches}
    found: dict[str, DevBranch] = {}
    for branch in branches:
        for name in reversed(_way_up(branch.name, parents, found)):
            found[name] = by_name[name]
    return list(found.values())


def _way_up(start: str, parents: Mapping[str, str], passed: Container[str]) -> list[str]:
    """Return the branch and its ancestors, up to the first one already visited."""
    way: dict[str, None] = {}
    while start in parents and start not in passed and start not in way:
        way[start] = None
        start = parents[start]
    return list(way)

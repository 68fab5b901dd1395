"""Branches that restores left: always reported, and deleted only if the tier says after what time.

Each holds the state that a restore replaced: without it, that restore cannot be undone once the state has left the
restore window.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import BRANCH, FLEET, MANAGED_BY, PRODUCT, Purpose
from reconciler.model.units import format_bytes, format_seconds
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.concerns.branches import NAME, path
from reconciler.plan.concerns.concern import existence
from reconciler.plan.kept_branches import is_kept, kept_until
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.comparison import Comparison, Finding
    from reconciler.plan.concerns.concern import Fields

AFTER: Final = "dev_branches.cleanup.old_branches_seconds"
"""The path of the time after which old branches are deleted."""


def wanted(settings: Settings) -> Fields:
    """Return the time after which old branches are deleted, by its path."""
    seconds = settings.cleanup.old_branches_seconds
    return {} if seconds is None else {AFTER: seconds}


def concerned(settings: Settings, project: LiveProject) -> bool:
    """Whether old branches are to be looked for, or were seen."""
    return settings.cleanup.old_branches_seconds is not None or any(map(is_kept, project.branches or ()))


def decided_by_snapshots(settings: Settings, project: LiveProject) -> bool:
    """Whether the snapshots decide about an old branch: one that has snapshots stays."""
    return settings.cleanup.old_branches_seconds is not None and any(map(is_kept, project.branches or ()))


def findings(comparison: Comparison) -> Iterator[Finding]:
    """Yield the deletion of each old branch whose time has passed, and a note on each other one."""
    if comparison.project.branches is None or NAME not in comparison.only:
        return
    for branch in comparison.project.branches:
        if not is_kept(branch):
            continue
        if why := _stays(comparison, branch):
            yield Note.about(comparison.tenant, f"{_text(comparison, branch)}: {why}")
        else:
            yield _delete(comparison, branch)


def _stays(comparison: Comparison, branch: LiveBranch) -> str | None:
    """Return why the branch is not deleted now; None if it is."""
    seconds = comparison.settings.cleanup.old_branches_seconds
    if seconds is None:
        return "it stays, because the tier declares no cleanup.old_branches"
    left = kept_until(branch, comparison.project.branches or ())
    if left is None:
        return "it stays, because only its name shows that a restore left it"
    if why := _spared(comparison, branch) or _in_use(comparison, branch):
        return f"it stays, because {why}"
    if left + timedelta(seconds=seconds) > comparison.now:
        return f"it is deleted {format_seconds(seconds)} after that"
    return None


def _spared(comparison: Comparison, branch: LiveBranch) -> str | None:
    if comparison.tenant.protect:
        return "the tenant is protected"
    own = path(branch.name)
    if own in comparison.wanted_now or comparison.needs_branch(branch.name) or comparison.kept_elsewhere(own):
        return "a file of the tenant names it"
    return "a document brings the tier, and no commit" if comparison.of_a_document(AFTER) else None


def _in_use(comparison: Comparison, branch: LiveBranch) -> str | None:
    project = comparison.project
    if branch.protected:
        return "it is protected in Neon"
    if child := next((one.name for one in project.branches or () if one.parent_id == branch.id), None):
        return f"it has the child branch {child!r}"
    if any(compute.branch_id == branch.id for compute in project.endpoints or ()):
        return "it has a compute"
    if project.snapshots is None or any(one.source_branch_id == branch.id for one in project.snapshots):
        return "snapshots were taken of it"
    if comparison.tenant.project_id is None and _is_the_only_mark(comparison, branch):
        return "only it shows which tenant the project belongs to: add project_id to the tenant's file"
    return None


def _is_the_only_mark(comparison: Comparison, branch: LiveBranch) -> bool:
    """Whether the annotation of the project's creation is on this branch, and on none that no restore left."""
    others = (one for one in comparison.project.branches or () if not is_kept(one))
    return _is_a_mark(comparison, branch) and not any(_is_a_mark(comparison, one) for one in others)


def _is_a_mark(comparison: Comparison, branch: LiveBranch) -> bool:
    ours = {MANAGED_BY: PRODUCT, FLEET: comparison.fleet}
    return ours.items() <= dict(branch.annotations).items() and BRANCH not in branch.annotations


def _text(comparison: Comparison, branch: LiveBranch) -> str:
    left = kept_until(branch, comparison.project.branches or ()) or branch.created_at
    size = "" if branch.logical_size_bytes is None else f", {format_bytes(branch.logical_size_bytes)}"
    return f"branch {branch.name!r} was left by a restore on {left:%Y-%m-%d}{size}"


def _delete(comparison: Comparison, branch: LiveBranch) -> DeleteBranch:
    seconds = comparison.settings.cleanup.old_branches_seconds or 0
    return DeleteBranch(
        tenant=comparison.tenant.name,
        reason=f"left by a restore more than {format_seconds(seconds)} ago",
        source=comparison.tenant.location,
        changes=(existence(path(branch.name), comparison.by_policy(AFTER), before=True),),
        branch=branch.name,
        branch_id=branch.id,
        purpose=Purpose.DEV_BRANCH,
    )

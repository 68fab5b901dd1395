"""Neon's protection of branches: of the default branch, and of development branches that state it.

Neon: a protected branch cannot be deleted, reset or expire, and its project and computes cannot be deleted
(guides/protected-branches).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.actions.branch import PatchBranch
from reconciler.plan.concerns.concern import Concern, Fields, changed, changed_in_copy, differing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.change import FieldChange
    from reconciler.plan.comparison import Comparison

PATH: Final = "protected"


def wanted(settings: Settings) -> Fields:
    """The protection of the default branch, where the files manage it."""
    return {} if settings.protected is None else {PATH: settings.protected}


def members(branch: LiveBranch | None) -> Fields:
    """The protection of the default branch, where branches were read."""
    return {} if branch is None else {PATH: branch.protected}


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Another protection of the default branch; nothing where branches were not read."""
    observed = members(project.default_branch)
    if observed:
        for path, before, after in differing(wanted(settings), observed):
            yield changed(path, before, after)


PROTECTION: Final = Concern(PATH, wanted, changes)


def unmanaged(settings: Settings, project: LiveProject) -> int:
    """Return how many protected branches were read of which no file states the protection."""
    stated = {branch.name for branch in settings.dev_branches or () if branch.protected is not None}
    live = (branch for branch in project.branches or () if branch.protected)
    return sum(settings.protected is None if branch.default else branch.name not in stated for branch in live)


def path(branch: str) -> str:
    """Return the field path of the protection of a branch with this path."""
    return f"{branch}.{PATH}"


def of_branch(comparison: Comparison, own: str, live: LiveBranch, protected: bool | None) -> Iterator[FieldChange]:
    """Yield the change of the protection of a development branch with the path ``own``."""
    if protected is not None and protected != live.protected:
        yield comparison.caused(changed_in_copy(own, PATH, live.protected, protected))


def patches(comparison: Comparison) -> Iterator[PatchBranch]:
    """Yield the patch of the default branch. No other call can set it: a creation of a project has no such member
    (Neon: ProjectCreateRequest).
    """
    branch = comparison.project.default_branch
    if branch is None or PROTECTION.name not in comparison.only:
        return
    found = tuple(comparison.caused(change) for change in changes(comparison.settings, comparison.project))
    if found:
        yield PatchBranch(
            tenant=comparison.tenant.name,
            reason=f"differs from tier {comparison.settings.tier}",
            source=comparison.tenant.location,
            changes=found,
            branch=branch.name,
        )

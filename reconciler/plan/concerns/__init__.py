"""One file for each aspect of a project that the files manage.

Most concerns yield field changes, and the planner decides which call carries them. Branches and snapshots are
separate objects: their concerns yield whole actions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.fields.table import FIELDS
from reconciler.plan.concerns import branches, databases, organization, snapshots
from reconciler.plan.concerns.compute import COMPUTE
from reconciler.plan.concerns.free_form import FREE_FORM
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.concerns.protection import PROTECTION
from reconciler.plan.concerns.quota import QUOTA
from reconciler.plan.concerns.restore_window import RESTORE_WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.plan.change import FieldChange
    from reconciler.plan.concerns.concern import Concern

PROJECT_CONCERNS: tuple[Concern, ...] = (PROJECT, QUOTA, COMPUTE, RESTORE_WINDOW, FREE_FORM)
"""The concerns that one project patch carries, in display order."""

CONCERNS: tuple[Concern, ...] = (*PROJECT_CONCERNS, PROTECTION)
"""All concerns with fields of a project; a patch of its default branch carries the last one."""

NAMES: tuple[str, ...] = (
    *(concern.name for concern in CONCERNS),
    organization.NAME,
    branches.NAME,
    databases.NAME,
    snapshots.NAME,
)
"""Every concern name that ``--only`` and ``drift_policy`` accept."""


def project_changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Yield where the project or the protection of its default branch differs, concern by concern."""
    return (change for concern in CONCERNS for change in concern.changes(settings, project))


def concern_name(path: str) -> str:
    """Return the name of the concern that a field path belongs to."""
    return _BY_ROOT.get(path.partition(".")[0], PROJECT.name)


_BY_ROOT = {
    **{field.path.partition(".")[0]: field.concern for field in FIELDS},
    organization.PATH: organization.NAME,
    branches.NAME: branches.NAME,
    databases.ROLES: databases.NAME,
    databases.DATABASES: databases.NAME,
    snapshots.NAME: snapshots.NAME,
}

"""What the API returns for a project, by the field paths of the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.values import JsonText
from reconciler.plan.concerns import compute, quota, restore_window

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Value


def project_fields(project: LiveProject) -> dict[str, Value]:
    """Return every field that the API returned for a project, by path; absent ones are left out."""
    settings = {f"settings.{key}": JsonText.of(value) for key, value in (project.settings or {}).items()}
    window = project.restore_window_seconds
    return {
        "name": project.name,
        "region": project.region,
        "pg_version": project.pg_version,
        **quota.members(project.quota),
        **compute.members(project.compute),
        **({} if window is None else {restore_window.PATH: window}),
        **settings,
    }

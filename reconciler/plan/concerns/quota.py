"""Consumption limits per billing period."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from reconciler.model.quota import Quota
from reconciler.plan.change import FieldChange, Risk
from reconciler.plan.concerns.concern import Concern, Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject

MEMBERS = tuple(member.name for member in fields(Quota))
PATHS = tuple(f"quota.{member}" for member in MEMBERS)
"""All five always travel together: Neon does not say whether a patch merges or replaces."""


def members(quota: Quota | None) -> dict[str, int]:
    """All five limits by path; none where there is no quota."""
    return {} if quota is None else {f"quota.{member}": getattr(quota, member) for member in MEMBERS}


def wanted(settings: Settings) -> Fields:
    """All five members, or none."""
    return members(settings.quota)


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Members whose limit differs. A lower one may suspend the tenant at once (Neon: ProjectQuota)."""
    observed = members(project.quota)
    for path, limit in members(settings.quota).items():
        was = observed.get(path, 0)
        if was != limit:
            lower = shrinks(was, limit)
            yield FieldChange(path, was, limit, Risk.DISRUPTIVE if lower else Risk.SAFE, lowering=lower)


def shrinks(before: int, after: int) -> bool:
    """Whether a limit gets tighter; 0 is unlimited."""
    return after != 0 and (before == 0 or after < before)


QUOTA = Concern("quota", wanted, changes)

"""When the files raised the number that asks for a reset of a branch: the first commit from which on it holds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.files.declared_since import Declaration, declared_since

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.plan.resets import BranchKey


def raised_numbers(
    root: Path, desired: DesiredState, branches: Collection[BranchKey]
) -> dict[BranchKey, datetime]:
    """Return since when the files declare the current number of these branches, or a higher one.

    A branch whose number is not committed, or whose history is cut off here, is missing; and so is one whose
    number no commit raised, because a file that stated a lower one was removed.
    """
    claims = {key: _claim(desired.tenants[key[0]], key[1]) for key in branches}
    found = declared_since(root, claims)
    return {key: at for key, at in found.began.items() if key not in found.cut_off and key not in found.uncovered}


def _claim(tenant: Tenant, branch: str) -> Declaration:
    number = tenant.reset_number(branch)
    return Declaration(tenant.name, tenant.files, partial(_has_reached, branch, number))


def _has_reached(branch: str, number: int, tenant: Tenant) -> bool:
    return not tenant.absent and tenant.reset_number(branch) >= number

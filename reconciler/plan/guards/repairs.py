"""What ``drift_policy`` says: which differences without a commit as their cause a run repairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.policy import DriftPolicy
from reconciler.plan.change import Origin

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.plan.history import History


def drift_policy(concern: str, desired: DesiredState, history: History) -> DriftPolicy | None:
    """Return the policy for a concern. Where the base is ahead with another one, neither of the two repairs."""
    said = desired.policy.drift.get(concern)
    for ahead in history.ahead(desired, lambda files: files.policy.drift.get(concern)):
        return DriftPolicy.REPORT if DriftPolicy.REPORT in (ahead, said) else None
    return said


def repairs(concern: str, origin: Origin, tenant: str, desired: DesiredState, history: History) -> bool:
    """Return whether the policy permits a reduction: of drift, and not of what a document asks for, nor of files
    whose history cannot be read, or has no base although git holds them.
    """
    if drift_policy(concern, desired, history) is not DriftPolicy.REPAIR or history.is_unknown(tenant):
        return False
    return origin is Origin.DRIFT or tenant not in history.documents

"""What of a tenant has to be seen once more before the first write to its project, and from when on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.action import (
    DeleteBranch,
    DeleteProject,
    DeleteSnapshot,
    PatchBranch,
    PatchEndpoint,
    PatchProject,
    TransferProject,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.plan.change import Value
    from reconciler.plan.plan import TenantPlan

FRESH_SECONDS: Final = 60.0
"""For so long after the first look a plan is carried out without another one. A checkout takes seconds, so that
a run this young has hardly passed one by; and a converge, whose calls are counted, is over by then."""

RESTS_ON_THE_PROJECT: Final = (
    PatchProject,
    PatchEndpoint,
    PatchBranch,
    TransferProject,
    DeleteProject,
    DeleteBranch,
    DeleteSnapshot,
)
"""Actions that put a value back, move or take something. What only adds puts nothing back, and a branch or
snapshot that is there meanwhile is found by its name."""


def looks(tenant: TenantPlan) -> int:
    """Calls that see the tenant again: its project, and its computes and its branches where one is patched."""
    if tenant.project is None or not any(isinstance(action, RESTS_ON_THE_PROJECT) for action in tenant.actions):
        return 0
    return 1 + bool(compute_values(tenant)) + bool(branch_values(tenant))


def project_values(tenant: TenantPlan) -> dict[str, list[Value]]:
    """Each path of the project that the plan sends, with every value that it sends there; changed or not."""
    return _sent(action for action in tenant.actions if isinstance(action, PatchProject))


def compute_values(tenant: TenantPlan) -> dict[str, dict[str, list[Value]]]:
    """The same of computes, by the names of their branches."""
    patches: dict[str, list[PatchEndpoint]] = {}
    for action in tenant.actions:
        if isinstance(action, PatchEndpoint):
            patches.setdefault(action.branch, []).append(action)
    return {branch: _sent(of_one) for branch, of_one in patches.items()}


def branch_values(tenant: TenantPlan) -> dict[str, dict[str, list[Value]]]:
    """The same of branches that are patched, by their present names; a path is ``name`` or ``expires_at``."""
    found: dict[str, dict[str, list[Value]]] = {}
    for patch in (action for action in tenant.actions if isinstance(action, PatchBranch)):
        sent = found.setdefault(patch.branch, {})
        for change in patch.changes:
            sent.setdefault(change.path.rpartition(".")[2], []).append(change.after)
    return found


def _sent(patches: Iterable[PatchProject | PatchEndpoint]) -> dict[str, list[Value]]:
    sent: dict[str, list[Value]] = {}
    for patch in patches:
        for path, value in (*patch.companions, *((change.path, change.after) for change in patch.changes)):
            sent.setdefault(path, []).append(value)
    return sent

"""What each action is called: as something to do, and as something found."""

from __future__ import annotations

from typing import assert_never

from reconciler.plan.action import (
    Action,
    CreateProject,
    DeleteProject,
    PatchEndpoint,
    PatchProject,
    TransferProject,
)
from reconciler.views.printable import printable


def deed(action: Action) -> str:
    """What carrying it out does: ``transfer from free to paid``."""
    match action:
        case CreateProject():
            return f"create project in {printable(action.organization)}"
        case TransferProject():
            return f"transfer from {printable(action.origin)} to {printable(action.destination)}"
        case PatchProject():
            return f"patch project{_before_transfer(action)}"
        case PatchEndpoint():
            return f"patch compute of branch {printable(action.branch)}{_before_transfer(action)}"
        case DeleteProject():
            return f"delete project {printable(action.project_id)}"
        case _:
            assert_never(action)


def _before_transfer(action: PatchProject | PatchEndpoint) -> str:
    return ", before the transfer" if action.before_transfer else ""


def finding(action: Action) -> str:
    """What the live side looks like, seen from the files: ``in free, the files say paid``."""
    match action:
        case CreateProject():
            return f"no live project, the files want one in {printable(action.organization)}"
        case TransferProject():
            return f"live in {printable(action.origin)}, the files say {printable(action.destination)}"
        case PatchProject():
            return "project"
        case PatchEndpoint():
            return f"compute of branch {printable(action.branch)}"
        case DeleteProject():
            return f"project {printable(action.project_id)} is live, the files say absent"
        case _:
            assert_never(action)

"""The annotations that Neon keeps on branches: which ones this program sets, and on what.

Neon: annotations can only be set when a branch is created. They say which fleet and tenant a project belongs to.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

MANAGED_BY: Final = "managed-by"
FLEET: Final = "fleet"
TENANT: Final = "tenant"
RUN: Final = "run"
BRANCH: Final = "branch"
"""The name under which a branch was declared: it may have been renamed since."""
PURPOSE: Final = "purpose"
ADOPTION: Final = "adoption"
"""The purpose of a branch that marks a project that was found by its name."""
CONNECTIONS: Final = "connections"
HANDED_OUT: Final = "handed out"
"""On projects of runs that return connection strings: somebody may have received one."""
PRODUCT: Final = "neon-reconciler"


def creation_annotations(*, fleet: str, tenant: str, run: str, returns_strings: bool = False) -> dict[str, str]:
    """What goes on the default branch of a new project (Neon: annotations can only be set at creation).

    ``returns_strings`` says that the run gives the connection string to the caller that asked for the project.
    """
    more = {CONNECTIONS: HANDED_OUT} if returns_strings else {}
    return {MANAGED_BY: PRODUCT, FLEET: fleet, TENANT: tenant, RUN: run, **more}


def adoption_annotations(
    *, fleet: str, tenant: str, run: str, branch: str, returns_strings: bool = False
) -> dict[str, str]:
    """What goes on the branch that marks an adopted project: it says whose the project is, not who created it."""
    return {
        **creation_annotations(fleet=fleet, tenant=tenant, run=run, returns_strings=returns_strings),
        BRANCH: branch,
        PURPOSE: ADOPTION,
    }


class Purpose(Enum):
    """Why a branch other than the default one was created here."""

    DEV_BRANCH = "dev_branch"
    SNAPSHOT = "snapshot"
    PREVIEW = "preview"


def branch_annotations(*, fleet: str, tenant: str, run: str, branch: str, purpose: Purpose) -> dict[str, str]:
    """What goes on a branch that is created in a project."""
    return {
        **creation_annotations(fleet=fleet, tenant=tenant, run=run),
        BRANCH: branch,
        PURPOSE: purpose.value,
    }

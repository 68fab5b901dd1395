"""Creations from a past moment of which Neon has no data: what is left out because of them.

A raised restore window does not reach back, and no answer of Neon states how far it does: such a creation passes
the plan, and Neon refuses it. The tenant's other actions do not wait for that. The base that moves after the run
remembers the moment (``plan/applied.py``), and later plans refuse it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeGuard

from msgspec import Struct

from reconciler.apply.checks.deletion_checks import created_name, successor
from reconciler.errors import ApiError
from reconciler.model.moments import rfc3339
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.actions.snapshot import CreateSnapshot
from reconciler.plan.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.run.run import Run
    from reconciler.errors import ReconcilerError
    from reconciler.plan.action import Action

OUTSIDE_WINDOW: Final = 400
"""Neon's status where a time is outside the restore window."""
CORRECT_THE_TIME: Final = (
    "correct `at` in the tenant's file, or remove the entry: a restore window that was raised does not reach back"
)


def of_the_past(action: Action) -> TypeGuard[CreateBranch | CreateSnapshot]:
    """Whether the action creates a branch or a snapshot of a past moment."""
    return isinstance(action, CreateBranch | CreateSnapshot) and action.at is not None


def refuses_moment(error: ReconcilerError) -> TypeGuard[ApiError]:
    """Whether Neon may have rejected the moment of a creation. Nothing was created then."""
    return isinstance(error, ApiError) and error.status == OUTSIDE_WINDOW


class RefusedMoments(Struct, frozen=True):
    """What one tenant leaves out because of the moment of a creation."""

    run: Run
    left_out: dict[Action, str] = {}
    """With the reasons."""
    places: list[str] = []
    """The names of the snapshots that Neon refused: each leaves room for another one."""

    def refused(self, creation: CreateBranch | CreateSnapshot, error: ApiError) -> None:
        """Neon rejects the creation."""
        why = f"Neon holds no data of {rfc3339(creation.at)}: {error}" if creation.at else str(error)
        self._leave(creation, why, request_id=error.request_id)
        if creation.stage is Stage.CREATE_SNAPSHOT:
            self.places.append(created_name(creation))

    def held(self, deletion: Action, creation: CreateBranch | CreateSnapshot, why: str) -> None:
        """Nothing is deleted for a creation that Neon may reject."""
        self._leave(deletion, why)
        self._leave(creation, why)

    def leave_out(self, action: Action, later: Sequence[Action]) -> bool:
        """Whether the action is not to be taken because of an earlier refusal. Records its outcome then."""
        if action in self.left_out:
            return True
        if isinstance(action, CreateBranch | CreateSnapshot):
            return self._without_start(action)
        creation = successor(action, later)
        return creation is not None and self._stays(action, creation)

    def _without_start(self, creation: CreateBranch | CreateSnapshot) -> bool:
        """Whether the branch that it starts from was left out."""
        start = creation.parent if isinstance(creation, CreateBranch) else creation.branch
        branches = (one.branch for one in self.left_out if isinstance(one, CreateBranch))
        if start not in branches:
            return False
        self._leave(creation, f"branch {start!r}, which it starts from, was not created")
        return True

    def _stays(self, deletion: Action, creation: CreateBranch | CreateSnapshot) -> bool:
        """Whether nothing needs to be deleted for a creation.

        Rotated snapshots leave as planned: they also leave because of their number.
        """
        if why := self.left_out.get(creation):
            self._leave(deletion, why)
            return True
        if not self.places or not self._is_declared(creation):
            return False
        free = self.places.pop()
        message = f"it stays: {created_name(creation)!r} has the place of {free!r}, which was not created"
        self.run.outcomes.unchanged(deletion, message)
        return True

    def _is_declared(self, creation: CreateBranch | CreateSnapshot) -> bool:
        tenant = self.run.desired.tenants.get(creation.tenant)
        declared = () if tenant is None else self.run.desired.settings(tenant).snapshots or ()
        return created_name(creation) in {snapshot.name for snapshot in declared}

    def _leave(self, action: Action, why: str, request_id: str | None = None) -> None:
        self.left_out[action] = why
        self.run.outcomes.refused(action, why, CORRECT_THE_TIME, request_id=request_id)

"""A new password for one role of one tenant, as a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.plan.actions.branch import ResetPassword
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.plan import Note, Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.commanded import Subject
    from reconciler.plan.comparison import Finding

REASON = "requested by rotate"
KEPT = "the registry keeps the connection strings of this role: it gets the new ones"


class Rotate(Struct, frozen=True, kw_only=True):
    """The request for a new password of a role on one branch."""

    tenant: str
    role: str
    branch: str | None = None
    """Its name. None: the default branch."""
    database: str | None = None
    """The database of the returned connection string. None: the one that the files declare."""

    @property
    def name(self) -> str:
        """The command as a person types it."""
        return "rotate"

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield the reset and its effect, or a refusal if no compute runs on the branch."""
        branch = self._branch(subject)
        if branch is None or subject.project.read_write(branch) is None:
            yield self._refusal(branch)
            return
        declared, _ = subject.desired.database_and_role(subject.tenant)
        change = FieldChange(
            f"roles.{self.role}.password", "current", "new", risk=Risk.DISRUPTIVE, origin=Origin.COMMAND
        )
        reset = ResetPassword(
            tenant=self.tenant,
            reason=REASON,
            source=subject.tenant.location,
            changes=(change,),
            branch=branch.name,
            role=self.role,
            database=self.database or declared,
        )
        yield reset
        yield Note.about(subject.tenant, _effect(self.role, branch, subject))
        if subject.desired.registry_key and resets_kept_strings(subject.desired, reset, subject.project):
            yield Note.about(subject.tenant, KEPT)

    def _branch(self, subject: Subject) -> LiveBranch | None:
        if self.branch is None:
            return subject.project.default_branch
        return next((one for one in subject.project.branches or () if one.name == self.branch), None)

    def _refusal(self, branch: LiveBranch | None) -> Refusal:
        name = self.branch or "the default branch"
        if branch is None:
            message, remedy = f"the project has no branch {name!r}", "name one of its branches"
        else:
            message = f"branch {branch.name} has no read-write compute: nothing can connect to it"
            remedy = "create a compute first, or name another branch"
        return Refusal(Rule.CANNOT_BE_DONE, (self.tenant,), message, remedy, ())


def resets_kept_strings(desired: DesiredState, action: ResetPassword, project: LiveProject) -> bool:
    """Return whether the password is that of the connection strings that a registry may keep of the tenant."""
    _, role = desired.database_and_role(desired.tenants[action.tenant])
    default = project.default_branch
    return default is not None and (action.branch, action.role) == (default.name, role)


def _effect(role: str, branch: LiveBranch, subject: Subject) -> str:
    text = f"the current password of {role} stops working on branch {branch.name}: clients that use it are refused"
    others = len(subject.project.branches or ()) - 1
    if not others:
        return text
    return f"{text}; its passwords on {others} other branch{'es' if others > 1 else ''} stay"

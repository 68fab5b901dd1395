"""Resets of development branches to their parent, where the number in the file grew."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.model.moments import rfc3339, utc_text
from reconciler.plan.actions.branch import ResetBranch
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.concerns.concern import cannot_be_done
from reconciler.plan.kept_branches import in_place_of, is_kept
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from reconciler.desired.tenant import DevBranch, Tenant
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.comparison import Comparison, Finding
    from reconciler.plan.concerns.concern import Stated
    from reconciler.plan.tenant_history import TenantHistory

MEMBER: Final = ".reset"
CLOCKS_APART: Final = timedelta(minutes=1)
"""Maximum difference between a committer's clock and Neon's."""
SETTLING: Final = timedelta(days=1)
"""Neon: for this time no branch can be reset to a parent restored from a snapshot (guides/backup-restore)."""
LOWER_IT: Final = "remove the obstacle, or lower the number again"
AT_ONCE: Final = "or use `reconciler branch reset`"
RAISE_IT_AGAIN: Final = "raise the number once more, in a commit where the clock is right"
"""After a commit with a date in the future: a reset by command before that date would not count as its own."""
DATE_IT: Final = f"run where git holds the whole history, {AT_ONCE}"


def asks_for_one(past: TenantHistory | None, own: str, number: int) -> bool:
    """Return whether the number of the branch with this path grew since the base, and since the fork.

    A branch that the base does not declare is new, and a document is not a commit: neither asks for a reset. Nor
    do files behind a commit that was tried and has this number already, or a higher one, or removed the branch.
    """
    if past is None or past.document or own not in past.base or number <= _before(past, own):
        return False
    ahead = (tried for tried in past.attempts if _is_ahead(tried, own))
    return all(own in tried.base and number > _number(tried.base, own) for tried in ahead)


def _is_ahead(tried: TenantHistory, own: str) -> bool:
    """Return whether the commit changed the branch or its number where these files do not know it."""
    return any(tried.base.get(path) != tried.fork.get(path) for path in (own, f"{own}{MEMBER}"))


def _before(past: TenantHistory, own: str) -> int:
    return max(_number(past.base, own), _number(past.fork, own))


def _number(stated: Stated, own: str) -> int:
    number = stated.get(f"{own}{MEMBER}")
    return number if isinstance(number, int) else 0


def findings(
    comparison: Comparison, branch: DevBranch, own: str, live: LiveBranch, parents: Collection[str | None]
) -> Iterator[Finding]:
    """Yield the reset, or why there is none. ``own`` is the path of the branch; ``parents`` are the ids of
    branches that have children after the planned deletions.
    """
    past = comparison.past
    if past is None or not asks_for_one(past, own, branch.reset):
        return
    raised = comparison.raised.get(branch.name)
    if raised is not None and (done_at := _begun_at(live)) + CLOCKS_APART > raised:
        yield _counts_as_done(comparison, branch, done_at, raised)
        return
    number = FieldChange(
        f"{own}{MEMBER}", _before(past, own), branch.reset, Risk.DESTRUCTIVE, lowering=True, origin=Origin.CONFIG
    )
    reason = f"reset: {number.after} in the tenant's file"
    action = reset_of(comparison.project, comparison.tenant, live, reason, number)
    if undated := _undated(raised, comparison.now):
        cause, remedy = undated
        yield cannot_be_done(action, f"branch {branch.name!r} is not reset: {cause}", remedy)
    elif why := hindrance(comparison.project, live, parents, comparison.now):
        yield cannot_be_done(action, f"branch {branch.name!r} cannot be reset: {why}", LOWER_IT)
    else:
        yield action


def _begun_at(live: LiveBranch) -> datetime:
    """Return since when the branch has held its own data: its creation, or its last reset."""
    return live.created_at if live.reset_at is None else max(live.created_at, live.reset_at)


def _counts_as_done(comparison: Comparison, branch: DevBranch, at: datetime, raised: datetime) -> Note:
    """Return what tells a person whose clock is behind Neon's why a commit resets nothing."""
    order = "less than a minute before" if at < raised else "after"
    message = (
        f"branch {branch.name!r} was created or reset at {rfc3339(at)}, {order} the commit that raises reset to "
        f"{branch.reset}, dated {rfc3339(raised)}: this counts as the reset; "
        f"`reconciler branch reset {comparison.tenant.name} {shlex.quote(branch.name)}` resets it once more"
    )
    return Note.about(comparison.tenant, message)


def _undated(raised: datetime | None, now: datetime) -> tuple[str, str] | None:
    """Return why it cannot be decided whether the branch was reset since the number grew, and the remedy; None if
    it can.
    """
    if raised is None:
        return "the history here does not show which commit raised its number", DATE_IT
    if raised > now + CLOCKS_APART:
        date = rfc3339(raised)
        return f"the commit that raised its number is dated {date}, in the future", RAISE_IT_AGAIN
    return None


def source_of(project: LiveProject, live: LiveBranch) -> LiveBranch | None:
    """Return the branch whose data a reset gives: the parent, or what a restore put in the place of the parent."""
    parent = next((branch for branch in project.branches or () if branch.id == live.parent_id), None)
    if parent is None or not is_kept(parent):
        return parent
    return in_place_of(parent, project.default_branch) or parent


def hindrance(
    project: LiveProject, live: LiveBranch, parents: Collection[str | None], now: datetime
) -> str | None:
    """Return why Neon cannot reset the branch, or None."""
    source = source_of(project, live)
    if source is None:
        return "it has no parent branch"
    if live.protected:
        return "it is protected in Neon"
    if live.id in parents:
        return "it has child branches"
    if is_kept(source):
        return f"its parent {source.name!r} keeps a state that a restore replaced"
    if source.restored and now < source.created_at + SETTLING:
        until = utc_text(source.created_at + SETTLING)
        return f"branch {source.name!r} was restored from a snapshot: Neon resets nothing to it until {until}"
    return None


def reset_of(
    project: LiveProject, tenant: Tenant, live: LiveBranch, reason: str, change: FieldChange
) -> ResetBranch:
    """Return the reset of a branch that nothing hinders."""
    names = project.branch_names
    parent, source = names.get(live.parent_id or "", ""), source_of(project, live)
    source_name = parent if source is None else source.name
    return ResetBranch(
        tenant=tenant.name,
        reason=reason,
        source=tenant.location,
        changes=(change,),
        branch=live.name,
        branch_id=live.id,
        parent=source_name,
        replaced_parent=None if source_name == parent else parent,
        last_reset_at=live.reset_at,
    )

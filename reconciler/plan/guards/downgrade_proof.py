"""The downgrade proof: the tenant's usage fits into the reduced limits, or its file accepts the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.fields.field import Unit
from reconciler.model.fields.table import BY_PATH
from reconciler.model.moments import month_of
from reconciler.model.units import format_seconds, roughly_bytes, roughly_seconds
from reconciler.plan.accepted import LOGICAL_SIZE, Acceptances
from reconciler.plan.actions.branch import DeleteBranch, PatchBranch
from reconciler.plan.actions.contents import DeleteDatabase, DeleteRole
from reconciler.plan.actions.project import PatchProject, TransferProject
from reconciler.plan.change import Origin
from reconciler.plan.concerns.organization import granted_less
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.concerns.reductions import EXPIRY
from reconciler.plan.concerns.restore_window import PATH as RESTORE_WINDOW
from reconciler.plan.guards.context import Verdict
from reconciler.plan.ownership import is_mark
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.model.values import Value
    from reconciler.plan.accepted import Loss
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.guards.context import Held, TenantContext

MOST_NAMED: Final = 5
OF_COMPUTES: Final = frozenset({"min_cu", "max_cu", "min_suspend_timeout_seconds"})
"""Limits that an existing compute may exceed."""


class Doubt(Struct, frozen=True):
    """What the tenant may lose by a change. ``accept`` is the key by which its file can accept that, if any."""

    action: Action
    change: FieldChange
    words: str
    accept: Loss | None
    unknown: bool = False
    """Whether Neon did not return what the tenant would lose."""


def doubts(context: TenantContext, held: Held) -> list[Doubt]:
    """Return all doubts about changes that are not refused yet, except those that the tenant's file accepts.

    Of a rollback, the files speak of the other direction: there a person permits the losses.
    """
    accepts = _acceptances(context)
    return [
        doubt
        for doubt in _all(context, held)
        if not (_by_rollback(doubt) and doubt.accept is not None and context.permissions.lowering)
        and (doubt.accept is None or accepts is None or not accepts.allow(doubt.accept, doubt.change))
    ]


def _by_rollback(doubt: Doubt) -> bool:
    return doubt.change.origin is Origin.COMMAND


def _all(context: TenantContext, held: Held) -> list[Doubt]:
    """Return all doubts, also those that the file accepts."""
    project = context.planned.project
    if project is None:
        return []
    return [
        doubt
        for action in context.planned.actions
        for held_of_it in (held.get(action, {}),)
        for change in action.changes
        if change not in held_of_it
        for doubt in _about(action, change, project, context, held)
    ]


def _acceptances(context: TenantContext) -> Acceptances | None:
    tenant = context.desired.tenants.get(context.planned.tenant)
    if tenant is None:
        return None
    return Acceptances(
        tenant, context.desired, context.history, context.now, permitted=context.permissions.lowering
    )


def stops_everything(found: Iterable[Doubt], context: TenantContext) -> bool:
    """Return whether everything is refused: a downgrade transfer is in doubt, or a reduction made for it."""
    move = context.planned.transfer
    return (move is not None and move.downgrade) or any(
        isinstance(doubt.action, PatchProject) and doubt.action.before_transfer for doubt in found
    )


def verdict(found: Sequence[Doubt], context: TenantContext, held: Held) -> Verdict:
    """Return all doubts of a tenant as one verdict, so that a person sees everything to accept at once.

    The suggested line also names what the file already accepts, because it replaces the existing line.
    """
    accepts = _acceptances(context)
    costs = [(doubt.accept, doubt.change) for doubt in _all(context, held) if doubt.accept is not None]
    may_be_accepted = accepts is not None and any(doubt.accept for doubt in found)
    accepting = f"add {accepts.written(costs)} to its file" if accepts is not None and may_be_accepted else ""
    if any(_by_rollback(doubt) and doubt.accept for doubt in found):
        accepting = "permit the losses with --allow lowering"
    remedies = (
        "run again when Neon returns it" if any(doubt.unknown for doubt in found) else "",
        "" if all(doubt.unknown for doubt in found) else _keeping(found),
        accepting,
    )
    message = "; ".join(dict.fromkeys(doubt.words for doubt in found))
    return Verdict(Rule.DOWNGRADE_PROOF, message, ", or ".join(filter(None, remedies)))


def _keeping(found: Iterable[Doubt]) -> str:
    """Return the alternative that reduces nothing."""
    deletions = {doubt.accept == "deletion" for doubt in found if not doubt.unknown}
    kept = "let the tenant keep the current value" if False in deletions else ""
    return " and ".join(filter(None, (kept, "declare what would be deleted" if True in deletions else "")))


def _about(
    action: Action, change: FieldChange, project: LiveProject, context: TenantContext, held: Held
) -> Iterator[Doubt]:
    if isinstance(action, TransferProject) and action.downgrade:
        yield from _unread(action, change, project, context)
    elif isinstance(action, DeleteDatabase):
        words = f"database {action.database!r} of branch {action.branch!r} would be deleted with all its data"
        yield Doubt(action, change, words, "deletion")
    elif isinstance(action, DeleteRole):
        words = f"role {action.role!r} of branch {action.branch!r} would be deleted: its clients cannot connect"
        yield Doubt(action, change, words, "deletion")
    elif isinstance(action, PatchBranch):
        yield from _ends_sooner(action, change)
    elif not isinstance(action, PatchProject):
        return
    elif change.path == RESTORE_WINDOW:
        yield from _shorter(action, change)
    elif change.path == LOGICAL_SIZE and change.lowering:
        yield from _full(action, change, project, _staying(project, context, held))
    elif change.path in QUOTA and change.lowering:
        yield from _used_up(action, change, project, context.now)


def _ends_sooner(action: PatchBranch, change: FieldChange) -> Iterator[Doubt]:
    """A commit that shortens the life of a branch names the end; a rollback puts back one of an earlier time."""
    if change.origin is Origin.COMMAND and change.lowering and change.path.endswith(EXPIRY):
        words = f"branch {action.branch!r} would be deleted with all its data at {change.after}"
        yield Doubt(action, change, words, "history_loss")


def _unread(
    move: TransferProject, change: FieldChange, project: LiveProject, context: TenantContext
) -> Iterator[Doubt]:
    """What the destination forbids must have been read before anything is reduced for the transfer."""
    less = granted_less(context.desired.limits(move.origin), context.desired.limits(move.destination))
    missing = {
        "branches": project.branches is None and "branches" in less,
        "computes": project.endpoints is None and not less.isdisjoint(OF_COMPUTES),
        "snapshots": project.snapshots is None and "snapshots" in less,
        "integrations": project.integrations is None,
        "restore window": _unknown_window_stays(project, context) and "restore_window_seconds" in less,
    }
    if unread := [what for what, is_missing in missing.items() if is_missing]:
        what = " and ".join(unread)
        words = f"Neon did not return its {what}: the project may not fit into organization {move.destination}"
        yield Doubt(move, change, words, None, unknown=True)


def _unknown_window_stays(project: LiveProject, context: TenantContext) -> bool:
    """A declared window fits; what its change may cost is a separate doubt."""
    stated = {change.path for action in context.planned.actions for change in action.changes}
    return project.restore_window_seconds is None and RESTORE_WINDOW not in stated


def _shorter(action: Action, change: FieldChange) -> Iterator[Doubt]:
    window = format_seconds(_amount(change.after))
    if change.before is None:
        words = (
            f"restore_window would be {window}, and Neon does not return the current value: history may be lost"
        )
        yield Doubt(action, change, words, "history_loss", unknown=True)
    elif change.lowering:
        before = format_seconds(_amount(change.before))
        words = f"restore_window would be {window} instead of {before}: the loss of older history is permanent"
        yield Doubt(action, change, words, "history_loss")


def _used_up(action: Action, change: FieldChange, project: LiveProject, now: datetime | None) -> Iterator[Doubt]:
    """Neon: a project that has used its quota is suspended until the billing period ends."""
    field, limit = BY_PATH[change.path], _amount(change.after)
    used = project.used_at_most(field.name, None if now is None else month_of(now))
    would_be = _would_be(change)
    if used is None or (used >= limit and project.consumption is None):
        words = f"{would_be}, and Neon does not return the usage: Neon may suspend the tenant immediately"
        yield Doubt(action, change, words, "suspension", unknown=True)
    elif used >= limit:
        much = roughly_bytes(used) if field.unit is Unit.BYTES else roughly_seconds(used)
        words = (
            f"{would_be}, but {much} are used in this billing period: Neon would suspend the tenant immediately"
        )
        yield Doubt(action, change, words, "suspension")


def _full(
    action: Action, change: FieldChange, project: LiveProject, staying: Sequence[LiveBranch] | None
) -> Iterator[Doubt]:
    """Neon: writes to a branch that has reached the quota fail, also in a new billing period."""
    limit = _amount(change.after)
    would_be = _would_be(change)
    large = [(b.name, b.logical_size_bytes) for b in staying or () if (b.logical_size_bytes or 0) >= limit]
    if large:
        which = _named([f"{name!r} ({roughly_bytes(size or 0)})" for name, size in large])
        reached = f"branch {which} has" if len(large) == 1 else f"branches {which} have"
        words = f"{would_be}, which {reached} reached: writes there would fail"
        yield Doubt(action, change, words, "full_branches")
    unknown = [branch.name for branch in staying or () if branch.logical_size_bytes is None]
    if (staying is None or unknown) and not project.holds_less_than(limit):
        which = _named([f"{name!r}" for name in unknown]) if unknown else "its branches"
        words = f"{would_be}, and Neon does not return the size of {which}: writes there may fail"
        yield Doubt(action, change, words, "full_branches", unknown=True)


def _staying(project: LiveProject, context: TenantContext, held: Held) -> list[LiveBranch] | None:
    """Return the branches that remain after the plan, without marker branches; None if branches were not read."""
    gone = {a.branch_id for a in context.planned.actions if isinstance(a, DeleteBranch) and a not in held}
    if project.branches is None:
        return None
    return [branch for branch in project.branches if branch.id not in gone and not is_mark(branch)]


def _would_be(change: FieldChange) -> str:
    field = BY_PATH[change.path]
    return f"{field.label} would be {field.worded(_amount(change.after))}"


def _named(texts: Sequence[str]) -> str:
    more = len(texts) - MOST_NAMED
    return ", ".join((*texts[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])))


def _amount(value: Value) -> int:
    return int(value) if isinstance(value, int | float) else 0

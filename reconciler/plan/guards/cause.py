"""Which changes of a tenant are refused, because no commit, policy or permission asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.policy import DriftPolicy
from reconciler.model.quota import OFF, Quota
from reconciler.model.values import replace
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import CreateProject, DeleteProject, PatchProject
from reconciler.plan.change import Origin, Risk
from reconciler.plan.concerns import compute, concern_name
from reconciler.plan.concerns.compute import SIZE
from reconciler.plan.concerns.organization import forbids
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.concerns.times import ends_an_expiry
from reconciler.plan.guards.context import Held, TenantContext, Verdict
from reconciler.plan.guards.repairs import drift_policy, repairs
from reconciler.plan.guards.size_range import unfit_patch
from reconciler.plan.plan import Rule
from reconciler.plan.suspensions import PATH as COMPUTE_STATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange


ASKED_FOR: Final = (Origin.CONFIG, Origin.COMMAND)
"""A commit asks for the change, or a person does: the rollback of a run."""
BASE_AHEAD: Final = Verdict(
    Rule.BASE_AHEAD,
    "the base is ahead of these files: here the files are older, so they ask for no change",
    "merge or rebase onto the base, or check out its newest commit",
)


def held_changes(context: TenantContext) -> Iterator[tuple[Action, Mapping[FieldChange, Verdict]]]:
    """Yield each action of which something is refused, with the refused changes."""
    protection = protection_of(context)
    for action in context.planned.actions:
        if isinstance(action, CreateProject):
            continue
        judged = (change for change in action.changes if not _restores_a_lost_quota(change, context))
        verdicts = ((change, _judge_change(change, protection, context)) for change in judged)
        held = {change: verdict for change, verdict in verdicts if verdict}
        size = next((verdict for change, verdict in held.items() if change.path in SIZE), None)
        if size is not None and not _can_be_sent_alone(action, held):
            held |= {change: size for change in action.changes if change.path in SIZE}
        if misfit := unfit_patch(action, held) or _misfit(action, held, context):
            held = {change: misfit for change in action.changes if change.path in compute.PATHS} | held
        if held:
            yield action, held


def _can_be_sent_alone(action: Action, held: Collection[FieldChange]) -> bool:
    """Whether a commit asks for one end of the size range, and Neon accepts it with the other end as it is."""
    sent = [change for change in action.changes if change.path in SIZE and change not in held]
    if any(change.origin not in ASKED_FOR for change in sent):
        return False
    values = dict(action.companions) if isinstance(action, PatchProject | PatchEndpoint) else {}
    values |= {change.path: change.before if change in held else change.after for change in action.changes}
    smallest, largest = values.get(compute.MIN), values.get(compute.MAX)
    if not isinstance(smallest, int | float) or not isinstance(largest, int | float):
        return False
    return compute.is_a_range(smallest, largest)


def _misfit(action: Action, held: Collection[FieldChange], context: TenantContext) -> Verdict | None:
    """Refuse a patch with an unchanged value that Neon would reject when it is sent with the changed ones."""
    changed = [change for change in action.changes if change.path in compute.PATHS and change not in held]
    if not changed or not isinstance(action, PatchProject | PatchEndpoint):
        return None
    organization = _whereabouts(action, context)
    limits = context.desired.organizations[organization].limits
    staying = {**dict(action.companions), **{change.path: change.before for change in held}}
    for path in compute.PATHS:
        if forbids(limits, path, staying.get(path)):
            return Verdict(
                Rule.ORGANIZATION_LIMIT,
                f"{path} is {staying[path]:g}, which organization {organization} does not allow: Neon "
                "rejects changes of the other fields until it changes",
                f"declare {path} in the files, and permit it with --allow lowering",
            )
    return None


def _whereabouts(action: PatchProject | PatchEndpoint, context: TenantContext) -> str:
    """Return the organization of the project at the time of the action."""
    move, project = context.planned.transfer, context.planned.project
    if move is not None and not action.before_transfer:
        return move.destination
    created = (action.organization for action in context.planned.actions if isinstance(action, CreateProject))
    return project.organization if project else next(created)


def _judge_change(change: FieldChange, protection: Verdict | None, context: TenantContext) -> Verdict | None:
    if change.origin is Origin.BASE_AHEAD:
        return BASE_AHEAD
    if protection and (change.lowering or change.risk is Risk.DESTRUCTIVE):
        return protection
    concern = concern_name(change.path)
    policy = drift_policy(concern, context.desired, context.history)
    if change.origin not in ASKED_FOR and policy is DriftPolicy.REPORT:
        return only_reported(concern)
    if ends_an_expiry(change) and change.origin not in ASKED_FOR and policy is not DriftPolicy.REPAIR:
        return _unstated_expiry(concern)
    if change.lowering and not _has_cause(change, concern, context):
        return _no_cause(change, concern, context)
    return None


def protection_of(context: TenantContext) -> Verdict | None:
    """Protection ends by a commit that is applied before anything is reduced: here, and at the base."""
    if context.protected:
        return Verdict(
            Rule.PROTECTED, "the tenant is protected", "remove protect from the tenant's file in an earlier commit"
        )
    if context.was_protected:
        return Verdict(
            Rule.PROTECTED,
            "the tenant is protected at the base: one commit cannot remove the protection and reduce or "
            "delete something",
            "apply the commit that removes protect alone; reduce or delete in a later commit",
        )
    return None


def _unstated_expiry(concern: str) -> Verdict:
    """An expiry set by hand or by Neon: what the files do not declare is not managed."""
    return Verdict(
        Rule.DRIFT_POLICY,
        "it has an expiry that the file does not declare, and no commit since the base removed it from the file",
        f"add expires_at to the file, or set drift_policy.{concern}: repair to remove the expiry",
    )


def only_reported(concern: str) -> Verdict:
    """Return the verdict on drift that the policy reports and does not repair."""
    return Verdict(
        Rule.DRIFT_POLICY,
        f"drift_policy.{concern} is report: the difference is reported and not repaired",
        f"change the live value by hand, or set drift_policy.{concern}: repair",
    )


def _has_cause(change: FieldChange, concern: str, context: TenantContext) -> bool:
    pruned = context.planned.includes(DeleteProject) and context.permissions.prune
    return (
        change.origin in ASKED_FOR
        or repairs(concern, change.origin, context.planned.tenant, context.desired, context.history)
        or context.permissions.lowering
        or _suspends_again(change, context)
        or _may_have_lost_it_in_a_move(change, context)
        or (pruned and context.planned.tenant not in context.desired.tenants)
    )


def _suspends_again(change: FieldChange, context: TenantContext) -> bool:
    """Whether it suspends a tenant that the base suspends too: ``state: suspended`` asks for it in every run."""
    name = context.planned.tenant
    tenant, earlier = context.desired.tenants.get(name), context.history.earlier(name)
    if tenant is None or not tenant.suspended or name in context.history.documents:
        return False
    declared = bool(earlier) and all(files.tenants[name].suspended for files in earlier)
    off = change.path == COMPUTE_STATE or (change.path in QUOTA and change.after == OFF)
    return declared and off and not context.history.unreadable(name)


def _restores_a_lost_quota(change: FieldChange, context: TenantContext) -> bool:
    """Whether a transfer removed the quota, by the journal of a run that ended before it could send the new one.

    To send it again reduces nothing that a person gave: neither protection nor a drift policy holds it back. Files
    that are older than the base do not know the quota, and one that a commit makes smaller is judged as usual.
    """
    project = context.planned.project
    if change.origin is Origin.BASE_AHEAD or change.path not in QUOTA:
        return False
    if project is None or project.quota != Quota():
        return False
    if context.live.interrupted_moves.get(project.id) != project.organization:
        return False
    return change.origin is not Origin.CONFIG or _is_known_before(change, context)


def _is_known_before(change: FieldChange, context: TenantContext) -> bool:
    """Whether the files declared the new value already at the base, or at a commit that was tried."""
    past = context.history.past(context.planned.tenant)
    return past is not None and any(before.get(change.path) == change.after for before in past.bases)


def _may_have_lost_it_in_a_move(change: FieldChange, context: TenantContext) -> bool:
    """Whether it sets a quota where there is none at all after a move, of which no journal is here.

    Neon does not document whether a project keeps its quota. A commit since the base asks for the move, and the
    project has arrived.
    """
    name, project = context.planned.tenant, context.planned.project
    if change.path not in QUOTA or project is None or project.quota != Quota() or context.planned.transfer:
        return False
    earlier = (files.organization_of(files.tenants[name]) for files in context.history.earlier(name))
    return any(home != project.organization for home in earlier) and not context.history.unreadable(name)


def _no_cause(change: FieldChange, concern: str, context: TenantContext) -> Verdict:
    if context.planned.tenant in context.history.documents:  # no base has an effect on what stdin asks for
        return Verdict(
            Rule.LOWERING_NEEDS_A_CAUSE,
            "it is a reduction, and a document on stdin is not a commit that asks for it",
            "permit it with --allow lowering, or commit the tenant's file and name the tenant instead of '-'",
        )
    if change.origin is Origin.DRIFT:
        return Verdict(
            Rule.LOWERING_NEEDS_A_CAUSE,
            "it is a reduction, and no commit since the base asks for it: the live value "
            "was changed, or the commit that asks for it is the base or older",
            _permitting_drift(f"drift_policy.{concern}: repair"),
        )
    return Verdict(
        Rule.LOWERING_NEEDS_A_CAUSE,
        "it is a reduction, and no known commit asks for it",
        ", or ".join((*_showing_a_commit(context), "permit it with --allow lowering")),
    )


def _showing_a_commit(context: TenantContext) -> tuple[str, ...]:
    """Return what lets a run find the commit that asks for a reduction, if anything does."""
    history = context.history
    if (lost := history.unusable_base(context.planned.tenant)) is not None:
        return () if lost.remedy is None else (lost.remedy,)
    if (history.lost or history.without_base) and context.planned.tenant not in history.uncommitted:
        return ("name the last applied commit with --base, in a clone that has the whole history",)
    return ("commit it and name the last applied commit with --base",)


def _permitting_drift(policy: str) -> str:
    """Return what permits a reduction that no commit since the base asks for."""
    return (
        f"permit it with --allow lowering, or always with {policy}; if an older commit asks for it, name that "
        "commit's parent with --base"
    )


def for_all_concerns(verdict: Verdict, held: Held) -> Verdict:
    """Return the verdict with every concern in its remedy for which the same rule refuses something."""
    changes = (one for of_action in held.values() for one in of_action.items())
    alike = [change for change, other in changes if other.rule is verdict.rule]
    concerns = dict.fromkeys(concern_name(change.path) for change in alike)
    if verdict.rule is not Rule.LOWERING_NEEDS_A_CAUSE or "drift_policy" not in verdict.remedy:
        return verdict
    return replace(
        verdict,
        remedy=_permitting_drift(f"drift_policy: repair for {', '.join(concerns)}"),
    )

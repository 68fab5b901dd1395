"""Guards that judge one tenant.

A refused change is removed from its action; an action without changes is removed from the plan. If the transfer,
creation or deletion itself is refused, so is everything else of the tenant.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from msgspec import structs

from reconciler.desired.policy import DriftPolicy
from reconciler.plan import ownership
from reconciler.plan.action import (
    AdoptProject,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteDuplicate,
    DeleteProject,
    DeleteSnapshot,
    PatchBranch,
    PatchEndpoint,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.change import Origin, Risk
from reconciler.plan.concerns import compute, concern_name
from reconciler.plan.concerns.companions import companions
from reconciler.plan.concerns.compute import SIZE
from reconciler.plan.concerns.organization import forbids
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.concerns.times import ends_an_expiry
from reconciler.plan.guards import proof
from reconciler.plan.guards.context import Held, TenantContext, Verdict, first, with_held
from reconciler.plan.guards.dependents import with_dependents
from reconciler.plan.guards.partial import part_of_a_tier
from reconciler.plan.guards.room import no_room_below
from reconciler.plan.guards.size_range import unfit_creation, unfit_patch
from reconciler.plan.guards.unconfirmed import held_until_confirmed
from reconciler.plan.integrations import blocking
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import UnknownProject
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.plan import TenantPlan


Judged: TypeAlias = "tuple[TenantPlan, list[Refusal]]"


def judge(context: TenantContext) -> Judged:
    """Return the part of a tenant's plan that may run, and the refusals."""
    planned = context.planned
    waiting, unconfirmed = held_until_confirmed(context)
    if unconfirmed is not None:
        kept = tuple(action for action in planned.actions if action not in waiting)
        return structs.replace(planned, actions=kept), [_refusal(planned.tenant, unconfirmed, waiting)]
    if verdict := _stale_revision(context) or part_of_a_tier(context):
        return _refuse_all(planned, verdict)
    for action in planned.actions:
        for rule in WHOLE_TENANT:
            if verdict := rule(action, context):
                return _refuse_all(planned, verdict)
    held: Held = dict(_held_changes(context))
    if verdict := _stopping(held, context):
        return _refuse_all(planned, _about_all(verdict, held))
    held = with_dependents(_together(held, context), context)
    if doubts := proof.doubts(context, held):
        unproven = proof.verdict(doubts, context, held)
        if proof.stops_everything(doubts, context):
            return _refuse_all(planned, unproven)
        held = with_held(held, ((doubt.action, (doubt.change,), unproven) for doubt in doubts))
        held = with_dependents(_together(held, context), context)
    return _hold_back(planned, held)


def _stale_revision(context: TenantContext) -> Verdict | None:
    """Refuse a file that is older than the last accepted one. A file without a revision is not checked."""
    revision, last = context.planned.revision, context.live.revisions.get(context.planned.tenant)
    if revision is None or last is None or revision >= last:
        return None
    return Verdict(
        Rule.STALE_REVISION,
        f"the file has revision {revision} of the tenant, but revision {last} was already accepted",
        "run with the newest files; to return to an older state, write it under a higher revision",
    )


def _incomplete_view(action: Action, context: TenantContext) -> Verdict | None:
    if not isinstance(action, CreateProject | RecoverProject):
        return None
    candidates = [
        unknown for unknown in context.live.unknown if _may_be_its(unknown, action.tenant, context.desired)
    ]
    if not candidates:
        return None
    count = len(candidates)
    return Verdict(
        Rule.INCOMPLETE_VIEW,
        f"the API did not return {count} project{'s' if count > 1 else ''}, one of which may belong to this "
        "tenant",
        "run again when the list is complete",
    )


def _may_be_its(unknown: UnknownProject, tenant: str, desired: DesiredState) -> bool:
    """Return whether an unknown project may belong to the tenant: not if it has another tenant's project name."""
    if unknown.name is None or unknown.name in desired.project_names(tenant):
        return True
    namesake = desired.tenant_by_project_name(unknown.name)
    return namesake not in desired.tenants and namesake not in desired.held_back


def _ownership(action: Action, context: TenantContext) -> Verdict | None:
    project = context.planned.project
    if not isinstance(action, DeleteProject) or project is None or context.pinned:
        return None
    fleet = context.desired.fleet
    annotated = ownership.created_for(project, context.desired)
    if ownership.owned(project, fleet) and annotated == action.tenant:
        return None
    in_the_registry = context.live.places.get(action.tenant) == project.id and project.branches is not None
    if in_the_registry and annotated in (None, action.tenant):
        return None  # Neon: the branch that a restore replaced may be deleted, with its annotations
    return Verdict(
        Rule.OWNERSHIP,
        f"nothing shows that fleet {fleet!r} created project {project.id} ({project.name}) for this tenant",
        f"add project_id: {project.id} to the tenant's file to confirm that the project is yours",
    )


def _protected_branch(action: Action, context: TenantContext) -> Verdict | None:
    project = context.planned.project
    if not isinstance(action, DeleteProject) or project is None:
        return None
    protected = [branch.name for branch in project.branches or () if branch.protected]
    if not protected:
        return None
    return Verdict(
        Rule.PROTECTED,
        f"Neon cannot delete a project with a protected branch: {', '.join(protected)}",
        "remove the protection from the branch in the console",
    )


def _integration(action: Action, context: TenantContext) -> Verdict | None:
    project = context.planned.project
    blockers = blocking(project) if isinstance(action, TransferProject) and project else ()
    if not blockers:
        return None
    return Verdict(
        Rule.INTEGRATION,
        f"Neon cannot transfer a project with an integration: {' or '.join(blockers)}",
        "remove the integration in the console",
    )


def _older_files(action: Action, context: TenantContext) -> Verdict | None:  # noqa: ARG001 - same signature as the other rules
    """Refuse a creation that the base no longer asks for."""
    if isinstance(action, CreateProject) and any(c.origin is Origin.BASE_AHEAD for c in action.changes):
        return _BASE_AHEAD
    return None


def _recreation(action: Action, context: TenantContext) -> Verdict | None:
    """Refuse to create a vanished project again if no commit asks for it."""
    if (
        not isinstance(action, CreateProject)
        or context.desired.policy.drift.get(PROJECT.name) is not DriftPolicy.REPORT
    ):
        return None
    if all(change.origin is Origin.CONFIG for change in action.changes):
        return None
    return _only_reported(PROJECT.name)


WHOLE_TENANT: tuple[Callable[[Action, TenantContext], Verdict | None], ...] = (
    _incomplete_view,
    _ownership,
    _protected_branch,
    _integration,
    no_room_below,
    unfit_creation,
    _older_files,
    _recreation,
)


def _held_changes(context: TenantContext) -> Iterator[tuple[Action, Mapping[FieldChange, Verdict]]]:
    for action in context.planned.actions:
        if isinstance(action, CreateProject):
            continue
        held = {change: verdict for change in action.changes if (verdict := _judge_change(change, context))}
        size = next((verdict for change, verdict in held.items() if change.path in SIZE), None)
        if size is not None and not _goes_alone(action, held):
            held |= {change: size for change in action.changes if change.path in SIZE}
        if misfit := unfit_patch(action, held) or _misfit(action, held, context):
            held = {change: misfit for change in action.changes if change.path in compute.PATHS} | held
        if held:
            yield action, held


def _goes_alone(action: Action, held: Collection[FieldChange]) -> bool:
    """Return whether a commit asks for one end of the size range, and Neon accepts it with the other end as it
    is.
    """
    going = [change for change in action.changes if change.path in SIZE and change not in held]
    if any(change.origin is not Origin.CONFIG for change in going):
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
    moves = (move.destination for move in context.planned.actions if isinstance(move, TransferProject))
    project = context.planned.project
    here = project.organization if project else ""
    return here if action.before_transfer else next(moves, here)


_BASE_AHEAD: Final = Verdict(
    Rule.BASE_AHEAD,
    "the base is ahead of these files: here the files are older, so they ask for no change",
    "merge or rebase onto the base, or check out its newest commit",
)


def _together(held: Held, context: TenantContext) -> Held:
    """A tier change is applied or refused as a whole.

    What somebody granted on top of a tier stays and does not block the change. If the project has a whole other
    tier, every origin counts.
    """
    if not context.changes_tier:
        return held
    origins = set(Origin) if context.in_another_tier else {Origin.CONFIG, Origin.UNKNOWN}
    parts = {
        action: [change for change in action.changes if change.origin in origins]
        for action in context.planned.actions
    }
    waiting = (held.get(action, {}).get(change) for action, changes in parts.items() for change in changes)
    verdict = next(filter(None, waiting), None)
    if verdict is None:
        return held
    return with_held(held, ((action, changes, verdict) for action, changes in parts.items() if changes))


def _judge_change(change: FieldChange, context: TenantContext) -> Verdict | None:
    if change.origin is Origin.BASE_AHEAD:
        return _BASE_AHEAD
    if (change.lowering or change.risk is Risk.DESTRUCTIVE) and (verdict := _protection(context)):
        return verdict
    concern = concern_name(change.path)
    policy = context.desired.policy.drift.get(concern)
    if change.origin is not Origin.CONFIG and policy is DriftPolicy.REPORT:
        return _only_reported(concern)
    if ends_an_expiry(change) and change.origin is not Origin.CONFIG and policy is not DriftPolicy.REPAIR:
        return _unstated_expiry(concern)
    if change.lowering and not _has_cause(change, policy, context):
        return _no_cause(change, concern, context)
    return None


def _protection(context: TenantContext) -> Verdict | None:
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


def _only_reported(concern: str) -> Verdict:
    return Verdict(
        Rule.DRIFT_POLICY,
        f"drift_policy.{concern} is report: the difference is reported and not repaired",
        f"change the live value by hand, or set drift_policy.{concern}: repair",
    )


def _has_cause(change: FieldChange, policy: DriftPolicy | None, context: TenantContext) -> bool:
    pruned = isinstance(context.planned.actions[0], DeleteProject) and context.permissions.prune
    return (
        change.origin is Origin.CONFIG
        or (policy is DriftPolicy.REPAIR and not context.history.untold(context.planned.tenant))
        or context.permissions.lowering
        or (pruned and context.planned.tenant not in context.desired.tenants)
    )


def _no_cause(change: FieldChange, concern: str, context: TenantContext) -> Verdict:
    if context.planned.tenant in context.history.documents:  # no base has an effect on what stdin asks for
        return Verdict(
            Rule.LOWERING_NEEDS_A_CAUSE,
            "it takes something from the tenant, and a document on stdin is not a commit that asks for it",
            "permit it with --allow lowering, or commit the tenant's file and name the tenant instead of '-'",
        )
    if change.origin is Origin.DRIFT:
        return Verdict(
            Rule.LOWERING_NEEDS_A_CAUSE,
            "it takes something from the tenant, and no commit since the base asks for it: the live value "
            "was changed",
            f"permit it with --allow lowering, or always with drift_policy.{concern}: repair",
        )
    return Verdict(
        Rule.LOWERING_NEEDS_A_CAUSE,
        "it takes something from the tenant, and no known commit asks for it",
        "commit it and name the last applied commit with --base, or permit it with --allow lowering",
    )


def _about_all(verdict: Verdict, held: Held) -> Verdict:
    """Return the verdict with every concern in its remedy for which the same rule refuses something."""
    changes = (one for of_action in held.values() for one in of_action.items())
    alike = [change for change, other in changes if other.rule is verdict.rule]
    concerns = dict.fromkeys(concern_name(change.path) for change in alike)
    if verdict.rule is not Rule.LOWERING_NEEDS_A_CAUSE or "drift_policy" not in verdict.remedy:
        return verdict
    return replace(
        verdict,
        remedy=f"permit it with --allow lowering, or always with drift_policy: repair for {', '.join(concerns)}",
    )


def _stopping(held: Held, context: TenantContext) -> Verdict | None:
    """Return the verdict on an action that all other actions depend on; the transfer comes first."""
    deletes = any(isinstance(action, DeleteBranch | DeleteSnapshot) for action in held)
    crowded = deletes and _fits_only_without(held, context)
    found = [
        (action, first(changes)) for action, changes in held.items() if _blocks_all_others(action, crowded=crowded)
    ]
    found.sort(key=lambda one: not isinstance(one[0], TransferProject))
    return found[0][1] if found else None


def _blocks_all_others(action: Action, *, crowded: bool) -> bool:
    """Return whether all other actions depend on this one; ``crowded`` says that they depend on the deletions."""
    match action:
        case CreateProject() | RecoverProject() | AdoptProject() | TransferProject() | DeleteProject():
            return True
        case PatchProject() | PatchEndpoint():
            return action.before_transfer
        case DeleteBranch() | DeleteSnapshot():
            return crowded
        case CreateBranch() | PatchBranch() | CreateSnapshot() | DeleteDuplicate():
            return False
        case _:
            assert_never(action)


def _fits_only_without(held: Held, context: TenantContext) -> bool:
    """Return whether the project does not fit into its destination without the refused deletions."""
    actions = tuple(action for action in context.planned.actions if action not in held)
    meanwhile = replace(context, planned=structs.replace(context.planned, actions=actions))
    return any(no_room_below(action, meanwhile) for action in context.planned.actions)


def _refuse_all(planned: TenantPlan, verdict: Verdict) -> Judged:
    return structs.replace(planned, actions=()), [_refusal(planned.tenant, verdict, planned.actions)]


def _hold_back(planned: TenantPlan, held: Held) -> Judged:
    kept = [_without(action, held.get(action, {})) for action in planned.actions]
    verdicts = dict.fromkeys(verdict for changes in held.values() for verdict in changes.values())
    refusals = [_refusal(planned.tenant, verdict, _only(planned.actions, held, verdict)) for verdict in verdicts]
    return structs.replace(planned, actions=tuple(action for action in kept if action.changes)), refusals


def _without(action: Action, held: Collection[FieldChange]) -> Action:
    """Return the action without the refused changes; their live values are sent as companions."""
    if not held:
        return action
    if not isinstance(action, PatchProject | PatchEndpoint):
        return structs.replace(action, changes=tuple(change for change in action.changes if change not in held))
    staying = tuple(change for change in action.changes if change not in held)
    values = {
        **dict(action.companions),
        **{change.path: change.before for change in held if change.before is not None},
    }
    return structs.replace(action, changes=staying, companions=companions(staying, values))


def _only(actions: tuple[Action, ...], held: Held, verdict: Verdict) -> tuple[Action, ...]:
    """Return the actions with only the changes that the verdict refuses."""
    found = []
    for action in actions:
        held_of_it = held.get(action, {})
        changes = tuple(change for change in action.changes if held_of_it.get(change) == verdict)
        if changes:
            found.append(structs.replace(action, changes=changes))
    return tuple(found)


def _refusal(tenant: str, verdict: Verdict, actions: tuple[Action, ...]) -> Refusal:
    return Refusal(verdict.rule, (tenant,), verdict.message, verdict.remedy, actions)

"""Guards that judge one tenant.

A refused change is removed from its action; an action without changes is removed from the plan. If the transfer,
creation or deletion itself is refused, so is everything else of the tenant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.desired.policy import DriftPolicy
from reconciler.model.values import replace
from reconciler.plan import adoption, ownership
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import (
    AdoptProject,
    CreateProject,
    DeleteDuplicate,
    DeleteProject,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.change import Origin
from reconciler.plan.concerns import CONCERNS, organization
from reconciler.plan.concerns.compute import PARAMETERS
from reconciler.plan.concerns.concern import companions
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.guards import downgrade_proof
from reconciler.plan.guards.cause import BASE_AHEAD, for_all_concerns, held_changes, only_reported
from reconciler.plan.guards.context import Held, TenantContext, Verdict, with_held
from reconciler.plan.guards.dependents import blocking_verdict, with_complete_tier, with_dependents
from reconciler.plan.guards.holds import on_hold
from reconciler.plan.guards.occasions import is_before, without_needless
from reconciler.plan.guards.repairs import drift_policy
from reconciler.plan.guards.returned_customer import customer_may_have_returned
from reconciler.plan.guards.room import no_room_below
from reconciler.plan.guards.size_range import unfit_creation
from reconciler.plan.moves import blocking
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import UnknownProject
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.guards.context import TenantContext
    from reconciler.plan.plan import TenantPlan


Judged: TypeAlias = "tuple[TenantPlan, list[Refusal]]"


def judge(context: TenantContext) -> Judged:
    """Return the part of a tenant's plan that may run, and the refusals. A hold refuses all of it."""
    verdict = on_hold(context) if context.planned.actions else None
    return without_needless(*(_judge(context) if verdict is None else _refuse_all(context.planned, verdict)))


def _judge(context: TenantContext) -> Judged:
    planned = context.planned
    waiting, unconfirmed = held_until_confirmed(context)
    if unconfirmed is not None:
        kept = tuple(action for action in planned.actions if action not in waiting)
        return replace(planned, actions=kept), [_refusal(planned.tenant, unconfirmed, waiting)]
    if verdict := stale_revision(context) or part_of_a_tier(context):
        return _refuse_all(planned, verdict)
    for action in planned.actions:
        for rule in WHOLE_TENANT:
            if verdict := rule(action, context):
                return _refuse_all(planned, verdict)
    held: Held = dict(held_changes(context))
    if verdict := blocking_verdict(held, context):
        return _refuse_all(planned, for_all_concerns(verdict, held))
    held = with_dependents(with_complete_tier(held, context), context)
    if doubts := downgrade_proof.doubts(context, held):
        unproven = downgrade_proof.verdict(doubts, context, held)
        if downgrade_proof.stops_everything(doubts, context):
            return _refuse_all(planned, unproven)
        held = with_held(held, ((doubt.action, (doubt.change,), unproven) for doubt in doubts))
        held = with_dependents(with_complete_tier(held, context), context)
    return _hold_back(planned, held)


def stale_revision(context: TenantContext) -> Verdict | None:
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
    in_the_registry = context.live.registered_id(action.tenant) == project.id and project.branches is not None
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
        "first apply protected: false for the branch (overrides, dev_branches), or remove its protection in the "
        "console",
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
    if isinstance(action, CreateProject) and any(c.origin is Origin.BASE_AHEAD for c in action.changes):
        return BASE_AHEAD
    return None


def _recreation(action: Action, context: TenantContext) -> Verdict | None:
    """Refuse to create a vanished project again if no commit asks for it."""
    if (
        not isinstance(action, CreateProject)
        or drift_policy(PROJECT.name, context.desired, context.history) is not DriftPolicy.REPORT
    ):
        return None
    if all(change.origin is Origin.CONFIG for change in action.changes):
        return None
    return only_reported(PROJECT.name)


WHOLE_TENANT: tuple[Callable[[Action, TenantContext], Verdict | None], ...] = (
    _incomplete_view,
    _ownership,
    customer_may_have_returned,
    _protected_branch,
    _integration,
    no_room_below,
    unfit_creation,
    _older_files,
    _recreation,
)


def _refuse_all(planned: TenantPlan, verdict: Verdict) -> Judged:
    return replace(planned, actions=()), [_refusal(planned.tenant, verdict, planned.actions)]


def refuse(context: TenantContext, denied: Mapping[Action, Verdict]) -> Judged:
    """Return the part of a tenant's plan without these actions and those that depend on them, and the refusals.

    Without a snapshot before a change, the change is refused too.
    """
    return without_needless(*_refuse(context, denied))


def _refuse(context: TenantContext, denied: Mapping[Action, Verdict]) -> Judged:
    planned = context.planned
    held: Held = {action: dict.fromkeys(action.changes, verdict) for action, verdict in denied.items()}
    first_verdict = next(iter(denied.values()))
    if any(map(is_before, denied)) or not all(held.values()):
        return _refuse_all(planned, first_verdict)
    if verdict := blocking_verdict(held, context):
        return _refuse_all(planned, verdict)
    return _hold_back(planned, with_dependents(with_complete_tier(held, context), context))


def _hold_back(planned: TenantPlan, held: Held) -> Judged:
    kept = [_without(action, held.get(action, {})) for action in planned.actions]
    verdicts = dict.fromkeys(verdict for changes in held.values() for verdict in changes.values())
    refusals = [_refusal(planned.tenant, verdict, _only(planned.actions, held, verdict)) for verdict in verdicts]
    return replace(planned, actions=tuple(action for action in kept if action.changes)), refusals


def _without(action: Action, held: Collection[FieldChange]) -> Action:
    """Return the action without the refused changes; their live values are sent as companions."""
    if not held:
        return action
    if not isinstance(action, PatchProject | PatchEndpoint):
        return replace(action, changes=tuple(change for change in action.changes if change not in held))
    staying = tuple(change for change in action.changes if change not in held)
    values = {
        **dict(action.companions),
        **{change.path: change.before for change in held if _stays_as_companion(action, change)},
    }
    return replace(action, changes=staying, companions=companions(staying, values))


def _stays_as_companion(action: PatchProject | PatchEndpoint, refused: FieldChange) -> bool:
    """Return whether the live value of a refused change is sent with the others: not the parameters of a compute,
    which have a place of their own in its request.
    """
    return refused.before is not None and (isinstance(action, PatchProject) or refused.path != PARAMETERS)


def _only(actions: tuple[Action, ...], held: Held, verdict: Verdict) -> tuple[Action, ...]:
    """Return the actions with only the changes that the verdict refuses."""
    found = []
    for action in actions:
        held_of_it = held.get(action, {})
        changes = tuple(change for change in action.changes if held_of_it.get(change) == verdict)
        if changes:
            found.append(replace(action, changes=changes))
    return tuple(found)


def _refusal(tenant: str, verdict: Verdict, actions: tuple[Action, ...]) -> Refusal:
    return Refusal(verdict.rule, (tenant,), verdict.message, verdict.remedy, actions)


def part_of_a_tier(context: TenantContext) -> Verdict | None:
    """Refuse to apply a part of a tier change: no tier describes the result."""
    tenant, project = context.desired.tenants.get(context.planned.tenant), context.planned.project
    if not context.only or tenant is None or tenant.absent or project is None:
        return None
    settings = context.desired.settings(tenant)
    differing = list(_differing(settings, project))
    left_out = [name for name in differing if name not in context.only]
    if not left_out:
        return None
    moves = project.organization != settings.organization
    if not (moves or context.changes_tier or context.in_another_tier):
        return None
    return Verdict(
        Rule.PART_OF_A_TIER,
        f"--only leaves out {', '.join(left_out)}: the tenant would have parts of two tiers",
        f"include all of it with {' '.join(f'--only {name}' for name in differing)}, or run without --only",
    )


def _differing(settings: Settings, project: LiveProject) -> Iterator[str]:
    """Yield the differing concerns of a tier, by the names that ``--only`` accepts."""
    if project.organization != settings.organization:
        yield organization.NAME
    for concern in CONCERNS:
        if concern is not PROJECT and any(concern.changes(settings, project)):
            yield concern.name


MESSAGE: Final = (
    "the project was found by name only: differences are reported and not applied until another source "
    "confirms the owner"
)
BY_PIN: Final = "add its id as project_id to the tenant's file"


def held_until_confirmed(context: TenantContext) -> tuple[tuple[Action, ...], Verdict | None]:
    """Return the actions that wait for a confirmation of the project's owner, and the verdict; else none.

    The deletion of a tombstone is judged by who created the project, that of a second project by its own proof.
    """
    tenant, project = context.desired.tenants.get(context.planned.tenant), context.planned.project
    if tenant is None or project is None or tenant.absent:
        return (), None
    waiting = tuple(
        action
        for action in context.planned.actions
        if not isinstance(action, AdoptProject | CreateProject | DeleteDuplicate)
    )
    if not waiting or adoption.confirmed(context.desired, context.live, context.history, tenant, project):
        return (), None
    can_mark = len(waiting) < len(context.planned.actions) or context.desired.registry is not None
    remedy = f"{BY_PIN}; or apply this plan, which marks the project, and run again" if can_mark else BY_PIN
    return waiting, Verdict(Rule.UNCONFIRMED, MESSAGE, remedy)

"""Guards that count: how much of a fleet one run may change, and how many projects an organization can hold."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.plan.actions.project import CreateProject, DeleteDuplicate, RecoverProject, TransferProject
from reconciler.plan.change import Origin
from reconciler.plan.concerns import organization
from reconciler.plan.guards.counted import DELETES, KINDS, FleetContext, is_caused
from reconciler.plan.guards.creations import looks_renamed, missing_projects, spelled_otherwise
from reconciler.plan.guards.repairs import repairs
from reconciler.plan.identity import identify
from reconciler.plan.ownership import owned
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.desired.policy import Threshold
    from reconciler.plan.action import Action
    from reconciler.plan.guards.counted import Counts
    from reconciler.plan.plan import TenantPlan

MANY: Final = 10
"""From this many creations on, our projects that match no file suggest a changed naming pattern."""


def many_unmatched(kept: Sequence[TenantPlan], context: FleetContext) -> Iterator[Refusal]:
    """Refuse many creations while about as many of our projects match no file."""
    creating = [planned for planned in kept if planned.includes(CreateProject)]
    if len(creating) < max(MANY, context.permissions.counts.get("creates", 0) + 1) or not context.live.listed:
        return
    strangers = identify(context.desired, context.live).unmatched
    unmatched = sum(owned(project, context.desired.fleet) is not False for project in strangers)
    if 2 * unmatched < len(creating):
        return
    yield _refusal(
        Rule.MANY_UNMATCHED,
        creating,
        f"{len(creating)} tenants would be created, but {unmatched} live projects that may be ours match no file",
        "if the naming pattern changed, add the old one to naming.previous; if the tenants are new, permit "
        f"it with --allow creates={len(creating)}",
    )


def shrunken_files(kept: Sequence[TenantPlan], context: FleetContext) -> Iterator[Refusal]:
    """Refuse to prune more projects than the files declare tenants: most files are missing."""
    pruned = [planned for planned in kept if planned.tenant not in context.desired.tenants]
    declared = len(context.desired.tenants)
    if len(pruned) > max(declared, context.permissions.counts.get("deletes", 0)):
        yield _refusal(
            Rule.SHRUNKEN_FILES,
            pruned,
            f"--prune would delete {len(pruned)} project{_plural_ending(len(pruned))}, but the files declare only "
            f"{declared} tenant{_plural_ending(declared)}",
            "restore the missing files; if they were removed on purpose, permit it with --allow "
            f"deletes={len(pruned)}",
        )


def tier_renamed(kept: Sequence[TenantPlan], context: FleetContext) -> Iterator[Refusal]:
    """Refuse a removed tier whose new replacement grants less."""
    moved: dict[tuple[str, str], list[TenantPlan]] = defaultdict(list)
    for planned in kept:
        if not context.permissions.lowering and (renamed := _renamed(planned.tenant, context)):
            moved[renamed].append(planned)
    for (gone, new), tenants in moved.items():
        lowered = [planned for planned in tenants if any(action.lowering for action in planned.actions)]
        if lowered:
            yield _refusal(
                Rule.TIER_RENAMED,
                lowered,
                f"tier {gone!r} was removed since the base, and its new replacement {new!r} reduces limits "
                f"of {len(lowered)} of its tenants",
                f"give {new!r} the limits of {gone!r} and reduce them in a later commit, or permit it with "
                "--allow lowering",
            )


def _renamed(name: str, context: FleetContext) -> tuple[str, str] | None:
    """The tenant's tier at the base and its current tier, if the first was removed and the second is new."""
    base, tenant = context.history.files_at_base(name), context.desired.tenants.get(name)
    before = None if base is None else base.tenants.get(name)
    if base is None or tenant is None or before is None or tenant.absent or before.absent:
        return None
    renamed = before.tier not in context.desired.tiers and tenant.tier not in base.tiers
    return (before.tier, tenant.tier) if renamed else None


def moves_without_a_cause(kept: Sequence[TenantPlan], context: FleetContext) -> Iterator[Refusal]:
    """Refuse transfers that only undo drift: an upgrade costs money, a downgrade reduces limits."""
    moving = [(planned, move) for planned in kept if (move := planned.transfer)]
    uncaused = [planned for planned, move in moving if _moves_by_drift(move, context)]
    if uncaused and len(moving) > context.permissions.counts.get("transfers", 0):
        yield _refusal(
            Rule.MOVE_NEEDS_A_CAUSE,
            uncaused,
            "the project is in another organization than the files declare, and no commit since the base "
            "transfers it",
            "transfer it back in the console, change the tenant's tier in a commit, or permit exactly the "
            f"transfers of this run with --allow transfers={len(moving)}",
        )


def _moves_by_drift(move: TransferProject, context: FleetContext) -> bool:
    change = move.changes[0]
    unreadable = context.history.unreadable(move.tenant)
    repaired = repairs(organization.NAME, change.origin, move.tenant, context.desired, context.history)
    allowed = repaired or (change.lowering and context.permissions.lowering)
    uncaused = change.origin is Origin.DRIFT or (change.origin is Origin.UNKNOWN and unreadable)
    return uncaused and not allowed


def organization_limits(kept: Sequence[TenantPlan], context: FleetContext) -> Iterator[Refusal]:
    """Refuse what does not fit into an organization, in plan order; transfers are placed first."""
    arrivals: dict[str, list[TenantPlan]] = defaultdict(list)
    for kind in (TransferProject, RecoverProject, CreateProject):
        for planned in kept:
            for action in planned.actions:
                if isinstance(action, kind):
                    arrivals[_arrives_in(action, planned)].append(planned)
    for name, arriving in arrivals.items():
        limit = context.desired.organizations[name].limits.projects
        live_count = context.live.listed.get(name)
        if limit is None or live_count is None:
            continue
        room = max(0, limit - live_count)
        if len(arriving) > room:
            yield _refusal(
                Rule.ORGANIZATION_LIMIT,
                arriving[room:],
                f"organization {name} has {live_count} of {limit} projects: {len(arriving)} more do not fit, "
                f"{room} would",
                f"ask Neon for a higher limit and set organizations.{name}.limits.projects in tiers.yaml",
            )


def _arrives_in(action: TransferProject | RecoverProject | CreateProject, planned: TenantPlan) -> str:
    return action.destination if isinstance(action, TransferProject) else _touches(action, planned)


def thresholds(kept: Sequence[TenantPlan], context: FleetContext) -> Iterator[Refusal]:
    """Refuse runs above a threshold, unless ``--allow`` names the number of actions in the whole run.

    Thresholds hold for each organization, by its number of live projects. The permitted number holds for the whole
    run: permitting twelve deletions never permits twelve in each organization. Thresholds hold for the whole
    fleet, whatever is selected: what the files ask for elsewhere counts, and drift of a selected part gets its
    share.
    """
    for kind, counts in KINDS.items():
        by_organization: dict[str, list[TenantPlan]] = defaultdict(list)
        for planned in kept:
            for name in _touched(kind, _counted(counts, planned), planned):
                by_organization[name].append(planned)
        total = sum(map(len, by_organization.values()))
        if total <= context.permissions.counts.get(kind, 0):
            continue
        asked = context.asked_for(kind)
        for name, touched in by_organization.items():
            uncaused = sum(not is_caused(_counted(counts, planned)) for planned in touched)
            if text := _too_many(kind, name, len(touched), uncaused, asked.get(name, 0), context):
                fewer = "ask for fewer in one commit, " if asked.get(name) else ""
                remedy = (
                    f"{fewer}raise guards.{kind} in tiers.yaml, or permit exactly the {kind} of this run "
                    f"with --allow {kind}={total}"
                )
                yield _refusal(Rule.THRESHOLD, touched, text, remedy)


def _counted(counts: Counts, planned: TenantPlan) -> list[Action]:
    return [action for action in planned.actions if counts(action, planned)]


def _too_many(
    kind: str, organization: str, count: int, uncaused: int, asked: int, context: FleetContext
) -> str | None:
    """Return why the count exceeds the threshold, or None."""
    threshold = context.threshold(kind)
    live_count = context.live.listed.get(organization)
    most = _most(threshold, live_count)
    if asked > threshold.allows(live_count or _declared(organization, context)):
        return f"{asked} {kind} in organization {organization} in the whole fleet, threshold {most} per run"
    allowed = threshold.allows(live_count)
    if count > max(allowed, asked):
        return f"{count} {kind} in organization {organization}, threshold {most} per run"
    if uncaused > context.share(allowed):
        part = "this shard" if context.selection.shard else "this part of the fleet"
        return (
            f"{uncaused} {kind} in organization {organization} without a commit that asks for them, "
            f"threshold {context.share(allowed)} for {part}, {most} for the fleet"
        )
    return None


def _declared(organization: str, context: FleetContext) -> int:
    """Estimate the projects of an organization that was not listed: the tenants that the base declares there."""
    base = context.history.base
    declared = () if base is None else base.tenants.values()
    return sum(base is not None and base.organization_of(tenant) == organization for tenant in declared)


def _touched(kind: str, actions: Sequence[Action], planned: TenantPlan) -> list[str]:
    """The organization of each deleted project; for other kinds one per tenant, however many actions it has."""
    organizations = [_touches(action, planned) for action in actions]
    return organizations if kind == DELETES else organizations[:1]


def _most(threshold: Threshold, live_count: int | None) -> str:
    allowed = threshold.allows(live_count)
    if live_count is None or allowed == threshold.count:
        return str(allowed)
    return f"{allowed} ({threshold.percent:g} % of its {live_count:,} projects)"


def _touches(action: Action, planned: TenantPlan) -> str:
    """Return the organization whose projects the action changes."""
    if isinstance(action, CreateProject | DeleteDuplicate):
        return action.organization
    return planned.project.organization if planned.project else ""


FleetRule: TypeAlias = "Callable[[Sequence[TenantPlan], FleetContext], Iterator[Refusal]]"
RULES: Final[tuple[FleetRule, ...]] = (
    looks_renamed,
    spelled_otherwise,
    missing_projects,
    many_unmatched,
    shrunken_files,
    tier_renamed,
    moves_without_a_cause,
    organization_limits,
    thresholds,
)


def _plural_ending(count: int) -> str:
    return "" if count == 1 else "s"


def _refusal(rule: Rule, touched: Sequence[TenantPlan], message: str, remedy: str) -> Refusal:
    refused = {planned.tenant: planned for planned in touched}.values()
    return Refusal(
        rule,
        tuple(planned.tenant for planned in refused),
        message,
        remedy,
        tuple(action for planned in refused for action in planned.actions),
    )

"""Groups of tenants, refusals and conflicts that are shown together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from reconciler.model.problem import Location
from reconciler.plan.action import CreateProject, PatchBranch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.plan import Conflict, Plan, Refusal, Rule, TenantPlan

REFUSED: Final = "Refused"
REFUSED_EARLIER: Final = "Refused since earlier commits"
REPORTED: Final = "Reported"
CONFLICTS: Final = "Conflicts"
EARLIER_CONFLICTS: Final = "Conflicts since earlier commits"
OTHER_CONFLICTS: Final = "Conflicts of tenants that no commit changed"
_NOWHERE: Final = Location("")
_OWN: Final[Mapping[str, Any]] = {"companions": (), "branch_id": "", "snapshot_id": ""}
"""Members of actions that differ between tenants with the same actions."""


@dataclass(frozen=True, slots=True)
class TenantGroup:
    """Tenants with the same actions, in name order."""

    members: tuple[TenantPlan, ...]
    actions: tuple[Action, ...]
    """Those of the only member, or what all members have in common."""

    @property
    def names(self) -> tuple[str, ...]:
        """The tenants' names."""
        return tuple(member.tenant for member in self.members)


def group_by_actions(tenants: Iterable[TenantPlan]) -> list[TenantGroup]:
    """Tenants with the same actions in one block each, the largest blocks first."""
    alike: dict[tuple[Action, ...], list[TenantPlan]] = {}
    for tenant in tenants:
        alike.setdefault(tuple(map(_anonymous, tenant.actions)), []).append(tenant)
    blocks = (_block(members, common) for common, members in alike.items())
    return sorted(blocks, key=lambda block: (-len(block.members), block.names[0]))


def _block(members: list[TenantPlan], common: tuple[Action, ...]) -> TenantGroup:
    ordered = tuple(sorted(members, key=lambda member: member.tenant))
    return TenantGroup(ordered, common if len(ordered) > 1 else ordered[0].actions)


def _anonymous(action: Action) -> Action:
    """The action without what differs between tenants and what no view shows."""
    changes = action.changes
    if isinstance(action, CreateProject):
        changes = tuple(change for change in changes if change.path != "name")
    own = {name: blank for name, blank in _OWN.items() if name in action.__struct_fields__}
    return replace(action, tenant="", source=_NOWHERE, changes=changes, **own)


def field_changes(action: Action) -> tuple[FieldChange, ...]:
    """The changes that say more than the action itself does; the action already names its branch."""
    if isinstance(action, PatchBranch):
        return tuple(replace(change, path=change.path.rpartition(".")[2]) for change in action.changes)
    return action.changes if action.verb == "change" else ()


def held_back(plan: Plan) -> Mapping[str, list[Refusal]]:
    """What is held back, by its title: what was asked for and is forbidden, now or since an earlier commit; and
    apart from it what nobody asked for, which is only reported."""
    groups: dict[str, list[Refusal]] = {REFUSED: [], REFUSED_EARLIER: [], REPORTED: []}
    passed_on = plan.passed_on
    for refusal in plan.refusals:
        earlier = bool(refusal.tenants) and passed_on.issuperset(refusal.tenants)
        asked = REFUSED_EARLIER if earlier else REFUSED
        groups[asked if refusal.asked_for else REPORTED].append(refusal)
    return groups


def conflicts_by_cause(plan: Plan) -> Mapping[str, list[Conflict]]:
    """Conflicts of tenants that the files changed since the base, and apart from them those of others."""
    groups: dict[str, list[Conflict]] = {CONFLICTS: [], EARLIER_CONFLICTS: [], OTHER_CONFLICTS: []}
    passed_on = plan.passed_on
    for conflict in plan.conflicts:
        asked = EARLIER_CONFLICTS if conflict.tenant in passed_on else CONFLICTS
        groups[asked if conflict.asked_for else OTHER_CONFLICTS].append(conflict)
    return groups


def same_refusals(refusals: Iterable[Refusal]) -> list[Refusal]:
    """Refusals for the same reason as one, in the order of the first of each."""
    alike: dict[tuple[Rule, str, str], list[Refusal]] = {}
    for refusal in refusals:
        alike.setdefault((refusal.rule, refusal.message, refusal.remedy), []).append(refusal)
    return [
        replace(
            group[0],
            tenants=tuple(tenant for refusal in group for tenant in refusal.tenants),
            actions=tuple(action for refusal in group for action in refusal.actions),
        )
        for group in alike.values()
    ]

"""Groups of tenants, refusals and conflicts that are shown together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct

from reconciler.model.problem import Location
from reconciler.model.values import replace
from reconciler.plan.actions.branch import PatchBranch
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.change import Risk, highest
from reconciler.views.view import DiffView, DriftView, PlanView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.plan import Conflict, Plan, Refusal, TenantPlan

Item = TypeVar("Item")
Key = TypeVar("Key")

REFUSED: Final = "Refused"
REFUSED_EARLIER: Final = "Refused since earlier commits"
REPORTED: Final = "Reported"
NOT_APPLIED: Final = "Not changed by apply"
NOT_POSSIBLE: Final = "Not possible"
CONFLICTS: Final = "Conflicts"
EARLIER_CONFLICTS: Final = "Conflicts since earlier commits"
OTHER_CONFLICTS: Final = "Conflicts of tenants that no commit changed"
_NOWHERE: Final = Location("")
_RISKS: Final = tuple(reversed(Risk))
_OWN: Final[Mapping[str, Any]] = {"companions": (), "branch_id": "", "snapshot_id": ""}
"""Members of actions that differ between tenants with the same actions."""


class TenantGroup(Struct, frozen=True):
    """Tenants with the same actions, in name order."""

    members: tuple[TenantPlan, ...]
    actions: tuple[Action, ...]
    """Those of the only member, or what all members have in common."""

    @property
    def risk(self) -> Risk:
        """The highest risk of the actions."""
        return highest([action.risk for action in self.actions])

    @property
    def names(self) -> tuple[str, ...]:
        """The tenants' names."""
        return tuple(member.tenant for member in self.members)


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """The items by key, in the order of the first of each."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def group_by_actions(tenants: Iterable[TenantPlan]) -> list[TenantGroup]:
    """Tenants with the same actions in one block each: the riskiest first, then the largest."""
    alike = grouped(tenants, lambda tenant: tuple(map(_anonymous, tenant.actions)))
    blocks = (_block(members, common) for common, members in alike.items())
    return sorted(blocks, key=lambda block: (_RISKS.index(block.risk), -len(block.members), block.names[0]))


def shown_of(blocks: Sequence[TenantGroup], most: int | None) -> Sequence[TenantGroup]:
    """Return the first blocks, and all that destroy something: no list is cut before those end."""
    if most is None:
        return blocks
    return blocks[: max(most, sum(block.risk is Risk.DESTRUCTIVE for block in blocks))]


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
    separately what no commit asked for, which is only reported."""
    groups: dict[str, list[Refusal]] = {REFUSED: [], REFUSED_EARLIER: [], REPORTED: []}
    passed_on = plan.passed_on
    for refusal in plan.refusals:
        earlier = bool(refusal.tenants) and passed_on.issuperset(refusal.tenants)
        asked = REFUSED_EARLIER if earlier else REFUSED
        groups[asked if refusal.asked_for else REPORTED].append(refusal)
    return groups


def refusals_of(view: PlanView | DriftView | DiffView) -> Mapping[str, Sequence[Refusal]]:
    """What is held back, by its title in the view."""
    if isinstance(view, DriftView):
        return {NOT_APPLIED: view.plan.refusals}
    return {NOT_POSSIBLE: view.plan.refusals} if isinstance(view, DiffView) else held_back(view.plan)


def conflicts_of(view: PlanView | DriftView | DiffView) -> Mapping[str, Sequence[Conflict]]:
    """The conflicts, by their title in the view."""
    return conflicts_by_cause(view.plan) if isinstance(view, PlanView) else {CONFLICTS: view.plan.conflicts}


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
    alike = grouped(refusals, lambda refusal: (refusal.rule, refusal.message, refusal.remedy))
    return [
        replace(
            group[0],
            tenants=tuple(dict.fromkeys(tenant for refusal in group for tenant in refusal.tenants)),
            actions=tuple(action for refusal in group for action in refusal.actions),
        )
        for group in alike.values()
    ]

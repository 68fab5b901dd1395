"""What the tenants of a plan and of a report can be filtered by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.actions.project import CreateProject, TransferProject
from reconciler.plan.change import Origin, Risk
from reconciler.views.html.blocks import Facet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action

REDUCES: Final = "reduces something"
RISKS: Final = (*(risk.value for risk in reversed(Risk)), REDUCES)
CAUSES: Final = {
    Origin.CONFIG: "the files",
    Origin.DRIFT: "drift",
    Origin.BASE_AHEAD: "the base is ahead",
    Origin.UNKNOWN: "unknown: no base",
    Origin.COMMAND: "a command",
}
TIER: Final = Facet("Tier", "all tiers")
RISK: Final = Facet("Risk", "any risk", RISKS)
CAUSE: Final = Facet("Cause", "any cause", tuple(CAUSES.values()))
ORGANIZATION: Final = Facet("Organization", "all organizations")
RULE: Final = Facet("Rule", "any rule")


def risks_of(actions: Sequence[Action]) -> list[str]:
    """The highest risk of the actions, and whether they reduce something; empty without actions."""
    if not actions:
        return []
    worst = max(action.risk for action in actions)
    return [worst.value, *([REDUCES] if any(action.lowering for action in actions) else [])]


def causes_of(actions: Sequence[Action]) -> list[str]:
    """Where the changes of the actions come from."""
    origins = {change.origin for action in actions for change in action.changes}
    return [words for origin, words in CAUSES.items() if origin in origins]


def organizations_of(project: LiveProject | None, actions: Sequence[Action]) -> list[str]:
    """Where the project is, and where it goes to."""
    found = [] if project is None else [project.organization]
    for action in actions:
        if isinstance(action, CreateProject):
            found.append(action.organization)
        elif isinstance(action, TransferProject):
            found += [action.origin, action.destination]
    return list(dict.fromkeys(found))


def rank_of(actions: Sequence[Action]) -> int:
    """How risky the actions are: the riskier, the higher."""
    if not actions:
        return 0
    worst = max(action.risk for action in actions)
    return 2 * list(Risk).index(worst) + any(action.lowering for action in actions)

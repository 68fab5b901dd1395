"""The plan as text: what would be done to whom, what would not and why, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from reconciler.plan.action import DeleteProject, PatchEndpoint
from reconciler.plan.change import Origin, Risk
from reconciler.views import blocks, remarks, signs
from reconciler.views.actions import deed
from reconciler.views.blocks import WHOLE, Extent, heading
from reconciler.views.fields import Words
from reconciler.views.grouping import Kind, by_kind, by_tenant
from reconciler.views.layout import Line, Page, Piece, indented
from reconciler.views.printable import printable
from reconciler.views.wording import budget, coverage, plan_summary, project_facts, refused_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan, TenantPlan

_HEADINGS: Final = {
    Kind.CREATE: "Create",
    Kind.UPGRADE: "Upgrade",
    Kind.DOWNGRADE: "Downgrade",
    Kind.CHANGE: "Change",
    Kind.DELETE: "Delete",
}

_WORDS: Final = Words(
    live="",
    between=" -> ",
    files="",
    lowering="lowering",
    risks={Risk.DISRUPTIVE: "disruptive", Risk.DESTRUCTIVE: "destructive"},
    origins={Origin.DRIFT: "drift"},
)


def render(plan: Plan, *, full: bool = False) -> RenderableType:
    """The whole plan; long groups are cut unless ``full``."""
    return Page(lambda: _lines(plan, WHOLE if full else Extent()))


def _lines(plan: Plan, extent: Extent) -> Iterator[Piece]:
    for kind, members in by_kind(plan.tenants).items():
        if members:
            yield from heading(_HEADINGS[kind], len(members))
            yield from blocks.tenants(members, _STYLE, extent)
    yield from _refusals(plan, extent)
    yield from remarks.conflicts(plan.conflicts, extent)
    yield from remarks.orphans(plan.orphans, extent)
    yield from remarks.notes(plan.notes, extent)
    yield from _closing(plan)


def _refusals(plan: Plan, extent: Extent) -> Iterator[Piece]:
    if not plan.refusals:
        return
    yield from heading("Refused", refused_count(plan))
    for refusal in plan.refusals:
        yield from remarks.refusal(refusal, extent, naming=not refusal.actions)
        yield from indented(blocks.tenants(by_tenant(refusal.actions), _STYLE, extent), by=3)


def _closing(plan: Plan) -> Iterator[Piece]:
    yield Line(Text(plan_summary(plan), signs.HEADING))
    if not plan.empty:
        yield Line(Text(budget(plan.budget)))
    for sentence in coverage(plan.coverage):
        yield Line(Text(sentence, signs.ASIDE))


def _action(action: Action, tenant: TenantPlan) -> Text:
    text = Text(deed(action))
    if isinstance(action, PatchEndpoint) and action.risk is Risk.DISRUPTIVE:
        text.append("  restarts compute", signs.CHANGED)
    if isinstance(action, DeleteProject) and tenant.project is not None:
        text = Text(f"delete project {printable(tenant.project.name)} ({project_facts(tenant.project)})")
    return text


_STYLE: Final = blocks.Style(_action, _WORDS)

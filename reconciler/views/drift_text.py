"""The drift report as text: where the live fleet differs from the files, and what apply would leave as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rich.text import Text

from reconciler.plan.action import CreateProject, DeleteProject
from reconciler.plan.change import Origin
from reconciler.views import blocks, remarks, signs
from reconciler.views.actions import finding
from reconciler.views.blocks import WHOLE, Extent, heading
from reconciler.views.fields import Words
from reconciler.views.grouping import Kind, by_kind, differing
from reconciler.views.layout import Line, Page, Piece
from reconciler.views.printable import printable
from reconciler.views.wording import coverage, drift_summary, project_facts, refused_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan, TenantPlan

_HEADINGS: Final = {
    Kind.CREATE: "Missing",
    Kind.UPGRADE: "Below its tier",
    Kind.DOWNGRADE: "Above its tier",
    Kind.CHANGE: "Different",
    Kind.DELETE: "Still live",
}

_WORDS: Final = Words(
    live="live ",
    between="  ",
    files="files ",
    lowering="above files",
    risks={},
    origins={Origin.CONFIG: "not applied"},
)


def render(plan: Plan, *, full: bool = False) -> RenderableType:
    """Everything that a plan found to differ; long groups are cut unless ``full``."""
    return Page(lambda: _pieces(plan, WHOLE if full else Extent()))


def _pieces(plan: Plan, extent: Extent) -> Iterator[Piece]:
    found = differing(plan)
    for kind, members in by_kind(found).items():
        if members:
            yield from heading(_HEADINGS[kind], len(members))
            yield from blocks.tenants(map(_without_new_values, members), _STYLE, extent)
    yield from _left(plan, extent)
    yield from remarks.conflicts(plan.conflicts, extent)
    yield from remarks.orphans(plan.orphans, extent)
    yield from remarks.notes(plan.notes, extent)
    yield Line(Text(drift_summary(plan, len(found)), signs.HEADING))
    for sentence in coverage(plan.coverage):
        yield Line(Text(sentence, signs.ASIDE))


def _without_new_values(tenant: TenantPlan) -> TenantPlan:
    """A project that is missing is one difference, not fifteen."""
    bare = (replace(one, changes=()) if isinstance(one, CreateProject) else one for one in tenant.actions)
    return replace(tenant, actions=tuple(bare))


def _left(plan: Plan, extent: Extent) -> Iterator[Piece]:
    if plan.refusals:
        yield from heading("Apply leaves as it is", refused_count(plan))
        for refusal in plan.refusals:
            yield from remarks.refusal(refusal, extent, naming=True)


def _action(action: Action, tenant: TenantPlan) -> Text:
    if isinstance(action, DeleteProject) and tenant.project is not None:
        project = tenant.project
        return Text(f"project {printable(project.name)} is live ({project_facts(project)}), the files say absent")
    return Text(finding(action))


_STYLE: Final = blocks.Style(_action, _WORDS)

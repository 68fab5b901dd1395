"""The sections of a plan's page: tenants with the same actions together, then what is refused, found and noted."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from reconciler.plan.actions.project import CreateProject
from reconciler.plan.change import Risk
from reconciler.plan.summary import by_kind, by_tenant
from reconciler.views import sentences
from reconciler.views.actions import project_facts
from reconciler.views.file_change_sentences import file_change_sentences
from reconciler.views.grouping import (
    conflicts_of,
    field_changes,
    group_by_actions,
    grouped,
    refusals_of,
    same_refusals,
)
from reconciler.views.html.blocks import ChangeBlock, PageChange, PageMember, PageSection, PageStep
from reconciler.views.html.charts import BAD, PLAIN, WARN
from reconciler.views.html.facets import causes_of, organizations_of, rank_of, risks_of
from reconciler.views.perspective import PLAN
from reconciler.views.remedies import NOTES, ORPHANS, STALE, remedy_of
from reconciler.views.sentences import count_held_back
from reconciler.views.values import differences, label, new_values, worded
from reconciler.views.view import PlanView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.approval import Stale
    from reconciler.plan.change import FieldChange
    from reconciler.plan.plan import Conflict, Note, Orphan, PolicyWarning, Refusal, TenantPlan, Waiting
    from reconciler.views.formatted_text import FormattedText
    from reconciler.views.grouping import TenantGroup
    from reconciler.views.perspective import Perspective
    from reconciler.views.view import DiffView, DriftView

MOST_CHANGES: Final = 50
"""Of one action."""
THE_RUN: Final = "the whole run"
TONES: Final = {Risk.DESTRUCTIVE: BAD, Risk.DISRUPTIVE: WARN, Risk.SAFE: PLAIN}


class PlanSections:
    """Makes the sections of one plan."""

    def __init__(
        self,
        view: PlanView | DriftView | DiffView,
        tenants: Sequence[TenantPlan],
        perspective: Perspective,
        authors: Mapping[str, Sequence[FormattedText]],
    ) -> None:
        """``authors`` are the commits that ask for changes of a tenant."""
        self._view = view
        self._authors = authors
        self._stale = view.stale if isinstance(view, PlanView) else ()
        self._plan = view.plan
        self._tenants = tenants
        self._perspective = perspective
        self._tier_of = view.plan.tier_of

    def changes(self) -> Iterator[PageSection]:
        """Yield one section for each kind of change that there is."""
        for kind, found in by_kind(self._tenants).items():
            if found:
                title = self._perspective.headings[kind]
                blocks = [self._block(group, title) for group in group_by_actions(found)]
                yield PageSection(title, kind.value, len(found), blocks)

    def other_sections(self) -> Iterator[PageSection]:
        """Yield the sections of what is not a change: refusals, conflicts, notes."""
        makers: Mapping[str, Callable[[str], list[ChangeBlock]]] = {
            sentences.POLICY_WARNINGS: self._policy_warnings,
            sentences.WAITING: self._waiting,
            sentences.FILE_CHANGES: self._file_changes,
            ORPHANS: self._orphans,
            NOTES: self._notes,
        }
        for title, held in refusals_of(self._view).items():
            blocks = [block for one in same_refusals(held) for block in self._refusal(one, title)]
            yield from _section(title, blocks, count_held_back(held))
        yield from _section(STALE, [block for one in self._stale for block in self._stale_blocks(one)])
        for title, conflicts in conflicts_of(self._view).items():
            yield from _section(title, self._conflicts(conflicts, title))
        for title, make in makers.items():
            yield from _section(title, make(title))

    def _block(self, group: TenantGroup, title: str) -> ChangeBlock:
        members = [
            self._member(planned.tenant, title, planned.actions, planned.project) for planned in group.members
        ]
        return ChangeBlock(members, list(self._steps(group)), rank=rank_of(group.actions))

    def _member(
        self,
        tenant: str,
        title: str,
        actions: Sequence[Action] = (),
        project: LiveProject | None = None,
        rule: str = "",
        source: str | None = None,
    ) -> PageMember:
        where = str(sentences.source_text(action.source for action in actions)) if source is None else source
        asking = map(str, self._authors.get(tenant, ())) if source is None and not rule else ()
        return PageMember(
            name=tenant,
            project="" if project is None else project.id,
            source="; ".join(filter(None, (where, *asking))),
            facets=(
                [title],
                [self._tier_of[tenant]] if tenant in self._tier_of else [],
                risks_of(actions),
                causes_of(actions),
                organizations_of(project, actions),
                [rule] if rule else [],
            ),
        )

    def _step(self, action: Action, following: Action | None, project: LiveProject | None) -> PageStep:
        words = self._perspective
        marks = ", ".join(filter(None, (words.action_mark(action), words.loss(action))))
        turns = [turn for change in field_changes(action) for turn in _turns(change, action, words)]
        return PageStep(
            words=str(words.action(action, project)),
            tone=TONES[action.risk],
            marks=marks,
            reason=str(action.reason),
            details=[
                *(_values_of(action) if isinstance(action, CreateProject) else ()),
                *words.details(action),
                *filter(None, [str(words.gap(action, following))]),
            ],
            turns=turns[:MOST_CHANGES],
            more=max(0, len(turns) - MOST_CHANGES),
        )

    def _refusal(self, refusal: Refusal, title: str) -> Iterator[ChangeBlock]:
        """Yield a block for tenants with the same refused actions, and one for those without any."""
        rule = refusal.rule.value
        step = PageStep(refusal.message, rule=rule, details=[f"To allow it: {refusal.remedy}"])
        planned = by_tenant(refusal.actions)
        for group in group_by_actions(planned):
            members = [self._member(one.tenant, title, one.actions, rule=rule) for one in group.members]
            yield ChangeBlock(members, [step, *self._steps(group)], rank=rank_of(group.actions))
        bare = set(refusal.tenants).difference(one.tenant for one in planned)
        others = [self._member(name, title, rule=rule) for name in refusal.tenants if name in bare]
        if others or not refusal.tenants:
            yield ChangeBlock(others or [_nobody(THE_RUN, title, rule)], [step])

    def _stale_blocks(self, stale: Stale) -> Iterator[ChangeBlock]:
        """Yield what is planned now and what the saved plan permits, for one tenant."""
        members = [self._member(stale.tenant, STALE, stale.fresh)]
        steps = [PageStep(stale.message, details=["To go ahead: make a new plan, and have it approved"])]
        for words, actions in (("not permitted:", stale.fresh), ("in the saved plan:", stale.saved)):
            for group in group_by_actions(by_tenant(actions)):
                steps += [PageStep(words), *self._steps(group)]
        yield ChangeBlock(members, steps, rank=rank_of(stale.fresh))

    def _steps(self, group: TenantGroup) -> Iterator[PageStep]:
        for action, following in zip_longest(group.actions, group.actions[1:]):
            yield self._step(action, following, group.members[0].project)

    def _conflicts(self, conflicts: Sequence[Conflict], title: str) -> list[ChangeBlock]:
        alike = grouped(conflicts, lambda one: (one.message, one.remedy))
        return [
            ChangeBlock(
                [self._member(one.tenant, title, source=str(one.source)) for one in found],
                [PageStep(message, details=[f"To resolve it: {remedy}"])],
            )
            for (message, remedy), found in alike.items()
        ]

    def _policy_warnings(self, title: str) -> list[ChangeBlock]:
        def block(one: PolicyWarning) -> ChangeBlock:
            members = [self._member(name, title, rule=one.policy) for name in one.tenants]
            step = PageStep(one.message, rule=one.policy, details=[str(one.source)])
            return ChangeBlock(members or [_nobody(THE_RUN, title, one.policy)], [step])

        return [block(one) for one in self._plan.warnings]

    def _waiting(self, title: str) -> list[ChangeBlock]:
        def block(one: Waiting) -> ChangeBlock:
            members = [self._member(name, title) for name in one.tenants]
            return ChangeBlock(members, [PageStep(sentences.waiting_sentence(one))])

        return [block(one) for one in self._plan.waiting if one.tenants]

    def _file_changes(self, title: str) -> list[ChangeBlock]:
        if self._perspective is not PLAN:
            return []
        found = file_change_sentences(self._plan)
        return [ChangeBlock([_nobody(str(where), title)], [PageStep(str(what))]) for what, where in found]

    def _orphans(self, title: str) -> list[ChangeBlock]:
        def block(orphan: Orphan) -> ChangeBlock:
            project = orphan.project
            member = _nobody(project.name, title, project=project)
            return ChangeBlock([member], [PageStep(f"{project_facts(project)}, {sentences.ownership(orphan)}")])

        return [block(one) for one in self._plan.orphans]

    def _notes(self, title: str) -> list[ChangeBlock]:
        def member(note: Note) -> PageMember:
            if note.tenant is None:
                return _nobody(THE_RUN, title)
            return self._member(note.tenant, title, source="" if note.source is None else str(note.source))

        alike = grouped(self._plan.notes, lambda note: note.message)
        return [
            ChangeBlock([member(one) for one in found], [PageStep(message)]) for message, found in alike.items()
        ]


def _section(title: str, blocks: list[ChangeBlock], count: int | None = None) -> Iterator[PageSection]:
    """The section; by default it counts the members of its blocks."""
    if blocks:
        counted = sum(len(block.members) for block in blocks) if count is None else count
        yield PageSection(title, title.lower().replace(" ", "-"), counted, blocks, remedy_of(title) or "")


def _nobody(name: str, title: str, rule: str = "", project: LiveProject | None = None) -> PageMember:
    """What is no tenant."""
    return PageMember(
        name=name,
        project="" if project is None else project.id,
        facets=([title], [], [], [], [] if project is None else [project.organization], [rule] if rule else []),
        is_tenant=False,
    )


def _values_of(action: CreateProject) -> Iterator[str]:
    for name, found in new_values(action.changes).items():
        yield f"{name}: {', '.join(found)}"


def _turns(change: FieldChange, action: Action, perspective: Perspective) -> Iterator[PageChange]:
    path, mark = label(change.path), perspective.change_mark(change, action)
    if items := differences(change.before, change.after):
        for item in items:
            yield PageChange(
                f"{path} {item.edit.value} {item.item}", item.before, item.after, mark, change.lowering
            )
    else:
        before, after = (worded(change.path, value) for value in (change.before, change.after))
        yield PageChange(path, before, after, mark, change.lowering)

"""The rollback of a run: every value is as before, or is listed with the reason why it is not."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given

from reconciler.apply.journals.audit import WriteFilter, audit, later_writes
from reconciler.fleet.rollback import RunToUndo
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule
from reconciler.plan.recorded_effects import MADE
from tests.property.accounts import (
    COUNTS,
    INTERRUPTED,
    LOWERING,
    PRUNING,
    cases,
    disturbances,
    merging,
    opened,
    through_http,
)
from tests.property.rows import Rows

if TYPE_CHECKING:
    from reconciler.fleet import Planned
    from reconciler.plan.plan import Plan
    from tests.property.accounts import Case, Disturbance, Scene

pytestmark = pytest.mark.slow

DEFAULT_TIMEOUT: Final = re.compile(r"(suspend_timeout_seconds\W+)0\b")
State = dict[str, list[str]]
"""What is in each project, by its id."""


def state(scene: Scene) -> State:
    """Every project with all that is in it. What means the same is the same: 0 and 300, no quota and an unlimited
    one, no settings and empty ones."""
    rows = Rows.of(scene.world.simulator)
    found = {}
    for project_id in rows.projects:
        (told,) = rows.below(project_id).end_state()
        place, *below = json.loads(DEFAULT_TIMEOUT.sub(r"\g<1>300", told))
        quota = {name: value for name, value in place["settings"].pop("quota", {}).items() if value}
        place["settings"] = {name: value for name, value in place["settings"].items() if value}
        found[project_id] = [json.dumps([place, quota], sort_keys=True), json.dumps(below)]
    return found


def differing(before: State, after: State) -> set[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def back(scene: Scene, run: str) -> Planned:
    """The plan that takes the run back."""
    told = audit([scene.folder / "journal.jsonl"], WriteFilter(run=run))
    later = later_writes([scene.folder / "journal.jsonl"], scene.desired.fleet, run, told.writes)
    request = replace(scene.request, permissions=replace(LOWERING, counts=COUNTS))

    async def main() -> Planned:
        async with scene._fleet() as fleet:
            return await fleet.plan_rollback(
                RunToUndo(run, told.writes, later.writes, told.unreadable), request=request
            )

    return scene.world.run(main())


def projects_of(scene: Scene, names: set[str], plan: Plan) -> set[str]:
    """The projects of these tenants, as far as any plan or journal names them."""
    ids: dict[str, str] = {planned.tenant: planned.project.id for planned in plan.tenants if planned.project}
    for write in audit([scene.folder / "journal.jsonl"], WriteFilter()).writes:
        made = MADE.match(write.message)
        created = (made[2],) if made and write.kind == "create_project" else ()
        for name, project_id in zip(write.tenants, write.project_ids or created, strict=False):
            ids.setdefault(name, project_id)
    return {ids[name] for name in names if name in ids}


def listed(plan: Plan) -> set[str]:
    """The tenants of which something is listed as not put back."""
    return {name for refusal in plan.refusals for name in refusal.tenants} | {one.tenant for one in plan.conflicts}


@through_http
@given(cases(LOWERING, PRUNING))
def test_after_a_rollback_everything_is_as_before_except_what_is_listed(case: Case) -> None:
    with opened(case) as scene:
        before = state(scene)
        planned = scene.plan()
        if planned.plan.empty:
            return
        report = scene.apply(planned)
        scene.wait(seconds=1)
        way = back(scene, report.run)
        undone = scene.apply(way)
        assert {one.result for one in undone.outcomes} <= {Result.APPLIED}, undone
        after = state(scene)
        again = back(scene, report.run).plan
        expected = projects_of(scene, listed(way.plan), planned.plan)
    assert differing(before, after) == expected, (way.plan.refusals, way.plan.tenants)
    assert again.empty, again.tenants
    assert {Rule.CHANGED_SINCE, Rule.CREATED_BY_THE_RUN}.isdisjoint(refusal.rule for refusal in way.plan.refusals)


@through_http
@given(cases(LOWERING), disturbances)
def test_a_run_that_was_stopped_or_killed_goes_back_too(case: Case, disturbance: Disturbance) -> None:
    """Where patches merge: else a run that is killed may lose settings that no file states (reliability.md)."""
    case = merging(case)
    with opened(case) as scene:
        before = state(scene)
        planned = scene.plan()
        if planned.plan.empty:
            return
        scene.apply_disturbed(planned, disturbance)
        scene.wait(seconds=60)
        if not audit([scene.folder / "journal.jsonl"], WriteFilter(run=INTERRUPTED)).writes:
            return
        way = back(scene, INTERRUPTED)
        undone = scene.apply(way)
        assert {one.result for one in undone.outcomes} <= {Result.APPLIED}, undone
        after = state(scene)
        expected = projects_of(scene, listed(way.plan), planned.plan)
    assert differing(before, after) == expected, (way.plan.refusals, way.plan.tenants)


@through_http
@given(cases(LOWERING), disturbances)
def test_a_rollback_that_was_stopped_or_killed_is_finished_by_the_next_one(
    case: Case, disturbance: Disturbance
) -> None:
    case = merging(case)
    with opened(case) as scene:
        before = state(scene)
        planned = scene.plan()
        if planned.plan.empty:
            return
        report = scene.apply(planned)
        scene.wait(seconds=1)
        way = back(scene, report.run)
        scene.apply_disturbed(way, disturbance)
        scene.wait(seconds=60)
        scene.apply(back(scene, report.run))
        after = state(scene)
        expected = projects_of(scene, listed(way.plan), planned.plan)
    assert differing(before, after) == expected, (way.plan.refusals, way.plan.tenants)

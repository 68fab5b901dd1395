"""The JSON documents as one text each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.documents import writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.problem import Problem
    from reconciler.plan.approval import PlanOrigin, Stale
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from reconciler.plan.plan_cost import PastCost
    from reconciler.plan.return_points import ReturnPoints
    from reconciler.usage.cost import Cost


def plan(planned: Plan, made: PlanOrigin, past_cost: PastCost | None = None) -> str:
    return "".join(writer.plan(planned, made, past_cost))


def drift(planned: Plan) -> str:
    return "".join(writer.drift(planned))


def report(applied: Report, stale: Sequence[Stale] = ()) -> str:
    return "".join(writer.report(applied, stale))


def history(found: ReturnPoints) -> str:
    return "".join(writer.history(found))


def problems(found: Iterable[Problem]) -> str:
    return "".join(writer.problems(found))


def cost(found: Cost) -> str:
    return "".join(writer.cost(found))

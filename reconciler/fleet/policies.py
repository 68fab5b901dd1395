"""The policies of a fleet that has some: compiled for a plan, and for the difference between two commits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reconciler.model.values import replace
from reconciler.plan.guards.by_policies import without_denied_actions
from reconciler.plan.history import History
from reconciler.policies.judge import Judge
from reconciler.policies.subject import PolicyContext

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.desired.state import DesiredState
    from reconciler.fleet.context import Files
    from reconciler.fleet.request import Request
    from reconciler.plan.plan import Plan
    from reconciler.plan.policies import PolicyJudge


def compiled_policies(
    policies: tuple[DeclaredPolicy, ...], files: Files, request: Request, now: datetime
) -> PolicyJudge:
    """Return what evaluates the policies. Raises PolicyError if one cannot be compiled."""
    context = PolicyContext(
        desired=files.desired,
        history=files.past(request),
        now=now,
        commit=request.commit,
        approvals=request.approvals,
    )
    return Judge(policies, context, spent=time.thread_time)


def judge_difference(plan: Plan, before: DesiredState, after: DesiredState, now: datetime) -> Plan:
    """Return what a change of the files asks for, judged by the policies of the earlier files.

    Without the live state, a policy that needs it is left out, with a note. Raises PolicyError if a policy cannot
    be compiled.
    """
    context = PolicyContext(desired=after, history=History(before).under(after), now=now)
    judge = Judge(before.policies, context, spent=time.thread_time, live=False)
    judged = without_denied_actions(plan, judge.of_plan(plan))
    return replace(judged, notes=(*judged.notes, *judge.left_out))

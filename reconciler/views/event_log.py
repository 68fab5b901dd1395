"""The events of a run that people on call want to see in its JSON log, each with its tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.event import (
    ActionEnded,
    InConflict,
    LeftOut,
    Paused,
    Refused,
    RunEnded,
    RunStarted,
    WaveLookedAt,
)
from reconciler.plan.outcome import Result
from reconciler.views.console import ERROR, INFO, WARNING, message_log

if TYPE_CHECKING:
    from reconciler.plan.event import Event
    from reconciler.plan.outcome import ActionOutcome
    from reconciler.views.console import MessageLog


def log_event(event: Event) -> None:
    """Writes what was refused, skipped or failed, each pause, and the start and the end. In a text log nothing."""
    if (log := message_log()) is None:
        return
    match event:
        case RunStarted():
            log.write("the run has started", fleet=event.fleet, tenants=event.tenants, actions=event.actions)
        case Refused() | InConflict() | LeftOut():
            _log_left_alone(log, event)
        case WaveLookedAt():
            _log_look(log, event)
        case ActionEnded():
            _log_outcome(log, event.outcome)
        case Paused():
            text = f"{event.route} is sent again in {event.seconds:.0f} s"
            log.write(text, level=WARNING, status=event.status, request_id=event.request_id)
        case RunEnded():
            counts = {result.value: event.report.count(result) for result in Result}
            log.write("the run has ended", calls=event.report.calls, exit_code=event.exit_code, tenants=counts)
        case _:
            pass


def _log_left_alone(log: MessageLog, event: Refused | InConflict | LeftOut) -> None:
    match event:
        case Refused():
            for tenant in event.tenants or (None,):
                log.write(event.message, level=WARNING, hint=event.remedy, tenant=tenant, rule=event.rule.value)
        case InConflict():
            log.write(event.message, level=WARNING, hint=event.remedy, tenant=event.tenant)
        case LeftOut():
            log.write(event.message, level=WARNING, tenant=event.tenant)


def _log_look(log: MessageLog, event: WaveLookedAt) -> None:
    """How a wave did, then each tenant that is worse off; a good wave is no warning."""
    level = WARNING if event.harmful else INFO
    text = f"wave {event.number} is {'harmful' if event.harmful else 'good'}"
    log.write(text, level=level, looked_at=event.looked_at, harmed=len(event.harmed), of_run=event.of_run)
    for one in event.harmed:
        log.write(f"is worse off: {', '.join(one.symptoms)}", level=level, tenant=one.tenant)


def _log_outcome(log: MessageLog, outcome: ActionOutcome) -> None:
    """Only what was not done."""
    if outcome.result not in (Result.FAILED, Result.SKIPPED):
        return
    place = outcome.action.source
    log.write(
        outcome.message,
        level=ERROR if outcome.result is Result.FAILED else WARNING,
        hint=outcome.hint,
        tenant=outcome.action.tenant,
        action=outcome.action.kind,
        file=place.file,
        line=place.line,
        request_id=outcome.request_id,
    )

"""``--trace otlp``: a run as an OpenTelemetry trace, sent by OTLP over HTTP to where the OTEL_* variables say.

One span for the run, one for each unit of work, one for each tenant of a large unit, one for each request. No span
has a key, a body, a query or an id in a path: a request is known by its method, route and request id.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler import __version__
from reconciler.errors import ExitCode, InvalidInputError, MissingPackageError
from reconciler.model.annotations import PRODUCT
from reconciler.plan.event import ActionEnded, TenantEnded, TenantStarted
from reconciler.plan.outcome import Result
from reconciler.views.console import WARNING, say

try:
    from opentelemetry import context, trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
    from opentelemetry.trace import SpanKind, Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    from opentelemetry.util.re import parse_env_headers
except ModuleNotFoundError as missing:
    raise MissingPackageError(
        f"--trace otlp needs the package {(missing.name or 'opentelemetry').partition('.')[0]}",
        hint="pip install 'neon-reconciler[otel]'",
    ) from missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span, Tracer

    from reconciler.cli.runtime import Runtime
    from reconciler.neon.call import Attempt, Pause
    from reconciler.plan.event import Event
    from reconciler.plan.outcome import TenantOutcome
    from reconciler.views.figures import RunFigures

HEADERS: Final = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
"""They contain keys: the process has taken them out of its environment, where the SDK would look for them."""
NOT_DELIVERED: Final = "check OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS"
_NANOSECONDS: Final = 1_000_000_000


class Exporter(OTLPSpanExporter):
    """Sends spans, and remembers whether some did not arrive."""

    failed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends some spans."""
        result = super().export(spans)
        self.failed = self.failed or result is not SpanExportResult.SUCCESS
        return result


@dataclass(slots=True)
class SpanClock:
    """The time of spans: by the event loop while it runs, so that simulated runs last as long as they seem to."""

    clock: Callable[[], float]
    _start: tuple[float, float] | None = None
    """The time and the loop's time when the loop was first seen."""
    _latest: float = 0.0

    def now(self) -> float:
        """Seconds since 1970; never before an earlier answer."""
        try:
            loop_time = asyncio.get_running_loop().time()
        except RuntimeError:
            self._latest = max(self._latest, self.clock() if self._start is None else self._latest)
            return self._latest
        if self._start is None:
            self._start = self.clock(), loop_time
        self._latest = max(self._latest, self._start[0] + loop_time - self._start[1])
        return self._latest


@dataclass(slots=True)
class Trace:
    """The spans of one run."""

    tracer: Tracer
    root: Span
    time: SpanClock
    _alone: dict[str, Span] = field(default_factory=dict)
    """The span of each tenant that is a unit of its own."""
    _started: dict[str, float] = field(default_factory=dict)

    def attempted(self, attempt: Attempt) -> None:
        """The span of a request, which has just ended."""
        end, call = self.time.now(), attempt.call
        attributes: dict[str, Any] = {
            "http.request.method": call.method,
            "url.template": call.path_template,
            "reconciler.attempt": attempt.number,
            "reconciler.request_id": attempt.request_id,
            "reconciler.rate_limit_wait_seconds": round(attempt.waited_seconds, 3),
        }
        if attempt.status is not None:
            attributes["http.response.status_code"] = attempt.status
        span = self.tracer.start_span(
            call.route, kind=SpanKind.CLIENT, attributes=attributes, start_time=_ns(end - attempt.seconds)
        )
        if attempt.status is None or attempt.status >= 400:
            span.set_status(Status(StatusCode.ERROR))
        span.end(_ns(end))

    def paused(self, pause: Pause) -> None:
        """A mark on the span at work: a call is sent again later."""
        about: dict[str, Any] = {"route": pause.call.route, "seconds": round(pause.seconds, 3)}
        if pause.status is not None:
            about["status"] = pause.status
        trace.get_current_span().add_event("paused", about, _ns(self.time.now()))

    @contextmanager
    def unit(self, kind: str, tenants: Sequence[str]) -> Iterator[None]:
        """The span of a unit: what happens within is part of it."""
        attributes: dict[str, Any] = {"reconciler.unit": kind, "reconciler.tenants": len(tenants)}
        span = self.tracer.start_span("unit", attributes=attributes, start_time=_ns(self.time.now()))
        if len(tenants) == 1:
            span.set_attribute("reconciler.tenant", tenants[0])
            self._alone[tenants[0]] = span
        token = context.attach(trace.set_span_in_context(span))
        try:
            yield
        finally:
            context.detach(token)
            span.end(_ns(self.time.now()))

    def tell(self, event: Event) -> None:
        """What the events of a run say of its spans."""
        match event:
            case TenantStarted():
                self._started[event.tenant] = self.time.now()
            case ActionEnded(outcome=outcome):
                about = {"tenant": outcome.action.tenant, "action": outcome.action.kind}
                marked = {**about, "result": outcome.result.value, "message": outcome.message}
                trace.get_current_span().add_event("action", marked, _ns(self.time.now()))
            case TenantEnded(outcome=ended):
                self._end_tenant(ended)
            case _:
                pass

    def _end_tenant(self, ended: TenantOutcome) -> None:
        if (span := self._alone.pop(ended.tenant, None)) is not None:
            _describe(span, ended)
            return
        end = self.time.now()
        start = self._started.get(ended.tenant, end)
        attributes = {"reconciler.tenant": ended.tenant}
        span = self.tracer.start_span("tenant", attributes=attributes, start_time=_ns(start))
        _describe(span, ended)
        span.end(_ns(end))

    def end(self, figures: RunFigures, code: ExitCode) -> None:
        """Describes the run."""
        about = {
            "reconciler.fleet": figures.fleet,
            "reconciler.run": figures.run,
            "reconciler.exit_code": int(code),
        }
        self.root.set_attributes({name: value for name, value in about.items() if value is not None})
        if code not in (ExitCode.DONE, ExitCode.CHANGES):
            self.root.set_status(Status(StatusCode.ERROR, f"exit code {int(code)}"))


def _describe(span: Span, ended: TenantOutcome) -> None:
    span.set_attribute("reconciler.result", ended.result.value)
    if ended.project_id is not None:
        span.set_attribute("reconciler.project_id", ended.project_id)
    if ended.result is Result.FAILED:
        why = next(one.message for one in ended.actions if one.result is Result.FAILED)
        span.set_status(Status(StatusCode.ERROR, why))


@contextmanager
def opened(command: str, around: Runtime) -> Iterator[Trace]:
    """The trace of a run. At its end, sends what was not sent yet, and says so if something did not arrive.

    Raises InvalidInputError if the OTEL_* variables cannot be used.
    """
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())  # the message below says it, once
    exporter = _exporter(around)
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer, time = provider.get_tracer(PRODUCT), SpanClock(around.clock)
    root = tracer.start_span(f"reconciler {command}", context=_parent(), start_time=_ns(time.now()))
    token = context.attach(trace.set_span_in_context(root))
    try:
        yield Trace(tracer, root, time)
    finally:
        context.detach(token)
        root.end(_ns(time.now()))
        provider.shutdown()
        if exporter.failed:
            say("--trace otlp: the trace did not arrive completely", level=WARNING, hint=NOT_DELIVERED)


def _exporter(around: Runtime) -> Exporter:
    found = next((value for name in HEADERS if (value := around.environ.find(name)) is not None), None)
    try:
        return Exporter(headers=None if found is None else parse_env_headers(found.reveal(), liberal=True))
    except ValueError as error:
        raise InvalidInputError("--trace otlp: the OTEL_* variables cannot be used", hint=NOT_DELIVERED) from error


def _resource() -> Resource:
    """The name that the environment gives the service, or that of the product."""
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    return Resource.create({"service.version": __version__} | ({} if named else {"service.name": PRODUCT}))


def _parent() -> context.Context | None:
    """The trace that a CI job belongs to, if its environment says so (W3C trace context)."""
    carrier = {name: value for name in ("traceparent", "tracestate") if (value := os.environ.get(name.upper()))}
    return TraceContextTextMapPropagator().extract(carrier)


def _ns(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)

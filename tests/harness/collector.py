"""An OpenTelemetry collector on a port of this machine: it keeps the spans that arrive by OTLP over HTTP."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.harness.local_server import listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as WrittenSpan


@dataclass(frozen=True, slots=True)
class Span:
    """A span that has arrived."""

    name: str
    id: bytes
    parent: bytes
    trace: bytes
    attributes: Mapping[str, Any]
    events: tuple[str, ...]
    start_ns: int
    end_ns: int
    failed: bool


@dataclass(slots=True)
class Collector:
    """Where spans arrive."""

    url: str = ""
    status: int = 200
    """What it answers."""
    spans: list[Span] = field(default_factory=list)
    resources: list[Mapping[str, Any]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        """Keeps the spans of a request."""
        self.raw.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(_plain(resource.resource.attributes))
            self.spans += [_read(span) for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str) -> list[Span]:
        """The spans of a name."""
        return [span for span in self.spans if span.name == name]


def _read(span: WrittenSpan) -> Span:
    return Span(
        span.name,
        span.span_id,
        span.parent_span_id,
        span.trace_id,
        _plain(span.attributes),
        tuple(event.name for event in span.events),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == span.status.STATUS_CODE_ERROR,
    )


def _plain(attributes: Any) -> Mapping[str, Any]:
    pairs: list[KeyValue] = list(attributes)
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in pairs}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            if collector.status == 200:
                assert self.path == "/v1/traces"
                collector.take(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(collector.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            pass

    with listening(Handler) as port:
        collector.url = f"http://127.0.0.1:{port}"
        yield collector

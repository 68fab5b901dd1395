"""``--trace otlp``: the spans of a run, as a collector decodes them. No span has a secret."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.environment import may_be_secret
from reconciler.errors import ExitCode
from tests.harness.collector import collecting
from tests.harness.events import SECRETS
from tests.harness.processes import Place
from tests.harness.wire import answering, where, writes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.collector import Collector
    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(7)

TRACED = ("--trace", "otlp")
KEY = "otel-key-of-the-platform"


@pytest.fixture
def collector(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        shell.environ["OTEL_EXPORTER_OTLP_HEADERS"] = f"api-key={KEY}"
        yield found


def test_a_run_is_one_trace_of_its_units_and_calls(shell: Shell, collector: Collector) -> None:
    shell.tenant("acme", "tier: free\noverrides: {quota: {active_time: 80h}}")
    shell.tenant("bluebird")
    shell.applied("--allow", "creates=2")
    shell.tenant("acme", "tier: free\noverrides: {quota: {active_time: 90h}}")
    shell.tenant("cedar")
    report = shell.applied(*TRACED, "--format", "json").document
    (root,) = collector.named("reconciler apply")
    assert {span.trace for span in collector.spans} == {root.trace}
    assert root.parent == b""
    assert root.attributes["reconciler.run"] == report["run"]
    assert (root.attributes["reconciler.exit_code"], root.failed) == (0, False)
    units = {span.attributes["reconciler.tenant"]: span for span in collector.named("unit")}
    assert set(units) == {"acme", "cedar"}
    assert units["acme"].attributes["reconciler.result"] == "applied"
    assert all(unit.parent == root.id for unit in units.values())
    (creation,) = collector.named("POST /projects")
    assert creation.parent == units["cedar"].id
    assert creation.attributes["http.response.status_code"] == 201
    assert creation.attributes["reconciler.request_id"].startswith(report["run"])
    assert creation.end_ns > creation.start_ns
    assert any(span.parent == root.id for span in collector.named("GET /projects"))
    assert collector.resources[0]["service.name"] == "neon-reconciler"


def test_each_tenant_of_a_large_unit_has_a_span(shell: Shell, collector: Collector) -> None:
    for name in ("acme", "bluebird", "cedar"):
        shell.tenant(name)
    shell.applied("--allow", "creates=3", *TRACED)
    (unit,) = collector.named("unit")
    assert (unit.attributes["reconciler.unit"], unit.attributes["reconciler.tenants"]) == ("CreateCohort", 3)
    tenants = collector.named("tenant")
    assert {span.attributes["reconciler.tenant"] for span in tenants} == {"acme", "bluebird", "cedar"}
    assert all(span.parent == unit.id for span in tenants)


def test_what_failed_and_what_was_put_off_shows(shell: Shell, collector: Collector) -> None:
    answers = iter([(429, {"Retry-After": "3"}), (400, {})])

    def refused(_: httpx.Request) -> httpx.Response:
        status, headers = next(answers)
        return httpx.Response(status, headers=headers, json={"code": "", "message": "no"})

    shell.tenant("acme")
    shell.act = where(writes, answering(refused))
    assert shell.simulated("apply", "--yes", "--journal", "journal.jsonl", *TRACED).code == ExitCode.PARTLY_APPLIED
    attempts = collector.named("POST /projects")
    told = [(s.attributes["reconciler.attempt"], s.attributes["http.response.status_code"]) for s in attempts]
    assert sorted(told) == [(1, 429), (2, 400)]
    (unit,) = collector.named("unit")
    assert unit.failed
    assert {"paused", "action"} <= set(unit.events)
    assert collector.named("reconciler apply")[0].failed


def test_nothing_that_is_secret_leaves(shell: Shell, collector: Collector) -> None:
    shell.tenant("acme")
    shell.applied(*TRACED)
    sent = b"".join(collector.raw).decode("latin-1")
    assert not [secret for secret in (*SECRETS, KEY) if secret in sent]
    assert "org_id" not in sent


@pytest.mark.slow
def test_the_key_of_the_collector_is_taken_out_of_the_environment_and_still_sent(
    tmp_path: Path, collector: Collector
) -> None:
    place = Place(tmp_path)
    place.declare(1)
    place.environ["OTEL_EXPORTER_OTLP_HEADERS"] = f"api-key={KEY}"
    ended = place.run_from_nothing("plan", "--simulator", "sim.db", *TRACED)
    assert ended.returncode == 0, ended.stderr
    assert {headers["api-key"] for headers in collector.headers} == {KEY}
    assert may_be_secret("OTEL_EXPORTER_OTLP_HEADERS")


@pytest.mark.parametrize("command", ["plan", "drift", "usage", "converge"])
def test_other_commands_have_a_trace_too(shell: Shell, collector: Collector, command: str) -> None:
    shell.tenant("acme")
    shell.applied()
    words = ["acme", "--journal", "journal.jsonl"] if command == "converge" else []
    shell.simulated(command, *words, *TRACED)
    assert len(collector.named(f"reconciler {command}")) == 1
    assert len(collector.spans) > 1


def test_drift_is_a_finding_and_no_failure_of_the_run(shell: Shell, collector: Collector) -> None:
    shell.tenant("acme")
    assert shell.simulated("drift", "--expect-empty", *TRACED).code == ExitCode.CHANGES
    (root,) = collector.named("reconciler drift")
    assert (root.attributes["reconciler.exit_code"], root.failed) == (ExitCode.CHANGES, False)


def test_the_trace_of_a_job_continues(shell: Shell, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    shell.tenant("acme")
    shell.simulated("plan", *TRACED)
    (root,) = collector.named("reconciler plan")
    assert (root.trace.hex(), root.parent.hex()) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


def test_a_collector_that_refuses_changes_nothing_but_a_warning(shell: Shell, collector: Collector) -> None:
    collector.status = 401
    shell.tenant("acme")
    ended = shell.applied(*TRACED)
    assert ended.code == 0
    assert ended.err.count("warning: --trace otlp: the trace did not arrive completely") == 1
    assert KEY not in ended.err


def test_without_the_packages_the_message_says_what_to_install(shell: Shell) -> None:
    script = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from reconciler.cli.main import run\n"
        "raise SystemExit(run(sys.argv[1:]))"
    )
    shell.tenant("acme")
    ended = subprocess.run(
        [sys.executable, "-c", script, "plan", "--simulator", "sim.db", *TRACED],
        cwd=shell.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == ExitCode.INVALID
    assert "error: --trace otlp needs the package opentelemetry" in ended.stderr
    assert "hint: pip install 'neon-reconciler[otel]'" in ended.stderr
    assert not (shell.folder / "sim.db").exists()

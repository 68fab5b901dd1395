"""``--metrics FILE``: what a run did, as OpenMetrics text that its own parser reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from reconciler.errors import ExitCode
from tests.harness.wire import answering, first, writes

if TYPE_CHECKING:
    from tests.harness.shell import Shell


def families_of(text: str) -> list[Any]:
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


class Metrics:
    """The samples of a file, by name and labels."""

    def __init__(self, text: str) -> None:
        families = families_of(text)
        assert families
        self.documented = all(family.documentation and family.type == "gauge" for family in families)
        self.found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.found.get((f"reconciler_{name}", tuple(sorted(labels.items()))))

    def total(self, name: str) -> float:
        return sum(value for (found, _), value in self.found.items() if found == f"reconciler_{name}")


def metrics(shell: Shell) -> Metrics:
    return Metrics((shell.folder / "run.prom").read_text(encoding="utf-8"))


TOLD = ("--metrics", "run.prom")


def test_the_parser_of_the_test_wants_the_last_line() -> None:
    with pytest.raises(ValueError, match="EOF"):
        families_of("# HELP a b\n# TYPE a gauge\na 1\n")


def test_an_apply_tells_what_became_of_tenants_and_actions(shell: Shell) -> None:
    for name in ("acme", "bluebird"):
        shell.tenant(name)
    report = shell.applied(*TOLD, "--format", "json", "--allow", "creates=2").document
    found = metrics(shell)
    assert found.documented
    assert found("run", command="apply", fleet="prod", run=report["run"]) == 1
    assert found("apply_tenants", result="applied") == report["counts"]["applied"] == 2
    assert found("apply_actions", action="create_project", result="applied") == 2
    assert found("run_exit_code") == 0
    assert found("calls", method="POST", route="/projects", status="201") == 2
    assert found.total("calls") >= report["calls"]
    assert found("call_seconds")
    assert found("plan_age_seconds") is None


def test_a_pause_and_a_failure_are_counted(shell: Shell) -> None:
    def busy(_: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "7"}, json={"code": "", "message": "slow down"})

    shell.tenant("acme")
    shell.act = first(writes, answering(busy))
    shell.applied(*TOLD)
    found = metrics(shell)
    assert found("pauses", status="429") == 1
    assert (found("pause_seconds") or 0) >= 7
    assert found("calls", method="POST", route="/projects", status="429") == 1


def test_a_plan_tells_what_it_would_do_and_what_a_guard_holds_back(shell: Shell) -> None:
    shell.tenant("acme", "tier: pro")
    shell.applied()
    shell.tenant("acme", "tier: free")
    shell.tenant("bluebird")
    document = shell.simulated("plan", *TOLD, "--format", "json").document
    found = metrics(shell)
    assert found("plan_tenants", kind="create") == document["counts"]["create"] == 1
    assert found("plan_actions", action="create_project", risk="safe") == 1
    assert found.total("plan_refused_tenants") == sum(len(one["tenants"]) for one in document["refusals"]) > 0


def test_drift_is_told_by_kind(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied()
    shell.tenant("acme", "tier: free\noverrides: {quota: {active_time: 90h}}")
    ended = shell.simulated("drift", *TOLD)
    found = metrics(shell)
    assert found("drift_tenants", kind="change") == 1
    assert found("run_exit_code") == ended.code == ExitCode.CHANGES


def test_usage_tells_how_many_tenants_are_near_a_limit(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied()
    ended = shell.simulated("usage", *TOLD)
    found = metrics(shell)
    assert found("usage_tenants") == 1
    assert found("usage_tenants_suspended") == 0
    assert found("run_exit_code") == ended.code


def test_converge_has_the_metrics_of_an_apply(shell: Shell) -> None:
    shell.tenant("acme")
    shell.simulated("converge", "acme", "--journal", "journal.jsonl", *TOLD)
    assert metrics(shell)("apply_tenants", result="applied") == 1


def test_the_age_of_what_a_run_goes_by_is_told(shell: Shell) -> None:
    shell.tenant("acme")
    shell.simulated("plan", "--out", "plan.json")
    made = shell.simulated("apply", "plan.json", "--yes", "--journal", "journal.jsonl", *TOLD)
    assert made.code == 0
    assert (metrics(shell)("plan_age_seconds") or 0) > 86_400


def test_a_run_that_fails_leaves_its_exit_code(shell: Shell) -> None:
    shell.tenant("acme", "tier: platinum")
    assert shell.simulated("plan", *TOLD).code == ExitCode.INVALID
    found = metrics(shell)
    assert found("run_exit_code") == ExitCode.INVALID
    assert found.total("plan_tenants") == 0


def test_the_file_is_replaced_and_nothing_lies_beside_it(shell: Shell) -> None:
    shell.tenant("acme")
    (shell.folder / "run.prom").write_text("half a file")
    shell.simulated("plan", *TOLD)
    assert metrics(shell)("run_exit_code") == 0
    assert [path.name for path in shell.folder.iterdir() if "run.prom" in path.name] == ["run.prom"]
    assert (shell.folder / "run.prom").stat().st_mode & 0o044


def test_a_file_that_cannot_be_replaced_is_an_error_after_everything_else(shell: Shell) -> None:
    shell.tenant("acme")
    (shell.folder / "run.prom").symlink_to(Path("/etc/hostname"))
    ended = shell.simulated("plan", *TOLD, "--format", "json")
    assert json.loads(ended.out)["counts"]["create"] == 1
    assert ended.code == ExitCode.ERROR
    assert "--metrics run.prom" in ended.err


def test_a_folder_that_does_not_exist_is_an_error_before_any_work(shell: Shell) -> None:
    ended = shell.simulated("plan", "--metrics", "nowhere/run.prom")
    assert ended.code == ExitCode.INVALID
    assert "--metrics nowhere/run.prom: folder nowhere does not exist" in ended.err

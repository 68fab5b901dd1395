"""The JSON documents."""

from __future__ import annotations

import json
from typing import Any

from reconciler.model.problem import Location, Problem, Severity
from reconciler.model.values import JsonText
from tests.harness import json_documents
from tests.unit.views import builders as build


def read(text: str) -> Any:
    assert text.endswith("}\n")
    return json.loads(text)


def test_a_plan_carries_its_version_its_counts_and_everything_beside_the_actions() -> None:
    document = read(json_documents.plan(build.rich_plan(), build.MADE))
    assert list(document) == [
        "format_version", "kind", "fleet", "organizations", "made_at", "commit", "base", "counts",
        "shared_changes", "tiers", "authored", "tenants", "refusals", "conflicts", "orphans", "notes",
        "unmanaged", "file_changes", "waiting", "coverage", "budget",
    ]  # fmt: skip
    assert (document["format_version"], document["kind"], document["fleet"]) == (1, "plan", "prod")
    assert (document["made_at"], document["commit"]) == ("2026-11-23T12:00:00Z", "1f2e3d4c5b6a79880")
    assert document["counts"] == {
        "create": 1, "recover": 0, "restore": 0, "adopt": 0, "upgrade": 1, "downgrade": 1, "change": 4,
        "delete": 1,
        "branches": {"create": 0, "change": 0, "delete": 0}, "snapshots": {"create": 0, "delete": 0},
        "refusals": 2, "conflicts": 1, "orphans": 2,
    }  # fmt: skip
    assert document["budget"] == {
        "writes": 14, "transfers": 2, "reads": 9, "seconds": 3.2,
        "resizes": 0, "polls": 0, "searches": 0, "late_looks": 0, "repeats": 0,
    }  # fmt: skip
    assert document["coverage"]["organizations"] == ["free", "paid"]
    assert document["refusals"][1]["rule"] == "protected"
    assert document["refusals"][1]["actions"][0]["project_id"] == "still-moon-11223344"
    assert document["orphans"][0]["owned"] is True
    assert document["conflicts"][0]["source"] == {"file": "tenants/fable.yaml", "line": 1, "column": 1}
    assert document["notes"][0]["tenant"] == "acme"


def test_an_action_carries_what_it_would_do_and_why() -> None:
    shorter = build.downgrade("harbor")
    document = read(json_documents.plan(build.plan(shorter), build.MADE))["tenants"][0]
    assert (document["tenant"], document["kind"], document["project"]["organization"]) == (
        "harbor", "downgrade", "paid",
    )  # fmt: skip
    kinds = [action["kind"] for action in document["actions"]]
    assert kinds == ["patch_project", "patch_endpoint", "transfer_project", "patch_project"]
    assert document["actions"][0] == {
        "tenant": "harbor",
        "kind": "patch_project",
        "before_transfer": True,
        "companions": {},
        "reason": "tier pro -> free",
        "risk": "destructive",
        "lowering": True,
        "changes": [
            {
                "path": "compute.max_cu",
                "before": 8,
                "after": 2,
                "risk": "safe",
                "lowering": True,
                "origin": "config",
            },
            {
                "path": "restore_window_seconds",
                "before": 604_800,
                "after": 86_400,
                "risk": "destructive",
                "lowering": True,
                "origin": "config",
            },
        ],
        "source": {"file": "tenants/harbor.yaml", "line": 2, "column": 1},
    }


def test_structured_values_are_values_not_text() -> None:
    change = build.change("settings.allowed_ips", None, JsonText.of({"ips": ["10.0.0.1"]}))
    document = read(
        json_documents.plan(build.plan(build.tenant("acme", build.patch("acme", "why", change))), build.MADE)
    )
    assert document["tenants"][0]["actions"][0]["changes"][0]["after"] == {"ips": ["10.0.0.1"]}


def test_drift_lists_what_apply_would_leave_too() -> None:
    plan = build.plan(refusals=build.refusals())
    assert read(json_documents.plan(plan, build.MADE))["tenants"] == []
    document = read(json_documents.drift(plan))
    assert document["kind"] == "drift"
    assert [tenant["tenant"] for tenant in document["tenants"]] == ["delta", "keystone"]


def test_a_report_carries_every_outcome() -> None:
    document = read(json_documents.report(build.rich_report()))
    assert document["run"] == "7f3a91"
    assert document["started_at"] == "2026-11-23T12:00:00Z"
    assert document["counts"] == {
        "applied": 3, "unchanged": 1, "skipped": 1, "failed": 2, "stale": 0,
        "branches": {"create": 0, "change": 0, "delete": 0}, "snapshots": {"create": 0, "delete": 0},
    }  # fmt: skip
    assert document["stopped_by"] == "partly_applied"
    results = {tenant["tenant"]: tenant["result"] for tenant in document["tenants"]}
    assert results == {
        "acme": "applied", "birch": "applied", "ember": "applied", "northwind": "failed",
        "southwind": "failed", "cedar": "unchanged", "late": "skipped",
    }  # fmt: skip
    ember = document["tenants"][2]
    assert ember["recoverable_until"] == "2026-11-30T12:00:00Z"
    fault = document["tenants"][3]["actions"][1]
    assert (fault["result"], fault["request_id"], fault["hint"]) == ("failed", "req-northwind", "run apply again")


def test_problems_carry_their_place() -> None:
    problem = Problem(Location("tenants/\udcff.yaml", 3, 5), "unknown key", severity=Severity.WARNING)
    assert read(json_documents.problems([problem])) == {
        "format_version": 1,
        "kind": "problems",
        "problems": [
            {
                "severity": "warning",
                "file": "tenants/\udcff.yaml",
                "line": 3,
                "column": 5,
                "message": "unknown key",
                "hint": None,
            }
        ],
    }

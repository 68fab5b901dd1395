"""Branches and snapshots in every view."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.model.annotations import Purpose
from reconciler.model.compute import NEVER_SUSPEND, Compute
from reconciler.model.values import replace
from reconciler.plan.change import Origin
from reconciler.plan.outcome import Result
from reconciler.views import markdown, plain_text
from reconciler.views.actions import will_do
from reconciler.views.console import as_text
from reconciler.views.view import PlanView
from tests.harness import json_documents
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan

AFTERNOON = datetime(2026, 11, 19, 14, tzinfo=UTC)
UNTIL = datetime(2026, 12, 20, tzinfo=UTC)

WHOLE_PLAN = """\
Change (3)

  birch  (tenants/birch.yaml:7)
    -  delete snapshot nightly-3 (snap-birch-3, taken 2026-11-01)  permanent  (replaced by 'v2')
        no snapshot exists until v2 is created
    +  create snapshot v2 of main  (declared, not live)

  cedar  (tenants/cedar.yaml:4)
    -  delete branch feature-7 (br-cedar-1)  (no longer declared)
    ~  patch branch staging by hand  (differs from the tenant's file)
        name        staging by hand -> staging
        expires_at  not set -> 2026-12-20T00:00:00Z  reduces lifetime, destructive
    +  create branch development from main  (compute 0.25-1 CU, suspend 5m)  (declared, not live)

  delta  (tenants/delta.yaml:4)
    -  delete snapshot nightly-1 (kept as branch br-delta-1)  (replaced by 'v2')
        no snapshot exists until v2 is created
    +  create snapshot v2 of main  (kept as a branch, expires 2026-12-20 00:00 UTC)  (declared, not
       live)

Plan: 3 to change; 1 branch and 2 snapshots to create, 1 branch to change, 1 branch and 2 snapshots
to delete.
0 write calls, about 0 reads, under a second at the account's rate limit.
Looked at 15 projects in free and paid; existing computes checked: 6 of 12, branches checked: 2 of
3, snapshots checked: 1 of 1.
Not compared: read replicas, computes of other branches, Postgres settings and protected branches;
region and version, unless pinned; used quotas not read: 12 of 12.
"""


def sample() -> Plan:
    kept = Purpose.SNAPSHOT
    coverage = build.plan().coverage
    return build.plan(
        build.replaced_snapshot("birch"),
        build.tenant(
            "cedar", build.delete_branch("cedar"), build.patch_branch("cedar"), build.create_branch("cedar")
        ),
        build.tenant(
            "delta",
            build.delete_branch("delta", "nightly-1", purpose=kept, reason="replaced by 'v2'"),
            build.create_branch("delta", "v2", purpose=kept, expires_at=UNTIL),
        ),
        coverage=replace(coverage, branches_checked=2, branches_total=3, snapshots_checked=1, snapshots_total=1),
    )


def shown(plan: Plan) -> str:
    return as_text(plain_text.plan(plan), 100)


def test_branches_and_snapshots_read_like_this() -> None:
    assert shown(sample()) == WHOLE_PLAN


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (build.create_branch("a", compute=None), "create branch development from main"),
        (build.create_branch("a", schema_only=True, compute=None), "… main  (schema only)"),
        (replace(build.create_branch("a"), with_compute=False), "… main  (no compute)"),
        (build.create_branch("a", compute=Compute(max_cu=0.5)), "… main  (compute 0.5 CU)"),
        (build.create_branch("a", compute=Compute(2, 2, NEVER_SUSPEND)), "… main  (compute 2 CU, suspend never)"),
        (build.create_branch("a", compute=Compute(None, None, 90)), "… main  (suspend 90s)"),
        (
            build.create_branch("a", "restored", at_moment=AFTERNOON, compute=None, expires_at=UNTIL),
            "create branch restored from main as of 2026-11-19 14:00 UTC  (expires 2026-12-20 00:00 UTC)",
        ),
        (build.create_snapshot("a", "v1.0-stable"), "create snapshot v1.0-stable of main"),
        (
            build.create_snapshot("a", "v1", at_moment=AFTERNOON.replace(second=7), expires_at=UNTIL),
            "create snapshot v1 of main as of 2026-11-19 14:00:07 UTC  (expires 2026-12-20 00:00 UTC)",
        ),
    ],
)
def test_what_a_copy_is_made_of_is_said(action: Action, words: str) -> None:
    assert str(will_do(action)) == words.replace("…", "create branch development from")


def test_tenants_whose_snapshots_differ_only_in_their_ids_share_a_block() -> None:
    plan = build.plan(*map(build.replaced_snapshot, ("birch", "cedar")))
    assert "  2 tenants" in shown(plan)
    assert "    -  delete snapshot nightly-3  permanent" in shown(plan)


def test_a_snapshot_that_nothing_replaces_leaves_no_gap_to_tell_of() -> None:
    assert "no snapshot exists" not in shown(build.plan(build.tenant("acme", build.delete_snapshot("acme"))))
    two = build.delete_snapshot("acme"), build.delete_snapshot("acme", "nightly-4"), build.create_snapshot("acme")
    assert shown(build.plan(build.tenant("acme", *two))).count("no snapshot exists") == 1


def test_a_branch_that_no_commit_asked_for_is_marked_as_drift() -> None:
    made = build.create_branch("acme", compute=None, origin=Origin.DRIFT)
    assert "create branch development from main  drift\n" in shown(build.plan(build.tenant("acme", made)))


def test_drift_tells_what_is_missing_and_what_is_too_many() -> None:
    text = as_text(plain_text.drift(sample()), 100)
    assert "no live snapshot v2; the files declare one of main" in text
    assert "snapshot nightly-3 (snap-birch-3, taken 2026-11-01), not declared" in text
    assert "branch feature-7 (br-cedar-1), not declared" in text
    assert "no live branch development; the files declare one from main" in text
    assert "no snapshot exists" not in text
    assert "permanent" not in text


def test_markdown_tells_the_same() -> None:
    text = markdown.render(PlanView(sample()))
    assert "delete snapshot `nightly-3` (`snap-birch-3`, taken `2026-11-01`) **permanent**" in text
    assert "until `v2` is created" in text
    assert "create branch `development` from `main` (compute `0.25-1` CU, suspend `5m`)" in text


def test_json_has_every_value_of_a_copy() -> None:
    document = json.loads(json_documents.plan(sample(), build.MADE))
    assert document["counts"]["branches"] == {"create": 1, "change": 1, "delete": 1}
    assert document["counts"]["snapshots"] == {"create": 2, "delete": 2}
    birch, cedar, delta = document["tenants"]
    assert birch["project"]["snapshots"][0]["created_at"] == "2026-11-01T03:00:00Z"
    assert [action["snapshot_id"] for action in birch["actions"] if "snapshot_id" in action] == ["snap-birch-3"]
    assert cedar["actions"][2]["compute"] == {
        "min_cu": 0.25,
        "max_cu": 1,
        "suspend_timeout_seconds": 300,
        "pg_settings": None,
    }
    assert (delta["actions"][1]["purpose"], delta["actions"][1]["expires_at"]) == (
        "snapshot",
        "2026-12-20T00:00:00Z",
    )


def test_a_report_counts_what_was_done_to_copies() -> None:
    report = build.report(*(build.applied(planned) for planned in sample().tenants))
    text = as_text(plain_text.report(report, journal=None), 100)
    assert "  ~  changed     birch, cedar, delta\n" in text
    assert "1 branch and 2 snapshots created, 1 branch changed, 1 branch and 2 snapshots deleted.\n" in text
    counts = json.loads(json_documents.report(report))["counts"]
    assert counts["snapshots"] == {"create": 2, "delete": 2}


def test_a_report_counts_only_what_was_carried_out() -> None:
    report = build.report(build.failed(build.replaced_snapshot("birch"), after=1, message="locked"))
    assert "\n1 snapshot deleted.\n" in as_text(plain_text.report(report, journal=None))
    assert all(one.result is not Result.APPLIED for one in report.outcomes)

"""The reusable workflows: each step is run as a runner runs it, against the simulator and a stand-in of GitHub."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.github_api import DESCRIPTION
from tests.harness.hosted_fleet import KEYS, ORGANIZATION_KEYS, PULL_REQUEST, HostedFleet, hosted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.workflows import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.drawn(3),
    pytest.mark.skipif(not DESCRIPTION.exists() and "CI" not in os.environ, reason="npm ci --prefix tests/forge"),
]
ALL_KEYS: Final = tuple(KEYS)
SMALL: Final = {"acme": "tier: free", "bluebird": "tier: free", "cedar": "tier: pro"}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[HostedFleet]:
    with hosted(tmp_path, SMALL) as fleet:
        yield fleet
        for run in fleet.actions.runs:
            assert not [key for key in KEYS.values() if key in run.log + run.summary]


def comments(fleet: HostedFleet) -> list[str]:
    return [one["body"] for one in fleet.api.comments.get(PULL_REQUEST, [])]


def labels(fleet: HostedFleet) -> list[str]:
    return fleet.api.labels.get(PULL_REQUEST, [])


def succeeded(run: Run) -> None:
    assert run.green, run.log


def look(fleet: HostedFleet) -> Run:
    return fleet.actions.run("drift", fleet.scheduled(), ORGANIZATION_KEYS)


def test_each_push_changes_the_one_comment_and_names_its_commit(fleet: HostedFleet) -> None:
    for tier in ("pro", "free"):
        event = fleet.push({"tenants/acme.yaml": f"tenant: acme\ntier: {tier}\n"})
        run = fleet.actions.run("plan", event, ORGANIZATION_KEYS)
        succeeded(run)
        [body] = comments(fleet)
        assert body.startswith("<!-- reconciler: fleet -->\nFleet `fleet` at commit ")
        assert event.payload["pull_request"]["head"]["sha"] in body
        assert run.outputs["plan"]["has_changes"] == str(tier == "pro").lower()
        assert (run.artifacts["reconciler-plan-fleet"] / "saved.json").exists()
    assert "acme" not in comments(fleet)[0]


def test_what_destroys_something_has_a_label_as_long_as_it_does(fleet: HostedFleet) -> None:
    event = fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: free\nstate: absent\n"})
    run = fleet.actions.run("plan", event, ORGANIZATION_KEYS)
    assert labels(fleet) == ["fleet: destructive"], run.log
    event = fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: free\n"})
    fleet.actions.run("plan", event, ORGANIZATION_KEYS)
    assert labels(fleet) == []


@pytest.mark.parametrize(
    ("broken", "comment"),
    [
        ({"tenants/bluebird.yaml": "tenant: bluebird\ntier: none\n"}, "1 tenant skipped: the file is invalid"),
        ({"tiers.yaml": "version: 1\n"}, "No plan could be made: the command ended with exit code 3"),
    ],
)
def test_files_that_are_not_valid_are_red_and_replace_the_comment(
    fleet: HostedFleet, broken: dict[str, str], comment: str
) -> None:
    fleet.actions.run("plan", fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: pro\n"}), ORGANIZATION_KEYS)
    run = fleet.actions.run("plan", fleet.push(broken), ORGANIZATION_KEYS)
    assert not run.green
    assert f"::error file={next(iter(broken))}" in run.log
    [body] = comments(fleet)
    assert comment in body


def test_without_keys_the_plan_takes_what_the_schedule_recorded(fleet: HostedFleet) -> None:
    succeeded(look(fleet))
    run = fleet.actions.run("plan", fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: pro\n"}))
    succeeded(run)
    assert "live state of" in comments(fleet)[0].casefold()
    assert "1 to upgrade" in comments(fleet)[0]


def test_an_old_recording_is_red_and_the_comment_says_that_there_is_no_plan(fleet: HostedFleet) -> None:
    look(fleet)
    event = fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: pro\n"})
    run = fleet.actions.run("plan", event, (), **{"max-age": "0s"})
    assert not run.green
    assert "--max-age is 0s" in run.log
    assert "No plan could be made" in comments(fleet)[0]


def test_without_a_recording_it_says_what_the_files_ask_for(fleet: HostedFleet) -> None:
    run = fleet.actions.run("plan", fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: pro\n"}))
    succeeded(run)
    assert "Diff: 1 to upgrade." in comments(fleet)[0]
    assert run.outputs["plan"]["has_changes"] == "true"


def test_a_pull_request_from_a_fork_is_planned_and_writes_nothing(fleet: HostedFleet) -> None:
    fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: pro\n"})
    run = fleet.actions.run("plan", fleet.push_as_it_is(head="stranger/fleet"))
    succeeded(run)
    assert "Diff: 1 to upgrade." in run.summary
    assert fleet.api.calls == []


def test_a_change_of_a_workflow_is_planned_without_keys(fleet: HostedFleet) -> None:
    changed = {"tenants/acme.yaml": "tenant: acme\ntier: pro\n", ".github/workflows/fleet.yml": "on: push\n"}
    fleet.actions.secrets = dict.fromkeys(fleet.actions.secrets, "napi_of_nobody_0123456789")
    run = fleet.actions.run("plan", fleet.push(changed), ORGANIZATION_KEYS)
    succeeded(run)
    assert "Diff: 1 to upgrade." in comments(fleet)[0]


def test_a_merge_is_applied_and_moves_the_tag(fleet: HostedFleet) -> None:
    fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: pro\n"})
    event = fleet.merge()
    run = fleet.actions.run("apply", event, ALL_KEYS)
    succeeded(run)
    assert run.environments == ["reconciler", "reconciler"]
    assert fleet.applied() == event.sha
    assert list(run.artifacts["reconciler-journal-fleet-1"].glob("journal.jsonl"))
    succeeded(look(fleet))
    assert fleet.api.issues == []


def test_what_destroys_something_waits_for_the_reviewers_of_an_environment(fleet: HostedFleet) -> None:
    fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: free\nstate: absent\n"})
    event = fleet.merge()
    fleet.actions.waiting = {"reconciler-destructive"}
    fleet.actions.run("apply", event, ALL_KEYS)
    before = fleet.applied()
    fleet.actions.waiting = set()
    run = fleet.actions.run("apply", event, ALL_KEYS)
    succeeded(run)
    assert run.environments == ["reconciler", "reconciler-destructive"]
    assert before != fleet.applied() == event.sha


def test_what_the_approved_plan_lacks_is_not_done_and_is_asked_for_again(fleet: HostedFleet) -> None:
    fleet.push(
        {"tenants/acme.yaml": "tenant: acme\ntier: pro\n", "tenants/dove.yaml": "tenant: dove\ntier: free\n"}
    )
    event = fleet.merge()
    fleet.actions.before["apply"] = lambda: fleet.in_the_console("acme", history_retention_seconds=3600)
    run = fleet.actions.run("apply", event, ALL_KEYS)
    assert run.results == {"plan": "success", "apply": "failure"}
    assert "the saved plan has other actions for this tenant" in " ".join(run.log.split())
    assert "dove" in fleet.tenants()
    fleet.actions.before.clear()
    succeeded(fleet.actions.run("apply", event, ALL_KEYS))
    assert "In sync" in look(fleet).log


def test_of_two_quick_merges_both_are_green_and_the_later_one_does_both(fleet: HostedFleet) -> None:
    fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: pro\n"})
    first = fleet.merge()
    fleet.push({"tenants/bluebird.yaml": "tenant: bluebird\ntier: pro\n"})
    second = fleet.merge()
    succeeded(fleet.actions.run("apply", first, ALL_KEYS))
    assert fleet.applied() not in (first.sha, second.sha)
    succeeded(fleet.actions.run("apply", second, ALL_KEYS))
    assert fleet.applied() == second.sha
    run = look(fleet)
    succeeded(run)
    assert "In sync" in run.log


def test_a_plan_that_cannot_be_made_ends_the_run_before_the_apply(fleet: HostedFleet) -> None:
    fleet.push({"tiers.yaml": "version: 1\n"})
    run = fleet.actions.run("apply", fleet.merge(), ALL_KEYS)
    assert run.results == {"plan": "failure", "apply": "skipped"}


def test_drift_opens_changes_and_closes_the_issue(fleet: HostedFleet) -> None:
    fleet.in_the_console("cedar", history_retention_seconds=3600)
    succeeded(look(fleet))
    succeeded(look(fleet))
    [issue] = fleet.api.issues
    assert issue["state"] == "open"
    assert "cedar" in issue["body"]
    fleet.in_the_console("cedar", history_retention_seconds=604_800)
    succeeded(look(fleet))
    assert fleet.api.issues[0]["state"] == "closed"


def test_a_look_that_fails_closes_no_issue_and_is_red(fleet: HostedFleet) -> None:
    fleet.in_the_console("cedar", history_retention_seconds=3600)
    succeeded(look(fleet))
    fleet.actions.secrets["FREE_ORG_API_KEY"] = "napi_revoked_0123456789"
    run = look(fleet)
    assert not run.green
    assert [one["state"] for one in fleet.api.issues] == ["open"]

"""A day of a fleet, from a pull request to the audit: everything that people see, in its order."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.github_api import DESCRIPTION
from tests.harness.hosted_fleet import KEYS, ORGANIZATION_KEYS, PULL_REQUEST, HostedFleet, hosted
from tests.harness.processes import RECONCILER
from tests.harness.receiver import receiving
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.receiver import Receiver
    from tests.harness.workflows import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.exhaustive,
    pytest.mark.skipif(not DESCRIPTION.exists() and "CI" not in os.environ, reason="npm ci --prefix tests/forge"),
]

COUNT: Final = 500
PAYING: Final = [f"t{number:03}" for number in range(0, COUNT, 10)]
TENANTS: Final = {
    name: f"tier: {'pro' if name in PAYING else 'free'}" for name in map("t{:03}".format, range(COUNT))
}
RAISED: Final = TIERS.replace("data_transfer: 50GiB", "data_transfer: 60GiB")
THREE: Final = {
    "tenants/t001.yaml": "tenant: t001\ntier: pro\n",
    "tenants/t002.yaml": "tenant: t002\ntier: free\nstate: absent\n",
    "tenants/newcomer.yaml": "tenant: newcomer\ntier: free\n",
}
SUMMARY: Final = f"**Plan: 1 to create, 1 to upgrade, {len(PAYING)} to change, 1 to delete.**"
DRIFT: Final = (*ORGANIZATION_KEYS, "RECONCILER_NOTIFY_URLS", "HEARTBEAT_URL")


class Day:
    """The fleet, and the people who are told."""

    def __init__(self, fleet: HostedFleet, on_call: Receiver, watchdog: Receiver) -> None:
        self.fleet, self.on_call, self.watchdog = fleet, on_call, watchdog

    def look(self) -> Run:
        """The schedule runs."""
        return self.fleet.actions.run("drift", self.fleet.scheduled(), DRIFT)

    @property
    def comment(self) -> str:
        """The one comment on the pull request."""
        [comment] = self.fleet.api.comments[PULL_REQUEST]
        body: str = comment["body"]
        return body

    def audit(self, tenant: str, journals: Path) -> str:
        """What somebody reads weeks later."""
        command = [*RECONCILER, "audit", tenant, "--journals", str(journals)]
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.fleet.actions.folder)}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    with ExitStack() as stack:
        fleet = stack.enter_context(hosted(tmp_path, TENANTS))
        on_call, watchdog = (stack.enter_context(receiving()) for _ in range(2))
        fleet.actions.secrets["RECONCILER_NOTIFY_URLS"] = on_call.url()
        fleet.actions.secrets["HEARTBEAT_URL"] = f"http://127.0.0.1:{watchdog.port}/beat"
        yield Day(fleet, on_call, watchdog)
        for run in fleet.actions.runs:
            assert not [value for value in fleet.actions.secrets.values() if value in run.log + run.summary]


def test_a_change_of_a_tier_and_three_tenants_from_the_pull_request_to_the_audit(day: Day) -> None:
    fleet = day.fleet

    # A pull request raises a limit of a tier, upgrades a tenant, ends one, and adds one.
    price_list = {"tiers.yaml": (fleet.clone / "tiers.yaml").read_text().replace(TIERS, RAISED)}
    fleet.actions.run("plan", fleet.push(price_list), ORGANIZATION_KEYS)
    assert f"**Plan: {len(PAYING)} to change.**" in day.comment
    event = fleet.push(THREE)
    planned = fleet.actions.run("plan", event, ORGANIZATION_KEYS)
    assert planned.green, planned.log
    assert SUMMARY in day.comment
    assert event.payload["pull_request"]["head"]["sha"] in day.comment
    assert f"`t000`, `t010`, `t020`, `t030`, `t040` and {len(PAYING) - 5} more" in day.comment
    assert len(day.comment) < 6_000
    assert fleet.api.labels[PULL_REQUEST] == ["fleet: destructive"]

    # The merge waits for the reviewers, because a project is deleted: nothing happens before they approve.
    merge = fleet.merge()
    fleet.actions.waiting = {"reconciler-destructive"}
    waiting = fleet.actions.run("apply", merge, tuple(KEYS))
    assert waiting.environments == ["reconciler", "reconciler-destructive"]
    assert SUMMARY in waiting.summary
    assert {"t002", "newcomer"} & fleet.tenants() == {"t002"}
    fleet.actions.waiting = set()
    fleet.actions.forked = False  # the command as it is installed
    applied = fleet.actions.run("apply", merge, tuple(KEYS))
    fleet.actions.forked = True
    assert applied.green, applied.log
    assert {"t002", "newcomer"} & fleet.tenants() == {"newcomer"}
    assert fleet.applied() == merge.sha

    # The fleet matches its files: no issue, nobody is told, and the watchdog has heard of it.
    assert day.look().green
    assert (fleet.api.issues, day.on_call.titles, len(day.watchdog.heard)) == ([], [], 1)

    # Somebody changes a project by hand: one issue, and one message to people on call, however often it is seen.
    fleet.in_the_console("t010", history_retention_seconds=86_400)
    assert [day.look().green for _ in range(2)] == [True, True]
    [issue] = fleet.api.issues
    assert (issue["state"], issue["title"]) == ("open", "Drift: fleet differs from its files")
    assert "`t010`" in issue["body"]
    assert len(day.on_call.titles) == 1, day.on_call.titles
    assert "t010" in day.on_call.bodies[0]

    # It is put back, and the issue closes.
    fleet.in_the_console("t010", history_retention_seconds=604_800)
    assert day.look().green
    assert [one["state"] for one in fleet.api.issues] == ["closed"]
    assert len(day.watchdog.heard) == 4

    # Somebody asks who has upgraded t001.
    told = day.audit("t001", applied.artifacts["reconciler-journal-fleet-1"])
    assert f"octocat at commit {merge.sha[:7]}" in told
    assert "move to paid" in told
    assert "quota.data_transfer: 5GiB -> 60GiB" in told
    assert day.comment.count("<!-- reconciler: fleet -->") == 1

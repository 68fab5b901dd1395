"""``reconciler usage`` at the command line: formats, selection, exit codes, bad input."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import httpx
import jsonschema_rs
import pytest

from reconciler.documents.schema import usage_schema
from tests.harness.lived import lived
from tests.harness.wire import Passing, answered

if TYPE_CHECKING:
    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(10)

HOUR: Final = 3600
NOON: Final = datetime(2028, 2, 20, 12, tzinfo=UTC).timestamp()
SAMPLE: Final = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\\n]|\\.)*",?)*\})? -?[0-9.e+]+')


def use(shell: Shell, tenant: str, **counters: int) -> None:
    """Sets counters of the tenant's project, and lets the time pass after which Neon tells them."""
    with shell.account(shell.clock()) as account:
        shell_id = next(row["id"] for row in shell.stored.rows("projects") if row["name"] == f"myapp-{tenant}")
        account.set_usage(shell_id, **counters)
        told = account.clock.now() + account.world.behaviour.counters_lag_seconds
    shell.clock = lambda: told


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Acme near its active time, bob at its limit, eve unused."""
    shell.clock = lambda: NOON
    for name in ("acme", "bob", "eve"):
        shell.tenant(name)
    shell.applied("--expect-empty")
    use(shell, "acme", active_time_seconds=96 * HOUR)
    use(shell, "bob", active_time_seconds=100 * HOUR)
    return shell


def test_it_says_who_is_near_a_limit_and_ends_with_2(fleet: Shell) -> None:
    ended = fleet.simulated("usage")
    assert ended.code == 2, ended.err
    assert "bob  reached active_time 100h; its computes cannot start until 2028-03-01 UTC" in ended.out
    assert re.search(r"acme  active_time   96\.\d% of 100h", ended.out)
    assert "Usage: 2 tenants above a threshold, 1 suspended; 3 tenants looked at." in ended.out


def test_it_ends_with_0_where_nobody_is_near_a_limit(fleet: Shell) -> None:
    ended = fleet.simulated("usage", "--tenant", "eve")
    assert (ended.code, ended.err) == (0, "")
    assert "no tenant above a threshold; 1 tenant looked at." in ended.out
    assert "2 tenants left out by the selection." in ended.out


def test_only_tenants_above_the_named_share_are_shown(fleet: Shell) -> None:
    ended = fleet.simulated("usage", "--above", "99", "--format", "json")
    assert (ended.code, [one["tenant"] for one in ended.document["tenants"]]) == (2, ["bob"])


def test_the_document_follows_its_schema(fleet: Shell) -> None:
    ended = fleet.simulated("usage", "--format", "json")
    jsonschema_rs.Draft202012Validator(usage_schema(), validate_formats=True).validate(ended.document)
    acme = ended.document["tenants"][0]
    active = next(one for one in acme["quotas"] if one["quota"] == "quota.active_time_seconds")
    assert (acme["tenant"], active["limit"], active["threshold"]) == ("acme", 360_000, 95)


def test_the_csv_has_one_row_for_each_quota(fleet: Shell) -> None:
    rows = list(csv.DictReader(io.StringIO(fleet.simulated("usage", "--format", "csv").out)))
    assert len(rows) == 3 * 5
    found = {row["tenant"]: row for row in rows if row["quota"] == "active_time_seconds"}
    assert (found["bob"]["used"], found["bob"]["suspended"]) == ("360000", "true")


def test_the_metrics_are_in_the_text_format_of_prometheus(fleet: Shell) -> None:
    lines = fleet.simulated("usage", "--format", "prometheus").out.splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    bob = 'tenant="bob",tier="free",organization="free"'
    assert f'reconciler_quota_used{{{bob},quota="active_time_seconds"}} 360000' in samples
    assert f"reconciler_tenant_suspended{{{bob}}} 1" in samples


def test_a_file_takes_the_format_of_its_ending(fleet: Shell) -> None:
    fleet.simulated("usage", "--output", "usage.prom", "--output", "usage.csv")
    assert (fleet.folder / "usage.prom").read_text().startswith("# HELP reconciler_quota_used ")
    assert (fleet.folder / "usage.csv").read_text().startswith("tenant,tier,")


def test_who_is_suspended_on_purpose_is_told_apart_and_costs_no_call(fleet: Shell) -> None:
    plain = fleet.simulated("usage", "--format", "json").document
    fleet.tenant("acme", "tier: free\nstate: suspended\nreason: payment is overdue")
    waiting = fleet.simulated("usage")
    assert "its file suspends it, but it is not suspended yet" in waiting.out
    fleet.applied("--allow", "lowering")
    ended = fleet.simulated("usage")
    assert "Suspended by their files (1)" in ended.out
    assert "acme  payment is overdue  (tier free)" in ended.out
    assert "Usage: 1 tenant above a threshold, 1 suspended, 1 suspended by their files;" in ended.out
    assert "not suspended yet" not in ended.out
    document = fleet.simulated("usage", "--format", "json").document
    acme = document["tenants"][0]
    assert (acme["suspended_by_file"], acme["suspended"], acme["switched_off"]) == (
        "payment is overdue",
        True,
        True,
    )
    assert document["calls"] <= plain["calls"]
    assert document["calls"] == document["least_calls"]
    assert "suspended by their files" in fleet.simulated("usage", "--format", "html").out
    metrics = fleet.simulated("usage", "--format", "prometheus").out
    assert 'reconciler_tenant_suspended_by_file{tenant="acme",tier="free",organization="free"} 1' in metrics


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--above", "0"), "0 is not in the range 1<=x<=100"),
        (("--tenant", "nobody"), "nobody"),
        (("--format", "yaml"), "'yaml' is not one of"),
        (("--watch", "often"), "--watch: expected 100h"),
        (("--watch", "5s"), "at least a minute"),
        (("--rounds", "2"), "--rounds counts the readings of --watch"),
    ],
)
def test_bad_input_is_refused(fleet: Shell, arguments: tuple[str, ...], message: str) -> None:
    ended = fleet.simulated("usage", *arguments)
    assert (ended.code, ended.out) == (3, "")
    assert message in ended.err


def test_thresholds_and_idle_time_come_from_the_files(fleet: Shell) -> None:
    tiers = (fleet.folder / "tiers.yaml").read_text()
    changed = tiers.replace(
        "    restore_window: 1d\n  pro:", "    restore_window: 1d\n    usage_thresholds: [97]\n  pro:"
    )
    fleet.write("tiers.yaml", changed + "guards: {idle: 1d}\n")
    fleet.clock = lambda: NOON + 2 * 24 * HOUR
    ended = fleet.simulated("usage")
    assert "Usage: 1 tenant above a threshold" in ended.out
    assert "Idle (3)" in ended.out
    assert "state: absent in the tenant's file then deletes the project" in ended.out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("usage_thresholds: [0]", "expected a whole number from 1 to 100, not '0'"),
        ("usage_thresholds: 80", "expected"),
        ("usage_threshold: [80]", "did you mean 'usage_thresholds'?"),
    ],
)
def test_a_bad_threshold_is_a_problem_with_its_place(shell: Shell, line: str, message: str) -> None:
    tiers = (shell.folder / "tiers.yaml").read_text()
    shell.write("tiers.yaml", tiers + f"    {line}\n")
    ended = shell.run("validate")
    assert ended.code == 3
    assert re.search(r"tiers\.yaml:\d+:\d+: ", ended.out)
    assert message in ended.out


def moments(out: str) -> list[datetime]:
    """When each of several documents was read."""
    return [datetime.fromisoformat(found) for found in re.findall(r'^  "at": "(.*)"', out, re.MULTILINE)]


def test_a_watch_reads_again_after_each_interval(fleet: Shell) -> None:
    ended = fleet.simulated("usage", "--watch", "15m", "--rounds", "3", "--format", "json")
    first, second, third = moments(ended.out)
    assert [round((later - first) / timedelta(minutes=15)) for later in (second, third)] == [1, 2]
    assert ended.code == 2


def test_a_watch_goes_on_after_an_error_that_passes(fleet: Shell) -> None:
    async def away(passing: Passing) -> httpx.Response:
        """Nothing is reached until the clock has gone on by some minutes."""
        if asyncio.get_running_loop().time() < 600:
            raise httpx.ConnectError("no route to host", request=passing.request)
        return await answered(passing)

    fleet.act = away
    ended = fleet.simulated("usage", "--watch", "15m", "--rounds", "2", "--format", "json")
    assert (ended.code, len(moments(ended.out))) == (2, 1)
    assert "127.0.0.1 cannot be reached" in ended.err

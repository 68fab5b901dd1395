"""A fleet in eight shards: processes that share an account, and one report of what they did."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.harness.processes import PATIENCE_SECONDS, Place
from tests.harness.registry_database import accounts, postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.drawn(2)

SHARDS = 8
TENANTS = 16
PER_MINUTE = 360
PER_SECOND_AND_ROUTE = 17
"""More than the burst of the account's limit and a second of its rate, less than the bursts of two runs."""


@pytest.fixture
def postgres() -> Iterator[str]:
    with postgresql() as address:
        yield address


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    prices = tmp_path / "tiers.yaml"
    limited = prices.read_text(encoding="utf-8").replace("api: {", f"api: {{requests_per_minute: {PER_MINUTE}, ")
    prices.write_text(limited, encoding="utf-8")
    return place


def apply_shards(place: Place, numbers: range, *, machines: bool = False) -> list[int]:
    """Each as its own process, all at once: how they ended. ``machines``: on a machine of its own."""
    words = ("apply", "--yes", "--expect-empty", "--shard", "auto", "--allow", f"creates={TENANTS}")
    place.environ["RECONCILER_SHARDS"] = str(SHARDS)
    with ExitStack() as stack:
        running = []
        for number in numbers:
            place.environ["RECONCILER_SHARD_INDEX"] = str(number)
            if machines:
                place.environ["XDG_STATE_HOME"] = str(place.folder / f"machine-{number}")
            flags = ("--journal", f"journal-{number}.jsonl", "--output", f"report-{number}.json")
            command = place.running(*words, *flags, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            running.append(stack.enter_context(command))
        return [process.wait(PATIENCE_SECONDS) for process in running]


@pytest.mark.slow
def test_eight_shards_at_once_create_each_tenant_once_and_report_as_one(place: Place) -> None:
    declared = place.declare(TENANTS)
    with place.served() as projects:
        place.limit_rate(PER_MINUTE, PER_SECOND_AND_ROUTE)
        assert apply_shards(place, range(SHARDS)) == [0] * SHARDS
        assert 429 not in place.statuses(), "all of them together keep to the account's limit"
        assert projects() == declared
        files = [f"report-{number}.json" for number in range(SHARDS)]
        ended = place.run("report", "merge", *files, "--format", "json")
        assert ended.returncode == 0, ended.stderr
        report = json.loads(ended.stdout)
        assert [one["tenant"] for one in report["tenants"]] == [name.removeprefix("myapp-") for name in declared]
        assert report["counts"]["applied"] == TENANTS
        of_each = [json.loads((place.folder / name).read_text(encoding="utf-8")) for name in files]
        assert {one["shard"] for one in of_each} == {f"{number + 1}/{SHARDS}" for number in range(SHARDS)}
        assert report["calls"] == sum(one["calls"] for one in of_each)
        assert place.run("drift").returncode == 0


@pytest.mark.slow
def test_eight_machines_keep_to_the_limit_through_a_registry_in_postgresql(place: Place, postgres: str) -> None:
    declared = place.declare(TENANTS)
    with (place.folder / "tiers.yaml").open("a", encoding="utf-8") as prices:
        prices.write('registry: {url: "${REGISTRY_URL}"}\n')
    place.environ["REGISTRY_URL"] = postgres
    with place.served() as projects:
        assert place.run("converge", "t000").returncode == 0, "which makes the tables"
        place.limit_rate(PER_MINUTE, PER_SECOND_AND_ROUTE)
        assert apply_shards(place, range(SHARDS), machines=True) == [0] * SHARDS
        assert 429 not in place.statuses()
        assert projects() == declared


@pytest.mark.slow
def test_the_report_of_a_shard_that_is_missing_is_named(place: Place) -> None:
    place.declare(4)
    with place.served():
        assert apply_shards(place, range(2)) == [0, 0]
        ended = place.run("report", "merge", "report-0.json", "report-1.json")
        assert ended.returncode == 1
        assert f"shard 3/{SHARDS} has no report" in ended.stderr
        assert "Journal: that of each run" in ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("named", "account"), [("", "prod"), ("account: main, ", "main")])
def test_the_account_is_that_of_the_fleet_or_the_one_that_fleets_share(
    place: Place, named: str, account: str
) -> None:
    place.declare(1)
    prices = place.folder / "tiers.yaml"
    text = prices.read_text(encoding="utf-8").replace("api: {", f"api: {{{named}")
    prices.write_text(f"{text}registry: {{url: sqlite:///registry.db}}\n", encoding="utf-8")
    with place.served():
        for _ in range(2):  # the first one makes the tables
            assert place.run("converge", "t000").returncode == 0
    assert accounts(place.folder / "registry.db") == [account]

"""``reconciler cost`` at the command line: formats, months, organizations, exit codes, bad input."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import jsonschema_rs
import pytest

from reconciler.documents.schema import cost_schema
from tests.e2e.test_usage import SAMPLE
from tests.harness.lived import lived
from tests.harness.wire import Passing, answered

if TYPE_CHECKING:
    import httpx

    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(11)

HOUR: Final = 3600
NOON: Final = datetime(2028, 2, 20, 12, tzinfo=UTC).timestamp()
PRICES: Final = """\
prices:
  as_of: 2027-11-12
  compute_hour: 0.106
  storage_gb_month: 0.35
  data_transfer_gb: 0.10
  organizations:
    free: {sponsored: true}
"""


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Acme and zoe pay, bob is in the sponsored organization."""
    shell.clock = lambda: NOON
    shell.write("tiers.yaml", (shell.folder / "tiers.yaml").read_text() + PRICES)
    shell.tenant("acme", "tier: pro")
    shell.tenant("zoe", "tier: pro")
    shell.tenant("bob")
    shell.applied("--expect-empty")
    with shell.account(shell.clock()) as account:
        ids = {row["name"]: row["id"] for row in shell.stored.rows("projects")}
        for name, hours in (("acme", 40), ("zoe", 2), ("bob", 50)):
            account.set_usage(ids[f"myapp-{name}"], compute_time_seconds=hours * HOUR)
    shell.clock = lambda: NOON + 2 * 24 * HOUR
    return shell


def test_it_says_what_each_organization_tier_and_tenant_costs(fleet: Shell) -> None:
    ended = fleet.simulated("cost")
    assert (ended.code, ended.err) == (0, "")
    assert (
        "Organization free  (1 project)\n\n  sponsored: it costs nothing; --organization free reads" in ended.out
    )
    assert re.search(r"pro  +2 tenants +4\.\d\d, 2\.\d\d each", ended.out)
    tenants = ended.out[ended.out.index("Tenants by cost (2)") :]
    assert re.search(r"  acme  4\.24  compute 4\.24 \(40\.04 CU-hours\)\n  zoe   0\.\d\d  compute", tenants)
    assert re.search(r"Cost: 4\.\d\d USD in 2028-02 until 2028-02-22 00:00 UTC; 3 tenants\.", ended.out)
    assert "Prices of 2027-11-12 in tiers.yaml, without taxes, discounts and credits." in ended.out
    assert re.search(r"(\d+) calls; the minimum is \1\.", ended.out)


def test_the_document_follows_its_schema_and_adds_up(fleet: Shell) -> None:
    document = fleet.simulated("cost", "--format", "json").document
    jsonschema_rs.Draft202012Validator(cost_schema(), validate_formats=True).validate(document)
    tenants = {one["tenant"]: Decimal(one["cost"]) for one in document["tenants"]}
    assert tenants["acme"] > tenants["zoe"] > tenants["bob"] == 0
    organizations = [Decimal(one["cost"]) for one in document["organizations"]]
    assert sum(tenants.values()) == sum(organizations) == Decimal(document["cost"])


def test_the_csv_has_one_row_for_each_charge(fleet: Shell) -> None:
    rows = list(csv.DictReader(io.StringIO(fleet.simulated("cost", "--format", "csv").out)))
    assert [(row["tenant"], row["charge"], row["unit"]) for row in rows] == [
        ("acme", "compute", "CU-hours"),
        ("zoe", "compute", "CU-hours"),
    ]
    acme = rows[0]
    assert abs(Decimal(acme["quantity"]) * Decimal("0.106") - Decimal(acme["cost"])) <= Decimal("0.000001")


def test_the_metrics_are_in_the_text_format_of_prometheus(fleet: Shell) -> None:
    samples = [
        line for line in fleet.simulated("cost", "--format", "prometheus").out.splitlines() if line[0] != "#"
    ]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    about = 'charge="compute",currency="USD",month="2028-02"'
    assert any(
        line.startswith(f'reconciler_tenant_cost{{tenant="acme",tier="pro",organization="paid",{about}}} 4.')
        for line in samples
    )


def test_an_organization_is_read_as_a_whole_if_it_is_named(fleet: Shell) -> None:
    ended = fleet.simulated("cost", "--organization", "free")
    assert "Organization paid" not in ended.out
    assert re.search(r"sponsored: it costs nothing\n  compute +\d\d\.\d\d CU-hours", ended.out)


def test_an_earlier_month_is_asked_for_by_its_name(fleet: Shell) -> None:
    ended = fleet.simulated("cost", "--month", "2028-01")
    assert (ended.code, ended.err) == (0, "")
    assert "Cost: 0.00 USD in 2028-01; 3 tenants." in ended.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--month", "January"), "--month 'January' is not a month\nhint: as in 2026-10"),
        (("--month", "2028-03"), "the month 2028-03 has not begun\nhint: this month is 2028-02"),
        (("--month", "2026-12"), "Neon keeps no record of 2026-12"),
        (("--organization", "piad"), "organization 'piad' does not exist\nhint: known: free, paid"),
        (("--tenant", "nobody"), "nobody"),
        (("--depth", "deep"), "No such option '--depth'"),
    ],
)
def test_bad_input_is_refused(fleet: Shell, arguments: tuple[str, ...], message: str) -> None:
    ended = fleet.simulated("cost", *arguments)
    assert (ended.code, ended.out) == (3, "")
    assert message in ended.err


def test_without_prices_it_says_how_to_state_them(shell: Shell) -> None:
    shell.tenant("acme")
    ended = shell.simulated("cost")
    assert (ended.code, ended.out) == (3, "")
    assert "tiers.yaml has no prices\nhint: add `prices: {as_of: " in ended.err


def test_prices_of_a_day_to_come_are_refused_where_they_stand(fleet: Shell) -> None:
    fleet.write("tiers.yaml", (fleet.folder / "tiers.yaml").read_text().replace("2027-11-12", "2028-11-12"))
    told = "prices.as_of 2028-11-12 is in the future (today is 2028-02-22)"
    hint = "hint: state the day on which you looked the prices up"
    checked, ended = fleet.run("validate"), fleet.simulated("cost")
    assert (checked.code, ended.code) == (3, 3)
    for text in (checked.out, ended.err):
        assert re.search(rf"tiers\.yaml:30(:3)?: {re.escape(told)}\n *{hint}", text)


def test_old_prices_are_noted(fleet: Shell) -> None:
    fleet.write("tiers.yaml", (fleet.folder / "tiers.yaml").read_text().replace("2027-11-12", "2026-11-12"))
    told = "the prices are of 2026-11-12, more than a year ago"
    ended = fleet.simulated("cost")
    assert (ended.code, told in ended.out) == (0, True)
    assert fleet.run("validate").out.startswith("No problems")


def listening(shell: Shell) -> list[str]:
    """The paths that the commands ask for from now on."""
    paths: list[str] = []

    async def act(passing: Passing) -> httpx.Response:
        paths.append(passing.request.url.path)
        return await answered(passing)

    shell.act = act
    return paths


class TestOfAPlan:
    """Bob, of the sponsored organization, begins to pay."""

    @pytest.fixture
    def moving(self, fleet: Shell) -> Shell:
        fleet.tenant("bob", "tier: pro")
        fleet.clock = lambda: NOON + 20 * 24 * HOUR
        return fleet

    def test_it_says_what_the_limits_come_to_before_and_after(self, moving: Shell) -> None:
        ended = moving.simulated("plan")
        assert ended.code == 0, ended.err
        told = " ".join(ended.out.split())
        assert (
            "Within their limits, 1 tenant can cost 0.00 USD a month now, 0.00 to 324.58 after this plan" in told
        )
        assert "(maximum +324.58); prices of 2027-11-12." in told
        assert "used in" not in told

    def test_markdown_and_json_say_the_same(self, moving: Shell) -> None:
        comment = moving.simulated("plan", "--format", "markdown").out
        assert "Within their limits, 1 tenant can cost 0.00 `USD` a month now, 0.00 to 324.58 after" in comment
        cost = moving.simulated("plan", "--format", "json").document["monthly_cost"]
        (bob,) = cost["tenants"]
        assert (bob["tenant"], bob["before"]["high"], bob["after"]) == ("bob", "0.000000", cost["after"])
        assert cost["after"]["high"] == "324.582805"

    def test_without_the_flag_nothing_more_is_read(self, moving: Shell) -> None:
        paths = listening(moving)
        moving.simulated("plan")
        assert paths
        assert not [path for path in paths if "consumption_history" in path]

    def test_with_it_last_months_use_is_read_in_one_call_and_not_saved(self, moving: Shell) -> None:
        paths = listening(moving)
        ended = moving.simulated("plan", "--cost", "--out", "plan.json")
        assert sum("consumption_history" in path for path in paths) == 1
        told = " ".join(ended.out.split())
        assert re.search(
            r"What 1 tenant used in 2028-02 costs 0\.00 USD now, 5\.\d\d after this plan \(\+5\.\d\d\); 1 call",
            told,
        )
        saved = json.loads((moving.folder / "plan.json").read_text())
        assert "past_cost" not in saved
        assert "monthly_cost" in saved
        shown = moving.run("show", "plan.json")
        assert "0.00 to 324.58 after this plan" in " ".join(shown.out.split())
        document = moving.simulated("plan", "--cost", "--format", "json").document["past_cost"]
        assert (document["month"], document["before"], document["calls"]) == ("2028-02", "0.000000", 1)

    def test_an_empty_plan_reads_nothing(self, fleet: Shell) -> None:
        paths = listening(fleet)
        ended = fleet.simulated("plan", "--cost")
        assert not [path for path in paths if "consumption_history" in path]
        assert "No use of 2028-01 was read: no tenant with a project changes." in ended.out

    def test_without_prices_nothing_is_said_and_the_flag_is_refused(self, shell: Shell) -> None:
        shell.tenant("acme")
        assert "USD" not in shell.simulated("plan", "--expect-empty").out
        ended = shell.simulated("plan", "--expect-empty", "--cost")
        assert (ended.code, ended.out) == (3, "")
        assert "--cost: tiers.yaml has no prices" in ended.err

    def test_with_a_recorded_live_state_the_range_is_told_and_nothing_can_be_read(self, moving: Shell) -> None:
        moving.simulated("observe", "--out", "live.json")
        ended = moving.run("plan", "--live", "live.json", "--max-age", "30d")
        assert "0.00 to 324.58 after this plan" in " ".join(ended.out.split())
        refused = moving.run("plan", "--live", "live.json", "--max-age", "30d", "--cost")
        assert (refused.code, refused.out) == (3, "")
        assert "--live makes no call: --cost reads what tenants used last month" in refused.err

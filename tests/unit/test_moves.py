"""Moves of a fleet from end to end: what is known before the first write, what is taken, and of whom."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import Policy, Threshold, Thresholds
from reconciler.desired.selection import Depth
from reconciler.desired.tenant import DevBranch
from reconciler.desired.tier import AtLimit, SnapshotPolicy, Tier
from reconciler.errors import ExitCode, MissingKeyError, WrongPersonalKeyError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.change import Risk
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from reconciler.simulator.behaviour import Behaviour, Integrations
from reconciler.simulator.faults import AnswerWith, CommitLater, DropAfter, DropBefore
from reconciler.simulator.gateway import Latency
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Organization
from tests.harness.account import API, AT_ONCE, world
from tests.harness.builders import (
    DAY,
    FREE,
    FREE_LIMITS,
    FREE_QUOTA,
    FREE_TIER,
    HERE,
    HISTORY_MAY_GO,
    PAID,
    PAID_LIMITS,
    PRO_COMPUTE,
    PRO_QUOTA,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_tenant,
    an_organization,
)
from tests.harness.simulated import simulated_compute, simulated_limits, simulated_quota
from tests.harness.wire import Killed, Wire, killed, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Planned
    from reconciler.plan.outcome import Report
    from reconciler.simulator.exchanges import Exchange
    from reconciler.simulator.seed import Seeded
    from tests.harness.account import World

TRANSFER = "/organizations/*/projects/transfer"
OLDEST_GIVE_WAY = replace(FREE_TIER, snapshots=SnapshotPolicy(AtLimit.REPLACE_OLDEST))
SMALLER = replace(PRO_TIER, quota=replace(PRO_QUOTA, active_time_seconds=800 * 3600))
SIMULATED = (
    Organization("free", simulated_limits(FREE_LIMITS)),
    Organization("paid", simulated_limits(PAID_LIMITS)),
)
MANY = Policy(thresholds=Thresholds(disruptive=Threshold(1000, 100), transfers=Threshold(1000, 100)))
NO_PLAN = json.dumps({"limits": [{"name": "subscription_type", "expected": "agent", "actual": "scale"}]})
AS_DOCUMENTED = Behaviour()
CHECKS_CONTENTS = Behaviour(transfer_checks_settings=False)
"""For tests of what snapshots alone prevent, and of the exact calls."""
SEEN_AT_ONCE = Behaviour(transfer_lag_seconds=0)
"""For tests of who waits for whom: nobody waits for a key."""
CHECKS_NOTHING = Behaviour(transfer_checks_contents=False, transfer_checks_settings=False)
CHECKS_EVERYTHING = Behaviour(transfer_checks_contents=True, transfer_checks_settings=True)


def fleet(tier: str, *names: str, **more: Any) -> DesiredState:
    """Tenants of that tier, whose files accept that history goes."""
    more.setdefault("tiers", (OLDEST_GIVE_WAY, PRO_TIER))
    return a_fleet(*(a_tenant(name, tier, accept=HISTORY_MAY_GO) for name in names), policy=MANY, **more)


@dataclass(slots=True)
class Account:
    """An account, and runs on it."""

    neon: World
    folder: Path
    runs: int = 0
    seeds: dict[str, Seeded] = field(default_factory=dict)

    def project(self, tenant: str, organization: str = "paid", **more: Any) -> None:
        """A project as an earlier run has left it."""
        seed = ProjectSeed(
            f"myapp-{tenant}",
            quota=simulated_quota(PRO_QUOTA),
            compute=simulated_compute(PRO_COMPUTE),
            restore_window_seconds=7 * DAY,
            annotations=a_branch(f"p-{tenant}").annotations,
            created_at=self.neon.simulator.clock.now() - 100 * DAY,
        )
        self.seeds[tenant] = self.neon.simulator.add_project(organization, dataclasses.replace(seed, **more))

    def full(self, *tenants: str) -> None:
        """Projects with five snapshots, where the free organization allows one."""
        now = self.neon.simulator.clock.now()
        for tenant in tenants:
            self.project(
                tenant, snapshots=[SnapshotSeed(f"s{age}", created_at=now - age * 3600) for age in range(5)]
            )

    def replica(self, tenant: str, size: float) -> None:
        """A read replica of the default branch, as somebody makes it in the console."""
        seeded, settings = self.seeds[tenant], {"autoscaling_limit_min_cu": size, "autoscaling_limit_max_cu": size}
        body = {"endpoint": {"branch_id": seeded.branch_id, "type": "read_only", **settings}}

        async def make() -> int:
            async with self.neon.http() as http:
                return (await http.post(f"/projects/{seeded.project_id}/endpoints", json=body)).status_code

        assert self.neon.run(make()) == 201

    def plan(self, before: DesiredState, after: DesiredState, **request: Any) -> Planned:
        """What the move from one state of the files to the other would do."""
        planned: Planned = self._using(after, lambda fleet: fleet.plan(Request(base=before, **request)))
        return planned

    def apply(
        self,
        before: DesiredState | None,
        after: DesiredState,
        permissions: Permissions = Permissions(),
        journals: tuple[Path, ...] = (),
        **environ: str,
    ) -> Report:
        """Plans and applies it. ``journals`` has those of earlier runs."""
        self.runs += 1
        run = RunOptions(id=f"r{self.runs}", journal=self.folder / f"j{self.runs}.jsonl")

        async def both(fleet: Fleet) -> Report:
            request = Request(base=before, permissions=permissions, journals=journals)
            return await fleet.apply(await fleet.plan(request), run)

        self.neon.simulator.requests.clear()
        report: Report = self._using(after, both, None, **environ)
        return report

    def dying(
        self, before: DesiredState, after: DesiredState, method: str, number: int, *, carried_out: bool
    ) -> None:
        """An apply that dies at the call of this method with this number."""
        calls = count(1)
        act = where(
            lambda passing: passing.request.method == method and next(calls) == number,
            killed(carried_out=carried_out),
        )
        run = RunOptions(id="dead", journal=self.folder / "dead.jsonl")

        async def both(fleet: Fleet) -> Report:
            return await fleet.apply(await fleet.plan(Request(base=before)), run)

        with pytest.raises(Killed):
            self._using(after, both, via=Wire(self.neon.via, act))

    def _using(
        self,
        desired: DesiredState,
        use: Any,
        via: httpx.AsyncBaseTransport | None = None,
        **environ: str,
    ) -> Any:
        async def main() -> Any:
            known = {**self.neon.environ, **environ}
            present = {name: value for name, value in known.items() if value}
            way = via or self.neon.via
            async with Fleet.connect(desired, environ=present, host=API.host, via=way) as fleet:
                return await use(fleet)

        return self.neon.run(main())

    def journal(self) -> list[dict[str, Any]]:
        """The lines of the last run."""
        return [json.loads(line) for line in (self.folder / f"j{self.runs}.jsonl").read_text().splitlines()]

    def transfers(self) -> list[int]:
        """How many projects each transfer of the last run was about."""
        calls = (e for e in self.neon.simulator.requests if e.line.endswith("/transfer"))
        return [len(call.body["project_ids"]) for call in calls]  # type: ignore[index, call-overload, arg-type]

    def taken(self) -> list[str]:
        """The calls of the last run that took something, or tried to."""
        calls = (e.line for e in self.neon.simulator.requests if e.method in ("PATCH", "DELETE"))
        return [call.split("/")[0] + call.split("/")[3] if call.count("/") > 2 else call for call in calls]

    def last_transfer_of(self, tenant: str) -> float:
        """When the last run last tried to move the tenant."""
        held = self.seeds[tenant].project_id
        return max(e.at for e in _writes(self) if e.line.endswith("/transfer") and held in str(e.body))

    def last_write_for(self, tenant: str) -> float:
        """When the last run was done with the tenant."""
        return max(e.at for e in _writes(self) if self.seeds[tenant].project_id in e.line)

    def snapshots(self) -> dict[str, int]:
        """How many snapshots each tenant has."""
        return {tenant: len(self._of(tenant, "/snapshots")["snapshots"]) for tenant in self.seeds}

    def names(self, tenant: str) -> list[str]:
        """The names of the tenant's snapshots."""
        return [snapshot["name"] for snapshot in self._of(tenant, "/snapshots")["snapshots"]]

    def free(self) -> set[str]:
        """The tenants whose projects are in the free organization."""
        free = self.neon.simulator.organization_ids["free"]
        return {tenant for tenant in self.seeds if self._of(tenant)["project"]["org_id"] == free}

    def _of(self, tenant: str, path: str = "") -> dict[str, Any]:
        async def look() -> dict[str, Any]:
            async with self.neon.http() as http:
                answer = await http.get(f"/projects/{self.seeds[tenant].project_id}{path}")
                found: dict[str, Any] = answer.json()
                return found

        return self.neon.run(look())


@contextmanager
def account(
    folder: Path,
    *organizations: Organization,
    behaviour: Behaviour = AS_DOCUMENTED,
    latency: Latency = AT_ONCE,
) -> Iterator[Account]:
    """An account of its own."""
    unlimited = dataclasses.replace(behaviour, rate_limit=None)
    with world(*organizations, behaviour=unlimited, latency=latency, refusals_allowed=True) as neon:
        yield Account(neon, folder)


def results(report: Report) -> dict[str, Result]:
    """What became of each tenant."""
    return {outcome.tenant: outcome.result for outcome in report.outcomes}


def messages(report: Report) -> str:
    """Everything that is said of what did not go through."""
    return "; ".join(action.message for outcome in report.outcomes for action in outcome.actions)


NAMES = tuple(f"t{number:02}" for number in range(30))


class TestThePersonalKey:
    def test_of_an_organization_ends_the_run_before_the_first_write(self, tmp_path: Path) -> None:
        with account(tmp_path) as here:
            here.full("acme", "birch")
            before, after = fleet("pro", "acme", "birch"), fleet("free", "acme", "birch")
            key = here.neon.environ["PAID_ORG_API_KEY"]
            with pytest.raises(
                WrongPersonalKeyError, match=r"\$PERSONAL_API_KEY is not a personal API key"
            ) as told:
                here.apply(before, after, PERSONAL_API_KEY=key)
            assert told.value.exit_code is ExitCode.DENIED
            assert here.neon.writes() == []
            assert here.neon.calls().count("GET /users/me/organizations") == 1

    def test_that_opens_one_of_the_organizations_alone_ends_it_too(self, tmp_path: Path) -> None:
        with account(tmp_path) as here:
            here.full("acme")
            ids = here.neon.simulator.organization_ids
            mine = {"organizations": [{"id": ids["paid"], "name": "paid"}]}
            here.neon.simulator.faults.add(
                AnswerWith(200, text=json.dumps(mine)), "GET", "/users/me/organizations"
            )
            with pytest.raises(WrongPersonalKeyError, match="has no access to organization free"):
                here.apply(fleet("pro", "acme"), fleet("free", "acme"))
            assert here.neon.writes() == []

    def test_that_is_not_set_ends_it_before_any_question(self, tmp_path: Path) -> None:
        with account(tmp_path) as here:
            here.full("acme")
            with pytest.raises(MissingKeyError):
                here.apply(fleet("pro", "acme"), fleet("free", "acme"), PERSONAL_API_KEY="")
            assert "GET /users/me/organizations" not in here.neon.calls()

    def test_is_not_asked_about_where_the_first_write_is_a_lone_move_that_takes_nothing(
        self, tmp_path: Path
    ) -> None:
        with account(tmp_path) as here:
            here.project("acme", organization="free")
            report = here.apply(fleet("free", "acme"), fleet("pro", "acme"), PERSONAL_API_KEY="napi_no_such_key")
            assert report.denied or report.stopped_by is ExitCode.DENIED
            assert here.transfers() == [1]
            assert here.taken() == []

    def test_is_no_matter_where_nobody_moves(self, tmp_path: Path) -> None:
        with account(tmp_path) as here:
            here.project("acme")
            here.apply(fleet("pro", "acme"), fleet("pro", "acme", tiers=(FREE_TIER, SMALLER)))
            assert "GET /users/me/organizations" not in here.neon.calls()
            assert here.taken()


class TestNothingIsTaken:
    def test_where_neon_refuses_the_plan_of_the_organization(self, tmp_path: Path) -> None:
        with account(tmp_path) as here:
            here.full(*NAMES)
            here.neon.simulator.faults.add(AnswerWith(406, text=NO_PLAN), "POST", TRANSFER, times=None)
            report = here.apply(fleet("pro", *NAMES), fleet("free", *NAMES))
            assert here.taken() == []
            assert here.transfers() == [1, 29]
            assert set(here.snapshots().values()) == {5}
            assert Result.APPLIED not in results(report).values()

    def test_where_the_limit_that_it_names_is_of_nothing_that_could_make_way(self, tmp_path: Path) -> None:
        count = json.dumps({"limits": [{"name": "projects_count", "expected": "30000", "actual": "30001"}]})
        with account(tmp_path) as here:
            here.full("acme", "birch")
            here.neon.simulator.faults.add(AnswerWith(406, text=count), "POST", TRANSFER, times=None)
            here.apply(fleet("pro", "acme", "birch"), fleet("free", "acme", "birch"))
            assert here.taken() == []

    def test_before_the_move_where_neon_does_not_look_at_what_a_project_holds(self, tmp_path: Path) -> None:
        with account(tmp_path, behaviour=CHECKS_NOTHING) as here:
            here.full(*NAMES[:4])
            before, after = fleet("pro", *NAMES[:4]), fleet("free", *NAMES[:4])
            report = here.apply(before, after)
            assert here.transfers() == [1, 3]
            assert [e.method for e in here.neon.simulator.requests if e.method != "GET"][:2] == ["POST", "POST"]
            assert set(results(report).values()) == {Result.APPLIED}
            assert set(here.snapshots().values()) == {1}
            assert here.plan(before, after, depth=Depth.DEEP).plan.empty

    def test_less_after_a_move_that_a_person_permits_and_no_known_commit_asks_for(self, tmp_path: Path) -> None:
        with account(tmp_path, behaviour=CHECKS_NOTHING) as here:
            here.full(*NAMES[:4])
            files = fleet("free", *NAMES[:4])
            report = here.apply(None, files, permissions=Permissions(lowering=True))
            assert set(results(report).values()) == {Result.APPLIED}, messages(report)
            assert set(here.snapshots().values()) == {1}

    @pytest.mark.drawn(4)
    @pytest.mark.parametrize("deletions", range(5))
    @pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
    def test_in_the_end_less_or_more_by_a_run_that_dies_among_the_deletions_after_a_move(
        self, tmp_path: Path, deletions: int, carried_out: bool
    ) -> None:
        """The next run ends as the first one would have."""
        line = "POST" if deletions == 0 else "DELETE"
        with account(tmp_path, behaviour=CHECKS_NOTHING) as here:
            here.full("acme")
            before, after = fleet("pro", "acme"), fleet("free", "acme")
            here.dying(before, after, line, max(1, deletions), carried_out=carried_out)
            here.neon.run(asyncio.sleep(60))
            report = here.apply(before, after)
            assert set(results(report).values()) == {Result.APPLIED}, messages(report)
            assert here.names("acme") == ["s0"]
            assert here.free() == {"acme"}
            assert here.plan(before, after, depth=Depth.DEEP).plan.empty

    @pytest.mark.parametrize("failing", ["DELETE", "PATCH"])
    def test_of_a_second_tenant_until_the_first_one_has_moved(self, tmp_path: Path, failing: str) -> None:
        """It makes way, and is refused all the same."""
        with account(tmp_path, behaviour=CHECKS_EVERYTHING) as here:
            here.full(*NAMES)
            limits = json.dumps({"limits": [{"name": "subscription_type", "actual": "5 snapshots and history"}]})
            here.neon.simulator.faults.add(AnswerWith(406, text=limits), "POST", TRANSFER, times=None)
            here.apply(fleet("pro", *NAMES), fleet("free", *NAMES))
            assert sorted(here.snapshots().values()) == [1, *[5] * 29]
            assert here.free() == set()
            assert any(call.startswith(failing) for call in here.taken())

    def test_of_many_because_one_of_whom_nothing_was_taken_has_moved(self, tmp_path: Path) -> None:
        limits = json.dumps({"limits": [{"name": "snapshots", "expected": "1", "actual": "5"}]})
        with account(tmp_path, behaviour=CHECKS_CONTENTS) as here:
            here.project("a-first-one")
            here.full(*NAMES[:8])
            here.neon.simulator.faults.add(AnswerWith(406, text=limits), "POST", TRANSFER, first=2, times=None)
            here.apply(fleet("pro", *here.seeds), fleet("free", *here.seeds))
            assert here.free() == {"a-first-one"}
            assert sorted(here.snapshots().values()) == [0, 1, *[5] * 7]

    def test_of_more_than_three_whose_own_calls_fail(self, tmp_path: Path) -> None:
        with account(tmp_path) as here:
            here.full(*NAMES)
            here.neon.simulator.faults.add(
                AnswerWith(400, "not now"), "DELETE", "*/snapshots/*", first=2, times=None
            )
            here.apply(fleet("pro", *NAMES), fleet("free", *NAMES))
            assert sum(5 - left for left in here.snapshots().values()) == 1
            assert here.free() == set()


class TestWhatNeonRefusesForALimit:
    @pytest.mark.parametrize("behaviour", [Behaviour(), CHECKS_EVERYTHING])
    def test_makes_way_first_of_one_tenant_then_of_all(self, tmp_path: Path, behaviour: Behaviour) -> None:
        with account(tmp_path, behaviour=behaviour) as here:
            here.full(*NAMES[:6])
            before, after = fleet("pro", *NAMES[:6]), fleet("free", *NAMES[:6])
            report = here.apply(before, after)
            assert set(results(report).values()) == {Result.APPLIED}, messages(report)
            assert here.free() == set(NAMES[:6])
            assert here.plan(before, after, depth=Depth.DEEP).plan.empty

    def test_takes_snapshots_alone_where_snapshots_alone_are_named(self, tmp_path: Path) -> None:
        with account(tmp_path, behaviour=CHECKS_CONTENTS) as here:
            here.full("acme")
            here.apply(fleet("pro", "acme"), fleet("free", "acme"))
            kinds = [e.line.split("/")[-1] if e.line.endswith("transfer") else e.method for e in _writes(here)]
            assert kinds[:6] == ["transfer", *["DELETE"] * 4, "transfer"]

    @pytest.mark.parametrize(
        ("status", "message", "first"),
        [
            (422, "snapshots limit exceeded, limit:1", "DELETE"),
            (400, "requested history retention seconds exceeds allowed maximum", "PATCH"),
            (412, "suspend interval changing is not allowed for your account", "PATCH"),
        ],
    )
    def test_may_be_named_by_a_message_alone(self, tmp_path: Path, status: int, message: str, first: str) -> None:
        with account(tmp_path, behaviour=CHECKS_NOTHING) as here:
            here.full("acme")
            here.neon.simulator.faults.add(AnswerWith(status, message), "POST", TRANSFER)
            report = here.apply(fleet("pro", "acme"), fleet("free", "acme"))
            assert [exchange.method for exchange in _writes(here)][:2] == ["POST", first]
            assert here.transfers() == [1, 1]
            assert set(results(report).values()) == {Result.APPLIED}, messages(report)

    def test_is_counted_by_the_names_of_limits_and_not_of_organizations(self, tmp_path: Path) -> None:
        limits = json.dumps({"limits": [{"name": "subscription_type", "expected": "branches", "actual": "x"}]})
        organizations = (FREE, PAID, an_organization("branches", FREE_LIMITS))
        tiers = (replace(OLDEST_GIVE_WAY, organization="branches"), PRO_TIER)
        more: dict[str, Any] = {"organizations": organizations, "tiers": tiers}
        with account(tmp_path, *SIMULATED, Organization("branches", simulated_limits(FREE_LIMITS))) as here:
            here.project("acme", branches=[BranchSeed("old", with_compute=False)])
            here.neon.simulator.faults.add(AnswerWith(406, text=limits), "POST", TRANSFER, times=None)
            before = a_fleet(a_tenant("acme", "pro", dev_branches=(DevBranch("old"),)), policy=MANY, **more)
            here.apply(
                before, a_fleet(a_tenant("acme", accept=HISTORY_MAY_GO, dev_branches=()), policy=MANY, **more)
            )
            assert (here.transfers(), here.taken()) == ([1], [])


class TestWhatIsLoweredForAMove:
    ENTERPRISE = Tier(
        "enterprise", "paid", HERE, quota=PRO_QUOTA, compute=Compute(4, 8, 300), restore_window_seconds=7 * DAY
    )
    BARE = Tier("free", "free", HERE, quota=FREE_QUOTA)

    @pytest.mark.parametrize("behaviour", [Behaviour(), CHECKS_NOTHING, CHECKS_EVERYTHING])
    def test_both_ends_of_a_range_of_sizes_go_together(self, tmp_path: Path, behaviour: Behaviour) -> None:
        tiers = (FREE_TIER, PRO_TIER, self.ENTERPRISE)
        with account(tmp_path, behaviour=behaviour) as here:
            here.project("acme", compute=Compute(4, 8, 300))
            before, after = fleet("enterprise", "acme", tiers=tiers), fleet("free", "acme", tiers=tiers)
            report = here.apply(before, after)
            assert set(results(report).values()) == {Result.APPLIED}, messages(report)
            assert here.plan(before, after, depth=Depth.DEEP).plan.empty

    def test_a_size_that_no_file_states_goes_down_whole_and_counts_as_a_restart(self, tmp_path: Path) -> None:
        tiers = (self.BARE, self.ENTERPRISE)
        with account(tmp_path, behaviour=CHECKS_EVERYTHING) as here:
            here.project("acme", compute=Compute(4, 8, 300))
            before, after = fleet("enterprise", "acme", tiers=tiers), fleet("free", "acme", tiers=tiers)
            planned = here.plan(before, after)
            (resize,) = [a for a in planned.plan.actions if isinstance(a, PatchEndpoint)]
            assert {(c.path, c.after, c.risk, c.lowering) for c in resize.changes} == {
                ("compute.min_cu", 2, Risk.DISRUPTIVE, True),
                ("compute.max_cu", 2, Risk.DISRUPTIVE, True),
            }
            none = replace(after, policy=Policy(thresholds=Thresholds(disruptive=Threshold(0, 0))))
            assert [r.rule for r in here.plan(before, none).plan.refusals] == [Rule.THRESHOLD]
            assert set(results(here.apply(before, after)).values()) == {Result.APPLIED}

    @pytest.mark.parametrize("behaviour", [CHECKS_NOTHING, CHECKS_EVERYTHING])
    def test_a_read_replica_in_the_way_is_found_when_planning(self, tmp_path: Path, behaviour: Behaviour) -> None:
        with account(tmp_path, behaviour=behaviour) as here:
            here.project("acme")
            here.replica("acme", 8)
            (refusal,) = here.plan(fleet("pro", "acme"), fleet("free", "acme")).plan.refusals
            assert refusal.rule is Rule.ORGANIZATION_LIMIT
            assert "read replica" in refusal.message
            here.apply(fleet("pro", "acme"), fleet("free", "acme"))
            assert here.neon.writes()[1:] == []


class TestADestinationThatAllowsAsMuch:
    def test_asks_no_proof_of_what_it_allows(self, tmp_path: Path) -> None:
        limits = replace(PAID_LIMITS, restore_window_seconds=3 * DAY)
        basic = Tier("basic", "basic", HERE, quota=PRO_QUOTA, compute=PRO_COMPUTE, restore_window_seconds=3 * DAY)
        more: dict[str, Any] = {
            "tiers": (FREE_TIER, PRO_TIER, basic),
            "organizations": (FREE, PAID, an_organization("basic", limits)),
        }
        with account(tmp_path, *SIMULATED, Organization("basic", simulated_limits(limits))) as here:
            here.full("acme")
            before, after = fleet("pro", "acme", **more), fleet("basic", "acme", **more)
            assert here.plan(before, after).plan.refusals == ()
            here.apply(before, after)
            assert here.plan(before, after, depth=Depth.DEEP).plan.empty
            assert here.snapshots() == {"acme": 5}


class TestIntegrations:
    def test_that_neon_names_keep_a_project_where_it_is(self, tmp_path: Path) -> None:
        with account(tmp_path) as here:
            here.project("acme", integrations=["vercel", "datadog"])
            (refusal,) = here.plan(fleet("pro", "acme"), fleet("free", "acme")).plan.refusals
            assert refusal.message == "Neon cannot transfer a project with an integration: vercel"

    def test_of_which_nothing_is_known_are_told_and_move(self, tmp_path: Path) -> None:
        documented = dataclasses.replace(AS_DOCUMENTED, transfer_blocked_by=Integrations.GITHUB_AND_VERCEL)
        with account(tmp_path, behaviour=documented) as here:
            here.project("acme", integrations=["datadog"])
            planned = here.plan(fleet("pro", "acme"), fleet("free", "acme"))
            assert planned.plan.refusals == ()
            assert [note.tenant for note in planned.plan.notes if "datadog" in note.message] == ["acme"]
            here.apply(fleet("pro", "acme"), fleet("free", "acme"))
            assert here.free() == {"acme"}


class TestAnAnswer:
    def test_that_was_lost_is_settled_in_the_journal(self, tmp_path: Path) -> None:
        with account(tmp_path, behaviour=CHECKS_CONTENTS) as here:
            here.project("acme")
            here.project("birch")
            here.neon.simulator.faults.add(DropAfter(), "POST", TRANSFER, first=2)
            here.apply(fleet("pro", "acme", "birch"), fleet("free", "acme", "birch"))
            sent = [line["request_id"] for line in here.journal() if line.get("kind") == "transfer_project"]
            told = [
                (x["result"], x["message"])
                for x in here.journal()
                if x.get("request_id") == sent[1] and x["line"] == "outcome"
            ]
            assert [result for result, _ in told] == ["unknown", "applied"]
            assert told[-1][1] == "live state shows it"

    def test_that_was_lost_and_says_nothing_is_settled_once_the_repeat_finds_it_done(self, tmp_path: Path) -> None:
        with account(tmp_path, behaviour=CHECKS_CONTENTS, latency=Latency(0.1, 0.1)) as here:
            here.project("acme")
            here.neon.simulator.faults.add(CommitLater(0.2), "POST", TRANSFER)
            report = here.apply(fleet("pro", "acme"), fleet("free", "acme"))
            assert set(results(report).values()) == {Result.APPLIED}, messages(report)
            ends = {x["request_id"]: x["result"] for x in here.journal() if x["line"] == "outcome"}
            assert ends["r1-1"] == "applied"

    def test_that_was_lost_before_it_arrived_is_settled_by_the_repeat(self, tmp_path: Path) -> None:
        with account(tmp_path, behaviour=CHECKS_CONTENTS) as here:
            here.project("acme")
            here.neon.simulator.faults.add(DropBefore(), "POST", TRANSFER)
            here.apply(fleet("pro", "acme"), fleet("free", "acme"))
            ends = [(x["request_id"], x["result"]) for x in here.journal() if x["line"] == "outcome"]
            assert ends[:3] == [("r1-1", "unknown"), ("r1-2", "applied"), ("r1-1", "failed")]

    @pytest.mark.parametrize("lost", [False, True])
    def test_that_the_new_key_does_not_see_the_project_yet_is_no_failure(self, tmp_path: Path, lost: bool) -> None:
        slowly = dataclasses.replace(CHECKS_NOTHING, transfer_lag_seconds=8)
        with account(tmp_path, behaviour=slowly) as here:
            here.full("acme", "birch")
            if lost:
                here.neon.simulator.faults.add(DropAfter(), "POST", TRANSFER, times=2)
            before, after = fleet("pro", "acme", "birch"), fleet("free", "acme", "birch")
            report = here.apply(before, after)
            assert set(results(report).values()) == {Result.APPLIED}, messages(report)
            assert here.plan(before, after, depth=Depth.DEEP).plan.empty


class TestALockedProject:
    def test_holds_up_nobody_else_and_follows_once_it_is_free(self, tmp_path: Path) -> None:
        with account(tmp_path, behaviour=SEEN_AT_ONCE) as here:
            for name in NAMES:
                here.project(name)
            held = here.seeds["t11"].project_id
            here.neon.simulator.faults.add(
                AnswerWith(423, "locked"), "POST", TRANSFER, times=30, body_contains=held
            )
            report = here.apply(fleet("pro", *NAMES), fleet("free", *NAMES))
            assert set(results(report).values()) == {Result.APPLIED}, messages(report)
            assert here.last_write_for("t12") < here.last_transfer_of("t11")

    def test_that_stays_locked_fails_alone(self, tmp_path: Path) -> None:
        with account(tmp_path) as here:
            for name in NAMES:
                here.project(name)
            held = here.seeds["t11"].project_id
            here.neon.simulator.faults.add(
                AnswerWith(423, "locked"), "POST", TRANSFER, times=None, body_contains=held
            )
            report = here.apply(fleet("pro", *NAMES), fleet("free", *NAMES))
            assert [name for name, result in results(report).items() if result is not Result.APPLIED] == ["t11"]
            assert here.free() == set(NAMES) - {"t11"}

    def test_is_not_looked_for_for_ever_where_everything_is_locked(self, tmp_path: Path) -> None:
        with account(tmp_path) as here:
            for name in NAMES:
                here.project(name)
            here.neon.simulator.faults.add(AnswerWith(423, "locked"), "POST", TRANSFER, times=None)
            report = here.apply(fleet("pro", *NAMES), fleet("free", *NAMES))
            assert Result.APPLIED not in results(report).values()
            assert here.taken() == []
            assert "run again later" in str([a.hint for o in report.outcomes for a in o.actions])


def _writes(here: Account) -> list[Exchange]:
    return [exchange for exchange in here.neon.simulator.requests if exchange.method != "GET"]

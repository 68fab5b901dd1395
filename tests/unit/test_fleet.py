"""The door for a single tenant, as a platform calls it: few calls, typed answers, nothing left in doubt."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.errors import InvalidInputError, MissingKeyError
from reconciler.fleet import Fleet, Request, RunOptions, read
from reconciler.model.values import replace
from reconciler.neon.transport import ARRIVAL_PAUSE_SECONDS
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.seed import ProjectSeed
from tests.harness.account import API, world
from tests.harness.builders import DAY, FREE_COMPUTE, FREE_QUOTA, HISTORY_MAY_GO, a_branch, a_fleet, a_tenant
from tests.harness.simulated import simulated_compute, simulated_quota

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Converged, TenantJson
    from tests.harness.account import World

T = TypeVar("T")

SIGN_UP: TenantJson = {"tenant": "zoe", "tier": "free"}
PLAINLY = Request()
LOOK = ["GET /projects?search=myapp-zoe"] * 2
TRANSFER = "POST /organizations/ID/projects/transfer"
"""In both organizations: names are unique in neither."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's own code, with an account that nobody else uses."""

    world: World
    folder: Path
    desired: DesiredState = a_fleet(a_tenant("acme"), a_tenant("zoe"))  # noqa: RUF009 - frozen

    def project(self, tenant: str = "zoe", **more: Any) -> str:
        """A project of tier free, as a run of yesterday has left it; its id."""
        seed = ProjectSeed(
            f"myapp-{tenant}",
            quota=simulated_quota(FREE_QUOTA),
            compute=simulated_compute(FREE_COMPUTE),
            restore_window_seconds=DAY,
            annotations=a_branch(f"p-{tenant}").annotations,
            created_at=self.world.simulator.clock.now() - DAY,
        )
        return self.world.simulator.add_project("free", dataclasses.replace(seed, **more)).project_id

    def using(self, use: Callable[[Fleet], Awaitable[T]], **environ: str) -> T:
        """What ``use`` does with the fleet."""

        async def main() -> T:
            known = {**self.world.environ, **environ}
            present = {name: value for name, value in known.items() if value}
            async with Fleet.connect(self.desired, environ=present, host=API.host, via=self.world.via) as fleet:
                return await use(fleet)

        return self.world.run(main())

    def converge(
        self,
        *tenants: str | TenantJson,
        request: Request = PLAINLY,
        single_writer: bool = False,
        **environ: str,
    ) -> Converged:
        """A few tenants."""
        run = RunOptions(id="r1", journal=self.folder / "journal.jsonl", single_writer=single_writer)
        return self.using(lambda fleet: fleet.converge(*tenants, request=request, run=run), **environ)

    def seconds(self) -> float:
        """Simulated time."""
        return self.world.simulator.clock.now()

    def calls(self) -> list[str]:
        """What was asked, with ids left out and searches named; polls of operations aside."""
        asked = [(e.line, e.query.get("search")) for e in self.world.simulator.requests]
        lines = [f"{line}?search={search}" if search else line for line, search in asked]
        short = [re.sub(r"/(?=[a-z-]*\d|org-)[a-z0-9-]+", "/ID", line) for line in lines]
        return [line for line in short if "/operations" not in line]


def refusals(converged: Converged) -> list[str]:
    """The rules that something was refused by."""
    return [refusal.rule.value for refusal in converged.planned.plan.refusals]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """An account that behaves as documented."""
    with world() as neon:
        yield Platform(neon, tmp_path)


SEEN_AT_ONCE = Behaviour(transfer_lag_seconds=0)


@pytest.fixture
def moved_at_once(tmp_path: Path) -> Iterator[Platform]:
    """An account whose keys see a moved project at once: no call is repeated until they do."""
    with world(behaviour=SEEN_AT_ONCE) as neon:
        yield Platform(neon, tmp_path)


@pytest.fixture
def sized(tmp_path: Path) -> Iterator[Platform]:
    """An account whose new computes have the requested size: no call resizes them."""
    with world(behaviour=Behaviour(first_compute_takes_defaults=True)) as neon:
        yield Platform(neon, tmp_path)


class TestSignUp:
    def test_it_takes_five_calls_and_one_wait_for_every_list_to_show_the_project(self, sized: Platform) -> None:
        converged = sized.converge(SIGN_UP)
        assert sized.calls() == [*LOOK, "POST /projects", *LOOK]
        assert [outcome.result for outcome in converged.report.outcomes] == [Result.APPLIED]
        assert 10 <= sized.seconds() - sized.world.simulator.requests[0].at < 12

    def test_a_single_writer_has_the_string_after_three_calls_and_waits_for_nothing(self, sized: Platform) -> None:
        before = sized.seconds()
        converged = sized.converge(SIGN_UP, single_writer=True)
        assert sized.calls() == [*LOOK, "POST /projects"]
        assert sized.seconds() - before < 1
        uri = converged.connections["zoe"].pooled
        assert uri.reveal().startswith("postgresql://neondb_owner:")
        assert uri.reveal() not in f"{uri} {uri!r} {converged!r}"

    def test_a_compute_that_did_not_take_the_size_is_resized_once_its_project_is_ready(
        self, tmp_path: Path
    ) -> None:
        with world() as neon:
            platform = Platform(neon, tmp_path)
            (outcome,) = platform.converge(SIGN_UP).report.outcomes
            assert platform.calls() == [*LOOK, "POST /projects", *LOOK, "PATCH /projects/ID/endpoints/ID"]
            assert outcome.result is Result.APPLIED
            assert platform.converge(SIGN_UP).planned.plan.empty

    def test_the_project_is_what_the_tier_says_and_says_whose_it_is(self, platform: Platform) -> None:
        (outcome,) = platform.converge(SIGN_UP).report.outcomes
        assert outcome.project_id is not None
        project_id = outcome.project_id
        project = platform.world.using(lambda neon: neon.project("free", project_id))
        (branch,) = platform.world.using(lambda neon: neon.branches("free", project_id))
        assert (project.name, project.quota, project.compute) == ("myapp-zoe", FREE_QUOTA, FREE_COMPUTE)
        assert branch.annotations == {
            "managed-by": "neon-reconciler",
            "fleet": "prod",
            "tenant": "zoe",
            "run": "r1",
            "connections": "handed out",
        }

    def test_a_second_time_nothing_is_done(self, sized: Platform) -> None:
        sized.converge(SIGN_UP)
        converged = sized.converge(SIGN_UP)
        assert converged.report.outcomes == ()
        assert converged.connections == {}
        assert sized.world.writes() == ["POST /projects"]

    def test_of_two_at_once_the_first_stays_and_the_second_hands_out_no_string(self, tmp_path: Path) -> None:
        with world(behaviour=Behaviour(list_lag_seconds=8)) as neon:
            platform = Platform(neon, tmp_path)
            first = platform.project(created_at=platform.seconds() - 2)
            converged = platform.converge(SIGN_UP)
            (outcome,) = converged.report.outcomes
            assert (outcome.result, outcome.project_id) == (Result.FAILED, first)
            assert converged.connections == {}
            assert [call.partition(" ")[0] for call in platform.world.writes()] == ["POST", "PATCH", "DELETE"]
            assert platform.converge(SIGN_UP).report.outcomes == ()


class TestUpgrade:
    CALLS = (
        "GET /projects/ID/branches",
        "GET /projects/ID/endpoints",
        TRANSFER,
        "GET /projects/ID",
        "PATCH /projects/ID/endpoints/ID",
        "PATCH /projects/ID",
    )
    PRO: TenantJson = {"tenant": "zoe", "tier": "pro"}  # noqa: RUF012

    def test_it_takes_eight_calls_in_order_and_a_second_or_two(self, moved_at_once: Platform) -> None:
        platform = moved_at_once
        platform.project()
        before = platform.seconds()
        converged = platform.converge(self.PRO)
        assert platform.calls() == [*LOOK, *self.CALLS]
        assert [outcome.result for outcome in converged.report.outcomes] == [Result.APPLIED]
        assert platform.seconds() - before < 3

    def test_where_lists_leave_values_out_the_project_is_read_earlier(self, tmp_path: Path) -> None:
        with world(
            behaviour=dataclasses.replace(SEEN_AT_ONCE, list_shows_quota=False, list_zero_compute=True)
        ) as neon:
            platform = Platform(neon, tmp_path)
            platform.project()
            platform.converge(self.PRO)
            assert platform.calls() == [*LOOK, "GET /projects/ID", *self.CALLS]

    def test_before_the_key_sees_the_project_nothing_is_written(self, tmp_path: Path) -> None:
        with world(behaviour=Behaviour(transfer_lag_seconds=5)) as neon:
            platform = Platform(neon, tmp_path)
            platform.project()
            before = platform.seconds()
            converged = platform.converge(self.PRO)
            moved, asked = platform.calls().index(TRANSFER) + 1, platform.calls().count("GET /projects/ID")
            assert asked > 1
            assert platform.calls()[moved : moved + asked] == ["GET /projects/ID"] * asked
            assert len(platform.calls()) == len((*LOOK, *self.CALLS)) + asked - 1
            assert [outcome.result for outcome in converged.report.outcomes] == [Result.APPLIED]
            assert 5 < platform.seconds() - before < 5 + ARRIVAL_PAUSE_SECONDS + 3

    def test_a_pinned_project_is_read_where_it_is(self, moved_at_once: Platform) -> None:
        platform = moved_at_once
        project_id = platform.project(name="of long ago")
        platform.converge({**self.PRO, "project_id": project_id})
        assert platform.calls() == ["GET /projects/ID", "GET /projects/ID", *self.CALLS]
        assert platform.world.simulator.requests[0].status == 403

    def test_without_the_personal_key_nothing_is_written(self, platform: Platform) -> None:
        platform.project()
        with pytest.raises(MissingKeyError, match="PERSONAL_API_KEY"):
            platform.converge(self.PRO, PERSONAL_API_KEY="")
        assert platform.world.writes() == []

    def test_a_downgrade_by_name_goes_ahead_where_a_commit_asks_for_it(self, platform: Platform) -> None:
        platform.project()
        desired = a_fleet(a_tenant("zoe", accept=HISTORY_MAY_GO))
        platform = dataclasses.replace(platform, desired=desired)
        platform.converge(self.PRO)
        assert refusals(platform.converge("zoe")) == ["lowering-needs-a-cause"]
        done = platform.converge("zoe", request=Request(base=a_fleet(a_tenant("zoe", "pro"))))
        assert [outcome.result for outcome in done.report.outcomes] == [Result.APPLIED]

    @pytest.mark.parametrize("base", [None, a_fleet(), a_fleet(a_tenant("zoe", "pro"))])
    def test_a_document_is_no_commit_so_a_downgrade_by_it_needs_a_permission(
        self, platform: Platform, base: DesiredState | None
    ) -> None:
        platform.project()
        platform.converge(self.PRO)
        down: TenantJson = {**SIGN_UP, "accept": {"history_loss": True}}
        refused = platform.converge(down, request=Request(base=base))
        assert refused.report.outcomes == ()
        assert refusals(refused) == ["lowering-needs-a-cause"]
        permitted = Request(base=base, permissions=Permissions(lowering=True))
        done = platform.converge(down, request=permitted)
        assert [outcome.result for outcome in done.report.outcomes] == [Result.APPLIED]


class TestWhatIsHandedOver:
    def test_a_declared_tenant_by_name_beside_a_document(self, platform: Platform) -> None:
        converged = platform.converge("acme", {"tenant": "newcomer", "tier": "pro"}, single_writer=True)
        assert sorted(converged.connections) == ["acme", "newcomer"]
        assert platform.calls().count("POST /projects") == 2
        assert "zoe" not in str(platform.calls())

    def test_a_document_stands_in_the_place_of_the_file(self, platform: Platform) -> None:
        converged = platform.converge({"tenant": "acme", "tier": "pro"}, single_writer=True)
        (create,) = converged.planned.plan.actions
        assert create.reason == "tier pro, no live project"

    def test_protect_in_the_file_stays_in_force(self, platform: Platform) -> None:
        guarded = dataclasses.replace(platform, desired=a_fleet(a_tenant("zoe", "pro", protect=True)))
        guarded.converge({"tenant": "zoe", "tier": "pro"})
        refused = guarded.converge(SIGN_UP, request=Request(permissions=Permissions(lowering=True)))
        assert refused.report.outcomes == ()
        assert refusals(refused) == ["protected"]

    def test_the_project_that_the_file_pins_stays_the_tenants(self, platform: Platform) -> None:
        project_id = platform.project(name="of long ago")
        pinned = dataclasses.replace(platform, desired=a_fleet(a_tenant("zoe", project_id=project_id)))
        (outcome,) = pinned.converge({"tenant": "zoe", "tier": "pro"}).report.outcomes
        assert (outcome.result, outcome.project_id) == (Result.APPLIED, project_id)

    def test_another_project_than_the_file_pins_is_a_mistake(self, platform: Platform) -> None:
        pinned = dataclasses.replace(platform, desired=a_fleet(a_tenant("zoe", project_id="cool-river-12345678")))
        with pytest.raises(InvalidInputError, match=r"warm-lake-87654321.*cool-river-12345678.*zoe\.yaml"):
            pinned.converge({**SIGN_UP, "project_id": "warm-lake-87654321"})
        assert platform.calls() == []

    def test_nothing_is_done_to_a_tenant_whose_own_file_is_broken(self, platform: Platform) -> None:
        broken = dataclasses.replace(platform, desired=a_fleet(held_back=frozenset({"zoe"})))
        with pytest.raises(InvalidInputError, match="broken"):
            broken.converge(SIGN_UP)
        assert platform.calls() == []

    def test_a_project_that_another_tenant_pins_is_not_taken_by_its_name(self, platform: Platform) -> None:
        project_id = platform.project("newcomer")
        pinned = dataclasses.replace(platform, desired=a_fleet(a_tenant("acme", project_id=project_id)))
        converged = pinned.converge({"tenant": "newcomer", "tier": "pro"}, single_writer=True)
        assert platform.world.writes() == []
        (conflict,) = [each for each in converged.planned.plan.conflicts if each.tenant == "newcomer"]
        assert f"project {project_id} would belong to this tenant and also to 'acme'" in conflict.message

    def test_a_name_that_no_file_declares(self, platform: Platform) -> None:
        with pytest.raises(InvalidInputError, match="'nobody'"):
            platform.converge("acme", "nobody")
        assert platform.calls() == []

    @pytest.mark.parametrize(
        ("document", "words"),
        [
            ({"tenant": "zoe", "tier": "gold"}, "gold"),
            ({"tenant": "zoe"}, "tier"),
            ({"tier": "free"}, "tenant"),
            ({"tenant": "zoe", "tier": "free", "quotas": {}}, "quotas"),
            ({"tenant": "zoe", "tier": "free", "overrides": {"compute": {"max_cu": 99}}}, "max_cu"),
            ({}, "document"),
        ],
    )
    def test_a_document_that_is_not_valid(self, platform: Platform, document: TenantJson, words: str) -> None:
        with pytest.raises(InvalidInputError, match=words):
            platform.converge(document)
        assert platform.calls() == []


def test_a_few_selected_tenants_are_looked_up_and_more_are_listed(platform: Platform) -> None:
    many = [a_tenant(f"t{number:02}") for number in range(Reach().few_tenants + 1)]
    crowd = Platform(platform.world, platform.folder, a_fleet(*many))
    crowd.project("t00")
    few = Request(selection=Selection(exclude=("t50",)), mention_deleted=False)
    crowd.using(lambda fleet: fleet.plan(few))
    assert all("?search=" in call for call in crowd.calls() if call.startswith("GET /projects?"))
    assert "GET /projects" not in crowd.calls()
    crowd.using(lambda fleet: fleet.plan(Request(selection=Selection(tenants=("t*",)))))
    assert "GET /projects" in crowd.calls()


@pytest.mark.parametrize(("changed", "listed"), [(2, False), (3, True)])
def test_changed_tenants_are_looked_up_or_listed_by_what_takes_fewer_calls(
    platform: Platform, changed: int, listed: bool
) -> None:
    names = [f"t{number:02}" for number in range(40)]
    crowd = Platform(platform.world, platform.folder, a_fleet(*map(a_tenant, names)))
    crowd.project("t00")
    selection = Selection(changed=frozenset(names[:changed]))
    crowd.using(lambda fleet: fleet.plan(Request(selection=selection, mention_deleted=False)))
    assert ("GET /projects" in crowd.calls()) is listed


def test_a_platform_that_converges_several_tenants_never_lists_the_account(platform: Platform) -> None:
    names = [f"t{number:02}" for number in range(5)]
    crowd = Platform(platform.world, platform.folder, a_fleet(*map(a_tenant, names)))
    for name in names:
        crowd.project(name)
    crowd.converge(*names)
    assert "GET /projects" not in crowd.calls(), "it may hold many more projects than the few documents tell"


def test_two_tenants_at_once_share_nothing_but_the_account(platform: Platform) -> None:
    async def both(fleet: Fleet) -> tuple[Converged, Converged]:
        runs = [RunOptions(journal=platform.folder / f"{name}.jsonl", single_writer=True) for name in ("a", "b")]
        return await asyncio.gather(fleet.converge("acme", run=runs[0]), fleet.converge("zoe", run=runs[1]))

    acme, zoe = platform.using(both)
    assert (list(acme.connections), list(zoe.connections)) == (["acme"], ["zoe"])


def test_reading_a_folder_says_what_is_wrong_with_its_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"tiers\.yaml"):
        read(tmp_path)


class TestATenantThatHadAProject:
    """No door hands out an empty database in the place of one that somebody renamed or moved."""

    base = a_fleet(a_tenant("acme"), a_tenant("zoe"))
    known = Request(base=base)

    @pytest.mark.parametrize("by", ["zoe", SIGN_UP], ids=["name", "document"])
    def test_is_found_by_its_annotation(self, platform: Platform, by: str | TenantJson) -> None:
        renamed = platform.project(name="Zoe production")
        platform.project("acme")
        converged = platform.converge(by, request=self.known)
        assert converged.connections == {}
        (done,) = converged.report.outcomes
        assert [(one.action.kind, one.result, done.project_id) for one in done.actions] == [
            ("patch_project", Result.APPLIED, renamed)
        ]
        assert not any(name.endswith("/p-acme/branches") for name in platform.calls())

    @pytest.mark.parametrize("by", ["zoe", SIGN_UP], ids=["name", "document"])
    def test_gets_no_other_one_where_its_own_is_nowhere(self, platform: Platform, by: str | TenantJson) -> None:
        converged = platform.converge(by, request=self.known)
        assert refusals(converged) == ["missing-project"]
        assert converged.connections == {}
        assert "POST /projects" not in platform.calls()

    def test_is_upgraded_where_only_what_changed_is_looked_at(self, platform: Platform) -> None:
        renamed = platform.project(name="Zoe production")
        upgraded = dataclasses.replace(platform, desired=a_fleet(a_tenant("acme"), a_tenant("zoe", "pro")))
        request = Request(base=self.base, selection=Selection(changed=frozenset({"zoe"})))
        planned = upgraded.using(lambda fleet: fleet.plan(request))
        assert [tenant.project.id for tenant in planned.plan.tenants if tenant.project] == [renamed]

    def test_whose_revision_was_applied_is_one_too(self, platform: Platform) -> None:
        async def main() -> Converged:
            async with Fleet.connect(
                platform.desired,
                environ=platform.world.environ,
                host=API.host,
                via=platform.world.via,
                applied={"zoe": 3},
            ) as fleet:
                run = RunOptions(id="r1", journal=platform.folder / "journal.jsonl")
                return await fleet.converge({**SIGN_UP, "revision": 4}, run=run)

        assert refusals(platform.world.run(main())) == ["missing-project"]

    def test_gets_a_new_one_where_a_person_says_so(self, platform: Platform) -> None:
        permitted = replace(self.known, permissions=Permissions(counts={"creates": 1}))
        assert list(platform.converge("zoe", request=permitted).connections) == ["zoe"]

    def test_a_project_with_another_tenants_name_is_asked_only_at_depth_deep(self, platform: Platform) -> None:
        astray = platform.project(name="myapp-acme")
        assert refusals(platform.converge("zoe", request=self.known)) == ["missing-project"]
        converged = platform.converge("zoe", request=replace(self.known, depth=Depth.DEEP))
        (conflict,) = converged.planned.plan.conflicts
        assert astray in conflict.message

    def test_among_very_many_strangers_it_is_asked_for_at_depth_deep(self, platform: Platform) -> None:
        for number in range(Reach().unowned_reads):
            platform.world.simulator.add_project("paid", ProjectSeed(f"shop {number}"))
        renamed = platform.project(name="Zoe production")
        held = platform.converge("zoe", request=self.known)
        assert refusals(held) == ["missing-project"]
        assert any("0 of 201 live projects were read" in note.message for note in held.planned.plan.notes)
        found = platform.converge("zoe", request=replace(self.known, depth=Depth.DEEP))
        assert [outcome.project_id for outcome in found.report.outcomes] == [renamed]

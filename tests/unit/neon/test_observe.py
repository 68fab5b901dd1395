"""Observation: complete views, few calls, and never "absent" where it is only unread."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.naming import Naming
from reconciler.desired.selection import Depth
from reconciler.errors import AuthenticationError, IncompleteViewError, WrongOrganizationError
from reconciler.live.project import Needs
from reconciler.live.registered import Registered
from reconciler.live.state import UnknownProject
from reconciler.model.compute import Compute
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.neon.observe import find_named, look_up, observe
from reconciler.neon.project_reader import TOO_MANY_UNREADABLE, ProjectReader
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Rule
from tests.harness.builders import FREE_TIER, PRO_TIER, a_fleet, a_tenant, guarded_plan, make_plan
from tests.harness.scripted_api import (
    FREE_ID,
    PAID_ID,
    Asked,
    Reply,
    ScriptedApi,
    branch,
    endpoint,
    project,
    snapshot,
    using,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.neon.client import Neon

ALL = PlanRequirements()
KEYS = {"napi_free_secret": FREE_ID, "napi_paid_secret": PAID_ID}
IDS = {"free": FREE_ID, "paid": PAID_ID}
NOT_FOUND = Reply(404, {"code": "", "message": "not found"})


def settled(id_: str, name: str, organization: str = "free", **more: Any) -> dict[str, Any]:
    """A project that says everything, as tier free wants it."""
    sizes = {"autoscaling_limit_min_cu": 0.25, "autoscaling_limit_max_cu": 2, "suspend_timeout_seconds": 300}
    quota = {
        "active_time_seconds": 360_000,
        "logical_size_bytes": 536_870_912,
        "data_transfer_bytes": 5_368_709_120,
    }
    stated = {
        "default_endpoint_settings": sizes,
        "settings": {"quota": quota},
        "history_retention_seconds": 86_400,
    }
    return project(id_, name, **{"org_id": IDS[organization], **stated, **more})


class Fleet(ScriptedApi):
    """Projects by id, with what their list entries say differently, and ids that the list does not show."""

    def __init__(self, *projects: dict[str, Any], unavailable: dict[str, list[str]] | None = None) -> None:
        super().__init__(self.answer)
        self.projects = {one["id"]: one for one in projects}
        self.in_lists: dict[str, dict[str, Any]] = {}
        self.also_listed: list[tuple[str, dict[str, Any]]] = []
        self.broken: set[str] = set()
        self.foreign = NOT_FOUND
        """The answer about a project of another organization."""
        self.unavailable = unavailable or {}

    def answer(self, asked: Asked) -> Reply:
        organization = KEYS[asked.headers["authorization"].removeprefix("Bearer ")]
        _, _, project_id, *below = [*asked.path.split("/"), ""]
        if asked.path == "/projects":
            return self.page(organization, asked.query)
        if project_id in self.broken:
            return Reply(500)
        found = self.projects.get(project_id)
        if found is None:
            return NOT_FOUND
        if found["org_id"] != organization:
            return self.foreign
        return Reply(body=self.detail(found, below[0]))

    def page(self, organization: str, query: dict[str, str]) -> Reply:
        listed = [*self.projects.values()]
        entries = [self.in_lists.get(one["id"], one) for one in listed if one["org_id"] == organization]
        entries += [one for place, one in self.also_listed if place == organization]
        hidden = self.unavailable.get(organization, [])
        matching = [one for one in entries if query.get("search", "") in one["name"] and one["id"] not in hidden]
        start = int(query.get("cursor", 0))
        part = matching[start : start + int(query["limit"])]
        more = {"pagination": {"cursor": str(start + len(part))}} if part else {}
        return Reply(body={"projects": part, **more, **({} if start else {"unavailable_project_ids": hidden})})

    def detail(self, found: dict[str, Any], below: str) -> dict[str, Any]:
        branch_id = f"br-{found['id']}"
        details: dict[str, dict[str, Any]] = {
            "": {"project": found},
            "branches": {"branches": [branch(branch_id)], "annotations": {}},
            "endpoints": {"endpoints": [endpoint(f"ep-{found['id']}", branch_id)]},
            "snapshots": {"snapshots": [snapshot(f"snap-{found['id']}", "v1", branch_id)]},
        }
        return details[below]

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


def seen(fleet: Fleet, desired: DesiredState, needs: PlanRequirements = ALL, **how: Any) -> LiveState:
    return using(fleet, lambda neon: observe(neon, desired, needs, **how))


def looked_up(
    fleet: Fleet, desired: DesiredState, *tenants: str, needs: PlanRequirements = ALL, **given: Any
) -> LiveState:
    return using(fleet, lambda neon: look_up(neon, desired, tenants or tuple(desired.tenants), needs, **given))


def test_the_organizations_are_listed_and_the_projects_come_in_order() -> None:
    fleet = Fleet(settled("2", "b"), settled("3", "a", "paid"), settled("1", "b"), settled("4", "a"))
    live = seen(fleet, a_fleet())
    assert [(one.organization, one.name, one.id) for one in live.projects] == [
        ("free", "a", "4"),
        ("free", "b", "1"),
        ("free", "b", "2"),
        ("paid", "a", "3"),
    ]
    assert live.listed == {"free": 3, "paid": 1}
    assert set(fleet.paths) == {"/projects"}


def test_an_unavailable_project_is_read_alone() -> None:
    fleet = Fleet(settled("1", "a"), settled("2", "b"), unavailable={FREE_ID: ["2", "gone"]})
    live = seen(fleet, a_fleet())
    assert [one.id for one in live.projects] == ["1", "2"]
    assert live.unknown == ()


def test_an_unavailable_project_that_cannot_be_read_stays_unknown() -> None:
    fleet = Fleet(settled("1", "a"), unavailable={FREE_ID: ["x"]})
    fleet.broken = {"x"}
    live = seen(fleet, a_fleet())
    assert live.unknown == (UnknownProject("x", "free"),)
    assert live.listed["free"] == 2


def test_an_unavailable_project_that_has_moved_meanwhile_is_found_where_it_is() -> None:
    fleet = Fleet(settled("2", "b", "paid"), unavailable={FREE_ID: ["2"], PAID_ID: ["2"]})
    live = seen(fleet, a_fleet())
    assert [(one.id, one.organization) for one in live.projects] == [("2", "paid")]


def test_an_unavailable_project_that_another_list_shows_is_not_read_again() -> None:
    fleet = Fleet(settled("2", "b", "paid"), unavailable={FREE_ID: ["2"]})
    assert [one.id for one in seen(fleet, a_fleet()).projects] == ["2"]
    assert set(fleet.paths) == {"/projects"}


@pytest.mark.parametrize("home", ["free", "paid"])
def test_a_project_in_both_lists_is_moving_and_read_once_more(home: str) -> None:
    fleet = Fleet(settled("1", "a", home))
    other = "paid" if home == "free" else "free"
    fleet.also_listed = [(IDS[other], settled("1", "a", other))]
    live = seen(fleet, a_fleet())
    assert [(one.id, one.organization) for one in live.projects] == [("1", home)]
    assert live.listed == {home: 1, other: 0}


def test_a_moving_project_that_is_nowhere_in_the_end_is_gone() -> None:
    fleet = Fleet()
    fleet.also_listed = [(FREE_ID, settled("1", "a")), (PAID_ID, settled("1", "a", "paid"))]
    assert seen(fleet, a_fleet()).projects == ()


def test_very_many_unreadable_projects_stop_the_run() -> None:
    ids = [f"x{n}" for n in range(TOO_MANY_UNREADABLE + 1)]
    fleet = Fleet(unavailable={FREE_ID: ids})
    fleet.broken = set(ids)
    with pytest.raises(IncompleteViewError, match="more than 100 projects cannot be read"):
        seen(fleet, a_fleet())


def many(count: int, **how: Any) -> list[Any]:
    return [a_tenant(f"t{n:03}", **how) for n in range(count)]


def test_no_live_project_at_all_where_many_are_declared_means_a_wrong_key() -> None:
    assert seen(Fleet(), a_fleet(*many(49))).projects == ()
    assert seen(Fleet(), a_fleet(*many(60, absent=True))).projects == ()
    with pytest.raises(
        WrongOrganizationError, match="returned no projects of organization free, and 50 of its tenants"
    ):
        seen(Fleet(), a_fleet(*many(50)))
    assert seen(Fleet(), a_fleet(*many(50)), expect_empty=True).projects == ()


def test_an_empty_organization_whose_tenants_are_all_still_elsewhere_is_believed() -> None:
    fleet = Fleet(*(settled(f"p{n}", f"myapp-t{n:03}") for n in range(60)))
    assert len(seen(fleet, a_fleet(*many(60, tier="pro")), PlanRequirements(depth=Depth.LIST)).projects) == 60


def test_an_empty_organization_beside_a_full_one_is_not_believed() -> None:
    with pytest.raises(WrongOrganizationError, match="organization paid"):
        seen(Fleet(settled("1", "a")), a_fleet(*many(50, tier="pro")))


def test_what_the_list_leaves_out_is_read_from_the_project_itself() -> None:
    fleet = Fleet(settled("1", "myapp-acme"))
    fleet.in_lists = {"1": project("1", "myapp-acme")}
    (found,) = seen(fleet, a_fleet(a_tenant())).projects
    assert found.quota == Quota(360_000, 0, 0, 5_368_709_120, 536_870_912)
    assert found.compute == Compute(0.25, 2, 300)
    assert fleet.paths.count("/projects/1") == 1


def without_quota(listed: dict[str, Any]) -> dict[str, Any]:
    return {**listed, "settings": {}}


def test_quotas_are_read_one_by_one_where_lists_show_none() -> None:
    fleet = Fleet(settled("1", "myapp-acme"))
    fleet.in_lists = {"1": without_quota(settled("1", "myapp-acme"))}
    (found,) = seen(fleet, a_fleet(a_tenant())).projects
    assert found.quota == Quota(360_000, 0, 0, 5_368_709_120, 536_870_912)


def test_a_quota_that_is_left_out_of_a_list_that_shows_others_is_unlimited() -> None:
    unlimited = without_quota(settled("2", "myapp-unlimited", "paid"))
    fleet = Fleet(settled("1", "myapp-acme"), unlimited)
    tiers = (FREE_TIER, replace(PRO_TIER, quota=Quota()))
    live = seen(fleet, a_fleet(a_tenant(), a_tenant("unlimited", "pro"), tiers=tiers))
    assert [one.quota for one in live.projects if one.id == "2"] == [Quota()]
    assert "/projects/2" not in fleet.paths


def test_details_are_read_once_and_keep_what_only_the_list_tells() -> None:
    class Connected(Fleet):
        def page(self, organization: str, query: dict[str, str]) -> Reply:
            reply = super().page(organization, query)
            return dataclasses.replace(reply, body={**reply.body, "integrations": {"1": ["github"]}})

    fleet = Connected(settled("1", "myapp-acme"))
    fleet.in_lists = {"1": project("1", "myapp-acme")}
    (found,) = seen(fleet, a_fleet(a_tenant())).projects
    assert found.integrations == ("github",)
    assert found.branches is not None
    assert found.endpoints is not None
    details = [path for path in fleet.paths if path != "/projects"]
    assert sorted(details) == ["/projects/1", "/projects/1/branches", "/projects/1/endpoints"]


def test_a_project_that_shows_no_settings_is_unknown_and_is_read_once() -> None:
    fleet = Fleet(project("1", "myapp-acme"))
    live = seen(fleet, a_fleet(a_tenant()))
    assert live.projects == ()
    assert live.unknown == (UnknownProject("1", "free", "myapp-acme"),)
    assert fleet.paths.count("/projects/1") == 1


def test_a_project_whose_quota_no_answer_shows_is_unknown() -> None:
    """A missing quota means unlimited only in an answer that shows the other settings."""
    fleet = Fleet({name: value for name, value in settled("1", "myapp-acme").items() if name != "settings"})
    fleet.in_lists = {"1": without_quota(settled("1", "myapp-acme"))}
    live = seen(fleet, a_fleet(a_tenant()))
    assert live.projects == ()
    assert live.unknown == (UnknownProject("1", "free", "myapp-acme"),)


def test_a_project_whose_details_cannot_be_read_is_unknown() -> None:
    fleet = Fleet(settled("1", "myapp-acme"), settled("2", "myapp-bcme"))
    fleet.broken = {"1"}
    live = seen(fleet, a_fleet(a_tenant(), a_tenant("bcme")))
    assert [one.id for one in live.projects] == ["2"]
    assert live.unknown == (UnknownProject("1", "free", "myapp-acme"),)


def test_a_moving_project_that_cannot_be_read_is_unknown_by_the_name_that_was_listed() -> None:
    fleet = Fleet(settled("1", "a"))
    fleet.also_listed = [(PAID_ID, settled("1", "a", "paid"))]
    fleet.broken = {"1"}
    assert seen(fleet, a_fleet()).unknown == (UnknownProject("1", "paid", "a"),)


def test_a_project_that_is_neither_where_it_was_nor_readable_elsewhere_keeps_its_name() -> None:
    class Flickering(Fleet):
        def answer(self, asked: Asked) -> Reply:
            if asked.path == "/projects":
                return super().answer(asked)
            return Reply(500) if asked.path == "/projects/1" else NOT_FOUND

    fleet = Flickering(settled("1", "myapp-acme"))
    assert seen(fleet, a_fleet(a_tenant())).unknown == (UnknownProject("1", "free", "myapp-acme"),)


def needing(need: Needs, live: LiveState) -> Needs:
    return need if live.project("1") else Needs()


def closer(fleet: Fleet, *rounds: Needs) -> LiveState:
    """A look at the whole fleet, then at these details, each round as often as it is asked for."""

    async def work(neon: Neon) -> LiveState:
        reader = ProjectReader(neon, ("free", "paid"))
        live = await reader.merge((await neon.projects("free")).projects, ())
        for need in rounds:
            live = await reader.with_details(live, partial(needing, need), lambda _done, _total: None)
        return live

    return using(fleet, work)


def test_snapshots_are_read_where_they_are_needed_and_only_once() -> None:
    fleet = Fleet(settled("1", "a"), settled("2", "b"))
    first, second = closer(fleet, Needs(snapshots=("1",)), Needs(projects=("1",), snapshots=("1",))).projects
    assert [one.name for one in first.snapshots or ()] == ["v1"]
    assert (first.branches, second.snapshots) == (None, None)
    assert fleet.paths == ["/projects", "/projects", "/projects/1/snapshots", "/projects/1"]


def test_a_project_whose_snapshots_cannot_be_read_is_unknown() -> None:
    class Broken(Fleet):
        def answer(self, asked: Asked) -> Reply:
            return Reply(500) if asked.path.endswith("/snapshots") else super().answer(asked)

    live = closer(Broken(settled("1", "a")), Needs(snapshots=("1",)))
    assert (live.projects, live.unknown) == ((), (UnknownProject("1", "free", "a"),))


def test_a_project_that_moves_while_its_snapshots_are_read_is_asked_for_them_where_it_is() -> None:
    fleet = Fleet(settled("1", "a", "paid"))
    fleet.also_listed = [(FREE_ID, settled("1", "a"))]
    (found,) = closer(fleet, Needs(snapshots=("1",))).projects
    assert (found.organization, found.snapshots is not None) == ("paid", True)


def test_a_project_that_vanishes_while_it_is_looked_at_is_dropped() -> None:
    fleet = Fleet()
    fleet.also_listed = [(FREE_ID, settled("1", "myapp-acme"))]
    live = seen(fleet, a_fleet(a_tenant()))
    assert (live.projects, live.unknown) == ((), ())


def test_a_project_whose_details_are_not_there_although_it_is_holds_back_its_tenant() -> None:
    """It may be somebody else's: what would tell was not to be seen."""

    class Hidden(Fleet):
        def answer(self, asked: Asked) -> Reply:
            return NOT_FOUND if asked.path.endswith("/branches") else super().answer(asked)

    fleet, desired = Hidden(settled("1", "myapp-acme", history_retention_seconds=3600)), a_fleet(a_tenant())
    live = seen(fleet, desired)
    assert (live.projects, live.unknown) == ((), (UnknownProject("1", "free", "myapp-acme"),))
    permitted = guarded_plan(desired, live)
    assert (permitted.tenants, [refusal.rule for refusal in permitted.refusals]) == ((), [Rule.INCOMPLETE_VIEW])


def test_a_project_that_moves_while_it_is_looked_at_is_followed() -> None:
    fleet = Fleet(settled("1", "myapp-acme", "paid"))
    fleet.in_lists = {"1": settled("9", "something-else", "paid")}
    fleet.also_listed = [(FREE_ID, settled("1", "myapp-acme"))]
    found = seen(fleet, a_fleet(a_tenant())).project("1")
    assert found is not None
    assert (found.organization, found.endpoints is not None) == ("paid", True)


def test_a_wrong_key_stops_everything() -> None:
    class Denying(Fleet):
        def answer(self, asked: Asked) -> Reply:
            denied = "paid" in asked.headers["authorization"]
            return Reply(401, {"code": "", "message": "unknown key"}) if denied else super().answer(asked)

    with pytest.raises(AuthenticationError):
        seen(Denying(settled("1", "a")), a_fleet())


def test_a_key_that_is_withdrawn_during_the_run_stops_everything() -> None:
    class Withdrawn(Fleet):
        def answer(self, asked: Asked) -> Reply:
            denied = asked.path != "/projects"
            return Reply(401, {"code": "", "message": "unknown key"}) if denied else super().answer(asked)

    with pytest.raises(AuthenticationError):
        seen(Withdrawn(settled("1", "myapp-acme")), a_fleet(a_tenant()))


def test_progress_is_told_for_listing_and_details() -> None:
    told: list[tuple[int, int | None, str]] = []
    fleet = Fleet(settled("1", "myapp-acme"), settled("2", "myapp-bcme", "paid"))
    desired = a_fleet(a_tenant(), a_tenant("bcme"))
    seen(fleet, desired, on_progress=lambda done, total, what: told.append((done, total, what)))
    assert (1, 2, "projects listed") in told, "two are declared"
    assert (2, 2, "projects listed") in told
    assert told[-1] == (2, 2, "projects read")


@pytest.mark.parametrize(
    ("rows", "declared", "total"), [(2, 1, 2), (0, 2, 2), (0, 1, None)], ids=["rows", "files", "more"]
)
def test_while_a_list_is_read_its_length_is_estimated(rows: int, declared: int, total: int | None) -> None:
    told: list[tuple[int, int | None, str]] = []
    known = {f"t{n}": Registered(str(n), "free", "run", datetime(2026, 11, 1, tzinfo=UTC)) for n in range(rows)}
    fleet = Fleet(settled("0", "myapp-t0"), settled("1", "myapp-t1", "paid"))
    seen(
        fleet,
        a_fleet(*(a_tenant(f"t{number}") for number in range(declared)), a_tenant("gone", absent=True)),
        registered=known,
        on_progress=lambda done, total, what: told.append((done, total, what)),
    )
    assert [of for done, of, what in told if (done, what) == (1, "projects listed")] == [total]


def test_progress_of_many_reads_says_what_is_read_and_why() -> None:
    told = []
    names = [f"t{number:03}" for number in range(100)]
    fleet = Fleet(*(settled(str(number), f"myapp-{name}") for number, name in enumerate(names)))
    desired = a_fleet(*(a_tenant(name, tier="pro") for name in names))
    seen(fleet, desired, on_progress=lambda done, total, what: told.append((done, total, what)))
    assert told[-1][:2] == (100, 100)
    assert told[-1][2].startswith(
        "reading branches of 100 projects moving to another organization, computes of 100 projects with "
    )


def test_looking_up_a_new_tenant_takes_one_search_per_organization() -> None:
    fleet = Fleet(settled("9", "myapp-acme-2"))
    fleet.projects.clear()
    live = looked_up(fleet, a_fleet(a_tenant()))
    assert (live.projects, live.listed) == ((), {})
    assert [asked.query["search"] for asked in fleet.asked] == ["myapp-acme"] * 2


def test_looking_up_a_live_tenant_takes_four_calls_with_its_details() -> None:
    fleet = Fleet(settled("1", "myapp-acme"), settled("2", "myapp-other"))
    (found,) = looked_up(fleet, a_fleet(a_tenant(), a_tenant("other")), "acme").projects
    assert (found.id, found.endpoints is not None) == ("1", True)
    assert len(fleet.asked) == 4


def test_looking_up_searches_for_earlier_names_too() -> None:
    naming = Naming("myapp-{tenant}", previous=("old-{tenant}",))
    live = looked_up(Fleet(settled("1", "old-acme")), a_fleet(a_tenant(), naming=naming))
    assert [one.id for one in live.projects] == ["1"]


def test_looking_up_by_a_pattern_with_a_tier_takes_one_search_per_organization() -> None:
    naming = Naming("myapp-{tenant}-{tier}")
    fleet = Fleet(settled("1", "myapp-acme-pro", "paid"))
    live = looked_up(fleet, a_fleet(a_tenant(), naming=naming))
    assert [one.id for one in live.projects] == ["1"]
    searches = [asked.query["search"] for asked in fleet.asked if "search" in asked.query]
    assert searches == ["myapp-acme-"] * 2


def test_looking_up_finds_both_of_two_projects_for_one_tenant() -> None:
    fleet = Fleet(settled("1", "myapp-acme"), settled("2", "myapp-acme", "paid"))
    assert [one.id for one in looked_up(fleet, a_fleet(a_tenant())).projects] == ["1", "2"]


@pytest.mark.parametrize("home", ["free", "paid"])
def test_looking_up_a_pinned_tenant_reads_its_id_wherever_it_is(home: str) -> None:
    fleet = Fleet(settled("1", "any name", home))
    tier = replace(FREE_TIER, compute=None)
    (found,) = looked_up(fleet, a_fleet(a_tenant(project_id="1"), tiers=(tier,))).projects
    assert (found.id, found.organization) == ("1", home)
    assert fleet.paths.count("/projects/1") == (1 if home == "free" else 2)


def test_looking_up_a_pinned_id_that_is_gone_finds_nothing_and_one_that_is_broken_is_unknown() -> None:
    fleet = Fleet()
    assert looked_up(fleet, a_fleet(a_tenant(project_id="1"))).projects == ()
    fleet.broken = {"1"}
    assert looked_up(fleet, a_fleet(a_tenant(project_id="1"))).unknown == (UnknownProject("1", "free"),)


class AllSeeing(Fleet):
    """The keys are a person's: a read by id shows a project wherever it is."""

    def answer(self, asked: Asked) -> Reply:
        found = self.projects.get(asked.path.rpartition("/")[2])
        return super().answer(asked) if found is None else Reply(body=self.detail(found, ""))


@pytest.mark.parametrize("look", [seen, looked_up])
@pytest.mark.parametrize("row", [False, True])
def test_a_project_that_somebody_moved_to_another_organization_is_said_to_be_there(look: Any, row: bool) -> None:
    """It is no reason to stop the run, and its tenant gets no new one."""
    moved = {**settled("1", "myapp-acme"), "org_id": "org-x"}
    fleet = AllSeeing(moved, settled("2", "myapp-zoe"))
    desired = a_fleet(a_tenant(project_id=None if row else "1"), a_tenant("zoe"))
    at = datetime(2030, 1, 1, tzinfo=UTC)
    rows = {"acme": Registered("1", "free", "r0", at)} if row else {}
    live = look(fleet, desired, registered=rows)
    assert live.elsewhere == {"1": "org-x"}
    assert [one.id for one in live.projects] == ["2"]
    plan = make_plan(desired, live, base=desired)
    assert plan.empty
    (conflict,) = plan.conflicts
    assert conflict.message == "project 1 was transferred to organization org-x, which tiers.yaml does not name"
    assert "add that organization to tiers.yaml" in conflict.remedy


def names_found(
    fleet: Fleet, names: list[str], listed: dict[str, int] | None = None, known: tuple[str, ...] = ()
) -> list[str]:
    found = using(fleet, lambda neon: find_named(neon, ["free", "paid"], names, listed=listed, known=known))
    return [one.id for one in found]


FOUR = [settled("1", "a"), settled("2", "b"), settled("3", "a", "paid"), settled("4", "ab")]


def test_few_names_are_searched_for() -> None:
    fleet = Fleet(*FOUR)
    assert names_found(fleet, ["a", "c"], {"free": 30_000, "paid": 1000}) == ["1", "3"]
    assert all("search" in asked.query for asked in fleet.asked)


@pytest.mark.parametrize("listed", [None, {"free": 4, "paid": 1}], ids=["by search", "by list"])
def test_known_projects_are_left_out(listed: dict[str, int] | None) -> None:
    names = ["a", "b", *(f"x{n}" for n in range(8))]
    assert names_found(Fleet(*FOUR), names, listed, known=("1",)) == ["2", "3"]


@pytest.mark.parametrize("listed", [None, {"free": 4, "paid": 1}], ids=["by search", "by list"])
def test_a_name_is_found_in_either_form_of_unicode(listed: dict[str, int] | None) -> None:
    names = ["caf\u00e9", *(f"x{n}" for n in range(9))]
    assert names_found(Fleet(*FOUR, settled("5", "cafe\u0301")), names, listed) == ["5"]


def test_many_names_are_found_in_one_listing() -> None:
    fleet = Fleet(*FOUR)
    names = ["a", "c", *(f"x{n}" for n in range(98))]
    assert names_found(fleet, names, {"free": 3, "paid": 1}) == ["1", "3"]
    assert len(fleet.asked) == 4


def test_an_organization_of_unknown_size_is_searched() -> None:
    fleet = Fleet(*FOUR)
    assert names_found(fleet, [f"x{n}" for n in range(30)]) == []
    assert len(fleet.asked) == 60


def test_a_listing_for_names_reads_what_it_does_not_show_and_does_not_guess() -> None:
    names = ["b", *(f"x{n}" for n in range(30))]
    fleet = Fleet(*FOUR, unavailable={FREE_ID: ["2", "gone"]})
    assert names_found(fleet, names, {"free": 3}) == ["2"]
    fleet.broken = {"2"}
    with pytest.raises(IncompleteViewError, match="did not return projects of organization free: 2"):
        names_found(fleet, names, {"free": 3})


@pytest.mark.parametrize("foreign", [NOT_FOUND, Reply(403)])
def test_a_pinned_project_is_found_in_the_other_organization_whatever_its_own_answers(foreign: Reply) -> None:
    fleet = Fleet(settled("1", "myapp-acme", "paid"))
    fleet.foreign = foreign
    (found,) = looked_up(fleet, a_fleet(a_tenant("acme", project_id="1"))).projects
    assert found.organization == "paid"


def test_a_pinned_project_that_no_key_may_see_is_unknown() -> None:
    fleet = Fleet(settled("1", "myapp-acme", org_id="org-of-somebody-else"))
    fleet.foreign = Reply(403)
    live = looked_up(fleet, a_fleet(a_tenant("acme", project_id="1")))
    assert (live.projects, [one.id for one in live.unknown]) == ((), ["1"])

"""Planning a tenant that holds much: the plan, its guards and its views take work in proportion to it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from reconciler.desired.tenant import DevBranch, Overrides, Snapshot
from reconciler.desired.tier import AtLimit, OrganizationLimits, SnapshotMethod, SnapshotPolicy
from reconciler.live.project import LiveSnapshot
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.approval import PlanOrigin, approve
from reconciler.plan.guards import guard
from reconciler.plan.history import History
from reconciler.plan.late_reads import calls_to_reread
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.permissions import Permissions
from reconciler.views import markdown, plain_text
from reconciler.views.console import as_text
from reconciler.views.view import PlanView
from tests.growth.work import MOST, growth
from tests.harness import json_documents
from tests.harness.builders import (
    FREE,
    FREE_TIER,
    HISTORY_MAY_GO,
    NOON,
    PAID,
    PRO_TIER,
    a_branch,
    a_deleted,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    make_plan,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.live.state import LiveState

LARGEST: Final = 80
LATER: Final = NOON + timedelta(days=20)
ROOMY: Final = (replace(FREE, limits=OrganizationLimits()), replace(PAID, limits=OrganizationLimits()))
FULL: Final = tuple(replace(one, limits=OrganizationLimits(branches=5, snapshots=5)) for one in ROOMY)
TIERS: Final = tuple(
    replace(tier, snapshots=SnapshotPolicy(AtLimit.REPLACE_OLDEST, method))
    for tier, method in ((FREE_TIER, SnapshotMethod.API), (PRO_TIER, SnapshotMethod.BRANCH))
)


def ours(name: str, number: int, parent: str, purpose: Purpose = Purpose.DEV_BRANCH, **more: Any) -> LiveBranch:
    """A branch that was created here."""
    notes = branch_annotations(fleet="prod", tenant="acme", run="r0", branch=name, purpose=purpose)
    return a_branch(
        id=f"br-{number}",
        name=more.pop("called", name),
        parent_id=parent,
        default=False,
        annotations=notes,
        **more,
    )


def live(branches: list[LiveBranch], *, tier: str = "free", **more: Any) -> LiveProject:
    """A project with these branches beside the default one, each with a compute."""
    make = a_project if tier == "free" else a_pro_project
    endpoints = tuple(an_endpoint(id=f"ep-{one.id}", branch_id=one.id) for one in branches)
    project = make("acme", branches=(a_branch(), *branches), **more)
    return replace(project, endpoints=(*(project.endpoints or ()), *endpoints))


def chained(size: int, prefix: str = "b", **more: Any) -> list[LiveBranch]:
    ids = ["br-p-acme", *(f"br-{n}" for n in range(size))]
    return [ours(f"{prefix}{n}", n, ids[n], **more) for n in range(size)]


def flat(size: int, prefix: str = "b", **more: Any) -> list[LiveBranch]:
    return [ours(f"{prefix}{n}", n, "br-p-acme", **more) for n in range(size)]


def declared(size: int, **more: Any) -> dict[str, Any]:
    return {"dev_branches": tuple(DevBranch(f"b{n}", **more) for n in range(size))}


def snapshots(size: int, prefix: str = "s") -> tuple[LiveSnapshot, ...]:
    return tuple(LiveSnapshot(f"id-{prefix}{n}", f"{prefix}{n}", "br-p-acme", NOON) for n in range(size))


def wanted_snapshots(size: int) -> dict[str, Any]:
    return {"snapshots": tuple(Snapshot(f"s{n}") for n in range(size))}


def ips(size: int, first: int = 0) -> dict[str, Any]:
    return {"allowed_ips": {"ips": [f"10.{first}.{n >> 8}.{n & 255}" for n in range(size)]}}


def many(size: int, value: int = 0) -> dict[str, Any]:
    return {f"key{n}": {"of": value} for n in range(size)}


Case: TypeAlias = "Callable[[int], tuple[dict[str, Any], LiveProject | None]]"

CASES: Final[dict[str, Case]] = {
    "branches of a new tenant": lambda n: (declared(n), None),
    "a chain of a new tenant": lambda n: (
        {"dev_branches": tuple(DevBranch(f"b{i}", parent=f"b{i + 1}" if i + 1 < n else None) for i in range(n))},
        None,
    ),
    "branches of parents that are not there": lambda n: (declared(n, parent="nobody"), live([])),
    "branches in sync": lambda n: (declared(n), live(flat(n))),
    "a chain in sync": lambda n: (declared(n), live(chained(n))),
    "branches that are to expire": lambda n: (declared(n, expires_at=LATER), live(flat(n))),
    "a chain that is to expire": lambda n: (declared(n, expires_at=LATER), live(chained(n))),
    "branches of another size": lambda n: (declared(n, compute=Compute(0.25, 1, 300)), live(flat(n))),
    "branches that were renamed": lambda n: (
        declared(n),
        live([replace(ours(f"b{i}", i, "br-p-acme"), name=f"x{i}") for i in range(n)]),
    ),
    "branches no longer declared": lambda n: ({"dev_branches": ()}, live(flat(n))),
    "a chain no longer declared": lambda n: ({"dev_branches": ()}, live(chained(n))),
    "a chain no longer declared, its end protected": lambda n: (
        {"dev_branches": ()},
        live([*chained(n)[:-1], replace(chained(n)[-1], protected=True)]),
    ),
    "others in their place": lambda n: (declared(n), live(flat(n, "old"))),
    "another chain in its place": lambda n: (declared(n), live(chained(n, "old"))),
    "branches that others made": lambda n: (
        declared(n),
        live([a_branch(id=f"br-{i}", name=f"x{i}", default=False, annotations={}) for i in range(n)]),
    ),
    "a move up with branches": lambda n: ({"tier": "pro", **declared(n)}, live(flat(n))),
    "a move down with branches": lambda n: (declared(n), live(flat(n), tier="pro")),
    "a move down with others in their place": lambda n: (declared(n), live(flat(n, "old"), tier="pro")),
    "snapshots of a new tenant": lambda n: (wanted_snapshots(n), None),
    "snapshots in sync": lambda n: (wanted_snapshots(n), live([], snapshots=snapshots(n))),
    "snapshots of one name": lambda n: (
        wanted_snapshots(n),
        live([], snapshots=(*snapshots(n), *(replace(s, id=f"{s.id}-") for s in snapshots(n)))),
    ),
    "other snapshots in their place": lambda n: (wanted_snapshots(n), live([], snapshots=snapshots(n, "old"))),
    "snapshots kept as branches": lambda n: (
        {"tier": "pro", **wanted_snapshots(n)},
        live(flat(n, "old", purpose=Purpose.SNAPSHOT), tier="pro"),
    ),
    "a move down with snapshots": lambda n: (
        wanted_snapshots(n),
        live([], tier="pro", snapshots=snapshots(n, "x")),
    ),
    "addresses": lambda n: (
        {"overrides": Overrides(settings=ips(n))},
        live([], settings=ips(n, 1)),
    ),
    "addresses in another order": lambda n: (
        {"overrides": Overrides(settings=ips(n))},
        live([], settings={"allowed_ips": {"ips": ips(n)["allowed_ips"]["ips"][::-1]}}),
    ),
    "settings of a new tenant": lambda n: ({"overrides": Overrides(settings=many(n))}, None),
    "settings": lambda n: ({"overrides": Overrides(settings=many(n))}, live([], settings=many(n, 1))),
    "members of a setting": lambda n: (
        {"overrides": Overrides(settings={"any": many(n)})},
        live([], settings={"any": many(n, 1)}),
    ),
    "labels": lambda n: ({"labels": {f"l{i}": "x" for i in range(n)}}, live([])),
}


def whole_way(fleet: DesiredState, view: LiveState, base: DesiredState | None, permissions: Permissions) -> None:
    """From what was read to what may be done."""
    PlanRequirements().details(fleet, view)
    plan = make_plan(fleet, view, base=base)
    judged = guard(plan, fleet, view, permissions, history=History(base))
    for planned in (*plan.tenants, *judged.tenants):
        calls_to_reread(planned)
    approve(judged, plan)


def shown(fleet: DesiredState, view: LiveState) -> None:
    """In every form."""
    plan = make_plan(fleet, view)
    as_text(plain_text.plan(plan, full=True))
    as_text(plain_text.drift(plan, full=True))
    markdown.render(PlanView(plan))
    json_documents.plan(plan, PlanOrigin(NOON))


def planning(case: Case, size: int, run: dict[str, Any]) -> Callable[[], object]:
    given: dict[str, Any] = {"organizations": ROOMY, "permissions": Permissions(), "base": False} | run
    fleet, view = scene(case, size, given["organizations"], protect=given.get("protect", False))
    base = a_fleet(a_tenant("acme"), tiers=TIERS, organizations=given["organizations"]) if given["base"] else None
    return lambda: whole_way(fleet, view, base, given["permissions"])


def scene(case: Case, size: int, organizations: Any, **more: Any) -> tuple[DesiredState, LiveState]:
    fields, project = case(size)
    tenant = a_tenant("acme", fields.pop("tier", "free"), accept=HISTORY_MAY_GO, **fields, **more)
    fleet = a_fleet(tenant, tiers=TIERS, organizations=organizations)
    return fleet, a_view(*([project] if project else []))


def showing(case: Case, size: int) -> Callable[[], object]:
    fleet, view = scene(case, size, ROOMY)
    return lambda: shown(fleet, view)


RUNS: Final[dict[str, dict[str, Any]]] = {
    "room": {"permissions": Permissions(lowering=True)},
    "no cause": {},
    "no room": {"organizations": FULL, "base": True},
    "protected": {"organizations": FULL, "protect": True},
}


@pytest.mark.drawn(6, ci=60, each=("run", "case"))
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_planning_a_tenant(case: Case, run: dict[str, Any]) -> None:
    assert growth(lambda size: planning(case, size, run), LARGEST) <= MOST


@pytest.mark.drawn(2)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_showing_its_plan(case: Case) -> None:
    assert growth(lambda size: showing(case, size), LARGEST) <= MOST


FLEETS: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "new": lambda _: {},
    "pinned": lambda n: {"project_id": f"p-t{n}"},
    "recovered": lambda n: {"recover": f"p-old{n}"},
    "absent": lambda _: {"absent": True},
}


@pytest.mark.parametrize("there", [True, False], ids=["there", "gone"])
@pytest.mark.parametrize("fields", FLEETS.values(), ids=FLEETS)
def test_planning_many_tenants(fields: Callable[[int], dict[str, Any]], *, there: bool) -> None:
    def make(size: int) -> Callable[[], object]:
        fleet = a_fleet(*(a_tenant(f"t{n}", **fields(n)) for n in range(size)), tiers=TIERS, organizations=ROOMY)
        deleted = tuple(a_deleted(a_project(f"t{n}", id=f"p-old{n}")) for n in range(size))
        projects = [a_project(f"t{n}") for n in range(size)] if there else []
        view = a_view(*projects, deleted={"free": deleted, "paid": ()})
        return lambda: whole_way(fleet, view, None, Permissions(lowering=True))

    assert growth(make, LARGEST) <= MOST


class Passes(dict[str, Any]):
    """A map that counts how often all of it is gone through: a set of its keys is one step of the interpreter."""

    count = 0

    def keys(self) -> Any:
        """Counted."""
        self.count += 1
        return super().keys()

    def values(self) -> Any:
        """Counted."""
        self.count += 1
        return super().values()

    def items(self) -> Any:
        """Counted."""
        self.count += 1
        return super().items()


@pytest.mark.parametrize("fields", FLEETS.values(), ids=FLEETS)
def test_the_whole_fleet_is_not_gone_through_for_each_tenant(fields: Callable[[int], dict[str, Any]]) -> None:
    def passes(size: int) -> int:
        fleet = a_fleet(*(a_tenant(f"t{n}", **fields(n)) for n in range(size)), tiers=TIERS, organizations=ROOMY)
        counted = Passes(fleet.tenants)
        view = a_view(*(a_project(f"t{n}") for n in range(size)))
        whole_way(replace(fleet, tenants=counted), view, None, Permissions(lowering=True))
        return counted.count

    assert passes(40) == passes(20)

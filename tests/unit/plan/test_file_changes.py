"""What a commit changes in the files beside the fields of projects is named in the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.naming import Naming
from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.rotation import Rotation
from reconciler.desired.state import Defaults
from reconciler.desired.tenant import Accepted
from reconciler.desired.tier import AtLimit, Cleanup, DevBranchPolicy, EnvReference, Occasion, SnapshotPolicy
from reconciler.model.problem import Location
from reconciler.model.values import replace
from reconciler.plan.history import History
from tests.harness.builders import FREE, FREE_TIER, PAID, PRO_TIER, a_fleet, a_project, a_tenant, a_view, make_plan

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.plan.plan import FileChange

BASE = a_fleet(a_tenant())


def changes(now: DesiredState, base: DesiredState = BASE, fork: DesiredState | None = None) -> list[FileChange]:
    plan = make_plan(now, a_view(a_project()), history=History(base, fork))
    assert plan.empty
    return list(plan.file_changes)


def told(now: DesiredState, base: DesiredState = BASE) -> list[tuple[str, object, object]]:
    return [(change.path, change.before, change.after) for change in changes(now, base)]


@pytest.mark.parametrize(
    ("stated", "path", "value"),
    [
        ({"labels": {"team": "eu"}}, "labels.team", "eu"),
        ({"protect": True}, "protect", True),
        ({"accept": Accepted(history_loss=True)}, "accept.history_loss", True),
        ({"recover": "p-acme"}, "recover", "p-acme"),
    ],
)
def test_a_key_of_a_tenant_that_comes_or_goes(stated: dict[str, Any], path: str, value: object) -> None:
    with_it, without = a_fleet(a_tenant(**stated)), BASE
    assert told(with_it, without) == [(path, None, value)]
    assert told(without, with_it) == [(path, value, None)]


def test_a_pin_that_goes_where_the_project_is_found_all_the_same() -> None:
    assert told(BASE, a_fleet(a_tenant(project_id="p-acme"))) == [("project_id", "p-acme", None)]


def test_a_tier_of_which_no_field_differs() -> None:
    twin = replace(FREE_TIER, name="twin")
    base = a_fleet(a_tenant(), tiers=(FREE_TIER, twin))
    (change,) = changes(replace(base, tenants={"acme": a_tenant(tier="twin")}), base)
    assert (change.path, change.before, change.after, change.tenants) == ("tier", "free", "twin", ("acme",))


def test_the_same_of_many_tenants_is_one_line() -> None:
    names = [f"t{number}" for number in range(50)]
    base, now = a_fleet(*map(a_tenant, names)), a_fleet(*(a_tenant(name, labels={"a": "b"}) for name in names))
    plan = make_plan(now, a_view(*map(a_project, names)), history=History(base))
    assert [(change.path, len(change.tenants)) for change in plan.file_changes] == [("labels.a", 50)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (replace(BASE, defaults=Defaults(region="elsewhere")), ("defaults.region", "aws-us-east-2", "elsewhere")),
        (
            a_fleet(a_tenant(), policy=Policy(prune_min_age_seconds=0)),
            ("guards.prune.min_age_seconds", 604_800, 0),
        ),
        (
            a_fleet(a_tenant(), policy=Policy(drift={"quota": DriftPolicy.REPAIR})),
            ("drift_policy.quota", None, "repair"),
        ),
        (
            a_fleet(
                a_tenant(), tiers=(replace(FREE_TIER, snapshots=SnapshotPolicy(AtLimit.REPLACE_OLDEST)), PRO_TIER)
            ),
            ("tiers.free.snapshots.at_limit", "refuse", "replace_oldest"),
        ),
        (
            a_fleet(a_tenant(), tiers=(replace(FREE_TIER, dev_branches=DevBranchPolicy(max=3)), PRO_TIER)),
            ("tiers.free.dev_branches.max", None, 3),
        ),
        (
            a_fleet(a_tenant(), tiers=(FREE_TIER, replace(PRO_TIER, restore_window_seconds=86_400))),
            ("tiers.pro.restore_window_seconds", 604_800, 86_400),
        ),
        (
            a_fleet(a_tenant(), organizations=(replace(FREE, limits=replace(FREE.limits, snapshots=2)), PAID)),
            ("organizations.free.limits.snapshots", 1, 2),
        ),
    ],
)
def test_a_key_of_tiers_yaml(now: DesiredState, expected: tuple[str, object, object]) -> None:
    assert told(now) == [expected]


def test_an_older_name_that_is_known_no_more() -> None:
    base = a_fleet(a_tenant(), naming=Naming("myapp-{tenant}", ("old-{tenant}",)))
    assert [(path, after) for path, _, after in told(BASE, base)] == [("naming.previous", None)]


def test_the_naming_of_a_tier() -> None:
    now = a_fleet(a_tenant(), naming=Naming("myapp-{tenant}", tiers={"pro": "pro-{tenant}"}))
    (change,) = changes(now)
    assert (change.path, change.before, change.after) == ("tiers.pro.naming", None, "pro-{tenant}")
    assert change.effect == "how projects are named and found"


def test_a_tier_that_goes() -> None:
    without = a_fleet(a_tenant(), tiers=(FREE_TIER,))
    assert told(without) == [("tiers.pro", "present", None)]
    assert told(BASE, without) == [("tiers.pro", None, "present")]


def test_a_field_of_a_tier_that_has_tenants_is_left_to_what_is_planned_for_them() -> None:
    now = a_fleet(a_tenant(), tiers=(replace(FREE_TIER, restore_window_seconds=0), PRO_TIER))
    plan = make_plan(now, a_view(a_project()), history=History(BASE))
    assert not plan.empty
    assert not plan.file_changes


def test_where_keys_go_is_judged_elsewhere() -> None:
    moved = replace(FREE, id=EnvReference("NEON_OTHER_ORG_ID"))
    assert not changes(a_fleet(a_tenant(), organizations=(moved, PAID)))


def test_a_key_stands_where_its_section_stands() -> None:
    now = replace(BASE, defaults=Defaults(region="elsewhere"), places={"defaults": Location("tiers.yaml", 40)})
    assert [change.source.line for change in changes(now)] == [40]


def test_files_that_are_older_than_the_base_changed_nothing() -> None:
    assert not changes(BASE, a_fleet(a_tenant(protect=True)), fork=BASE)


def test_a_tenant_that_is_new_changed_nothing() -> None:
    assert not make_plan(a_fleet(a_tenant(protect=True)), a_view(), history=History(a_fleet())).file_changes


def test_what_comes_and_goes_by_time_is_not_told_as_a_matter_of_new_objects_only() -> None:
    turning = replace(FREE_TIER, snapshots=SnapshotPolicy(rotate=Rotation("auto-{date}", 86_400, 1)))
    cleaning = replace(FREE_TIER, cleanup=Cleanup(old_branches_seconds=604_800))
    for tier, path in ((turning, "tiers.free.snapshots.rotate.keep"), (cleaning, "tiers.free.cleanup")):
        now = a_fleet(a_tenant(), tiers=(tier, PRO_TIER))
        found = make_plan(now, a_view(a_project()), base=BASE).file_changes
        (told,) = [change for change in found if change.path.startswith(path)]
        assert told.effect == "which snapshots and branches its tenants' projects rotate and expire"


def test_what_a_snapshot_is_taken_before_counts_for_projects_that_exist() -> None:
    tier = replace(FREE_TIER, snapshots=SnapshotPolicy(before=(Occasion.RESTORE,)))
    found = make_plan(a_fleet(a_tenant(), tiers=(tier, PRO_TIER)), a_view(a_project()), base=BASE).file_changes
    assert [(change.path, change.effect) for change in found] == [
        ("tiers.free.snapshots.before", "before which changes a snapshot is taken, and how many of these are kept")
    ]

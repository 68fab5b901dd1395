"""What a policy of a tier deletes by itself: nothing that other known files declare, and nothing by an old policy.

Idle branches, rotated snapshots, snapshots replaced at a limit or before a downgrade: no commit names what goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.desired.rotation import Rotation
from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.desired.tier import (
    AtLimit,
    BranchCleanup,
    Cleanup,
    Occasion,
    SnapshotMethod,
    SnapshotPolicy,
    WhenCrowded,
)
from reconciler.live.project import LiveSnapshot, SnapshotRestore
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.values import replace
from reconciler.plan import declared_fields
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.actions.snapshot import DeleteSnapshot
from reconciler.plan.baseline import Baseline
from reconciler.plan.concerns.concern import POLICY
from reconciler.plan.concerns.idle_branches import IDLE as IDLE_SECONDS
from reconciler.plan.concerns.snapshot_rotation import KEEP
from reconciler.plan.history import History
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_LIMITS,
    FREE_TIER,
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    an_organization,
    guarded_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Tier
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.plan import Plan

DAY: Final = timedelta(days=1)
DAILY: Final = Rotation("auto-{date}", 86_400, 1)
AUTO: Final = f"auto-{NOON - 9 * DAY:%Y-%m-%d}"
EARLIER: Final = f"before-downgrade-{NOON - 9 * DAY:%Y-%m-%d}"
ROTATING: Final = SnapshotPolicy(rotate=DAILY)
ON_BRANCHES: Final = SnapshotPolicy(method=SnapshotMethod.BRANCH, rotate=DAILY)
REPLACING: Final = SnapshotPolicy(AtLimit.REPLACE_OLDEST)
OF_THE_FILES: Final = SnapshotPolicy(AtLimit.REPLACE_DECLARED)
WEEKLY: Final = replace(DAILY, every_seconds=7 * 86_400)
KEEPING: Final = SnapshotPolicy(rotate=WEEKLY, keep_before=9)
"""Another policy with which everything stays."""
BEFORE: Final = SnapshotPolicy(before=(Occasion.DOWNGRADE,))
IDLE: Final = Cleanup(dev_branches=BranchCleanup(14 * 86_400))
CROWDED: Final = Cleanup(dev_branches=BranchCleanup(None, WhenCrowded.OLDEST_IDLE))


@dataclass(frozen=True)
class Case:
    """A policy, and something that goes by it unless other files declare it."""

    now: DesiredState
    theirs: DesiredState
    """Files that declare it."""
    fork: DesiredState
    """Files that declare neither it nor what is new in these ones."""
    project: LiveProject


def files(tier: Tier, *declared: DevBranch | Snapshot, managed: bool = True) -> DesiredState:
    limits = replace(FREE_LIMITS, branches=2, snapshots=1)
    branches = tuple(one for one in declared if isinstance(one, DevBranch))
    snapshots = tuple(one for one in declared if isinstance(one, Snapshot))
    stated: dict[str, Any] = {"dev_branches": branches, "snapshots": snapshots} if managed else {}
    return a_fleet(a_tenant(**stated), tiers=(tier,), organizations=(an_organization("free", limits=limits),))


def with_(**policies: Any) -> Tier:
    return replace(FREE_TIER, **policies)


def made(name: str, purpose: Purpose) -> LiveBranch:
    """A branch that a run created and nobody has used for a long time."""
    note = branch_annotations(fleet="prod", tenant="acme", run="r0", purpose=purpose, branch=name)
    branch = a_branch(id=f"br-{name}", name=name, default=False, parent_id="br-p-acme", annotations=note)
    return replace(branch, created_at=NOON - 9 * DAY if purpose is Purpose.SNAPSHOT else NOON - 90 * DAY)


def live(*branches: LiveBranch, snapshot: str | None = None) -> LiveProject:
    kept = [] if snapshot is None else [LiveSnapshot("snap-1", snapshot, "br-p-acme", NOON - 9 * DAY)]
    return a_project(
        branches=(a_branch(), *branches),
        endpoints=(an_endpoint(),),
        snapshots=tuple(kept),
        created_at=NOON - 99 * DAY,
    )


def idle(cleanup: Cleanup, *new: DevBranch, managed: bool = True) -> Case:
    tier, staging = with_(cleanup=cleanup), DevBranch("staging")
    without = files(tier, managed=managed)
    now = files(tier, *new, managed=managed)
    return Case(now, files(tier, staging), without, live(made("staging", Purpose.DEV_BRANCH)))


def replaced(policy: SnapshotPolicy, name: str, *new: Snapshot) -> Case:
    tier = with_(snapshots=policy)
    kept = made(name, Purpose.SNAPSHOT) if policy.method is SnapshotMethod.BRANCH else None
    project = live(snapshot=name) if kept is None else live(kept)
    return Case(files(tier, *new), files(tier, Snapshot(name)), files(tier), project)


def outlived() -> Case:
    """The expiry in these files has passed, and the other ones have a later one."""
    tier, ended = with_(snapshots=REPLACING), Snapshot("v1", expires_at=NOON - DAY)
    later = replace(ended, expires_at=NOON + 30 * DAY)
    return Case(files(tier, ended, Snapshot("v2")), files(tier, later), files(tier, ended), live(snapshot="v1"))


def left_by_a_restore() -> Case:
    """The default branch was made of a snapshot, and the branch that it replaced is still there."""
    tier, name = with_(cleanup=Cleanup(7 * 86_400)), "main (old)"
    of_snapshot = SnapshotRestore("snap-1", "br-old")
    main = a_branch(created_at=NOON - 14 * DAY, restore=of_snapshot)
    old = a_branch(id="br-old", name=name, default=False, created_at=NOON - 90 * DAY)
    project = replace(live(), branches=(main, old))
    return Case(files(tier), files(tier, DevBranch(name)), files(tier), project)


def reduced() -> Case:
    """A commit reduces a compute; another one declares the snapshot before an earlier downgrade."""
    more = with_(snapshots=BEFORE)
    assert more.compute is not None
    less = replace(more, compute=replace(more.compute, max_cu=1))
    return Case(files(less), files(more, Snapshot(EARLIER)), files(more), live(snapshot=EARLIER))


CASES: Final = {
    "idle": idle(IDLE),
    "idle and not managed": idle(IDLE, managed=False),
    "crowded": idle(CROWDED, DevBranch("new")),
    "rotated": replaced(ROTATING, AUTO),
    "rotated as a branch": replaced(ON_BRANCHES, AUTO),
    "the oldest": replaced(REPLACING, "v1", Snapshot("v2")),
    "declared once": replaced(OF_THE_FILES, "v1", Snapshot("v2")),
    "expired": outlived(),
    "before a downgrade": reduced(),
    "left by a restore": left_by_a_restore(),
}
EACH: Final = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def judged(case: Case, history: History) -> Plan:
    view = a_view(case.project)
    return guarded_plan(case.now, view, history=history)


def deleted(case: Case, history: History) -> list[str]:
    removals = [one for one in judged(case, history).actions if isinstance(one, DeleteBranch | DeleteSnapshot)]
    return [one.branch if isinstance(one, DeleteBranch) else one.snapshot for one in removals]


@EACH
def test_goes_where_the_base_does_not_declare_it(case: Case) -> None:
    """Without this, the other tests would show nothing."""
    once = case.theirs if case is CASES["declared once"] else case.fork
    assert deleted(case, History(once))


@EACH
def test_stays_where_the_base_is_ahead_and_declares_it(case: Case) -> None:
    assert deleted(case, History(case.theirs, fork=case.fork)) == []


@EACH
def test_stays_where_a_commit_that_was_tried_is_ahead_and_declares_it(case: Case) -> None:
    tried = {"acme": (Baseline(case.theirs, case.fork),)}
    assert deleted(case, History(case.fork, tried=tried)) == []


@EACH
def test_stays_where_the_file_declares_it_that_a_document_replaces(case: Case) -> None:
    acme = frozenset({"acme"})
    said = History(case.theirs, files=case.theirs, documents=acme, committed=acme)
    assert deleted(case, said) == []


@EACH
def test_stays_where_nobody_knows_what_the_files_declared(case: Case) -> None:
    assert deleted(case, History(lost=True)) == []


@EACH
def test_stays_where_git_has_no_earlier_files_and_nobody_says_that_there_are_none(case: Case) -> None:
    assert deleted(case, History(without_base=True)) == []


@pytest.mark.parametrize("name", ["idle", "idle and not managed", "rotated", "rotated as a branch"])
def test_goes_by_its_time_outside_git_and_by_base_none(name: str) -> None:
    assert deleted(CASES[name], History())


def unusable(files: DesiredState) -> DesiredState:
    """The same files, in which that of the tenant is broken."""
    return replace(files, tenants={}, held_back=frozenset({"acme"}))


@EACH
@pytest.mark.parametrize("at", ["base", "fork", "its own base", "tried", "since", "behind a document", "lost"])
def test_stays_where_an_earlier_file_of_the_tenant_cannot_be_used(case: Case, at: str) -> None:
    broken, acme = unusable(case.fork), frozenset({"acme"})
    histories = {
        "base": History(broken),
        "fork": History(case.fork, fork=broken),
        "its own base": History(case.fork, owed={"acme": Baseline(broken)}),
        "tried": History(case.fork, tried={"acme": (Baseline(broken),)}),
        "since": History(case.fork, declared_since={"acme": (Baseline(broken),)}),
        "behind a document": History(case.fork, files=broken, documents=acme),
        "lost": History(case.fork, owed={"acme": None}),
    }
    assert deleted(case, histories[at]) == []


@pytest.mark.parametrize("name", CASES)
def test_stays_where_the_base_is_ahead_with_another_policy(name: str) -> None:
    case = CASES[name]
    tiers = {name: replace(tier, cleanup=Cleanup(), snapshots=KEEPING) for name, tier in case.fork.tiers.items()}
    history = History(replace(case.fork, tiers=tiers), fork=case.fork)
    assert deleted(case, history) == []
    if name in ("idle", "rotated", "left by a restore"):  # others have no room then, or keep more
        assert {refusal.rule for refusal in judged(case, history).refusals} == {Rule.BASE_AHEAD}


@EACH
def test_stays_where_git_overlooks_an_edit_of_the_file(case: Case) -> None:
    assert deleted(case, History(case.fork, uncommitted=frozenset({"acme"}))) == []


def test_of_a_file_that_git_ignores_snapshots_rotate_and_no_idle_branch_goes() -> None:
    """A generated file: the rotation of its tier made the snapshots, and a person the branches."""
    acme = frozenset({"acme"})
    for name, goes in (("rotated", [AUTO]), ("rotated as a branch", [AUTO]), ("idle", []), ("crowded", [])):
        case = CASES[name]
        assert deleted(case, History(case.fork, uncommitted=acme, ignored=acme)) == goes


def test_a_document_deletes_no_idle_branch_whoever_declared_it() -> None:
    for case in (CASES["idle"], CASES["crowded"]):
        acme = frozenset({"acme"})
        assert deleted(case, History(case.fork, files=case.fork, documents=acme, committed=acme)) == []


@pytest.mark.parametrize("name", ["rotated", "rotated as a branch"])
def test_a_document_brings_no_policy_with_another_tier(name: str) -> None:
    case, acme = CASES[name], frozenset({"acme"})
    assert deleted(case, History(case.fork, files=case.fork, documents=acme, committed=acme)) == [AUTO]
    kept = SnapshotPolicy(method=SnapshotMethod.BRANCH if "branch" in name else SnapshotMethod.API, rotate=WEEKLY)
    held = files(with_(snapshots=kept))
    assert deleted(case, History(held, files=held, documents=acme, committed=acme)) == []


def test_files_that_begin_to_manage_branches_delete_none_of_a_commit_that_was_tried() -> None:
    """The base does not manage branches; the newer commit declares the branch, and was applied in part."""
    tier = with_()
    bare = files(tier, managed=False)
    case = Case(files(tier), files(tier, DevBranch("staging")), bare, live(made("staging", Purpose.DEV_BRANCH)))
    assert deleted(case, History(bare)) == ["staging"]
    assert deleted(case, History(bare, tried={"acme": (Baseline(case.theirs, bare),)})) == []


def test_no_name_of_a_branch_or_a_snapshot_is_taken_for_a_member_of_a_policy() -> None:
    tier = with_(snapshots=ROTATING, cleanup=IDLE)
    plain = files(tier)
    policy = declared_fields.fields(plain, plain.tenants["acme"])
    members = [path for path in policy if path.startswith(POLICY) or path in (KEEP, IDLE_SECONDS)]
    assert len(members) == 7
    words = sorted({path.partition(".")[2] for path in members})
    named = files(tier, *map(Snapshot, words), *map(DevBranch, words))
    fields = declared_fields.fields(named, named.tenants["acme"])
    assert {path: fields[path] for path in members} == {path: policy[path] for path in members}


@pytest.mark.parametrize("managed", [True, False])
def test_no_idle_branch_goes_that_a_file_declares_as_a_snapshot(managed: bool) -> None:
    bare = CASES["idle" if managed else "idle and not managed"]
    acme = replace(bare.now.tenants["acme"], snapshots=(Snapshot("staging"),))
    declaring = replace(bare.now, tenants={"acme": acme})
    assert deleted(replace_files(bare, declaring), History(bare.fork)) == []
    assert deleted(bare, History(declaring, fork=bare.fork)) == []


def test_no_idle_branch_goes_that_a_new_branch_is_to_come_from() -> None:
    child = files(with_(cleanup=IDLE), DevBranch("new", parent="staging"))
    case = replace_files(CASES["idle"], child)
    assert deleted(case, History(case.fork)) == []


@pytest.mark.parametrize("managed", [True, False])
def test_no_idle_branch_goes_that_newer_files_name_as_a_parent(managed: bool) -> None:
    case = CASES["idle" if managed else "idle and not managed"]
    ahead = files(with_(cleanup=IDLE), DevBranch("new", parent="staging"))
    assert deleted(case, History(ahead, fork=case.fork)) == []
    assert deleted(case, History(case.fork, tried={"acme": (Baseline(ahead, case.fork),)})) == []
    assert deleted(case, History(ahead)) == ["staging"], "a commit took the child out"


def replace_files(case: Case, now: DesiredState) -> Case:
    return Case(now, case.theirs, case.fork, case.project)

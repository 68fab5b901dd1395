"""Strategies for plans that hold every kind of action, with whatever values.

Each strategy is made once: Hypothesis validates every new one, which takes longer than drawing from it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from reconciler.desired.tier import Occasion
from reconciler.live.project import LiveProject, LiveSnapshot
from reconciler.model.annotations import Purpose
from reconciler.model.compute import Compute
from reconciler.model.problem import Location
from reconciler.model.values import JsonText
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch, ResetBranch, ResetPassword
from reconciler.plan.actions.compute import CreateReplica, DeleteReplica, PatchEndpoint, SuspendCompute
from reconciler.plan.actions.contents import CreateDatabase, CreateRole, DeleteDatabase, DeleteRole, PatchDatabase
from reconciler.plan.actions.project import (
    AdoptProject,
    CreateProject,
    DeleteDuplicate,
    DeleteProject,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.actions.restore import Consequence, FinalizeRestore, RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot, PreviewSnapshot
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.forecast import Forecast, TierCount
from reconciler.plan.plan import (
    Authored,
    Budget,
    Conflict,
    Coverage,
    FileChange,
    Layer,
    Note,
    OrganizationRoom,
    Orphan,
    Overview,
    Plan,
    Refusal,
    Rule,
    TenantPlan,
    TenantTier,
    TierOverview,
    Unmanaged,
    Waiting,
)
from reconciler.plan.plan_cost import CostRange, PlanCost, TenantPlanCost
from tests.harness.structs import built

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.plan.action import Action
    from reconciler.plan.actions.branch import BranchAction
    from reconciler.plan.actions.compute import ComputeAction
    from reconciler.plan.actions.contents import ContentAction
    from reconciler.plan.actions.project import ProjectAction
    from reconciler.plan.actions.restore import Restore
    from reconciler.plan.actions.snapshot import SnapshotAction

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
counts = st.integers(0, 2**62)
flags = st.booleans()
finite = st.floats(0, 1e300)
moments = st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
seconds = moments.map(lambda moment: moment.replace(microsecond=0))
places = st.builds(Location, texts, st.integers(1, 9), st.integers(1, 9))
names = st.sampled_from(["ada", "bob", "cyd"])

json_values = st.recursive(
    st.none() | flags | counts | finite | texts,
    lambda inside: st.lists(inside, max_size=2) | st.dictionaries(texts, inside, max_size=2),
    max_leaves=4,
)
structured = json_values.map(JsonText.of)
plain = st.none() | flags | counts | finite | texts
fates = {"risk": st.sampled_from(Risk), "lowering": flags, "origin": st.sampled_from(Origin)}
members = st.sampled_from(["name", "quota.data_transfer_bytes", "compute.max_cu", "dev_branches.x.expires_at"])
settings_before = st.none() | structured.filter(lambda value: value.text != "null")
changes = st.one_of(
    st.builds(FieldChange, members, plain, plain, **fates),
    st.builds(FieldChange, texts.map("settings.{}".format), settings_before, structured, **fates),
)
computes = st.builds(Compute, st.none() | finite, st.none() | finite, st.none() | st.integers(-1, 10**6))
companions = st.dictionaries(members, plain, max_size=2).map(lambda found: tuple(found.items()))
money = st.decimals(0, 10**9, places=6)
ranges = st.builds(CostRange, money, money, st.lists(texts, max_size=2).map(tuple))
tenant_costs = st.builds(TenantPlanCost, texts, st.none() | ranges, st.none() | ranges)
plan_costs = st.builds(
    PlanCost,
    *(st.dates(), texts, ranges, ranges),
    st.lists(tenant_costs, max_size=2).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
)
tenant_tiers = st.builds(
    TenantTier, texts, st.none() | texts, st.dictionaries(members, st.sampled_from(Layer), max_size=2)
)
tier_counts = st.builds(TierCount, st.none() | texts, st.none() | texts, counts)
forecasts = st.builds(Forecast, counts, st.lists(tier_counts, max_size=2).map(tuple), *([counts] * 13))
ORGANIZATIONS: Final = {"free": "org-free-1", "paid": "org-paid-1"}


effects = st.builds(Consequence, st.sampled_from(["moment", "lost", "id"]), texts)


def restored(*members: str, branch_id: bool = True) -> dict[str, Any]:
    """The members of a restore."""
    named = (*members, "branch", *(["branch_id"] if branch_id else []))
    return {**dict.fromkeys(named, texts), "effects": st.lists(effects, max_size=2).map(tuple)}


early: Final[dict[str, Any]] = {"before_transfer": flags}
occasions: Final[dict[str, Any]] = {"occasion": st.none() | st.sampled_from(Occasion)}
when_created: Final[dict[str, Any]] = {
    "at": st.none() | moments,
    "expires_at": st.none() | moments,
    **occasions,
}
when_deleted: Final[dict[str, Any]] = {**early, **occasions, "after_new": flags}
purposes: Final[dict[str, Any]] = {"purpose": st.sampled_from(Purpose)}


@cache
def actions(tenant: str) -> st.SearchStrategy[Action]:
    """Any action of the tenant."""
    shared: dict[str, Any] = {
        "tenant": st.just(tenant),
        "reason": texts,
        "source": places,
        "changes": st.lists(changes, max_size=2).map(tuple),
    }
    groups = (
        _project_actions,
        _compute_actions,
        _branch_actions,
        _content_actions,
        _snapshot_actions,
        _restores,
    )
    return st.one_of(*(group(shared) for group in groups))


def _project_actions(shared: Mapping[str, Any]) -> st.SearchStrategy[ProjectAction]:
    return st.one_of(
        st.builds(CreateProject, **shared, organization=texts),
        st.builds(RecoverProject, **shared, project_id=texts, recoverable_until=moments),
        st.builds(AdoptProject, **shared, project_id=texts, branch=texts, parent=texts),
        st.builds(TransferProject, **shared, origin=texts, destination=texts, downgrade=flags),
        st.builds(PatchProject, **shared, **early, companions=companions),
        st.builds(
            DeleteDuplicate,
            **shared,
            **dict.fromkeys(
                ("project_id", "name", "organization", "run", "first_id", "death", "emptiness"), texts
            ),
            created_at=moments,
            first_created_at=moments,
        ),
        st.builds(DeleteProject, **shared, project_id=texts),
    )


def _compute_actions(shared: Mapping[str, Any]) -> st.SearchStrategy[ComputeAction]:
    return st.one_of(
        st.builds(
            PatchEndpoint, **shared, **early, companions=companions, branch=texts, replica=st.none() | texts
        ),
        st.builds(SuspendCompute, **shared, branch=texts, endpoint_id=texts),
        st.builds(CreateReplica, **shared, branch=texts, replica=texts, compute=computes),
        st.builds(DeleteReplica, **shared, branch=texts, replica=texts, endpoint_id=texts),
    )


def _branch_actions(shared: Mapping[str, Any]) -> st.SearchStrategy[BranchAction]:
    return st.one_of(
        st.builds(
            CreateBranch,
            **shared,
            **purposes,
            **when_created,
            branch=texts,
            parent=texts,
            schema_only=flags,
            with_compute=flags,
            compute=st.none() | computes,
        ),
        st.builds(PatchBranch, **shared, branch=texts),
        st.builds(
            ResetBranch,
            **shared,
            branch=texts,
            branch_id=texts,
            parent=texts,
            last_reset_at=st.none() | moments,
        ),
        st.builds(DeleteBranch, **shared, **purposes, **when_deleted, branch=texts, branch_id=texts),
        st.builds(ResetPassword, **shared, branch=texts, role=texts, database=texts),
    )


def _content_actions(shared: Mapping[str, Any]) -> st.SearchStrategy[ContentAction]:
    return st.one_of(
        st.builds(CreateRole, **shared, branch=texts, role=texts, of_new_branch=flags),
        st.builds(CreateDatabase, **shared, branch=texts, database=texts, owner=texts, of_new_branch=flags),
        st.builds(PatchDatabase, **shared, branch=texts, database=texts, owner=texts, of_new_branch=flags),
        st.builds(DeleteDatabase, **shared, branch=texts, database=texts, owner=texts, of_new_branch=flags),
        st.builds(DeleteRole, **shared, branch=texts, role=texts, of_new_branch=flags),
    )


def _snapshot_actions(shared: Mapping[str, Any]) -> st.SearchStrategy[SnapshotAction]:
    return st.one_of(
        st.builds(CreateSnapshot, **shared, **when_created, snapshot=texts, branch=texts),
        st.builds(DeleteSnapshot, **shared, **when_deleted, snapshot=texts, snapshot_id=texts),
        st.builds(
            PreviewSnapshot,
            **shared,
            **dict.fromkeys(("snapshot", "snapshot_id", "branch", "target_id"), texts),
        ),
    )


def _restores(shared: Mapping[str, Any]) -> st.SearchStrategy[Restore]:
    return st.one_of(
        st.builds(
            RestoreBranch, **shared, **restored("from_branch", "from_branch_id", "keep_as"), at=st.none() | moments
        ),
        st.builds(RestoreSnapshot, **shared, **restored("snapshot", "snapshot_id")),
        st.builds(FinalizeRestore, **shared, **restored("preview", "preview_id", "keep_as", branch_id=False)),
    )


snapshots = built(LiveSnapshot, texts, texts, st.none() | texts, seconds, st.none() | seconds, flags)
projects = built(
    LiveProject,
    id=st.sampled_from(["p-1", "p-2"]),
    name=texts,
    organization=texts,
    region=texts,
    pg_version=counts,
    created_at=seconds,
    quota=st.none(),
    compute=st.none(),
    restore_window_seconds=st.none(),
    settings=st.none(),
    storage_bytes=st.none() | counts,
    last_active_at=st.none() | seconds,
    snapshots=st.none() | st.lists(snapshots, max_size=2).map(tuple),
)


some_projects = st.none() | projects


@cache
def some_actions(tenant: str) -> st.SearchStrategy[list[Action]]:
    """One action of the tenant at least."""
    return st.lists(actions(tenant), min_size=1, max_size=3)


@st.composite
def tenant_plans(draw: st.DrawFn, name: str) -> TenantPlan:
    """A tenant with one action at least."""
    chosen = draw(some_actions(name))
    return TenantPlan(name, draw(some_projects), tuple(chosen))


stated = (
    st.none() | texts | counts | flags | st.lists(texts, max_size=2).map(lambda items: JsonText.of(list(items)))
)


def in_tuple(one: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """None of them, or one."""
    return st.lists(one, max_size=1).map(tuple)


overviews = st.builds(
    Overview,
    in_tuple(st.builds(TierOverview, texts, *([counts] * 8))),
    in_tuple(st.builds(OrganizationRoom, texts, counts, counts, st.none() | counts)),
    st.dictionaries(texts, texts, max_size=2),
)


held = actions("dee").map(lambda action: (action,))
beside = st.fixed_dictionaries(
    {
        "refusals": in_tuple(st.builds(Refusal, st.sampled_from(Rule), st.just(("dee",)), texts, texts, held)),
        "conflicts": in_tuple(st.builds(Conflict, texts, texts, texts, places)),
        "orphans": in_tuple(st.builds(Orphan, projects, texts, st.none() | flags)),
        "notes": in_tuple(st.builds(Note, st.none() | texts, texts, st.none() | places)),
        "coverage": st.builds(
            Coverage,
            *([counts] * 3),
            st.lists(texts, max_size=2).map(tuple),
            *([counts] * 2),
            st.lists(texts, max_size=2).map(tuple),
            *([counts] * 7),
        ),
        "budget": st.builds(Budget, counts, counts, counts, finite),
        "unmanaged": in_tuple(
            st.builds(
                Unmanaged,
                texts,
                st.dictionaries(texts, stated, max_size=2).map(lambda live: tuple(live.items())),
                st.just(("dee",)),
                st.none() | texts,
                texts,
                st.tuples(places),
            )
        ),
        "file_changes": in_tuple(st.builds(FileChange, texts, stated, stated, texts, st.just(()), places)),
        "waiting": in_tuple(st.builds(Waiting, st.none() | texts, texts, st.just(("dee",)), flags)),
        "tiers": st.dictionaries(names, tenant_tiers, max_size=2),
        "authored": in_tuple(st.builds(Authored, places, st.none() | texts, st.none() | names, *([texts] * 4))),
        "forecast": st.none() | forecasts,
        "refused_forecast": st.none() | forecasts,
        "monthly_cost": st.none() | plan_costs,
        "overview": st.none() | overviews,
    }
)
"""What may stand beside the tenants of a plan, by the members of Plan."""
chosen_names = st.sets(names)


@st.composite
def plans(draw: st.DrawFn, fleet: str = "prod", organizations: Mapping[str, str] = ORGANIZATIONS) -> Plan:
    """A plan of up to three tenants, with everything that may stand beside them."""
    tenants = tuple(draw(tenant_plans(name)) for name in sorted(draw(chosen_names)))
    rest: dict[str, Any] = draw(beside)
    return Plan(fleet=fleet, tenants=tenants, organizations=organizations, **rest)

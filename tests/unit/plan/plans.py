"""Strategies for plans that hold every kind of action, with whatever values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from reconciler.live.project import LiveProject, LiveSnapshot
from reconciler.model.annotations import Purpose
from reconciler.model.compute import Compute
from reconciler.model.problem import Location
from reconciler.model.values import JsonText
from reconciler.plan.action import (
    AdoptProject,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteDuplicate,
    DeleteProject,
    DeleteSnapshot,
    PatchBranch,
    PatchEndpoint,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.plan import (
    Budget,
    Conflict,
    Coverage,
    FileChange,
    Note,
    Orphan,
    Plan,
    Refusal,
    Rule,
    TenantPlan,
    Unmanaged,
    Waiting,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.plan.action import Action

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
ORGANIZATIONS: Final = {"free": "org-free-1", "paid": "org-paid-1"}


def actions(tenant: str) -> st.SearchStrategy[Action]:
    """Any action of the tenant."""
    shared: dict[str, Any] = {
        "tenant": st.just(tenant),
        "reason": texts,
        "source": places,
        "changes": st.lists(changes, max_size=2).map(tuple),
    }
    early: dict[str, Any] = {"before_transfer": flags}
    purposes: dict[str, Any] = {"purpose": st.sampled_from(Purpose)}
    when: dict[str, Any] = {"at": st.none() | moments, "expires_at": st.none() | moments}
    return st.one_of(
        st.builds(CreateProject, **shared, organization=texts),
        st.builds(RecoverProject, **shared, project_id=texts, recoverable_until=moments),
        st.builds(AdoptProject, **shared, project_id=texts, branch=texts, parent=texts),
        st.builds(TransferProject, **shared, origin=texts, destination=texts, downgrade=flags),
        st.builds(PatchProject, **shared, **early, companions=companions),
        st.builds(PatchEndpoint, **shared, **early, companions=companions, branch=texts),
        st.builds(DeleteProject, **shared, project_id=texts),
        st.builds(
            DeleteDuplicate,
            **shared,
            **dict.fromkeys(
                ("project_id", "name", "organization", "run", "first_id", "death", "emptiness"), texts
            ),
            created_at=moments,
            first_created_at=moments,
        ),
        st.builds(
            CreateBranch,
            **shared,
            **purposes,
            **when,
            branch=texts,
            parent=texts,
            schema_only=flags,
            with_compute=flags,
            compute=st.none() | computes,
        ),
        st.builds(PatchBranch, **shared, branch=texts),
        st.builds(DeleteBranch, **shared, **purposes, **early, branch=texts, branch_id=texts),
        st.builds(CreateSnapshot, **shared, **when, snapshot=texts, branch=texts),
        st.builds(DeleteSnapshot, **shared, **early, snapshot=texts, snapshot_id=texts),
    )


snapshots = st.builds(LiveSnapshot, texts, texts, st.none() | texts, seconds, st.none() | seconds, flags)
projects = st.builds(
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


@st.composite
def tenant_plans(draw: st.DrawFn, name: str) -> TenantPlan:
    """A tenant with one action at least."""
    chosen = draw(st.lists(actions(name), min_size=1, max_size=3))
    return TenantPlan(name, draw(st.none() | projects), tuple(chosen))


stated = (
    st.none() | texts | counts | flags | st.lists(texts, max_size=2).map(lambda items: JsonText.of(list(items)))
)


def in_tuple(one: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """None of them, or one."""
    return st.lists(one, max_size=1).map(tuple)


@st.composite
def plans(draw: st.DrawFn, fleet: str = "prod", organizations: Mapping[str, str] = ORGANIZATIONS) -> Plan:
    """A plan of up to three tenants, with everything that may stand beside them."""
    chosen = sorted(draw(st.sets(names)))
    held = actions("dee").map(lambda action: (action,))
    return Plan(
        fleet=fleet,
        tenants=tuple(draw(tenant_plans(name)) for name in chosen),
        refusals=draw(in_tuple(st.builds(Refusal, st.sampled_from(Rule), st.just(("dee",)), texts, texts, held))),
        conflicts=draw(in_tuple(st.builds(Conflict, texts, texts, texts, places))),
        orphans=draw(in_tuple(st.builds(Orphan, projects, texts, st.none() | flags))),
        notes=draw(in_tuple(st.builds(Note, st.none() | texts, texts, st.none() | places))),
        coverage=draw(
            st.builds(
                Coverage,
                *([counts] * 3),
                st.lists(texts, max_size=2).map(tuple),
                *([counts] * 2),
                st.lists(texts, max_size=2).map(tuple),
                *([counts] * 7),
            )
        ),
        budget=draw(st.builds(Budget, counts, counts, counts, finite)),
        unmanaged=draw(
            in_tuple(
                st.builds(
                    Unmanaged,
                    texts,
                    st.dictionaries(texts, stated, max_size=2).map(lambda live: tuple(live.items())),
                    st.just(("dee",)),
                    st.none() | texts,
                    texts,
                    st.tuples(places),
                )
            )
        ),
        file_changes=draw(in_tuple(st.builds(FileChange, texts, stated, stated, texts, st.just(()), places))),
        waiting=draw(in_tuple(st.builds(Waiting, st.none() | texts, texts, st.just(("dee",)), flags))),
        organizations=organizations,
    )

"""Whatever projects have: the files that adopt them ask for nothing, and are adopted once only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reconciler.adopt.adoption import adopt, in_no_file
from reconciler.adopt.owners import KnownNames
from reconciler.adopt.patterns import patterns
from reconciler.adopt.project_contents import WITH, with_contents
from reconciler.desired.tier import OrganizationLimits, Tier
from reconciler.files.load import parse_tenants
from reconciler.model.compute import Compute
from reconciler.model.fields.table import BY_PATH, of
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from tests.harness.builders import (
    DAY,
    GIB,
    HERE,
    a_branch,
    a_fleet,
    a_project,
    a_view,
    an_endpoint,
    an_organization,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.adopt.grant import Grant
    from reconciler.live.project import LiveProject

NAMES = KnownNames(patterns=patterns(["app-{tenant}"]))
ORGANIZATIONS = tuple(an_organization(name, OrganizationLimits()) for name in ("free", "paid"))
QUOTAS = st.builds(
    Quota,
    active_time_seconds=st.sampled_from([0, 1, 3_600, 360_000, 12_345]),
    compute_time_seconds=st.sampled_from([0, 1, 77]),
    written_data_bytes=st.sampled_from([0, 1, 10**9]),
    data_transfer_bytes=st.sampled_from([0, 5 * GIB, 2**40 + 1]),
    logical_size_bytes=st.sampled_from([0, 512 * 2**20]),
)
SIZES = st.sampled_from([(0.25, 0.25), (0.25, 1.0), (0.5, 8.0), (1.0, 8.0), (4.0, 4.0)])
COMPUTES = st.builds(
    lambda size, idle: Compute(size[0], size[1], idle), SIZES, st.sampled_from([-1, 60, 300, 604_800])
)
SWITCHES = st.sampled_from(["enable_logical_replication", "block_vpc_connections"])


@st.composite
def projects(draw: st.DrawFn) -> list[LiveProject]:
    """Projects that somebody else's scripts made; some share what they have."""
    common = draw(st.lists(st.tuples(QUOTAS, COMPUTES), min_size=1, max_size=3))
    made = []
    for number in range(draw(st.integers(1, 25))):
        quota, compute = draw(st.sampled_from(common) | st.tuples(QUOTAS, COMPUTES))
        id_ = f"p-{number}"
        settings = draw(
            st.sampled_from([{}, {"enable_logical_replication": True}, {"block_vpc_connections": True}])
        )
        dev = a_branch(id_, id=f"br-dev-{id_}", name="dev", default=False, parent_id=f"br-{id_}", annotations={})
        branches = (a_branch(id_, annotations={}), *((dev,) if draw(st.booleans()) else ()))
        made.append(
            a_project(
                id=id_,
                name=f"app-t{number}",
                organization=draw(st.sampled_from(["free", "paid"])),
                quota=quota,
                compute=compute,
                restore_window_seconds=draw(st.sampled_from([0, DAY, 7 * DAY])),
                settings=settings,
                branches=branches,
                endpoints=(an_endpoint(id_, compute),),
            )
        )
    return made


@given(projects(), st.booleans(), st.sets(st.sampled_from(WITH)))
def test_files_that_adopt_ask_for_nothing(found: list[LiveProject], infer: bool, below: set[str]) -> None:
    fleet, view = a_fleet(organizations=ORGANIZATIONS), a_view(*found)
    adopted = adopt(fleet, view, NAMES, infer_tiers=infer)
    adopted, _ = with_contents(adopted, fleet, below)
    assert len(adopted.tenants) == len(found)
    tiers = {**fleet.tiers, **{tier.name: _tier(tier.name, tier.grant) for tier in adopted.tiers}}
    priced = replace(fleet, tiers=tiers)
    lines = "\n".join(json.dumps(one.document) for one in adopted.tenants)
    loaded = parse_tenants(lines, "adopted.ndjson", priced)
    assert loaded.desired is not None, loaded.problems
    plan = make_plan(loaded.desired, view)
    assert plan.tenants == ()
    assert plan.conflicts == ()
    assert in_no_file(loaded.desired, view) == ([], 0)


def test_a_project_of_the_free_tier_has_no_overrides() -> None:
    project = a_project(details=False, id="p-1", name="app-acme")
    (only,) = adopt(a_fleet(), a_view(project), NAMES).tenants
    assert only.document == {"tenant": "acme", "tier": "free", "project_id": "p-1"}


def _tier(name: str, grant: Grant) -> Tier:
    """The inferred tier as its lines in tiers.yaml declare it."""
    values = {BY_PATH[path].name: value for path, value in grant.stated.items()}
    members = {group: [field.name for field in of(group)] for group in ("quota", "compute")}
    return Tier(
        name,
        grant.organization,
        HERE,
        quota=Quota(**{key: int(value) for key, value in values.items() if key in members["quota"]}),
        compute=Compute(**{key: value for key, value in values.items() if key in members["compute"]}),  # type: ignore[arg-type]
        restore_window_seconds=int(values["restore_window_seconds"]),
    )

"""No change of a key is silent: it is planned, refused, or named in the plan, for every key of the schema."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.settings import override_compute
from reconciler.files.tenant_schema import TenantDocument
from reconciler.files.tiers_schema import RatesDocument, TiersDocument
from reconciler.live.project import LiveProject, LiveSnapshot
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.compute import Compute
from reconciler.model.fields.table import BY_PATH, FIELDS
from reconciler.model.quota import Quota
from reconciler.plan.history import History
from tests.harness.builders import NOON, a_branch, a_project, a_view, an_endpoint, guarded_plan
from tests.property import whole_files
from tests.property.whole_files import OTHER_TENANT, OTHER_TIERS, TENANT, TIERS, fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveBranch
    from reconciler.model.fields.field import Field
    from reconciler.plan.plan import Plan
    from tests.property.whole_files import Document, Path

PLAIN: Final = {key: TENANT[key] for key in ("tenant", "tier")} | {"dev_branches": ["plain"], "snapshots": ["v1"]}
"""A tenant that has everything from its tier."""
UNTOLD: Final = {
    "tenant": "another name is another tenant",
    "revision": "grows with each state of the tenant, and is judged by itself",
    "version": "there is one",
    "organizations": "each has an id, of which there is one",
    "organizations.*.id": "where keys go is judged before the first call",
    "organizations.*.api_key": "where keys go",
    "personal_api_key": "where keys go",
    "registry": "where keys go",
    "registry.url": "where keys go",
    "notify": "where notices go",
    "notify.urls": "where notices go",
    "registry.key": "where keys go",
    "registry.connection_strings": "the registry keeps them or not: no project changes",
    "api.host": "where keys go",
    "tenants": "which files are read: a tenant that is gone is an orphan",
    "tenants.*.files": "which files are read",
    "tenants.*.ndjson": "which files are read",
    "tenants.*.sql": "which rows are read",
    "tenants.*.sql.query": "which rows are read",
    "tenants.*.sql.url": "where a password goes is judged before the database is opened",
    "policies": "which files are read: each policy that comes or goes is named",
    "snapshots.*.name": "another name is another entry",
    "dev_branches.*.name": "another name is another entry",
    "databases.*.name": "another name is another entry",
    "dev_branches.*.databases.*.name": "another name is another entry",
    "tiers.*.databases.*.name": "another name is another entry",
    "reason": "belongs to a state that no other key can have with it",
}
"""Keys whose change a plan does not name, each with the reason."""
ALONE: Final = frozenset(
    {
        "state",
        "project_id",
        "recover",
        "fleet",
        "naming.project",
        "tier",
        "tiers.*.organization",
        "tiers.*.snapshots.method",
    }
)
"""Keys beside which nothing else of the tenant may be told."""
SHOWN: Final = ("accept",)
"""Keys that need no word beside an action that shows what they do."""
CALLED: Final = {"project": "name", "at": r"its (\w+, )*at\b"} | {
    member.key: field.path for field in FIELDS for member in field.members
}
"""Keys that a plan calls otherwise."""
_OWN_PRICES: Final = ("prices", "organizations", "*")
CONTRARY: Final[dict[tuple[str, ...], list[tuple[str, ...]]]] = {
    ("dev_branches", "*", "protected"): [("dev_branches", "*", "expires_at")],
    (*_OWN_PRICES, "sponsored"): [(*_OWN_PRICES, key) for key in RatesDocument.model_fields],
}
"""Keys that cannot be stated beside a key."""
FIRST: Final[dict[str, str | int]] = {
    "snapshots": 1,
    "boosts": 0,
    "databases": 0,
    "dev_branches": 1,
    "replicas": "reports",
    "tenants": 0,
    "tiers": "pro",
    "organizations": "paid",
    "prices": "paid",
}

TENANT_KEYS: Final = list(whole_files.keys(TenantDocument))
TIERS_KEYS: Final = list(whole_files.keys(TiersDocument))
LEAVES: Final = [
    key
    for key in (*TENANT_KEYS, *TIERS_KEYS)
    if not any(len(o) > len(key) and o[: len(key)] == key for o in TENANT_KEYS + TIERS_KEYS)
]


def place(key: tuple[str, ...]) -> Path:
    """Where the key stands in the documents."""
    return tuple(FIRST[above] if step == "*" else step for above, step in zip(("", *key), key, strict=False))


def at(document: Any, path: Path) -> Any:
    """The value there; None where there is none."""
    for step in path:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def with_(document: Document, path: Path, value: Any) -> Document:
    """The document with another value there, or without the key where it is None."""
    changed = deepcopy(document)
    inner = at(changed, path[:-1])
    if inner is None:
        return document
    if value is None:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value
    return changed


def pairs(key: tuple[str, ...]) -> Iterator[tuple[DesiredState, DesiredState]]:
    """Valid files that differ in the key alone: changed, removed, added."""
    path, of_tenant = place(key), key in TENANT_KEYS
    for tenant in (TENANT, PLAIN):
        whole, other = (tenant, OTHER_TENANT) if of_tenant else (TIERS, OTHER_TIERS)
        for contrary in CONTRARY.get(key, ()):
            whole = with_(whole, place(contrary), None)
        values = [at(whole, path), at(other, path), None]
        files = [with_(whole, path, value) for value in values]
        states = [fleet(TIERS, one) if of_tenant else fleet(one, tenant) for one in files]
        for before in states:
            for now in states:
                if before is not None and now is not None and before is not now and differ(before, now, key):
                    yield before, now


def differ(before: DesiredState, now: DesiredState, key: tuple[str, ...]) -> bool:
    """Whether the files say something else of the tenant: not by an override that is what the tier grants, nor by
    a setting that is as Neon makes it."""
    was, becomes = (files.at(NOON).settings(files.tenants["acme"]) for files in (before, now))
    if key[0] == "overrides" and was == becomes:
        return False
    if key[-1] == "protected" and _protected(was) == _protected(becomes):
        return False
    if key[-1] == "reset" and _resets(was) >= _resets(becomes):
        return False
    setting = setting_of(key)
    if setting is not None and setting.absent is not None and setting.key not in was.settings:
        return becomes.settings.get(setting.key) != setting.absent
    return before != now


def _protected(settings: Settings) -> list[bool]:
    """Of each branch; one of which nothing is stated is as Neon makes it."""
    return [bool(one) for one in (settings.protected, *(b.protected for b in settings.dev_branches or ()))]


def _resets(settings: Settings) -> list[int]:
    """Of each branch; only a number that grows asks for something."""
    return [branch.reset for branch in settings.dev_branches or ()]


def setting_of(key: tuple[str, ...]) -> Field | None:
    """The project setting that the key is, or is a member of."""
    name = key[key.index("settings") + 1 :][:1] if "settings" in key else ()
    return BY_PATH.get(".".join(("settings", *name)))


def live(files: DesiredState) -> LiveProject:
    """The tenant's project, just as the files say; what they leave out is as Neon makes it."""
    tenant = files.tenants["acme"]
    wanted, sizes = files.at(NOON).settings(tenant), Compute(0.75, 7, 420)
    compute = override_compute(sizes, wanted.compute)
    made = [
        _branch(one.name, Purpose.DEV_BRANCH, one.expires_at, protected=bool(one.protected))
        for one in wanted.dev_branches or ()
    ]
    computes = zip(made, (branch.compute for branch in wanted.dev_branches or ()), strict=True)
    taken = [
        LiveSnapshot(f"snap-{one.name}", one.name, "br-p-acme", NOON, one.expires_at)
        for one in wanted.snapshots or ()
    ]
    by_branch = wanted.snapshot_policy.method.value == "branch"
    default, first = "br-p-acme", wanted.first_database
    lists = {default: (wanted.roles, wanted.databases)}
    lists |= {f"br-{one.name}": (one.roles, one.databases) for one in wanted.dev_branches or ()}
    return a_project(
        roles={id_: tuple(dict.fromkeys((first.owner, *(names or ())))) for id_, (names, _) in lists.items()},
        databases={id_: (first, *(owned or ())) for id_, (_, owned) in lists.items()},
        organization=wanted.organization,
        name=files.project_name(tenant),
        region=tenant.pins.region or files.defaults.region,
        pg_version=tenant.pins.pg_version or files.defaults.pg_version,
        quota=wanted.quota or Quota(),
        compute=compute,
        restore_window_seconds=86_400 if wanted.restore_window_seconds is None else wanted.restore_window_seconds,
        settings=dict(wanted.settings),
        branches=(
            a_branch(name=files.default_branch(tenant), protected=bool(wanted.protected)),
            *made,
            *(_branch(one.name, Purpose.SNAPSHOT, one.expires_at) for one in taken if by_branch),
        ),
        endpoints=(
            an_endpoint(compute=compute or sizes),
            *(
                an_endpoint(
                    id=f"ep-{branch.id}", branch_id=branch.id, compute=override_compute(sizes, own) or sizes
                )
                for branch, own in computes
            ),
            *(
                an_endpoint(
                    id=f"ep-{name}", kind="read_only", name=name, compute=override_compute(sizes, own) or sizes
                )
                for name, own in (wanted.replicas or {}).items()
            ),
        ),
        snapshots=() if by_branch else tuple(taken),
    )


def _branch(name: str, purpose: Purpose, expires_at: Any, *, protected: bool = False) -> LiveBranch:
    notes = branch_annotations(fleet="prod", tenant="acme", run="r0", branch=name, purpose=purpose)
    return a_branch(
        id=f"br-{name}",
        name=name,
        default=False,
        parent_id="br-p-acme",
        annotations=notes,
        expires_at=expires_at,
        protected=protected,
    )


def planned(before: DesiredState, now: DesiredState) -> Plan:
    view, history = a_view(live(before)), History(before)
    return guarded_plan(now, view, history=history)


def said(plan: Plan) -> str:
    """Everything that the plan plans, refuses or names; notes do not count."""
    actions = (*plan.actions, *(action for refusal in plan.refusals for action in refusal.actions))
    paths = [change.path for action in actions for change in action.changes]
    named = [*(f"{one.path} {dict(one.live)}" for one in plan.unmanaged), *(one.path for one in plan.file_changes)]
    messages = [one.message for one in plan.refusals] + [one.message for one in plan.conflicts]
    return "\n".join((*paths, *named, *messages))


def test_every_key_of_the_schema_stands_in_both_files() -> None:
    for keys, whole, other in ((TENANT_KEYS, TENANT, OTHER_TENANT), (TIERS_KEYS, TIERS, OTHER_TIERS)):
        for key in keys:
            if ".".join(key) not in UNTOLD:
                assert at(other, place(key)) not in (None, at(whole, place(key))), (
                    f"{key}: write it in whole_files.py"
                )


@pytest.mark.drawn(40)
@pytest.mark.parametrize(
    "key", [k for k in (*TENANT_KEYS, *TIERS_KEYS) if ".".join(k) not in UNTOLD], ids=".".join
)
def test_a_key_that_changes_comes_or_goes_is_not_silent(key: tuple[str, ...]) -> None:
    tried = list(pairs(key))
    assert tried, "there are valid files that differ in it"
    for before, now in tried:
        told = said(planned(before, now))
        assert told
        if key in LEAVES and ".".join(key) not in ALONE:
            assert re.search(rf"\b{CALLED.get(key[-1], key[-1])}", told), told


def test_files_that_are_live_as_they_are_say_nothing() -> None:
    for tenant in (TENANT, PLAIN):
        files = fleet(TIERS, tenant)
        assert files is not None
        assert not said(planned(files, files))
        assert planned(files, files).empty


free_keys = [k for k in LEAVES if ".".join(k) not in UNTOLD and ".".join(k) not in ALONE and k[0] not in SHOWN]


@given(
    st.lists(
        st.tuples(st.sampled_from(free_keys), st.booleans()), min_size=2, max_size=6, unique_by=lambda e: e[0]
    )
)
def test_of_several_keys_none_is_silent(edits: list[tuple[tuple[str, ...], bool]]) -> None:
    tiers, tenant = TIERS, TENANT
    changed: list[tuple[str, ...]] = []
    for key, gone in edits:
        path, of_tenant = place(key), key in TENANT_KEYS
        value = None if gone else at(OTHER_TENANT if of_tenant else OTHER_TIERS, path)
        now = (tiers, with_(tenant, path, value)) if of_tenant else (with_(tiers, path, value), tenant)
        before = fleet(tiers, tenant)
        after = fleet(*now)
        if after is not None and before is not None and after != before:
            (tiers, tenant), changed = now, [*changed, key]
    base, files = fleet(TIERS, TENANT), fleet(tiers, tenant)
    assert base is not None
    assert files is not None
    told = said(planned(base, files))
    was, becomes = (one.settings(one.tenants["acme"]) for one in (base, files))
    for key in changed:
        if (setting := setting_of(key)) and was.settings.get(setting.key) == becomes.settings.get(setting.key):
            continue  # what the tenant's file ceases to say, its tier says now
        if key[-1] == "protected" and _protected(was) == _protected(becomes):
            continue
        assert re.search(rf"\b{CALLED.get(key[-1], key[-1])}", told), (key, told)

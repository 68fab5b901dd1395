"""``--prune``: who is spared although no file declares it, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import Policy
from reconciler.live.registered import Registered
from reconciler.model.annotations import creation_annotations
from reconciler.model.values import replace
from reconciler.plan.baseline import Baseline
from reconciler.plan.history import History
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    an_unused_project,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan

OLD = NOON - timedelta(days=8)
YOUNG = NOON - timedelta(days=6)
ROW = Registered("p-gone", "free", "r1", OLD)
KEPT = a_fleet(a_tenant("kept"))
DECLARED = History(a_fleet(a_tenant("kept"), a_tenant("gone")))


def pruned(
    history: History = History(), *, policy: Policy = Policy(), view: dict[str, Any] | None = None, **project: Any
) -> Plan:
    live = a_view(an_unused_project("gone", **{"created_at": OLD, **project}), a_project("kept"), **(view or {}))
    return make_plan(replace(KEPT, policy=policy), live, history=history, prune=True)


def spared(plan: Plan) -> str:
    """Why nothing is deleted; the orphan is still told of."""
    assert plan.empty
    assert [orphan.tenant for orphan in plan.orphans] == ["gone"]
    (refusal,) = plan.refusals
    assert (refusal.rule, refusal.tenants) == (Rule.PRUNE, ("gone",))
    assert "state: absent" in refusal.remedy
    return refusal.message


def test_an_old_idle_project_of_nobody_is_deleted() -> None:
    for idle in (None, OLD):
        plan = pruned(last_active_at=idle)
        assert [action.kind for action in plan.actions] == ["delete_project"]
        assert not plan.refusals


def test_older_files_prune_no_tenant_that_the_base_declares() -> None:
    added_since = History(a_fleet(a_tenant("kept"), a_tenant("gone")), KEPT)
    assert spared(pruned(added_since)) == "the base declares the tenant, and these files are older"
    removed_here = replace(added_since, fork=added_since.base)
    assert pruned(removed_here).tenants


def test_older_files_prune_no_tenant_that_a_tried_commit_declares() -> None:
    """Its creation is half done: its own base does not know it, and the tried commit is ahead of these files."""
    declaring = a_fleet(a_tenant("kept"), a_tenant("gone"))
    half_done = History(declaring, KEPT, owed={"gone": Baseline(a_fleet())})
    ahead = replace(half_done, tried={"gone": (Baseline(declaring, KEPT),)})
    assert spared(pruned(ahead)) == "the base declares the tenant, and these files are older"
    removed_here = replace(half_done, tried={"gone": (Baseline(declaring, declaring),)})
    assert pruned(removed_here).tenants


def test_no_tenant_is_pruned_whose_own_base_cannot_be_read() -> None:
    assert "the tenant's file may only be missing" in spared(pruned(History(KEPT, owed={"gone": None})))


def test_nothing_is_pruned_if_the_earlier_files_are_unknown() -> None:
    assert "the tenant's file may only be missing" in spared(pruned(History(lost=True)))


def test_what_is_young_or_was_active_is_spared() -> None:
    assert spared(pruned(created_at=YOUNG)) == "the project is younger than 7 d"
    assert spared(pruned(last_active_at=YOUNG)) == "the project was active within 7 d"


@pytest.mark.parametrize("now", [{"active": True}, {"last_active_at": NOON}], ids=["runs", "ran"])
def test_so_is_what_its_computes_show_to_be_in_use_although_the_project_tells_it_an_hour_later(
    now: dict[str, Any],
) -> None:
    used = spared(pruned(last_active_at=OLD, endpoints=(an_endpoint(**now),)))
    assert used == "the project was active within 7 d"


def test_a_project_whose_computes_were_not_returned_is_spared() -> None:
    assert "did not return its computes" in spared(pruned(endpoints=None))


def test_whom_a_new_tenant_looks_like_is_spared_as_long_as_that_one_has_no_project() -> None:
    """A rename that the file does not tell: its creation is refused as such, and its data is not deleted."""
    now = a_fleet(a_tenant("gone-inc"), a_tenant("kept"))
    history = replace(DECLARED, gone=frozenset({"gone"}))
    projects = an_unused_project("gone"), a_project("kept")
    plan = make_plan(now, a_view(*projects), history=history, prune=True)
    assert [action.kind for action in plan.actions] == ["create_project"]
    (refusal,) = plan.refusals
    assert (refusal.rule, refusal.tenants) == (Rule.PRUNE, ("gone",))
    assert refusal.message == "tenant 'gone-inc' is new, and looks like it under another name"
    assert refusal.remedy.startswith(
        "add `previously: [gone]` to tenants/gone-inc.yaml:1; or to delete the tenant"
    )
    created = a_view(*projects, a_project("gone-inc"))
    later = make_plan(now, created, history=history, prune=True)
    assert [action.tenant for action in later.actions if action.kind == "delete_project"] == ["gone"]


def test_a_longer_age_at_a_base_that_is_ahead_counts() -> None:
    both = a_fleet(a_tenant("kept"), a_tenant("gone"))
    later = replace(both, policy=Policy(prune_min_age_seconds=30 * 86_400))
    assert pruned(History(both)).tenants
    assert spared(pruned(History(later, fork=both))) == "the project is younger than 30 d"


def test_the_price_list_says_how_old() -> None:
    day = Policy(prune_min_age_seconds=86_400)
    assert pruned(policy=day, created_at=YOUNG, last_active_at=YOUNG).tenants
    assert "younger than 10 d" in spared(pruned(policy=Policy(prune_min_age_seconds=864_000)))


@pytest.mark.parametrize(
    "view", [{"registered": {"gone": ROW}}, {"revisions": {"gone": 3}}], ids=["row", "revision"]
)
def test_who_signed_up_by_a_document_is_spared(view: dict[str, Any]) -> None:
    assert "signed up by a document" in spared(pruned(view=view))
    assert pruned(DECLARED, view=view).tenants, "a file has declared it, and was removed"
    assert pruned(History(KEPT, removed=frozenset({"gone"})), view=view).tenants, "a commit took it out long ago"


def test_so_is_one_whose_project_shows_it_whatever_the_registry_knows() -> None:
    """Without a registry, or with a new one or a row that a backup lacks."""
    signed_up = creation_annotations(fleet="prod", tenant="gone", run="r1", returns_strings=True)
    branches = (a_branch(annotations=signed_up),)
    assert "signed up by a document" in spared(pruned(branches=branches))
    assert pruned(DECLARED, branches=branches).tenants, "a file has declared it, and was removed"
    assert pruned(History(KEPT, removed=frozenset({"gone"})), branches=branches).tenants


def test_a_tenant_of_whom_an_unread_file_speaks_is_spared() -> None:
    message = spared(pruned(History(names_in_files={"gone": "tenants/gone.yaml.disabled"})))
    assert message == "file tenants/gone.yaml.disabled names the tenant but declares nothing"


def test_the_source_is_where_the_tenant_stood() -> None:
    (action,) = pruned(DECLARED).actions
    assert action.source.file == "tenants/gone.yaml"
    (unknown,) = pruned().actions
    assert str(unknown.source) == "tiers.yaml:1"

"""The plan as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from reconciler.model.problem import Location
from reconciler.model.values import replace
from reconciler.plan.approval import Stale
from reconciler.plan.change import Origin, Risk
from reconciler.plan.plan import ONLY_REPORTED, Budget, Conflict, Coverage, Note, Orphan, Refusal, Rule
from reconciler.views import plain_text
from reconciler.views.console import as_text
from reconciler.views.coverage_sentences import budget
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan

WHOLE_PLAN = """\
Create (1)

  acme  new tenant, tier pro  (tenants/acme.yaml:2)
    +  create project in paid
        project  name myapp-acme, region aws-us-east-2, pg_version 17,
                 database neondb, role neondb_owner, branch main,
                 restore_window 7d
        quota    active_time 750h, compute_time unlimited,
                 written_data unlimited, data_transfer 50GiB, logical_size 10GiB
        compute  min_cu 0.25 CU, max_cu 8 CU, suspend_timeout 1m

Upgrade (1)

  northwind  tier free -> pro  (tenants/northwind.yaml:2)
    -> transfer from free to paid
    ~  patch project
        quota.active_time        100h   -> 750h
        quota.data_transfer      5GiB   -> 50GiB
        quota.logical_size       512MiB -> 10GiB
        compute.max_cu           2 CU   -> 8 CU
        compute.suspend_timeout  5m     -> 1m
        restore_window           1d     -> 7d
    ~  patch compute of branch main  restarts compute
        compute.max_cu           2 CU   -> 8 CU
        compute.suspend_timeout  5m     -> 1m

Downgrade (1)

  harbor  tier pro -> free  (tenants/harbor.yaml:2)
    ~  patch project
        compute.max_cu       8 CU  -> 2 CU  reduces max CU
        restore_window       7d    -> 1d    reduces restore window, destructive
    ~  patch compute of branch main  restarts compute
        compute.max_cu       8 CU  -> 2 CU  reduces max CU
    -> transfer from paid to free
    ~  patch project
        quota.data_transfer  50GiB -> 5GiB  reduces data transfer

Change (4)

  gamma  settings changed  (tenants/gamma.yaml:2)
    ~  patch project
        settings.allowed_ips
          ~ ips[1]  "10.0.0.2" -> "192.168.7.0/24"
          + ips[2]  "172.16.0.9"
          + primary_branch_only  false
          - protected_branches_only  true
        name                  renamed in the console -> myapp-gamma  drift
        settings.enable_logical_replication  not set -> true         disruptive

  3 tenants  tier free changed  (tiers.yaml:14)
    amber, birch and cedar
    ~  patch project
        quota.data_transfer  5GiB -> 10GiB

Delete (1)

  ember  state: absent  (tenants/ember.yaml:2)
    -  delete project myapp-ember (quiet-sun-00000011 in free, 31.5 MB, last
       active 2026-10-01)

Refused (1)

  !  protected  1 tenant
     protect: true refuses every deletion
     to allow it: remove protect from tenants/keystone.yaml

     keystone  state: absent  (tenants/keystone.yaml:2)
       -  delete project still-moon-11223344

  rules: docs/safety.md#rules

Reported (1)

  !  drift-policy  1 tenant
     live grants more than the files, and no commit asked for less
     to allow it: change the file, or run apply --allow lowering

     delta  differs from the files  (tenants/delta.yaml:2)
       ~  patch project
           quota.data_transfer  80GiB -> 50GiB  reduces data transfer, drift

  rules: docs/safety.md#rules

Conflicts (1)

  ?  fable  (tenants/fable.yaml:1)
     two live projects are called myapp-fable: quiet-sun-1 (free) and calm-sea-2
     (paid)
     to resolve it: pin one of them with project_id in its file

Orphans (2)

  myapp-zed        quiet-sun-00000009 in free, 31.5 MB, last active 2026-10-01,
                   created here
  myapp-yesterday  quiet-sun-00000015 in paid, last active 2026-10-01, ownership
                   not read
  next step: of this fleet's own: add the tenant's file again, or `reconciler
             plan --prune` shows what `apply --prune` can delete; of others:
             `reconciler adopt` writes files, or delete them in Neon's console

Notes (1)

  acme  an older project can be recovered until 2026-11-30: recover: calm-sea-9
        (tenants/acme.yaml:2)

Plan: 1 to create, 1 to upgrade, 1 to downgrade, 4 to change, 1 to delete; 1
refused, 1 reported, 1 conflict, 2 orphans.
14 write calls (2 transfers), about 9 reads, about 3 s at the account's rate
limit.
Looked at 15 projects in free and paid; existing computes checked: 6 of 12.
Not compared: read replicas, computes of other branches, Postgres settings and
protected branches; region and version, unless pinned; used quotas not read: 12
of 12.
"""


def shown(plan: Plan, *, full: bool = False, width: int = 80) -> str:
    return as_text(plain_text.plan(plan, full=full), width)


def test_a_plan_with_one_of_everything_reads_like_this() -> None:
    assert shown(build.rich_plan()) == WHOLE_PLAN


def test_every_line_fits_the_width_and_ends_without_blanks() -> None:
    for width in (60, 80, 100):
        for line in shown(build.rich_plan(), width=width).splitlines():
            assert len(line) <= width
            assert line == line.rstrip()


def test_in_sync_is_said_with_what_was_looked_at() -> None:
    assert shown(build.plan(), width=100) == (
        "In sync as far as checked: 12 tenants match the files.\n"
        "Looked at 15 projects in free and paid; existing computes checked: 6 of 12.\n"
        "Not compared: read replicas, computes of other branches, Postgres settings and protected branches;\n"
        "region and version, unless pinned; used quotas not read: 12 of 12.\n"
    )


def test_standing_refusals_forbid_to_say_in_sync() -> None:
    text = shown(build.plan(refusals=build.refusals()))
    assert "In sync" not in text
    assert "\nNot in sync, but nothing to do: 1 refused, 1 reported.\n" in text


def test_no_tenant_at_all_is_not_in_sync() -> None:
    coverage = Coverage(0, 3, 1, (), 0, 0)
    assert shown(build.plan(coverage=coverage), width=100) == (
        "No tenants to compare.\n"
        "Looked at 1 project by name or id, no organization listed; no existing computes to check.\n"
        "3 tenants left out by the selection.\n"
    )


def test_an_account_of_which_no_file_declares_a_project_is_to_be_adopted_unless_it_is_ours() -> None:
    coverage = Coverage(0, 0, 2, ("free",), 0, 0, in_no_file=2)
    strange, ours = (Orphan(build.project(name), name, owned=name == "ours") for name in ("strange", "ours"))
    assert "2 projects are in no file: `reconciler adopt` writes files" in " ".join(
        shown(build.plan(coverage=coverage, orphans=(strange,))).split()
    )
    told = " ".join(shown(build.plan(coverage=coverage, orphans=(strange, ours))).split())
    assert "2 projects are in no file, 1 of them created here: files, or the rows of a query, are missing" in told
    assert "adopt" not in told[told.index("No file declares a tenant") :]


def test_what_could_not_be_seen_is_said() -> None:
    coverage = Coverage(1, 0, 15, ("free", "paid", "trial"), 1, 1, unknown=2, held_back=1)
    assert shown(build.plan(coverage=coverage), width=100) == (
        "In sync as far as checked: 1 tenant matches the files.\n"
        "Looked at 15 projects in free, paid and trial; existing computes checked: 1 of 1.\n"
        "Not compared: read replicas, computes of other branches, Postgres settings and protected branches;\n"
        "region and version, unless pinned; used quotas not read: 1 of 1.\n"
        "1 tenant skipped: the file is invalid.\n"
        "2 projects not shown by the API.\n"
    )


def test_what_no_file_speaks_of_is_counted() -> None:
    seen = Coverage(
        1,
        0,
        61,
        ("free",),
        1,
        1,
        in_no_file=58,
        used_checked=1,
        replicas=2,
        other_computes=1,
        tuned_computes=1,
        protected_branches=3,
    )
    assert shown(build.plan(coverage=seen), width=100) == (
        "In sync: 1 tenant matches the files.\n"
        "Looked at 61 projects in free; existing computes checked: 1 of 1.\n"
        "Not compared: read replicas (2 seen), computes of other branches (1 seen), Postgres settings (1\n"
        "seen) and protected branches (3 seen); region and version, unless pinned.\n"
        "58 projects are in no file.\n"
    )


def test_tenants_with_the_same_changes_share_a_block() -> None:
    price_change = [build.price_change(f"tenant-{number:03}") for number in range(312)]
    assert shown(build.plan(*price_change, budget=Budget(312, 0, 624, 26.7))).startswith("""\
Requested (312)

  ~  quota.data_transfer 5GiB -> 10GiB  x 312 tenants
     tenant-000, tenant-001, tenant-002, tenant-003, tenant-004 and 307 more

Change (312)

  312 tenants  tier free changed  (tiers.yaml:14)
    tenant-000, tenant-001, tenant-002, tenant-003, tenant-004 and 307 more
    ~  patch project
        quota.data_transfer  5GiB -> 10GiB

Plan: 312 to change.
312 write calls, about 624 reads, about 27 s at the account's rate limit.
""")


def test_new_tenants_of_one_tier_share_a_block_though_their_projects_have_different_names() -> None:
    plan = build.plan(*(build.tenant(name, build.create(name)) for name in ("acme", "birch")))
    assert shown(plan, width=100).startswith("""\
Create (2)

  2 tenants  new tenant, tier pro  (tenants/acme.yaml:2 and 1 more)
    acme and birch
    +  create project in paid
        project  region aws-us-east-2, pg_version 17, database neondb, role neondb_owner,
                 branch main, restore_window 7d
""")


def test_what_goes_out_unchanged_does_not_keep_tenants_apart() -> None:
    raised = build.patch("birch", "tier free changed", build.change("quota.data_transfer_bytes", 1, 2))
    other = replace(raised, tenant="cedar", companions=(("quota.active_time_seconds", 72_000),))
    assert "2 tenants" in shown(build.plan(build.tenant("birch", raised), build.tenant("cedar", other)))


def test_one_differing_value_keeps_tenants_apart() -> None:
    other = build.patch("birch", "tier free changed", build.change("quota.data_transfer_bytes", 1, 10 * build.GIB))
    text = shown(build.plan(build.price_change("acme"), build.tenant("birch", other)))
    assert "2 tenants" not in text


def long_plan() -> Plan:
    tenants = []
    for number in range(30):
        name = f"tenant-{number:02}"
        changes = build.change("compute.max_cu", 1, 2 + number)
        tenants.append(build.tenant(name, build.patch(name, "size changed", changes)))
    return build.plan(*tenants)


def test_a_long_group_is_cut_with_the_count_said() -> None:
    text = shown(long_plan())
    assert "tenant-19" in text
    assert "tenant-20" not in text
    assert "\n  and 10 more tenants (--full shows all)\n" in text
    assert "Plan: 30 to change." in text


def test_full_cuts_nothing() -> None:
    text = shown(long_plan(), full=True)
    assert "tenant-29" in text
    assert "more" not in text


def test_the_largest_block_is_never_what_is_cut() -> None:
    plan = long_plan()
    many = (build.price_change(f"zulu-{number}") for number in range(3))
    text = shown(replace(plan, tenants=(*plan.tenants, *many)))
    assert "\nChange (33)\n\n  3 tenants  tier free changed" in text


def test_long_lists_of_remarks_are_cut_too() -> None:
    conflicts = tuple(Conflict(f"t{number}", "why", "how", build.at("t")) for number in range(25))
    notes = tuple(Note(None, f"note {number}") for number in range(25))
    text = shown(build.plan(conflicts=conflicts, notes=notes))
    assert "and 5 more conflicts (--full shows all)" in text
    assert "and 5 more notes (--full shows all)" in text


def test_notes_that_say_the_same_share_a_line() -> None:
    notes = tuple(Note(name, "its snapshot has expired", build.at(name)) for name in ("acme", "birch"))
    assert "  acme and birch  its snapshot has expired  (tenants/acme.yaml:2 and 1 more)\n" in shown(
        build.plan(notes=notes), width=100
    )


def test_several_reasons_stand_with_their_actions() -> None:
    change = build.change("compute.max_cu", 1, 2)
    plan = build.plan(
        build.tenant(
            "acme", build.patch("acme", "tier changed", change), build.patch_compute("acme", "resized", change)
        )
    )
    text = shown(plan)
    assert "  acme  (tenants/acme.yaml:2)\n" in text
    assert "    ~  patch project  (tier changed)\n" in text
    assert "    ~  patch compute of branch main  (resized)\n" in text


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_is_shown_with_what_would_allow_it(rule: Rule) -> None:
    refusal = Refusal(rule, (), "3,000 deletions, at most 5 a run", "--allow deletes=3000", ())
    title = "Reported" if rule in ONLY_REPORTED else "Refused"
    assert f"""\
{title} (1)

  !  {rule.value}  the whole run
     3,000 deletions, at most 5 a run
     to allow it: --allow deletes=3000
""" in shown(build.plan(refusals=(refusal,)))


def drift_refusals(count: int, message: str = "the live value was changed") -> tuple[Refusal, ...]:
    names = [f"tenant-{number:04}" for number in range(count)]
    return tuple(
        Refusal(Rule.DRIFT_POLICY, (name,), message.format(name=name), "set it by hand", (build.drifted(name),))
        for name in names
    )


def test_refusals_for_the_same_reason_are_told_once() -> None:
    assert """\
Reported (3,000)

  !  drift-policy  3,000 tenants
     the live value was changed
     to allow it: set it by hand

     3,000 tenants  differs from the files  (tenants/tenant-0000.yaml:2 and 2,999 more)
       tenant-0000, tenant-0001, tenant-0002, tenant-0003, tenant-0004 and 2,995 more
       ~  patch project
           quota.data_transfer  80GiB -> 50GiB  reduces data transfer, drift

  rules: docs/safety.md#rules

Not in sync""" in shown(build.plan(refusals=drift_refusals(3000)), width=100)


def test_many_refusals_for_different_reasons_are_cut() -> None:
    text = shown(build.plan(refusals=drift_refusals(30, "project of {name} moved")))
    assert "project of tenant-0019 moved" in text
    assert "project of tenant-0020 moved" not in text
    assert "and 10 more refusals (--full shows all)" in text


def test_a_move_that_no_commit_asked_for_is_marked_as_drift() -> None:
    planned = build.transfer("acme", "free", "paid", "tier pro", downgrade=False)
    moved = replace(planned, changes=tuple(replace(one, origin=Origin.DRIFT) for one in planned.changes))
    assert "    -> transfer from free to paid  drift\n" in shown(build.plan(build.tenant("acme", moved)))


def test_a_refusal_without_actions_names_its_tenants() -> None:
    refusal = Refusal(Rule.INCOMPLETE_VIEW, ("acme", "birch"), "why", "how", ())
    assert "  !  incomplete-view  2 tenants: acme and birch\n" in shown(build.plan(refusals=(refusal,)))


def stale(name: str, message: str = "the saved plan has other actions for this tenant") -> Stale:
    raised = build.change("quota.data_transfer_bytes", 5 * build.GIB, 8 * build.GIB)
    saved = build.patch(name, "tier free changed", raised, source=Location("tiers.yaml", 14))
    return Stale(name, build.price_change(name).actions, (saved,), message)


def test_what_a_saved_plan_does_not_permit_is_told_beside_what_it_has_instead() -> None:
    text = as_text(
        plain_text.plan(build.plan(build.price_change("zed")), stale=[stale("acme"), stale("birch")]), 80
    )
    assert (
        """\
Stale (2)

  !  2 tenants: acme and birch
     the saved plan has other actions for this tenant
     to go ahead: make a new plan, and have it approved

     not permitted:
     2 tenants  tier free changed  (tiers.yaml:14)
       acme and birch
       ~  patch project
           quota.data_transfer  5GiB -> 10GiB

     in the saved plan:
     2 tenants  tier free changed  (tiers.yaml:14)
       acme and birch
       ~  patch project
           quota.data_transfer  5GiB -> 8GiB

Plan: 1 to change; 2 stale.
"""
        in text
    )


def test_stale_tenants_forbid_to_say_in_sync() -> None:
    text = as_text(plain_text.plan(build.plan(), stale=[stale("acme")]))
    assert "In sync" not in text
    assert "\nNot in sync, but nothing to do: 1 stale.\n" in text


def test_many_stale_tenants_are_cut() -> None:
    many = [stale(f"tenant-{number:02}", f"project {number} is another one") for number in range(25)]
    assert "and 5 more reasons (--full shows all)" in as_text(plain_text.plan(build.plan(), stale=many))
    assert "project 24 is" in as_text(plain_text.plan(build.plan(), stale=many, full=True))


def test_a_compute_that_is_patched_without_harm_is_not_said_to_restart() -> None:
    change = build.change("compute.suspend_timeout_seconds", 300, 60, Risk.SAFE)
    assert "restarts" not in shown(build.plan(build.tenant("acme", build.patch_compute("acme", "tier", change))))


def test_colours_mark_what_is_taken() -> None:
    console = Console(force_terminal=True, color_system="standard", width=80, legacy_windows=False)
    with console.capture() as capture:
        console.print(plain_text.plan(build.rich_plan()), crop=False)
    assert "\x1b[31mreduces restore window, destructive\x1b[0m" in capture.get()
    assert "\x1b[32m+  \x1b[0m" in capture.get()
    assert "\x1b[36m-> \x1b[0m" in capture.get()


def test_a_budget_of_many_reads_says_what_they_are_for() -> None:
    spent = Budget(
        writes=450,
        transfers=1,
        reads=480,
        seconds=90,
        resizes=50,
        polls=300,
        searches=120,
        late_looks=30,
        repeats=2,
    )
    assert budget(spent) == (
        "450 write calls (1 transfer, up to 2 repeated transfers, up to 50 resizes of new computes), "
        "about 480 reads (300 of operations, "
        "120 searches for projects, 30 of tenants whose turn comes late, 30 others), about 2 min at the account's "
        "rate limit."
    )


def test_a_budget_of_few_reads_does_not() -> None:
    spent = Budget(writes=1, transfers=0, reads=99, seconds=9, polls=99)
    assert budget(spent) == "1 write call, about 99 reads, about 9 s at the account's rate limit."

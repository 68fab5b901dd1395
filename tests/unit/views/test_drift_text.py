"""The drift report as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.values import replace
from reconciler.plan.plan import Refusal, Rule
from reconciler.views import plain_text
from reconciler.views.console import as_text
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan

WHOLE_REPORT = """\
Missing (1)

  acme  new tenant, tier pro  (tenants/acme.yaml:2)
    +  no live project; the files declare one in paid

Below its tier (1)

  northwind  tier free -> pro  (tenants/northwind.yaml:2)
    -> live in free; the files say paid  not applied
    ~  project
        quota.active_time        live 100h    files 750h   not applied
        quota.data_transfer      live 5GiB    files 50GiB  not applied
        quota.logical_size       live 512MiB  files 10GiB  not applied
        compute.max_cu           live 2 CU    files 8 CU   not applied
        compute.suspend_timeout  live 5m      files 1m     not applied
        restore_window           live 1d      files 7d     not applied
    ~  compute of branch main
        compute.max_cu           live 2 CU    files 8 CU   not applied
        compute.suspend_timeout  live 5m      files 1m     not applied

Above its tier (1)

  harbor  tier pro -> free  (tenants/harbor.yaml:2)
    ~  project
        compute.max_cu       live 8 CU   files 2 CU  above files, not applied
        restore_window       live 7d     files 1d    above files, not applied
    ~  compute of branch main
        compute.max_cu       live 8 CU   files 2 CU  above files, not applied
    -> live in paid; the files say free  not applied
    ~  project
        quota.data_transfer  live 50GiB  files 5GiB  above files, not applied

Different (5)

  gamma  settings changed  (tenants/gamma.yaml:2)
    ~  project
        settings.allowed_ips  not applied
          ~ ips[1]  live "10.0.0.2"  files "192.168.7.0/24"
          + ips[2]  files "172.16.0.9"
          + primary_branch_only  files false
          - protected_branches_only  live true
        name                  live renamed in the console  files myapp-gamma
        settings.enable_logical_replication  live not set  files true
                                             not applied

  3 tenants  tier free changed  (tiers.yaml:14)
    amber, birch and cedar
    ~  project
        quota.data_transfer  live 5GiB  files 10GiB  not applied

  delta  differs from the files  (tenants/delta.yaml:2)
    ~  project
        quota.data_transfer  live 80GiB  files 50GiB  above files

Still live (2)

  ember  state: absent  (tenants/ember.yaml:2)
    -  project myapp-ember (quiet-sun-00000011 in free, 31.5 MB, last active
       2026-10-01); the files say absent  not applied

  keystone  state: absent  (tenants/keystone.yaml:2)
    -  project still-moon-11223344; the files say absent  not applied

Not changed by apply (2)

  !  drift-policy  1 tenant: delta
     live grants more than the files, and no commit asked for less
     to allow it: change the file, or run apply --allow lowering

  !  protected  1 tenant: keystone
     protect: true refuses every deletion
     to allow it: remove protect from tenants/keystone.yaml

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

Drift: 10 of 12 tenants differ from the files; 1 conflict, 2 orphans.
Looked at 15 projects in free and paid; existing computes checked: 6 of 12.
Not compared: read replicas, computes of other branches, Postgres settings and
protected branches; region and version, unless pinned; used quotas not read: 12
of 12.
"""


def shown(plan: Plan, width: int = 80) -> str:
    return as_text(plain_text.drift(plan), width)


def test_a_drift_report_with_one_of_everything_reads_like_this() -> None:
    assert shown(build.rich_plan()) == WHOLE_REPORT


def test_every_line_fits_the_width() -> None:
    assert all(len(line) <= 80 for line in shown(build.rich_plan()).splitlines())


def test_without_drift_it_says_what_was_looked_at() -> None:
    assert shown(build.plan()) == (
        "In sync as far as checked: 12 tenants match the files.\n"
        "Looked at 15 projects in free and paid; existing computes checked: 6 of 12.\n"
        "Not compared: read replicas, computes of other branches, Postgres settings and\n"
        "protected branches; region and version, unless pinned; used quotas not read: 12\n"
        "of 12.\n"
    )


def test_a_difference_that_two_rules_hold_back_is_told_once() -> None:
    held = build.drifted("delta")
    refusals = tuple(
        Refusal(rule, ("delta",), "why", "how", (held,)) for rule in (Rule.DRIFT_POLICY, Rule.PROTECTED)
    )
    text = shown(build.plan(refusals=refusals))
    assert text.count("quota.data_transfer") == 1
    assert "Drift: 1 of 12 tenants differs from the files." in text


def test_a_refusal_about_no_difference_is_not_called_drift() -> None:
    refusal = Refusal(Rule.INCOMPLETE_VIEW, ("acme",), "why", "how", ())
    text = shown(build.plan(refusals=(refusal,)))
    assert "Not in sync, but nothing to do: 1 refused." in text


def test_missing_projects_are_told_alike_whatever_they_would_be_created_with() -> None:
    small = build.create("acme", tier="pro")
    large = replace(build.create("birch", tier="pro"), changes=small.changes[3:])
    text = shown(build.plan(build.tenant("acme", small), build.tenant("birch", large)))
    assert "  2 tenants  new tenant, tier pro" in text

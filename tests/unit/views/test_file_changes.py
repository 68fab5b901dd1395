"""What a commit changed and no action carries out, as text, Markdown and JSON tell it."""

from __future__ import annotations

from reconciler.model.problem import Location
from reconciler.model.values import JsonText
from reconciler.plan.plan import FileChange, Unmanaged
from reconciler.views import markdown, plain_text
from reconciler.views.console import as_text
from reconciler.views.view import DriftView, PlanView
from tests.unit.views import builders as build

MANY = tuple(f"t{number:04}" for number in range(8412))
IPS = JsonText.of({"ips": ["10.0.0.0/8"]})
ALLOWED = "settings.allowed_ips"
OF_A_TIER = Unmanaged(
    ALLOWED, ((ALLOWED, IPS),), MANY, "pro", "new tenants get Neon's default", (Location("tiers.yaml", 12),)
)
OWN = Unmanaged(
    "quota",
    (("quota.active_time_seconds", 0), ("quota.logical_size_bytes", 500 * build.GIB)),
    ("acme",),
    None,
    "",
    (build.at("acme"),),
)
REGION = FileChange(
    "defaults.region", "here", "there", "applies to new projects only", (), Location("tiers.yaml", 40)
)
ENDED = FileChange(
    "protect", True, None, "whether a run may reduce or delete something of theirs", MANY[:8], build.at("t0000", 3)
)
PLAN = build.plan(unmanaged=(OF_A_TIER, OWN), file_changes=(REGION, ENDED))


def test_thousands_of_tenants_are_one_line_of_text() -> None:
    text = as_text(plain_text.plan(PLAN), 200)
    assert "Changed in the files only (4)\n" in text
    assert (
        "  no longer managed, live value kept: settings.allowed_ips (10.0.0.0/8) of 8,412 tenants, new tenants "
        "get Neon's default  (tier pro, tiers.yaml:12)\n"
    ) in text
    assert (
        "  no longer managed, live value kept: quota (active_time unlimited, logical_size 500GiB) of 1 tenant  "
        "(acme, tenants/acme.yaml:2)\n"
    ) in text
    assert "  defaults.region: here -> there; applies to new projects only  (tiers.yaml:40)\n" in text
    assert (
        "  protect: true -> not set, 8 tenants; whether a run may reduce or delete something of theirs  (" in text
    )
    assert "In sync" in text, "nothing differs"


def test_and_one_line_of_a_comment() -> None:
    text = markdown.render(PlanView(PLAN))
    assert (
        "- no longer managed, live value kept: `settings.allowed_ips` (`10.0.0.0/8`) of 8,412 tenants, new "
        "tenants get Neon's default (tier `pro`, `tiers.yaml:12`)\n"
    ) in text
    assert "- `defaults.region`: `here` &rarr; `there`; applies to new projects only (`tiers.yaml:40`)\n" in text


def test_a_drift_report_speaks_of_what_is_live_alone() -> None:
    assert "no longer managed" not in as_text(plain_text.drift(PLAN), 200)
    assert "no longer managed" not in markdown.render(DriftView(PLAN))


def test_a_value_that_was_not_read_and_one_that_is_long() -> None:
    unread = Unmanaged("snapshots", (("snapshots", None),), ("acme",), None, "", (build.at("acme"),))
    long = Unmanaged(
        "settings.x", (("settings.x", JsonText.of("x" * 999)),), ("acme",), None, "", (build.at("acme"),)
    )
    text = as_text(plain_text.plan(build.plan(unmanaged=(unread, long))), 2000)
    assert "live value kept: snapshots of 1 tenant  (acme" in text
    assert f"settings.x ({'x' * 200}...) of 1 tenant" in text

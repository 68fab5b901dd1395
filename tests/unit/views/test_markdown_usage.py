"""The usage of a fleet as Markdown."""

from __future__ import annotations

from typing import Final

from reconciler.views import markdown
from reconciler.views.view import UsageView
from tests.unit.views import usages

TEXT: Final = markdown.render(UsageView(usages.at_limits(["acme", "birch", "cedar", "delta"])))


def test_who_is_at_a_limit_precedes_who_is_near_one_and_the_counts() -> None:
    assert TEXT.startswith("**Usage: 4 tenants above a threshold, 1 suspended,")
    titles = ["Suspended (1)", "Writes fail (1)", "Above a threshold (2)", "Tiers (1)", "Idle (1)", "Not read (3)"]
    assert sorted(titles, key=TEXT.index) == titles


def test_a_suspended_tenant_is_told_with_its_quota_and_what_helps() -> None:
    assert "| `acme` | `free` | `active_time` `100h` |" in TEXT.replace(
        "`active_time 100h`", "`active_time` `100h`"
    )
    assert "cannot start until `2026-12-01` UTC" in TEXT
    assert "next step: reconciler boost TENANT" in TEXT


def test_a_tenant_that_its_file_suspends_is_told_with_its_reason() -> None:
    assert "`delta asked for it` |" in TEXT


def test_a_quota_near_its_limit_has_its_share_and_day() -> None:
    assert "`90.0%` | `100h` | reached about `2026-11-21` |" in TEXT


def test_tenants_are_counted_by_tier_and_state() -> None:
    usage = usages.at_limits([f"tenant-{number}" for number in range(8)])
    [row] = [line for line in markdown.render(UsageView(usage)).splitlines() if line.endswith("| 8 | 4 | 4 | 2 |")]
    assert row.startswith("| `")

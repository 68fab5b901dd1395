"""The plan and the drift report as Markdown."""

from __future__ import annotations

from reconciler.plan.plan import Note
from reconciler.views import markdown
from reconciler.views.view import DriftView, PlanView
from tests.unit.views import builders as build


def test_the_summary_stands_on_top() -> None:
    text = markdown.render(PlanView(build.rich_plan()))
    assert text.startswith(
        "**Plan: 1 to create, 1 to upgrade, 1 to downgrade, 4 to change, 1 to delete; "
        "1 refused, 1 reported, 1 conflict, 2 orphans.**  \n"
    )


def test_a_change_is_a_row_and_what_was_compared_stands_below() -> None:
    text = markdown.render(PlanView(build.plan(build.price_change("amber"), build.price_change("birch"))))
    assert (
        """\
<details open><summary>Change (2)</summary>

| tenant | action | changes |
| --- | --- | --- |
| **2 tenants**<br>`amber` and `birch`<br>`tiers.yaml:14` | patch project<br>tier free changed | \
`quota.data_transfer` `5GiB` &rarr; `10GiB` |

</details>

Looked at 15 projects"""
        in text
    )


def test_risks_stand_out() -> None:
    text = markdown.render(PlanView(build.plan(build.downgrade("harbor"))))
    assert "`restore_window` `7d` &rarr; `1d` **reduces restore window, destructive**" in text
    assert "patch compute of branch `main` **restarts compute**" in text


def test_drift_speaks_of_what_was_found() -> None:
    text = markdown.render(DriftView(build.plan(refusals=build.refusals())))
    assert text.startswith("**Drift: 2 of 12 tenants differ from the files.**")
    assert "| `quota.data_transfer` live `80GiB` files `50GiB` **above files** |" in text


def test_names_cannot_leave_their_place() -> None:
    text = markdown.render(PlanView(build.plan(notes=(Note("a|`\n</details>", "<script>"),))))
    assert "- ``a|`\\n</details>``: `<script>`\n" in text
    assert text.count("\n</details>\n") == 1


def test_a_long_plan_stays_within_what_a_comment_may_hold() -> None:
    tenants = []
    for number in range(3000):
        name = f"tenant-{number:04}"
        change = build.change("compute.max_cu", 1, number)
        tenants.append(build.tenant(name, build.patch(name, "size changed", change)))
    text = markdown.render(PlanView(build.plan(*tenants)))
    assert len(text) <= markdown.MAX_CHARACTERS
    assert "Change (3,000)" in text
    assert "more" in text

"""Notices of an apply and of drift: what is covered, and that hostile names stay text."""

from __future__ import annotations

from reconciler.model.notice import NoticeKey
from reconciler.model.values import replace
from reconciler.notify.message import message
from reconciler.views.notices import CONFLICT, DELETION, DRIFT, FAILURE, REFUSAL, STOP, of_apply, of_drift
from tests.harness.builders import FREE_QUOTA, a_fleet, a_project, a_tenant, a_view, make_plan
from tests.unit.views import builders as build
from tests.unit.views.everything import everything_called

HOSTILE = "<!channel> @everyone https://evil.example `x` \u202e\nline"


def test_what_the_selection_leaves_out_is_not_over_and_events_are() -> None:
    found = of_apply(build.rich_plan(), build.rich_report(), (), ["acme"])
    assert not found.looked_at(NoticeKey(FAILURE, "acme", "x"))
    assert found.looked_at(NoticeKey(FAILURE, "bob", "x"))
    assert found.looked_at(NoticeKey(DELETION, "acme", "x"))
    assert found.looked_at(NoticeKey(STOP, "acme", "x"))
    assert not found.looked_at(NoticeKey(DRIFT, "bob", "x"))
    assert not of_drift(build.rich_plan(), []).looked_at(NoticeKey(REFUSAL, "bob", "x"))


def test_a_plan_tells_what_was_refused_and_what_needs_a_decision() -> None:
    found = of_apply(build.rich_plan(), build.rich_report(), (), [])
    topics = {notice.key.topic for notice in found.notices}
    assert {REFUSAL, CONFLICT, FAILURE} <= topics
    assert [notice.weight for notice in found.notices] == sorted(
        (notice.weight for notice in found.notices), reverse=True
    )


def test_drift_is_told_in_the_words_of_the_files_with_both_values() -> None:
    quota = replace(FREE_QUOTA, active_time_seconds=3600, data_transfer_bytes=0)
    found = of_drift(make_plan(a_fleet(a_tenant("acme")), a_view(a_project("acme", quota=quota))), [])
    (notice,) = found.notices
    assert notice.text == (
        "acme: project: quota.active_time live 1h, files 100h; quota.data_transfer live unlimited, files 5GiB"
    )
    assert notice.key.what == "project quota.active_time_seconds, quota.data_transfer_bytes", (
        "notices are kept by it"
    )


def test_no_name_becomes_more_than_text() -> None:
    plan = everything_called(HOSTILE)
    for found in (of_drift(plan, []), of_apply(plan, build.rich_report(), (), [])):
        sent = message(found, found.notices)
        for sign in ("<!", "@everyone", "https://", "`", "\u202e"):
            assert sign not in sent.body
        assert all(line.startswith(("- ", "Details: ")) or not line for line in sent.body.splitlines())
        assert len(sent.body) <= 2000

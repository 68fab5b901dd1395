"""The calls that follow the lists: no more than the quotas need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.live.project import Needs
from reconciler.live.state import LiveState
from reconciler.model.quota import Consumption, Quota
from reconciler.usage.period import period_of
from reconciler.usage.reads import Reads, after_lists, call_groups, least_calls
from tests.harness.builders import NOON, a_project

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject

TRANSFER = Quota(active_time_seconds=10, data_transfer_bytes=10)
WRITTEN = Quota(written_data_bytes=10)


def listed(number: int, quota: Quota = TRANSFER, **fields: Any) -> LiveProject:
    shown: dict[str, Any] = {"listed_active_seconds": 5, "last_active_at": NOON, **fields}
    return a_project(f"t{number}", details=False, quota=quota, **shown)


def reads(*projects: LiveProject, spans: int = 2, deep: bool = False) -> Reads:
    return after_lists(projects, period_of(NOON), spans, deep=deep)


def test_many_projects_are_read_through_the_history() -> None:
    found = reads(*map(listed, range(150)))
    assert (len(found.histories["free"]), found.projects) == (150, ())
    assert [len(part) for part in call_groups(found.histories["free"])] == [100, 50]


def test_few_projects_are_read_by_themselves_where_that_takes_no_more_calls() -> None:
    assert reads(listed(1), listed(2)) == Reads(projects=("p-t1", "p-t2"))
    assert reads(listed(1), listed(2), listed(3)).projects == ()


def test_a_quota_of_active_time_and_size_needs_the_list_only() -> None:
    quota = Quota(active_time_seconds=10, logical_size_bytes=10)
    assert reads(*(listed(number, quota) for number in range(9))) == Reads()


def test_written_data_is_in_no_list_and_no_history() -> None:
    assert reads(listed(1, WRITTEN)) == Reads(projects=("p-t1",))


def test_nothing_is_read_of_a_project_that_has_not_run() -> None:
    assert reads(*(listed(number, listed_active_seconds=0) for number in range(9))) == Reads()


def test_a_project_that_was_found_without_a_list_is_read_by_itself() -> None:
    quota = Quota(active_time_seconds=10)
    assert reads(listed(1, quota, listed_active_seconds=None)) == Reads(projects=("p-t1",))
    assert reads(listed(1, quota, consumption=Consumption(1, 1, 1, 1))) == Reads()


def test_deep_reads_each_project_that_has_run() -> None:
    quiet = listed(2, Quota(), listed_active_seconds=0)
    assert reads(listed(1, Quota()), quiet, deep=True) == Reads(projects=("p-t1",))


def test_the_least_calls_are_the_pages_and_what_they_lack() -> None:
    found = Reads({"free": tuple(map(str, range(101)))}, ("a",))
    live = LiveState(listed={"free": 401, "paid": 0})
    least = least_calls(live, 0, found, 2, Needs(projects=("b",), branches=("c", "d")))
    assert least == (2 + 1) + 1 + 2 * 2 + 1 + 1 + 2
    assert least_calls(LiveState(), 6, Reads(), 2, Needs()) == 6

"""The quota of a project whose move no run has finished, where no earlier files show that it was to move."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.apply.journals.interrupted_moves import interrupted_moves
from reconciler.apply.journals.recent import ends_before
from reconciler.desired.selection import Depth
from reconciler.desired.tenant import Overrides
from reconciler.model.values import replace
from reconciler.plan.history import History
from reconciler.plan.outcome import Result
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.faults import AnswerWith
from tests.harness.builders import PRO_QUOTA, a_fleet, a_tenant
from tests.harness.stored import Stored
from tests.unit.test_moves import messages, results
from tests.unit.test_quotas_that_move import ORGANIZATIONS, TENANTS, TIERS, moving, upgrading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.model.values import Json
    from tests.unit.test_moves import Account

REMOVES: Final = Behaviour(transfer_keeps_quota=False)
KEEPS: Final = Behaviour(transfer_keeps_quota=True)
AT: Final = datetime(2026, 3, 1, tzinfo=UTC)


def set_by_hand(here: Account, quota: Mapping[str, int]) -> None:
    """Somebody gives the tenants this quota in the console."""
    for name in TENANTS:
        Stored.of(here.neon.simulator).change(
            "projects", here.seeds[name].project_id, {"settings.quota": dict(quota)}
        )


def is_left_alone(here: Account, files: DesiredState, folder: Path) -> bool:
    """Whether a run without earlier files changes no tenant's quota."""
    before = live(here)
    here.apply(None, files, journals=(folder,))
    return live(here) == before


def is_in_sync(here: Account, files: DesiredState) -> bool:
    """Whether a plan without earlier files finds nothing to do, and refuses nothing."""
    plan = here.plan(files, files, depth=Depth.DEEP).plan
    return plan.empty and not plan.refusals


def live(here: Account) -> list[Json]:
    """The quota of each project."""
    return [row["body"]["settings"].get("quota") for row in Stored.of(here.neon.simulator).rows("projects")]


class TestWithoutABase:
    """Only the journal of the run that died shows who removed the quota."""

    def test_is_sent_by_the_next_run(self, tmp_path: Path) -> None:
        with moving(tmp_path, REMOVES) as (here, before, after):
            here.dying(before, after, "POST", 1, carried_out=True)
            report = here.apply(None, after, journals=(tmp_path,))
            assert is_in_sync(here, after)
        assert list(results(report).values()) == [Result.APPLIED] * len(TENANTS), messages(report)

    def test_is_sent_where_the_quota_was_to_change_with_the_move(self, tmp_path: Path) -> None:
        with upgrading(tmp_path) as (here, before, after):
            here.dying(before, after, "PATCH", 1, carried_out=False)
            report = here.apply(None, after, journals=(tmp_path,))
            assert is_in_sync(here, after)
        assert set(results(report).values()) == {Result.APPLIED}, messages(report)

    def test_is_sent_to_a_protected_tenant_too(self, tmp_path: Path) -> None:
        with moving(tmp_path, REMOVES) as (here, before, after):
            here.dying(before, after, "POST", 1, carried_out=True)
            tenants = {name: replace(tenant, protect=True) for name, tenant in after.tenants.items()}
            here.apply(None, replace(after, tenants=tenants), journals=(tmp_path,))
            assert is_in_sync(here, after)

    def test_is_sent_where_the_run_could_not_reach_neon_any_more(self, tmp_path: Path) -> None:
        with moving(tmp_path, REMOVES) as (here, before, after):
            here.neon.simulator.faults.add(AnswerWith(400, message="not now"), "PATCH", times=None)
            here.apply(before, after)
            here.neon.simulator.faults.clear()
            here.apply(None, after, journals=(tmp_path,))
            assert is_in_sync(here, after)

    def test_is_not_sent_by_files_that_are_older_than_the_base(self, tmp_path: Path) -> None:
        with moving(tmp_path, REMOVES) as (here, before, after):
            here.dying(before, after, "POST", 1, carried_out=True)
            more = Overrides(quota={"active_time_seconds": PRO_QUOTA.active_time_seconds + 1})
            newer = replace(after, tenants={n: replace(t, overrides=more) for n, t in after.tenants.items()})
            plan = here.plan(newer, after, history=History(newer, after), journals=(tmp_path,)).plan
        sent = [change.path for action in plan.actions for change in action.changes]
        assert "quota.active_time_seconds" not in sent

    def test_is_no_reason_to_send_a_smaller_one_to_a_tenant_that_the_base_protects(self, tmp_path: Path) -> None:
        less = Overrides(quota={"active_time_seconds": 3600})
        with moving(tmp_path, REMOVES) as (here, before, after):
            here.dying(before, after, "POST", 1, carried_out=True)
            guarded = replace(before, tenants={n: replace(t, protect=True) for n, t in before.tenants.items()})
            smaller = replace(after, tenants={n: replace(t, overrides=less) for n, t in after.tenants.items()})
            plan = here.plan(guarded, smaller, journals=(tmp_path,)).plan
        sent = {change.path for action in plan.actions for change in action.changes}
        assert "quota.active_time_seconds" not in sent

    def test_is_no_reason_to_change_a_quota_that_a_person_has_set(self, tmp_path: Path) -> None:
        with moving(tmp_path, REMOVES) as (here, before, after):
            here.dying(before, after, "POST", 1, carried_out=True)
            set_by_hand(here, {"active_time_seconds": PRO_QUOTA.active_time_seconds + 1})
            assert is_left_alone(here, after, tmp_path)

    @pytest.mark.parametrize("behaviour", [REMOVES, KEEPS])
    def test_is_left_as_a_person_removed_it_after_a_run_that_ended_as_it_should(
        self, tmp_path: Path, behaviour: Behaviour
    ) -> None:
        with moving(tmp_path, behaviour) as (here, before, after):
            here.apply(before, after)
            set_by_hand(here, {})
            assert is_left_alone(here, after, tmp_path)

    def test_is_left_as_a_person_removed_it_after_a_later_run_had_sent_it(self, tmp_path: Path) -> None:
        with moving(tmp_path, REMOVES) as (here, before, after):
            here.dying(before, after, "POST", 1, carried_out=True)
            here.apply(before, after)
            set_by_hand(here, {})
            assert is_left_alone(here, after, tmp_path)

    def test_is_left_without_one_that_the_run_has_not_seen_before_the_move(self, tmp_path: Path) -> None:
        with moving(tmp_path, REMOVES) as (here, before, after):
            set_by_hand(here, {})
            here.dying(before, after, "POST", 1, carried_out=True)
            assert is_left_alone(here, after, tmp_path)

    def test_is_left_a_day_later(self, tmp_path: Path) -> None:
        with moving(tmp_path, REMOVES) as (here, before, after):
            here.dying(before, after, "POST", 1, carried_out=True)
            here.neon.run(asyncio.sleep(25 * 3600))
            assert is_left_alone(here, after, tmp_path)


class TestTheJournals:
    """What their lines show of one project."""

    def test_show_where_a_run_moved_it(self, tmp_path: Path) -> None:
        assert found(tmp_path, transfer(), outcome("r-1")) == {"p": "paid"}

    def test_show_it_where_the_run_died_during_the_call(self, tmp_path: Path) -> None:
        assert found(tmp_path, transfer()) == {"p": "paid"}

    def test_show_nothing_once_a_patch_has_sent_the_quota(self, tmp_path: Path) -> None:
        assert found(tmp_path, transfer(), patch("quota.active_time_seconds"), outcome("r-2")) == {}

    @pytest.mark.parametrize("result", ["failed", "unknown", "not sent"])
    def test_show_it_where_such_a_patch_did_not_go_through(self, tmp_path: Path, result: str) -> None:
        lines = (transfer(), patch("quota.active_time_seconds"), outcome("r-2", result))
        assert found(tmp_path, *lines) == {"p": "paid"}

    def test_show_it_where_a_patch_was_about_something_else(self, tmp_path: Path) -> None:
        assert found(tmp_path, transfer(), patch("name"), outcome("r-2")) == {"p": "paid"}

    def test_show_nothing_once_a_run_has_seen_the_quota(self, tmp_path: Path) -> None:
        assert found(tmp_path, transfer(), {"line": "quota", "run": "r", "project_id": "p"}) == {}

    def test_show_nothing_of_a_project_that_had_no_quota(self, tmp_path: Path) -> None:
        assert found(tmp_path, {**transfer(), "quotas_at_risk": ["another"]}) == {}

    def test_show_nothing_a_day_later(self, tmp_path: Path) -> None:
        assert found(tmp_path, transfer(), now=AT + timedelta(hours=25)) == {}

    def test_show_it_where_the_clock_of_the_machine_was_ahead(self, tmp_path: Path) -> None:
        assert found(tmp_path, transfer(), now=AT - timedelta(hours=1)) == {"p": "paid"}

    @pytest.mark.parametrize("place", [0, 1], ids=["first", "last"])
    def test_show_it_in_one_that_was_joined_with_an_old_one(self, tmp_path: Path, place: int) -> None:
        old = {**outcome("q-1"), "at": (AT - timedelta(days=9)).isoformat()}
        joined = [old, old]
        joined.insert(place * 2, transfer())
        assert found(tmp_path, *joined) == {"p": "paid"}

    @pytest.mark.parametrize(
        "end", ["{", "{}\n", "[" * 9999 + "\n", '{"at": 7}\n', "x" * 9999 + "\n", "\0" * 9999]
    )
    def test_show_it_where_the_end_of_one_is_damaged(self, tmp_path: Path, end: str) -> None:
        written(tmp_path, transfer())
        with (tmp_path / "r.jsonl").open("a", encoding="utf-8") as file:
            file.write(end)
        assert interrupted_moves({"p"}, [tmp_path], AT) == {"p": "paid"}

    def test_are_judged_by_their_first_and_last_line(self, tmp_path: Path) -> None:
        """A log folder keeps the journals of years: what is between two old lines is not read."""
        old = {**outcome("q-1"), "at": (AT - timedelta(days=9)).isoformat()}
        assert found(tmp_path, old, transfer(), old) == {}

    def test_are_not_read_where_they_are_old(self, tmp_path: Path) -> None:
        """However long they are, and although they were copied just now."""
        written(tmp_path, *[outcome("r-1")] * 5000)
        with (tmp_path / "r.jsonl").open("rb") as file:
            assert ends_before(file, AT + timedelta(days=2))
            assert file.tell() == 0
            assert not ends_before(file, AT)

    @pytest.mark.parametrize(
        "member", ["at", "kind", "object", "quotas_at_risk", "request_id", "project_ids", "changes", "result"]
    )
    @pytest.mark.parametrize("value", [None, 7, "x", [], [7], {}, [{}]])
    def test_may_have_lines_that_no_run_writes(self, tmp_path: Path, member: str, value: Json) -> None:
        lines = (transfer(), patch("quota.active_time_seconds"), outcome("r-2"))
        shown = found(tmp_path, *({**line, member: value} for line in lines))
        assert shown in ({}, {"p": "paid"})


def transfer() -> dict[str, Json]:
    moved: dict[str, Json] = {"object": {"destination": "paid"}, "quotas_at_risk": ["p"]}
    return {"line": "intent", "kind": "transfer_project", "request_id": "r-1", "project_ids": ["p"], **moved}


def patch(path: str) -> dict[str, Json]:
    change: Json = {"path": path, "before": 1, "after": 1}
    return {
        "line": "intent",
        "kind": "patch_project",
        "request_id": "r-2",
        "project_ids": ["p"],
        "changes": [change],
    }


def outcome(request_id: str, result: str = "applied") -> dict[str, Json]:
    return {"line": "outcome", "request_id": request_id, "result": result}


def found(folder: Path, *lines: Mapping[str, Json], now: datetime = AT + timedelta(hours=1)) -> dict[str, str]:
    """What a journal with these lines, a second apart, shows of the project."""
    written(folder, *lines)
    return interrupted_moves({"p"}, [folder], now)


def written(folder: Path, *lines: Mapping[str, Json]) -> None:
    """Writes a journal with these lines, a second apart."""
    stamped = [{"at": (AT + timedelta(seconds=place)).isoformat(), **line} for place, line in enumerate(lines)]
    (folder / "r.jsonl").write_text("".join(json.dumps(line) + "\n" for line in stamped), encoding="utf-8")


def test_a_tombstone_of_a_project_without_a_quota_is_planned(tmp_path: Path) -> None:
    """It has no tier, so nothing says which quota it should have."""
    absent = (a_tenant(name, "-", absent=True) for name in TENANTS)
    with moving(tmp_path, REMOVES) as (here, before, _):
        set_by_hand(here, {})
        plan = here.plan(before, a_fleet(*absent, tiers=TIERS, organizations=ORGANIZATIONS)).plan
    assert {name for refusal in plan.refusals for name in refusal.tenants} | {
        one.tenant for one in plan.tenants
    } == set(TENANTS)

"""Projects that have just moved: what a run does until the key of their new organization sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.desired.selection import Selection
from reconciler.neon import project_reader
from reconciler.neon.project_reader import MISSING_SECONDS
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour, ForeignProject
from reconciler.simulator.faults import AnswerWith
from tests.harness.builders import HISTORY_MAY_GO, a_fleet, a_tenant
from tests.unit.test_moves import account, fleet, messages, results

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.plan.outcome import Report
    from tests.unit.test_moves import Account

LAG_SECONDS: Final = 5.0
SLOWLY: Final = Behaviour(transfer_lag_seconds=LAG_SECONDS, list_shows_quota=False, transfer_checks_settings=False)
"""No transfer is refused, so that the number of a call says what has moved by then."""
FOREIGN: Final = pytest.mark.parametrize("foreign", ForeignProject)
FEW: Final = tuple(f"t{number}" for number in range(8))

WHATEVER_IT_TAKES: Final = Permissions(lowering=True, counts=dict.fromkeys(("transfers", "disruptive"), 99))
"""Without earlier files, only a mark confirms whose a project is."""


def applied_after_a_death(here: Account) -> Report:
    """Of a run that died right after the transfer of all tenants but one, and of the next one."""
    for name in FEW:
        here.project(name)
    before, after = fleet("pro", *FEW), fleet("free", *FEW)
    here.dying(before, after, "POST", 2, carried_out=True)  # the first transfer moves one tenant alone
    report = here.apply(before, after)
    assert len(results(report)) == len(FEW)
    return report


class TestOfThisRun:
    @FOREIGN
    def test_no_write_is_refused_and_one_project_is_asked_for_all(
        self, tmp_path: Path, foreign: ForeignProject
    ) -> None:
        with account(tmp_path, behaviour=replace(SLOWLY, foreign_project=foreign)) as here:
            for name in FEW:
                here.project(name)
            report = here.apply(fleet("pro", *FEW), fleet("free", *FEW))
            refused = [e.line for e in here.neon.simulator.requests if e.status in (403, 404)]
            moves = [e for e in here.neon.simulator.requests if e.line.endswith("/transfer") and e.status == 200]
        assert set(results(report).values()) == {Result.APPLIED}, messages(report)
        assert len(set(refused)) == len(moves) == 2  # a downgrade moves one tenant alone first
        assert all(line.startswith("GET /projects/") for line in refused)

    @pytest.mark.parametrize(
        "otherwise",
        [
            {"transfer_keeps_quota": False},
            {"transfer_keeps_annotations": False},
            {"get_shows_compute": False},
            {"get_shows_settings": False, "transfer_keeps_quota": True},  # else no answer shows a quota
        ],
    )
    def test_a_turn_that_the_wait_makes_late_goes_on_whatever_answers_leave_out(
        self, tmp_path: Path, otherwise: dict[str, bool]
    ) -> None:
        longer_than_observations_hold = Behaviour(transfer_lag_seconds=12, **otherwise)  # type: ignore[arg-type]
        with account(tmp_path, behaviour=longer_than_observations_hold) as here:
            for name in FEW:
                here.project(name)
            report = here.apply(None, fleet("free", *FEW), WHATEVER_IT_TAKES)
        assert set(results(report).values()) == {Result.APPLIED}, messages(report)

    def test_that_do_not_arrive_fail(self, tmp_path: Path) -> None:
        with account(tmp_path, behaviour=replace(SLOWLY, transfer_lag_seconds=1e6)) as here:
            here.project("acme")
            report = here.apply(fleet("pro", "acme"), fleet("free", "acme"))
        assert results(report) == {"acme": Result.FAILED}
        assert "no key of the fleet has access to it" in messages(report)


class TestOfARunThatDied:
    @FOREIGN
    def test_the_next_waits_for_them_and_goes_on(self, tmp_path: Path, foreign: ForeignProject) -> None:
        with account(tmp_path, behaviour=replace(SLOWLY, foreign_project=foreign)) as here:
            report = applied_after_a_death(here)
        assert set(results(report).values()) == {Result.APPLIED}, messages(report)

    def test_that_they_are_not_seen_yet_does_not_mean_that_the_api_is_down(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(project_reader, "TOO_MANY_UNREADABLE", len(FEW) // 2)
        with account(tmp_path, behaviour=SLOWLY) as here:
            report = applied_after_a_death(here)
        assert set(results(report).values()) == {Result.APPLIED}, messages(report)

    @FOREIGN
    def test_a_pinned_one_is_not_taken_for_gone(self, tmp_path: Path, foreign: ForeignProject) -> None:
        with account(tmp_path, behaviour=replace(SLOWLY, foreign_project=foreign)) as here:
            here.project("acme")
            pin = here.seeds["acme"].project_id
            before, after = (
                a_fleet(a_tenant("acme", tier, project_id=pin, accept=HISTORY_MAY_GO)) for tier in ("pro", "free")
            )
            here.dying(before, after, "POST", 1, carried_out=True)
            planned = here.plan(before, after, selection=Selection(tenants=("acme",)))
        assert (planned.plan.conflicts, planned.live.unknown) == ((), ())
        assert not planned.plan.empty


def test_what_no_key_may_ever_read_is_waited_for_once(tmp_path: Path) -> None:
    with account(tmp_path, behaviour=SLOWLY) as here:
        for name in FEW:
            here.project(name)
        here.neon.simulator.faults.add(AnswerWith(403), "GET", "/projects/*", times=None)
        began = here.neon.simulator.clock.now()
        planned = here.plan(fleet("pro", *FEW), fleet("pro", *FEW))
        seconds = here.neon.simulator.clock.now() - began
    assert len(planned.live.unknown) == len(FEW)
    assert MISSING_SECONDS <= seconds < 2 * MISSING_SECONDS

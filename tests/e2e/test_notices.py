"""``--notify`` at the command line: each crossing is told once, to a real receiver on this machine."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.e2e.test_usage import HOUR, NOON, use
from tests.harness.lived import lived
from tests.harness.receiver import receiving
from tests.harness.registry_database import required
from tests.harness.shell import TIERS
from tests.harness.wire import answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.receiver import Receiver
    from tests.harness.shell import Ended, Shell
    from tests.harness.wire import Passing

pytestmark = pytest.mark.drawn(6)

DAY: Final = 24 * HOUR
STATE: Final = ("--notify-state", "told.json")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Acme near its active time, bob at its limit, eve unused."""
    shell.clock = lambda: NOON
    for name in ("acme", "bob", "eve"):
        shell.tenant(name)
    shell.applied("--expect-empty")
    use(shell, "acme", active_time_seconds=85 * HOUR)
    use(shell, "bob", active_time_seconds=100 * HOUR)
    return shell


def told(fleet: Shell, receiver: Receiver, *args: str, state: tuple[str, ...] = STATE) -> Ended:
    return fleet.simulated("usage", "--notify-to", receiver.url(), *state, *args)


def test_several_crossings_are_one_message_and_each_is_told_once(fleet: Shell, receiver: Receiver) -> None:
    ended = told(fleet, receiver)
    assert ended.code == 2, ended.err
    assert receiver.titles == ["reconciler prod: 1 at a limit, 1 above a threshold"]
    assert receiver.bodies[0].splitlines() == [
        "- bob (tier free): active_time is used up (100h): its computes cannot start until 2028-03-01 UTC",
        "- acme (tier free): 85.0% of active_time used, 85h of 100h",
        "",
        "Details: reconciler usage",
    ]
    assert told(fleet, receiver).code == 2
    assert len(receiver.heard) == 1


def test_a_higher_threshold_is_told_and_the_others_are_not_repeated(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver)
    use(fleet, "acme", active_time_seconds=96 * HOUR)
    told(fleet, receiver)
    assert receiver.titles[1:] == ["reconciler prod: 1 above a threshold"]
    assert "96.0% of active_time" in receiver.bodies[1]


def test_a_crossing_that_is_over_is_told_again_when_it_comes_back(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver)
    fleet.tenant("acme", "tier: free\noverrides: {quota: {active_time: 300h}}")
    fleet.applied()
    told(fleet, receiver)
    assert len(receiver.heard) == 1
    use(fleet, "acme", active_time_seconds=260 * HOUR)
    told(fleet, receiver)
    assert ["acme" in body for body in receiver.bodies[1:]] == [True]


def test_a_new_period_begins_anew(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver)
    fleet.clock = lambda: NOON + 12 * DAY
    assert told(fleet, receiver).code == 0
    assert json.loads((fleet.folder / "told.json").read_text())["told"] == []


def test_what_the_selection_leaves_out_stays_told(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver)
    told(fleet, receiver, "--tenant", "eve")
    told(fleet, receiver)
    assert len(receiver.heard) == 1


def test_the_state_is_its_owners_alone_and_losing_it_repeats_one_notice(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver)
    state = fleet.folder / "told.json"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    state.unlink()
    told(fleet, receiver)
    told(fleet, receiver)
    assert receiver.bodies == [receiver.bodies[0]] * 2


def test_a_service_that_fails_is_told_and_loses_no_crossing(fleet: Shell, receiver: Receiver) -> None:
    receiver.status = 500
    ended = told(fleet, receiver)
    assert ended.code == 1
    assert "Usage: 2 tenants above a threshold" in ended.out
    assert "error: no notice was delivered to --notify-to: " in ended.err
    assert "error=500" in ended.err
    assert "token-of-the-service" not in ended.err
    receiver.status = 200
    assert told(fleet, receiver).code == 2
    assert len(receiver.heard) == 1


def test_of_two_services_the_one_that_was_reached_is_not_told_again(fleet: Shell, receiver: Receiver) -> None:
    with receiving() as other:
        other.status = 503
        both = (*STATE, "--notify-to", other.url())
        assert told(fleet, receiver, state=both).code == 1
        other.status = 200
        assert told(fleet, receiver, state=both).code == 2
        assert (len(receiver.heard), len(other.heard)) == (1, 1)


def test_a_watch_tells_what_its_readings_find_once(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver, "--watch", "15m", "--rounds", "3")
    assert len(receiver.heard) == 1


def test_the_registry_keeps_what_was_told(shell: Shell, receiver: Receiver) -> None:
    required()
    shell.write("tiers.yaml", TIERS + "registry: {url: 'sqlite:///unused.db'}\n")
    shell.clock = lambda: NOON
    shell.tenant("bob")
    shell.applied("--expect-empty")
    use(shell, "bob", active_time_seconds=100 * HOUR)
    for _ in range(2):
        assert told(shell, receiver, state=()).code == 2
    assert len(receiver.heard) == 1


def test_another_share_is_told_by_itself(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver)
    told(fleet, receiver, "--above", "50")
    told(fleet, receiver, "--above", "50")
    told(fleet, receiver)
    assert len(receiver.heard) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--notify",), "with --simulator, notices are not sent unless --notify-to names an address"),
        (("--notify-to", "json://127.0.0.1"), "no record of sent notices is kept"),
        (
            ("--notify-to", "carrier-pigeon://loft-secret", *STATE),
            "--notify-to is not the address of a notification",
        ),
        (("--notify-to", "json://127.0.0.1", "--notify-state", "tiers.yaml"), "is not a record of sent notices"),
        (("--notify-to", "json://127.0.0.1", "--notify-state", "no/told.json"), "folder no does not exist"),
        (STATE, "--notify-state is for --notify and --notify-to"),
    ],
)
def test_bad_input_is_refused_before_anything_is_read(
    fleet: Shell, arguments: tuple[str, ...], message: str
) -> None:
    ended = fleet.simulated("usage", *arguments)
    assert (ended.code, ended.out) == (3, "")
    assert message in ended.err
    assert "hint: " in ended.err or "does not exist" in ended.err
    assert "loft-secret" not in ended.err


def test_a_file_of_another_fleet_is_not_overwritten(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver)
    state = fleet.folder / "told.json"
    other = state.read_text().replace('"fleet": "prod"', '"fleet": "test"')
    state.write_text(other)
    ended = told(fleet, receiver)
    assert (ended.code, state.read_text()) == (3, other)
    assert "belongs to another fleet" in ended.err


def test_a_file_of_a_later_version_is_named_as_such_and_not_overwritten(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver)
    state = fleet.folder / "told.json"
    later = state.read_text().replace('"format_version": 1', '"format_version": 2')
    assert '"format_version": 2' in later
    state.write_text(later)
    ended = told(fleet, receiver)
    assert (ended.code, state.read_text()) == (3, later)
    assert "it was written by a newer version of reconciler (format 2, not 1)" in " ".join(ended.err.split())
    assert "upgrade reconciler, or name another file" in ended.err


def applied(fleet: Shell, receiver: Receiver, *args: str) -> Ended:
    flags = ("--yes", "--journal", "journal.jsonl", "--notify-to", receiver.url(), *STATE, *args)
    return fleet.simulated("apply", *flags)


def test_an_apply_tells_of_deleted_projects_and_until_when_they_come_back(
    fleet: Shell, receiver: Receiver
) -> None:
    fleet.tenant("eve", "tier: free\nstate: absent")
    ended = applied(fleet, receiver, "--allow", "lowering", "--format", "json")
    assert ended.code == 0, ended.err
    (outcome,) = ended.document["tenants"]
    project, until = outcome["project_id"], outcome["recoverable_until"][:16].replace("T", " ")
    assert receiver.titles == ["reconciler prod: 1 deleted"]
    told = f"- eve: project deleted; recover: {project} in its file brings it back until {until} UTC"
    assert receiver.bodies[0].splitlines()[0] == told
    assert applied(fleet, receiver).code == 0
    assert len(receiver.heard) == 1


def test_an_apply_tells_of_a_refused_change_once_until_it_is_gone(fleet: Shell, receiver: Receiver) -> None:
    fleet.tenant("acme", "tier: free\noverrides: {quota: {active_time: 50h}}")
    for _ in range(2):
        assert applied(fleet, receiver, "--allow", "lowering").code == 5
    assert receiver.titles == ["reconciler prod: 1 refused"]
    assert "acme: refused (downgrade-proof): " in receiver.bodies[0]
    fleet.tenant("acme")
    assert applied(fleet, receiver).code == 0
    assert json.loads((fleet.folder / "told.json").read_text())["told"] == []


def test_an_apply_tells_of_a_failure(fleet: Shell, receiver: Receiver) -> None:
    async def refuse(passing: Passing) -> httpx.Response:
        if passing.request.method == "PATCH":
            return httpx.Response(400, json={"message": "no <!channel> today"}, request=passing.request)
        return await answered(passing)

    fleet.tenant("acme", "tier: free\noverrides: {quota: {active_time: 300h}}")
    fleet.act = refuse
    ended = applied(fleet, receiver)
    assert ended.code == 6, ended.err
    assert receiver.titles == ["reconciler prod: 1 failed"]
    assert "acme: patch project failed: " in receiver.bodies[0]
    assert "<!channel>" not in receiver.bodies[0]


def test_a_notice_of_an_apply_that_is_not_delivered_changes_its_exit_code_alone(
    fleet: Shell, receiver: Receiver
) -> None:
    receiver.status = 500
    fleet.tenant("eve", "tier: free\nstate: absent")
    ended = applied(fleet, receiver, "--allow", "lowering")
    assert ended.code == 1
    assert "no notice was delivered" in ended.err
    assert "recoverable until" in ended.out


def test_drift_is_told_once_and_again_if_it_changes(fleet: Shell, receiver: Receiver) -> None:
    def drifted() -> Ended:
        return fleet.simulated("drift", "--notify-to", receiver.url(), *STATE)

    assert drifted().code == 0
    fleet.tenant("acme", "tier: free\noverrides: {quota: {active_time: 300h}}")
    assert (drifted().code, drifted().code) == (2, 2)
    assert receiver.titles == ["reconciler prod: 1 differs"]
    assert receiver.bodies[0].splitlines()[0] == "- acme: project: quota.active_time live 100h, files 300h"
    fleet.tenant("acme", "tier: free\noverrides: {quota: {active_time: 300h, data_transfer: 9GiB}}")
    drifted()
    assert "quota.data_transfer live 5GiB, files 9GiB" in receiver.bodies[1]
    fleet.tenant("acme")
    assert drifted().code == 0
    assert json.loads((fleet.folder / "told.json").read_text())["told"] == []


def test_each_command_keeps_what_the_others_told(fleet: Shell, receiver: Receiver) -> None:
    told(fleet, receiver)
    fleet.tenant("acme", "tier: free\noverrides: {quota: {active_time: 50h}}")
    applied(fleet, receiver, "--allow", "lowering")
    fleet.simulated("drift", "--notify-to", receiver.url(), *STATE)
    told(fleet, receiver)
    assert len(receiver.heard) == 3

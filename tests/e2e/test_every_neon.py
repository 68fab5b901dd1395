"""A fleet's life ends the same whichever way Neon behaves where its documentation leaves it open."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.behaviour import Behaviour
from tests import profiles
from tests.harness.shell import Shell
from tests.property.rows import Rows

if TYPE_CHECKING:
    from pathlib import Path

OTHERWISE: Final[dict[str, tuple[Any, ...]]] = {
    "settings_patch": ("merge",),
    "quota_patch": ("merge",),
    "compute_patch": ("merge",),
    "pg_settings_patch": ("merge",),
    "new_computes_take_pg_settings": (True,),
    "first_compute_takes_defaults": (True,),
    "creation_keeps_annotations": (),  # without them, the deletion of a project is refused
    "transfer_keeps_annotations": (False,),
    "transfer_atomic": (True,),
    "transfers_refused_to": (),  # the end is another one: tests/unit/apply/test_transfer.py
    "transfer_blocked_by": ("github and vercel",),
    "transfer_checks_contents": (False,),
    "transfer_checks_settings": (False,),
    "transfer_lag_seconds": (0, 20),
    "root_branches": (25, None),
    "root_branches_deletable": ("all", "none"),
    "protected_branches": (0, None),
    "protected_branches_per": ("project",),
    "snapshots_count_as_branches": (False,),
    "snapshot_limit_code": (True,),
    "suspend_timeout": ("refused", "ignored"),
    "soft_deletion": (True,),
    "deletion_count_lag_seconds": (0, 45),
    "raised_window_reaches_back": (True,),
    "restore_keeps_annotations": (True,),
    "own_past_detaches": (True,),
    "backup_schedules": (True,),
    "empty_schedule_allowed": (True,),
    "longest_backup_retention_seconds": (None,),
    "list_shows_quota": (False,),
    "list_zero_compute": (True,),
    "list_lag_seconds": (5,),
    "list_shows_restore_window": (False,),
    "list_seconds_per_project": (4,),
    "list_order": ("changed",),
    "branch_list_always_has_cursor": (False,),
    "get_shows_settings": (False,),
    "get_shows_compute": (False,),
    "foreign_project": ("404",),
    "create_shows_settings": (True,),
    "one_way_settings_refused": (False,),
    "transfer_keeps_quota": (True,),
    "deleted_projects_count": (False,),
    "delete_waits_for_operations": (True,),
    "background_work_every_seconds": (None, 10),
    "default_suspend_as_zero": (False,),
    "rate_limit": (None, {"per_minute": 30, "per_second_and_route": 3}),
    "rate_limit_says_when": (True,),
    "shared_rate_limit": (False,),
    "counters_lag_seconds": (0, 900),
    "consumption_lag_seconds": (0,),
    "consumption_refused_to": (["free"],),
    "legacy_consumption": (True,),
}
"""Every switch with what it can be beside its default."""
SETTINGS: Final = [(name, value) for name, values in OTHERWISE.items() for value in values]

UNREADABLE: Final = (
    {"get_shows_settings": False, "list_shows_quota": False},
    {"get_shows_compute": False, "list_zero_compute": True},
)
"""Pairs with which no answer shows a quota, or a size."""
TOO_SLOW: Final = {"rate_limit", "background_work_every_seconds"}
"""A Neon that answers once in two seconds, and works on every project each ten: a run never comes to an end."""
PAIRS: Final = [
    dict(pair)
    for pair in combinations(SETTINGS, 2)
    if len(dict(pair)) == 2 and dict(pair) not in UNREADABLE and dict(pair).keys() != TOO_SLOW
]

MOST_PAIRS: Final = profiles.size(1, 20, 2_000)

MARKED_LATER: Final = frozenset({"transfer_keeps_annotations"})
"""Without its annotations, a project is found by its name, and the next run marks it by a branch."""

LONGEST_LAG_SECONDS: Final = 10
"""After which a project that was made is in every list."""

SAME_TIMEOUT: Final = re.compile(r'(suspend_timeout_seconds\\*": )300')
"""Two words for one thing: 0 is Neon's default of 300."""

BEFORE: Final = {
    "acme": "tier: pro\ndev_branches: [development]\nsnapshots: [v1]",
    "bluebird": "tier: free\ndev_branches: [development]",
    "cedar": "tier: free",
    "dawn": "tier: free\nsnapshots: [v1]",
}
AFTER: Final = {
    "acme": "tier: free\ndev_branches: []\nsnapshots: [v1]\naccept: {history_loss: true}",
    "bluebird": "tier: pro\ndev_branches: [development, staging]\nsnapshots: [v1, v2]",
    "cedar": "tier: free\nstate: absent",
    "dawn": "tier: free\nsnapshots: [v1]\noverrides: {quota: {data_transfer: 6GiB}, compute: {max_cu: 1}}",
    "elm": "tier: free\ndev_branches: [development]",
}


def declare(shell: Shell, tenants: dict[str, str]) -> None:
    for name, text in tenants.items():
        shell.tenant(name, text)


def assert_in_sync(shell: Shell) -> None:
    """However deep one looks."""
    drift = shell.simulated("drift", "--depth", "deep")
    assert drift.code == 0, drift.out


def life(shell: Shell, *, marked_later: bool = False) -> list[str]:
    """Sign-ups, an upgrade, a downgrade, new limits, a farewell: the account in the end."""
    declare(shell, BEFORE)
    shell.applied()
    assert shell.simulated("plan", "--detailed-exitcode").code == 0
    assert_in_sync(shell)
    declare(shell, AFTER)
    shell.applied("--allow", "lowering")
    if marked_later:
        shell.applied()
    assert shell.simulated("plan", "--detailed-exitcode").code == 0
    assert_in_sync(shell)
    shell.tenant("fern")
    assert shell.simulated("converge", "fern").code == 0
    with shell.account() as simulator:
        simulator.clock.advance(LONGEST_LAG_SECONDS)
        end = Rows.of(simulator).end_state()
    assert_in_sync(shell)
    return [SAME_TIMEOUT.sub(r"\g<1>0", project) for project in end]


@pytest.fixture(scope="module")
def usual_end(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is there in the end where every switch is as it is by default."""
    return life(Shell(tmp_path_factory.mktemp("usual")))


def test_every_switch_is_tried_otherwise() -> None:
    assert list(OTHERWISE) == [field.name for field in fields(Behaviour)]


@pytest.mark.slow
@pytest.mark.drawn(3, ci=40, each=("name",))
@pytest.mark.parametrize(("name", "value"), SETTINGS, ids=json.dumps)
def test_the_end_is_the_same(name: str, value: object, tmp_path: Path, usual_end: list[str]) -> None:
    assert_ends_as_usual({name: value}, tmp_path, usual_end)


@pytest.mark.slow
@pytest.mark.parametrize("pair", profiles.drawn("pairs of switches", PAIRS, MOST_PAIRS), ids=json.dumps)
def test_the_end_is_the_same_with_any_two(pair: dict[str, object], tmp_path: Path, usual_end: list[str]) -> None:
    assert_ends_as_usual(pair, tmp_path, usual_end)


@pytest.mark.parametrize("pair", UNREADABLE, ids=json.dumps)
def test_what_no_answer_shows_is_never_written_by_guess(pair: dict[str, object], tmp_path: Path) -> None:
    shell = _switched(pair, tmp_path)
    declare(shell, BEFORE)
    shell.applied()
    changing = [f"myapp-{name}" for name in ("acme", "bluebird", "dawn")]
    before = {name: shell.stored.project(name) for name in changing}
    declare(shell, AFTER)
    ended = shell.simulated("apply", "--yes", "--allow", "lowering")
    assert (ended.code, "not shown by the API" in ended.out) == (9, True), ended.out
    assert {name: shell.stored.project(name) for name in changing} == before


def assert_ends_as_usual(switches: dict[str, object], folder: Path, usual_end: list[str]) -> None:
    shell = _switched(switches, folder)
    if switches.keys() & MARKED_LATER:
        assert list(map(_unmarked, life(shell, marked_later=True))) == list(map(_unmarked, usual_end))
    else:
        assert life(shell) == usual_end


def _switched(switches: dict[str, object], folder: Path) -> Shell:
    """An account that behaves like that."""
    shell = Shell(folder)
    shell.tenant("acme")
    for name, value in switches.items():
        changed = shell.run("simulator", "switches", "--data", "sim.db", f"{name}={json.dumps(value)}")
        assert "# default" in changed.out, changed.err
    return shell


def _unmarked(project: str) -> list[object]:
    """A project without its branches: one of them may be there to mark it."""
    place, _branches, snapshots = json.loads(project)
    return [place, snapshots]

"""What a run on a real account may leave, and when it is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.simulator.seed import ProjectSeed
from tests.verified import facts
from tests.verified.account import PREFIX
from tests.verified.conftest import simulated_account
from tests.verified.variables import ALL, MissingVariablesError, access

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
SET = dict.fromkeys(ALL, "something")


@pytest.mark.parametrize("missing", ALL)
def test_each_variable_is_needed(missing: str) -> None:
    environ: Mapping[str, str] = {name: value for name, value in SET.items() if name != missing}
    with pytest.raises(MissingVariablesError, match=f"no project was created: set {missing} "):
        access(environ)


def test_variables_name_the_account() -> None:
    assert access(SET).organization_ids == {"free": "something", "paid": "something"}


def test_a_run_without_variables_ends_before_the_first_test() -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ALL}
    command = (sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "-m", "verified", "-q")
    ended = subprocess.run(
        (*command, "tests/verified/test_moves.py"),
        cwd=ROOT,
        env={**environ, "VERIFIED": "account"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3
    assert f"no project was created: set {ALL[0]}" in ended.stdout + ended.stderr
    assert " passed" not in ended.stdout


def test_everything_a_run_made_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    with simulated_account(tmp_path / "neon.db") as (account, simulator):
        for organization in ("free", "paid"):
            simulator.add_project(organization, ProjectSeed("myapp-acme"))
            simulator.add_project(organization, ProjectSeed(f"{PREFIX}0000-other-run"))
        kept = account.create("paid")
        kept.write("PATCH", f"/branches/{kept.default_branch()['id']}", {"branch": {"protected": True}})
        account.create()
        assert account.clean(run=account.run) == 2
        left = [found["name"] for organization in ("free", "paid") for found in account.listed(organization)]
    assert sorted(left) == ["myapp-acme", "myapp-acme", f"{PREFIX}0000-other-run", f"{PREFIX}0000-other-run"]


def test_what_a_killed_run_left_is_deleted_an_hour_later(tmp_path: Path) -> None:
    with simulated_account(tmp_path / "neon.db") as (account, simulator):
        simulator.add_project("free", ProjectSeed("myapp-acme"))
        simulator.add_project("free", ProjectSeed(f"{PREFIX}0000-1"))
        created = datetime.fromisoformat(next(account.listed("free", search=PREFIX))["created_at"])
        assert account.clean(now=created + timedelta(minutes=59)) == 0
        assert account.clean(now=created + timedelta(minutes=61)) == 1
        assert [found["name"] for found in account.listed("free")] == ["myapp-acme"]


def test_the_table_names_the_switch_of_each_answer() -> None:
    found = {"quota_patch": "replaces", "list_shows_quota": "no"}
    heading, *lines = facts.table(found)
    assert "the switch of the simulator" in heading
    assert [line.split()[0] for line in lines] == ["quota_patch=replace", "list_shows_quota=false"]


def test_there_is_no_table_without_an_answer() -> None:
    assert list(facts.table({})) == []

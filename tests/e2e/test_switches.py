"""``simulator switches``: what nobody knows of the real Neon, seen and changed on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from reconciler.simulator import GUIDE_ORGANIZATIONS, Behaviour
from reconciler.simulator.behaviour import as_json
from tests.harness.processes import Place
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.declare(1)
    return place


def test_every_switch_is_listed_and_a_change_lasts(place: Place) -> None:
    listed = place.run("simulator", "switches")
    assert [line.partition("=")[0] for line in listed.stdout.splitlines()] == list(as_json(Behaviour()))
    place.run("simulator", "switches", "quota_patch=merge", "list_lag_seconds=3", "rate_limit=null")
    second = place.run("simulator", "switches").stdout.splitlines()
    assert [line for line in second if "#" in line] == [
        "quota_patch=merge  # default: replace",
        "list_lag_seconds=3.0  # default: 0.0",
        f"rate_limit=null  # default: {json.dumps(as_json(Behaviour())['rate_limit'])}",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("qota_patch=merge", "error: there is no switch 'qota_patch'"),
        ("quota_patch=maybe", "error: Invalid enum value 'maybe' - at `$.quota_patch`"),
        ("quota_patch", "error: 'quota_patch' is not of the form NAME=VALUE"),
    ],
)
def test_what_is_no_switch_is_refused_with_a_hint(place: Place, change: str, message: str) -> None:
    refused = place.run("simulator", "switches", change)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr == f"{message}\nhint: `reconciler simulator switches` lists all of them\n"


def test_a_rehearsal_heeds_the_switches_of_its_file(place: Place) -> None:
    place.run("simulator", "seed", "--data", "sim.db", "--tenants", "1", "--name", "myapp-t000")
    assert "1 to create" not in place.run("plan", "--simulator", "sim.db").stdout
    place.run("simulator", "switches", "--data", "sim.db", "list_lag_seconds=1e9")
    assert "1 to create" in place.run("plan", "--simulator", "sim.db").stdout


def test_without_a_price_list_the_organizations_are_those_of_neons_guide(tmp_path: Path) -> None:
    place = Place(tmp_path)
    exported = place.run("simulator", "env").stdout
    assert "export NEON_FREE_ORG_ID=org-sim-free\n" in exported
    assert "export PAID_ORG_API_KEY=sim_org_paid_key\n" in exported
    found = {row["name"]: row["body"]["limits"] for row in Stored.at(tmp_path / "sim.db").rows("organizations")}
    assert found == {each.name: msgspec.to_builtins(each.limits) for each in GUIDE_ORGANIZATIONS}
    assert place.run("simulator", "seed", "--tenants", "2").returncode == 0


def test_a_folder_that_was_named_must_have_a_price_list(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert Place(tmp_path).run("simulator", "env", "-C", "empty").returncode == 3

"""What a platform gets for its own tests: fixtures that pytest finds by itself once the package is installed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PLATFORM = """
import httpx

def sign_up(name, *, api, key, org_id):
    headers = {"Authorization": f"Bearer {key}"}
    body = {"project": {"name": name, "org_id": org_id}}
    return httpx.post(f"{api}/projects", json=body, headers=headers, trust_env=False)
"""
TWO_LINES = """
from platform_code import sign_up

def test_a_sign_up_gets_a_database(neon_simulator):
    neon = neon_simulator
    answer = sign_up("acme", api=neon.url, key=neon.api_key, org_id=neon.organization_ids["free"])
    assert answer.json()["connection_uris"]
"""
EVERYTHING = """
import httpx
import pytest

from platform_code import sign_up
from reconciler.simulator import AnswerWith, Behaviour, Limits, Organization, ProjectSeed, RateLimit

@pytest.fixture
def neon_organizations():
    return [Organization("small", Limits(projects=2))]

@pytest.fixture
def neon_behaviour():
    return Behaviour(rate_limit=RateLimit(per_minute=4))

def test_limits_faults_time_seeds_and_the_log(neon_simulator):
    neon = neon_simulator
    neon.simulator.add_project("small", ProjectSeed("by-hand"))
    fault = neon.faults.add(AnswerWith(423), "POST")
    asked = dict(api=neon.url, key=neon.organization_keys["small"], org_id=neon.organization_ids["small"])
    statuses = [sign_up("acme", **asked).status_code for _ in range(3)]
    assert statuses == [423, 201, 422]
    assert [exchange.line for exchange in neon.requests] == ["POST /projects"] * 3
    assert neon.simulator.world.behaviour.rate_limit == RateLimit(per_minute=4)
    before = neon.simulator.clock.now()
    neon.advance(hours=1, days=1)
    assert neon.simulator.clock.now() - before >= 90_000
    assert neon.environ["NEON_API_HOST"] == neon.url

def test_each_test_has_an_account_of_its_own(neon_simulator):
    assert neon_simulator.requests == []
    key = {"Authorization": f"Bearer {neon_simulator.organization_keys['small']}"}
    listed = httpx.get(f"{neon_simulator.url}/projects", headers=key, trust_env=False)
    assert listed.json()["projects"] == []
"""


def run_tests(folder: Path, text: str) -> str:
    """The last line of pytest over a test file of a project that knows nothing of this one."""
    (folder / "platform_code.py").write_text(PLATFORM, encoding="utf-8")
    (folder / "test_platform.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_platform.py"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
    return finished.stdout.splitlines()[-1]


def test_two_lines_are_enough(tmp_path: Path) -> None:
    assert run_tests(tmp_path, TWO_LINES).startswith("1 passed")


def test_a_project_may_choose_organizations_behaviour_faults_time_and_contents(tmp_path: Path) -> None:
    assert run_tests(tmp_path, EVERYTHING).startswith("2 passed")

"""Some days of a small fleet; ``make soak`` lives through a hundred of a large one."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

from tests import figures, profiles

pytestmark = pytest.mark.slow

DAYS: Final = profiles.size(6, 12, 12)
TENANTS: Final = 40


@pytest.mark.drawn(1, ci=1)
@pytest.mark.parametrize("seed", [1, 2])
def test_after_days_of_edits_meddling_and_faults_the_fleet_is_in_sync_and_memory_has_not_grown(seed: int) -> None:
    command = [sys.executable, "-m", "tests.endurance", "--days", str(DAYS), "--tenants", str(TENANTS)]
    ended = subprocess.run([*command, "--seed", str(seed)], capture_output=True, text=True, check=False)
    figures.count("virtual days of a fleet", held=ended.returncode == 0, times=DAYS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith(f"{DAYS} days, ")
    assert "complaints: 0" in ended.stdout

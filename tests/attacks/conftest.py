"""What every attack needs: a process that has imported the program, which commands are forked from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.forks import shared

if TYPE_CHECKING:
    from tests.harness.forks import Warm


@pytest.fixture(scope="session")
def warm() -> Warm:
    return shared()

"""The databases that the registry is tested on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.registry_database import postgresql, required
from tests.harness.runs import SIZED_AT_ONCE
from tests.unit.registry.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a real PostgreSQL."""
    with postgresql() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database; each test has a fleet of its own in it."""
    required()
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.db'}"
    found: str = request.getfixturevalue("postgres")
    return found


@pytest.fixture
def sized(tmp_path: Path) -> Platform:
    """An empty account and an empty registry, for tests of what follows a creation: no call resizes a compute."""
    return Platform(tmp_path, SIZED_AT_ONCE)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    """An empty account and an empty registry."""
    return Platform(tmp_path)

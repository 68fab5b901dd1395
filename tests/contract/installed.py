"""The official description, where ``package.json`` has it installed."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from reconciler.simulator.contract.description import FILE, read_description

if TYPE_CHECKING:
    from reconciler.simulator.contract.description import Description

MODULES: Final = Path(__file__).parent / "node_modules"
INSTALL: Final = "npm ci --prefix tests/contract --ignore-scripts --no-audit --no-fund"
ABSENT: Final = f"the official description of the API is not installed: {INSTALL}"


@cache
def installed() -> Description | None:
    """The description; None where the package is not installed. Raises DescriptionError for another version."""
    path = MODULES / FILE
    return read_description(path) if path.exists() else None


def required() -> Description:
    """The description; where it is absent the calling test is skipped, and fails on CI (``CI=true``)."""
    description = installed()
    if description is None:
        absent(ABSENT)
    return description


def absent(reason: str) -> NoReturn:
    """Skips the calling test, and fails it on CI: there, everything is to be installed."""
    (pytest.fail if on_ci() else pytest.skip)(reason)


def on_ci() -> bool:
    """Whether absent packages are a failure here."""
    return os.environ.get("CI", "").lower() == "true"

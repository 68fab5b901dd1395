"""The shell of the end-to-end tests."""

from __future__ import annotations

from tests.harness.shell import shell

__all__ = ["shell"]

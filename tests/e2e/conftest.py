"""The shell of the end-to-end tests."""

from __future__ import annotations

from tests.e2e.command_line import shell

__all__ = ["shell"]

"""The command line: flags -> one use case -> one view -> exit code."""

from __future__ import annotations

from reconciler.cli.main import main

__all__ = ["main"]

"""What keeps PostgreSQL from running."""

from __future__ import annotations

from typing import Final

INSTALL: Final = "pip install 'neon-reconciler[postgres]'"


class PostgresError(Exception):
    """PostgreSQL is not installed, or one of its programs failed."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

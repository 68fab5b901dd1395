"""Imported by a process that forks commands: from then on it is warm."""

from __future__ import annotations

from tests.harness.warm import warm_up

warm_up()

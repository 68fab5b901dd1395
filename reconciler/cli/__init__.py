"""The command line: flags -> one use case -> one view -> exit code."""

from __future__ import annotations

INTERRUPTED = 8
"""The exit code of an interruption, before the module that has them is imported."""


def main() -> None:
    """Runs a command and ends the process with its exit code, whenever a signal comes."""
    from reconciler.cli import interrupts  # noqa: PLC0415 - for a process of its own

    interrupts.end_with(INTERRUPTED)
    from reconciler.cli.collector import tune_collector  # noqa: PLC0415 - a signal may come while it is imported

    tune_collector()  # before the modules of all others are there to be searched
    from reconciler.cli.main import main as run  # noqa: PLC0415 - as above

    run()

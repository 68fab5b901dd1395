"""The command line: flags -> one use case -> one view -> exit code."""

from __future__ import annotations


def main() -> None:
    """Runs a command and ends the process with its exit code.

    Until the command listens to signals, SIGINT ends the process without a word: while Python imports this
    program, it would print a traceback. Where SIGINT is ignored, it stays so.
    """
    import signal  # noqa: PLC0415 - for a process of its own

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from reconciler.cli.collector import tune_collector  # noqa: PLC0415 - a signal may come while it is imported

    tune_collector()  # before the modules of all others are there to be searched
    from reconciler.cli.main import main as run  # noqa: PLC0415 - as above

    run()

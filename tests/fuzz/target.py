"""Targets, each in a process of its own: ``python -m tests.fuzz.target SPOIL FOLDER...``, a folder for each.

The name of a folder is that of its target. It holds ``corpus`` and ``options``, libFuzzer's, one in a line; what
the process says and its exit code are written there. The fuzzer ends a process when it has made its runs, or when
an input breaks a promise. To instrument the program takes longer than most targets: it is done once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NoReturn

import atheris

with atheris.instrument_imports(include=["reconciler"]):
    from tests.fuzz.spoils import Spoil, spoilt
    from tests.fuzz.targets import TARGETS, Target

if TYPE_CHECKING:
    from collections.abc import Callable

BY_GRAMMAR: Final = 0.75
"""How many changes are made by the grammar of the text; the others are libFuzzer's own."""


def mutator(target: Target) -> Callable[[bytes, int, int], bytes]:
    """How the fuzzer makes a new input from one that it has."""

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)  # noqa: S311
        if random.random() < BY_GRAMMAR:
            fresh = target.change(data, random)
            if len(fresh) <= max_size:
                return fresh
        mutated: bytes = atheris.Mutate(data, max_size)
        return mutated

    return mutate


def fuzz(folder: Path) -> NoReturn:
    """Ends the process."""
    with (folder / "said").open("wb") as said:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(said.fileno(), stream.fileno())
    target, options = TARGETS[folder.name], (folder / "options").read_text(encoding="utf-8").splitlines()
    arguments = [sys.argv[0], *options, str(folder / "corpus")]
    atheris.Setup(arguments, target.check, custom_mutator=mutator(target))
    atheris.Fuzz()
    raise AssertionError("the fuzzer has returned")


def main() -> None:
    """One after the other."""
    how, *folders = sys.argv[1:]
    with spoilt(Spoil(how) if how else None):
        for folder in map(Path, folders):
            child = os.fork()
            if not child:
                fuzz(folder)
            _, status = os.waitpid(child, 0)
            (folder / "code").write_text(str(os.waitstatus_to_exitcode(status)), encoding="utf-8")


if __name__ == "__main__":
    main()

"""One target in a process of its own: ``python -m tests.fuzz.target NAME SPOIL [libFuzzer's options] CORPUS``.

The fuzzer ends the process when it has made its runs, or when an input breaks a promise.
"""

from __future__ import annotations

import sys
from random import Random
from typing import TYPE_CHECKING, Final

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


def main() -> None:
    """Ends the process."""
    name, how, *options = sys.argv[1:]
    target = TARGETS[name]
    with spoilt(Spoil(how) if how else None):
        atheris.Setup([sys.argv[0], *options], target.check, custom_mutator=mutator(target))
        atheris.Fuzz()


if __name__ == "__main__":
    main()

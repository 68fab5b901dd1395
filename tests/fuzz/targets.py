"""Everything that is fuzzed: a check that any bytes must pass, and how many inputs ``make fuzz`` gives it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tests.fuzz import answers, files
from tests.fuzz.mutation import changed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

FILES: Final = "fuzzed files"
ANSWERS: Final = "fuzzed answers"


@dataclass(frozen=True, slots=True)
class Target:
    """``check`` raises where a promise is broken; ``figure`` is what its inputs are counted as."""

    figure: str
    check: Callable[[bytes], None]
    runs: int
    change: Callable[[bytes, Random], bytes] = changed
    """Makes a new input of one by its grammar, as the fuzzer's own changes of bytes rarely do."""


def changed_answer(data: bytes, random: Random) -> bytes:
    """The answer with another body, or the value of its header another."""
    case = answers.Case.of(data)
    if case.header is not None and random.random() < 0.5:
        return replace(case, value=changed(case.value, random).replace(b"\n", b"")).data
    return replace(case, body=changed(case.body, random)).data


TARGETS: Final[Mapping[str, Target]] = {
    "tenant-file": Target(FILES, files.tenant_file, 2500),
    "price-list": Target(FILES, files.price_list, 800),
    "json-lines": Target(FILES, files.json_lines, 2200),
    "handed-over": Target(FILES, files.handed_over, 2000),
    "saved-plan": Target(FILES, files.saved_plan, 2500),
    "report": Target(FILES, files.report, 1200),
    "answers": Target(ANSWERS, answers.answer, 6000, changed_answer),
}
"""All of it takes less than 40 seconds of one core."""

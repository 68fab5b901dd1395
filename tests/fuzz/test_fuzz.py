"""The fuzzer notices what is broken; whether anything is, `make fuzz` says itself (.ci/run)."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.contract import installed
from tests.fuzz.__main__ import ABSENT
from tests.fuzz.answers import CALLS, HEADERS, STATUSES, Case
from tests.fuzz.seeds import SEEDS
from tests.fuzz.spoils import Spoil
from tests.fuzz.targets import TARGETS

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".venv-fuzz/bin/python"


def fuzzed(*arguments: str) -> tuple[int, str]:
    """Exit code and all that is said."""
    if not PYTHON.exists():
        installed.absent("atheris is not installed: make fuzz")
    command: list[str | Path] = [PYTHON, "-m", "tests.fuzz", *arguments]
    environ = {name: value for name, value in os.environ.items() if name != "FIGURES"}  # these are no figures
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if ABSENT in ended.stdout:
        installed.absent(ABSENT)
    return ended.returncode, ended.stdout.rstrip()


@pytest.mark.exhaustive
def test_what_keeps_its_promises_passes() -> None:
    code, said = fuzzed("--target", "saved-plan", "--runs", "300")
    assert (code, said) == (0, "fuzzed files: 300 cases tried, 300 held")


@pytest.mark.slow
@pytest.mark.drawn(1)
@pytest.mark.parametrize(("spoil", "target"), [(Spoil.NAMES, "json-lines"), (Spoil.MOMENTS, "answers")])
def test_a_defect_is_found_where_it_is_and_its_input_kept(spoil: Spoil, target: str) -> None:
    """A saved plan passes none of the code with the defect."""
    code, said = fuzzed("--target", "saved-plan", "--target", target, "--spoil", spoil.value)
    assert code == 1
    assert re.findall(r"^(\S+): a promise is broken$", said, re.MULTILINE) == [target]
    counts = re.findall(r"([\d,]+) cases tried, ([\d,]+) held", said.splitlines()[-1])
    tried, held = (sum(int(count.replace(",", "")) for count in column) for column in zip(*counts, strict=True))
    assert held == tried - 1 >= TARGETS["saved-plan"].runs
    (kept,) = (ROOT / name for name in re.findall(r"--again (\S+)$", said, re.MULTILINE))
    assert f"input: {kept.read_bytes()!r}" in said
    assert fuzzed("--target", target, "--again", str(kept))[0] == 0, "the product itself is whole"
    kept.unlink()


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_fuzzer_begins_with_holds(target: str) -> None:
    seeds = [*SEEDS[target]()]
    for seed in seeds:
        TARGETS[target].check(seed)
    assert len({*seeds}) > 5


def test_every_call_is_answered_with_success_and_without() -> None:
    seen = {(case.call, case.status < 300) for case in map(Case.of, SEEDS["answers"]())}
    refused = {call for call, succeeded in seen if not succeeded}
    assert {call for call, succeeded in seen if succeeded} == {*CALLS}
    assert {*CALLS} - refused <= {"create project", "list projects", "look for a name", "list deleted projects"}


@pytest.mark.parametrize("header", HEADERS)
def test_a_case_is_read_as_it_is_written(header: str | None) -> None:
    value = b"" if header is None else b"3"
    for call, status in zip([*CALLS] * 2, STATUSES, strict=False):
        case = Case(call, status, header, value, b'{"a":\n1}')
        assert Case.of(case.data) == case
    assert Case.of(b"").body == b""


@pytest.mark.parametrize("target", TARGETS)
def test_changes_are_the_same_in_every_run_and_many(target: str) -> None:
    seed = next(iter(SEEDS[target]()))
    first, second = ([TARGETS[target].change(seed, Random(n)) for n in range(100)] for _ in range(2))  # noqa: S311
    assert first == second
    assert len({*first}) > 50

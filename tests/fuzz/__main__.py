"""``python -m tests.fuzz``: inputs for every target, made from its seeds, each target in a process of its own.

Exits 1 where an input breaks a promise: it is shown, and kept as a file below ``.fuzz``. The seed is fixed, so
that the same code is given the same inputs by every run.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests import figures
from tests.fuzz import seeds
from tests.fuzz.spoils import Spoil
from tests.fuzz.targets import TARGETS

ROOT: Final = Path(__file__).parents[2]
FOUND: Final = ".fuzz"
ABSENT: Final = "not fuzzed: atheris is not installed; it has no wheel for this machine"
MAX_SECONDS: Final = 20
"""No measure of speed: thousands of times what any input takes, and the end of one that would take for ever."""
LIMITS: Final = {
    "max_len": 8192,  # what grows worse with its size, tests/e2e/test_hostile_files.py tries
    "timeout": MAX_SECONDS,
    "rss_limit_mb": 1024,
    "mutate_depth": 2,  # one change upon another soon leaves nothing of the grammar
    "reload": 0,  # goes by time, and the corpus is nobody else's
    "print_final_stats": 1,
}
MOST_SHOWN: Final = 60
"""Lines of what the fuzzer says about an input."""
_EXECUTED: Final = re.compile(r"^stat::number_of_executed_units: (\d+)$", re.MULTILINE)
_KEPT: Final = re.compile(r"Test unit written to (\S+)$", re.MULTILINE)
_NOISE: Final = ("INFO:", "WARNING:", "#", "stat::", "0x", "Dictionary:", "artifact_prefix")


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What became of one target."""

    target: str
    executed: int
    broken: bool
    said: str

    def report(self) -> None:
        """Show the input and what it does."""
        lines = [line for line in self.said.splitlines() if line and not line.startswith(_NOISE)]
        print(f"{self.target}: a promise is broken", *lines[-MOST_SHOWN:], sep="\n")
        for kept in _KEPT.findall(self.said):
            print(f"input: {(ROOT / kept).read_bytes()!r}")
            print(f"alone: python -m tests.fuzz --target {self.target} --again {kept}")


def fuzz(names: list[str], runs: int | None, seed: int, how: Spoil | None) -> list[Fuzzed]:
    """Run each target from its seeds."""
    (ROOT / FOUND).mkdir(exist_ok=True)
    with TemporaryDirectory() as parent:
        folders = [Path(parent, name) for name in names]
        for folder in folders:
            prepare(folder, runs or TARGETS[folder.name].runs, seed)
        command = [sys.executable, "-m", "tests.fuzz.target", how.value if how else "", *folders]
        environ = {**os.environ, "PYTHONHASHSEED": "0"}
        process = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        if process.returncode:
            sys.exit(process.stderr)
        return [ended(folder, runs or TARGETS[folder.name].runs) for folder in folders]


def prepare(folder: Path, runs: int, seed: int) -> None:
    """What the process of a target reads."""
    folder.mkdir()
    corpus, words = folder / "corpus", folder / "words"
    seeds.write(folder.name, corpus, words)
    options = {**LIMITS, "runs": runs, "seed": seed, "dict": words, "artifact_prefix": f"{FOUND}/{folder.name}-"}
    lines = (f"-{option}={value}\n" for option, value in options.items())
    (folder / "options").write_text("".join(lines), encoding="utf-8")


def ended(folder: Path, runs: int) -> Fuzzed:
    """What it has left."""
    said = (folder / "said").read_text(encoding="utf-8", errors="replace")
    executed = _EXECUTED.search(said)
    tried = int(executed[1]) if executed else 0
    failed = (folder / "code").read_text(encoding="utf-8") != "0"
    return Fuzzed(folder.name, tried, failed or tried < runs, said)


def fuzz_all(names: list[str], runs: int | None, seed: int, how: Spoil | None) -> bool:
    """Whether every target holds."""
    fuzzed = fuzz(names, runs, seed, how)
    for one in fuzzed:
        figures.add(figures.SESSION, TARGETS[one.target].figure, one.executed, one.executed - one.broken)
        if one.broken:
            one.report()
    print("; ".join(figure.line(what) for what, figure in figures.SESSION.items()))
    if os.environ.get("FIGURES") == "write":
        figures.write(figures.SESSION)
    return not any(one.broken for one in fuzzed)


def main() -> int:
    """Run, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", action="append", choices=[*TARGETS], help="only this one; may be repeated")
    parser.add_argument("--runs", type=int, help="inputs for each target, instead of its own number")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other inputs")
    parser.add_argument("--again", type=Path, metavar="FILE", help="try the input in the file, and no other")
    parser.add_argument("--spoil", type=Spoil, help="break the product before: must end with 1")
    asked = parser.parse_args()
    names = asked.target or [*TARGETS]
    if asked.again:
        for name in names:
            TARGETS[name].check(asked.again.read_bytes())
        return 0
    if find_spec("atheris") is None:
        print(ABSENT)
        return 1 if os.environ.get("CI") == "true" else 0
    return 0 if fuzz_all(names, asked.runs, asked.seed, asked.spoil) else 1


if __name__ == "__main__":
    sys.exit(main())

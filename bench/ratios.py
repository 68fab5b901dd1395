"""Parts of the program and of the simulator against a peer or the least possible, as ratios of time."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Final, TypeAlias

from rich import box
from rich.table import Table

from bench import processes

FOLDER: Final = "{folder}"
"""Stands for the fleet's folder in the arguments of a probe."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to be measured: a case, or a whole process."""

    arguments: tuple[str, ...]
    """Of Python."""
    whole: bool = False
    """Whether the time of the whole process counts, its start included; a case says its own."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; what is compared with several parts is compared with their sum."""

    what: str
    ours: Probe
    against: str
    theirs: tuple[Probe, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run of a probe took."""

    seconds: float
    peak_mib: float


Results: TypeAlias = dict[Probe, list[Taken]]


def case(name: str, module: str = "bench.cases") -> Probe:
    """One of cases.py, or of another module."""
    return Probe(("-m", module, name, FOLDER))


def simulator_case(name: str) -> Probe:
    """One of simulator_cases.py."""
    return case(name, "bench.simulator_cases")


LOADING, OBSERVING = case("load_files"), case("observe")
BYTES, DECODING, COMPARING = case("read_bytes"), case("decode_pages"), case("compare_dictionaries")
PLANNING = Probe(("-m", "reconciler", "plan", "-C", FOLDER, "--simulator", f"{FOLDER}/account.db"), whole=True)
ROWS, FLOOR = simulator_case("copy_rows"), simulator_case("read_regions")
LINES: Final = (
    Line("load and check the files", LOADING, "PyYAML's C loader, no checks", (case("parse_with_pyyaml"),)),
    Line("", LOADING, "reading their bytes", (BYTES,)),
    Line("observe through HTTP in process", OBSERVING, "msgspec decoding the same pages", (DECODING,)),
    Line("plan and guard, in sync", case("plan_in_sync"), "comparing as many dictionaries", (COMPARING,)),
    Line("plan and guard, 1 % changed", case("plan_changed"), "comparing as many dictionaries", (COMPARING,)),
    Line(
        "five policies, all changed",
        case("judge_changes"),
        "planning and guarding it",
        (case("plan_all_changed"),),
    ),
    Line("reconciler plan, whole process", PLANNING, "bytes + decoding + comparing", (BYTES, DECODING, COMPARING)),
    Line("simulator: seed the account", simulator_case("seed_account"), "SQLite writing the rows", (ROWS,)),
    Line("simulator: read 500 projects", simulator_case("read_projects"), "500 requests for nothing", (FLOOR,)),
    Line("simulator: find 500 by name", simulator_case("search_projects"), "500 requests for nothing", (FLOOR,)),
    Line("simulator: patch 500 projects", simulator_case("patch_projects"), "500 requests for nothing", (FLOOR,)),
    Line(
        "reconciler --help",
        Probe(("-m", "reconciler", "--help"), whole=True),
        "an empty Python",
        (Probe(("-c", ""), whole=True),),
    ),
)


def measure(folder: str, results: Results) -> None:
    """One round: everything once, one after the other, so that all meet the same noise."""
    probes = dict.fromkeys(probe for line in LINES for probe in (line.ours, *line.theirs))
    for probe in probes:
        results.setdefault(probe, []).append(_run(probe, folder))


def _run(probe: Probe, folder: str) -> Taken:
    run = processes.python(*(argument.replace(FOLDER, folder) for argument in probe.arguments))
    return Taken(run.seconds if probe.whole else float(run.printed), run.peak_mib)


def table(results: Results, title: str) -> Table:
    """The lines, as ratios of the medians."""
    found = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    found.add_column("what")
    found.add_column("seconds", justify="right")
    found.add_column("MiB", justify="right")
    found.add_column("against")
    found.add_column("seconds", justify="right")
    found.add_column("ratio", justify="right")
    for line in LINES:
        seconds = _seconds(results, line.ours)
        least = sum(_seconds(results, probe) for probe in line.theirs)
        peak = median(taken.peak_mib for taken in results[line.ours])
        found.add_row(
            line.what, f"{seconds:.3f}", f"{peak:.0f}", line.against, f"{least:.3f}", f"{seconds / least:.1f}"
        )
    return found


def _seconds(results: Results, probe: Probe) -> float:
    return median(taken.seconds for taken in results[probe])

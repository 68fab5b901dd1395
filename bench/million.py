"""A million tenants: accounts of 100,000, in shards, one process after the other: ``python -m bench.million``.

Each account is a fleet of its own: its tenants as NDJSON, its simulated account, its reports, which are merged.
One tenant in a thousand gets another quota. Only the API and its time are simulated; all else is what a job does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click
import msgspec

from bench import processes, simulator_process
from bench.command import Result
from bench.costs import CACHE
from bench.fleet_files import Source, declared
from bench.formulas import calls, quantities
from bench.rows import MORE
from bench.scene import ACCOUNT, BASE, commit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE: Final = Path(__file__).parent
MEASURED: Final = HERE / "million.json"
PAGE: Final = HERE.parent / "docs" / "scale.md"
PART: Final = re.compile(r"(<!-- measured: million -->\n).*?(<!-- end -->\n)", re.DOTALL)
CHANGED_IN: Final = 1000
WANTED: Final = 1_000_000
EACH_SHARD: Final = calls(pages=1, ends=1, first_patch=1)
ALL_SHARDS: Final = calls(declaring=2)
EACH_CHANGED: Final = 2
"""A patch, and at most one look before a turn that comes late."""


COLUMNS: Final = (
    "account",
    "tenants",
    "jobs",
    "changed",
    "calls / may make",
    "virtual minutes",
    "CPU s of a job",
    "MiB of a job",
)


class Shard(msgspec.Struct, frozen=True):
    """What one job has cost."""

    account: int
    number: int
    calls: int
    virtual_seconds: float
    cpu_seconds: float
    peak_mib: float


class Account(msgspec.Struct, frozen=True):
    """What the jobs of one account have cost, and what their merged report says."""

    tenants: int
    shards: tuple[Shard, ...]
    applied: int

    @property
    def calls(self) -> int:
        """Of all its jobs."""
        return sum(one.calls for one in self.shards)


@dataclass(frozen=True, slots=True)
class Job:
    """The fleet of one account, in a folder."""

    folder: Path
    account: int
    tenants: int
    shards: int

    @property
    def first(self) -> int:
        """The number of its first tenant: no two accounts have a tenant of one name."""
        return self.account * self.tenants

    def run(self) -> Account:
        """Make the account, change one tenant in a thousand, and let each shard do its part."""
        repository = self.folder / "repository"
        repository.mkdir()
        scene = ("bench.scene", str(repository), str(self.tenants), Source.NDJSON.value, str(self.first))
        processes.python("-m", *scene)
        changed = range(self.first + 1, self.first + self.tenants, CHANGED_IN)
        Source.NDJSON.write(repository, (replace(declared(number), data_transfer=MORE) for number in changed))
        commit(repository)
        shards = tuple(self._shard(repository, number) for number in range(1, self.shards + 1))
        reports = [str(repository / f"report-{number}.json") for number in range(1, self.shards + 1)]
        merging = processes.python("-m", "reconciler", "report", "merge", *reports, "--format", "json")
        report = json.loads(merging.printed)
        return Account(self.tenants, shards, report["counts"]["applied"])

    def _shard(self, repository: Path, number: int) -> Shard:
        file = self.folder / f"result-{number}.json"
        words = ("apply", "--yes", "--simulator", ACCOUNT, "--base", BASE, "--shard", f"{number}/{self.shards}")
        written = ("--journal", f"journal-{number}.jsonl", "--output", f"report-{number}.json")
        with simulator_process.started(repository / ACCOUNT) as simulator:
            run = processes.python(
                "-m", "bench.command", str(file), str(repository), str(simulator.address), *words, *written,
                environ={CACHE: str(self.folder / "cache")},
            )  # fmt: skip
        result = msgspec.json.decode(file.read_bytes(), type=Result)
        if result.code:
            raise click.ClickException(f"shard {number} of account {self.account} ended with {result.code}")
        own = run.cpu_seconds - result.simulator_cpu_seconds
        seconds = round(result.simulated_seconds, 1)
        return Shard(self.account, number, result.number_of_calls, seconds, round(own, 1), round(run.peak_mib, 1))


def expected(account: Account) -> int:
    """The calls that the shards of an account may make: each lists the account, and together they change it."""
    of = quantities(account.tenants)
    changed = len(range(1, account.tenants, CHANGED_IN))
    return len(account.shards) * EACH_SHARD.value(of) + ALL_SHARDS.value(of) + EACH_CHANGED * changed


def measured(accounts: int, tenants: int, shards: int) -> Iterator[Account]:
    """Each account, as soon as its jobs have ended."""
    for number in range(accounts):
        with TemporaryDirectory(prefix="reconciler-bench-") as folder:
            yield Job(Path(folder), number, tenants, shards).run()


def text(accounts: Sequence[Account]) -> str:
    """The part of the page."""
    if not accounts:
        return "Not measured yet."
    return "\n".join((*_sizes(accounts), "", *_computed(accounts)))


def _sizes(accounts: Sequence[Account]) -> Iterator[str]:
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{' ---: |' * len(COLUMNS)}"
    for number, one in enumerate(accounts, 1):
        minutes = sum(each.virtual_seconds for each in one.shards) / 60
        cpu, mib = max(each.cpu_seconds for each in one.shards), max(each.peak_mib for each in one.shards)
        made = f"{one.calls:,} / {expected(one):,}"
        yield (
            f"| {number} | {one.tenants:,} | {len(one.shards)} | {one.applied:,} | {made} | {minutes:.1f} "
            f"| {cpu:.0f} | {mib:.0f} |"
        )


def _computed(accounts: Sequence[Account]) -> Iterator[str]:
    tenants, made = sum(one.tenants for one in accounts), sum(one.calls for one in accounts)
    jobs, factor = sum(len(one.shards) for one in accounts), WANTED / tenants
    minutes = max(sum(each.virtual_seconds for each in one.shards) for one in accounts) / 60
    yield (
        f"Measured: {tenants:,} tenants in {jobs} jobs, {made:,} calls. Each account has a limit of its own, so "
        f"all of them take as long as the slowest: {minutes:.1f} minutes."
    )
    if factor > 1:
        yield ""
        yield (
            f"Computed from it: {WANTED:,} tenants are {len(accounts) * factor:.0f} such accounts, "
            f"{jobs * factor:.0f} jobs and {made * factor:,.0f} calls, in the same minutes."
        )


def write(accounts: Sequence[Account]) -> None:
    """Keep what was measured, and write it into the page."""
    MEASURED.write_bytes(msgspec.json.format(msgspec.json.encode(accounts), indent=1) + b"\n")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), accounts), encoding="utf-8")


def written(page: str, accounts: Sequence[Account]) -> str:
    """The page with this part."""
    return PART.sub(lambda found: f"{found[1]}\n{text(accounts)}\n\n{found[2]}", page)


def read() -> list[Account]:
    """What was measured and kept."""
    return msgspec.json.decode(MEASURED.read_bytes(), type=list[Account]) if MEASURED.exists() else []


@click.command()
@click.option("--accounts", default=10, show_default=True, type=click.IntRange(1))
@click.option("--tenants", default=100_000, show_default=True, type=click.IntRange(1000), help="Of each account.")
@click.option("--shards", default=4, show_default=True, type=click.IntRange(1), help="Of each account.")
@click.option("--write", "keep", is_flag=True, help="Write it into docs/scale.md.")
def main(accounts: int, tenants: int, shards: int, keep: bool) -> None:
    """A million tenants in shards, one after the other."""
    found: list[Account] = []
    for one in measured(accounts, tenants, shards):
        found.append(one)
        if keep:
            write(found)
        print(text(found), flush=True)


if __name__ == "__main__":
    main()

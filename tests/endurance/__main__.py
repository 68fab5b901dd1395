"""``python -m tests.endurance``: a hundred days of two thousand tenants, on virtual time."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from tests.endurance.soak import opened

if TYPE_CHECKING:
    from tests.endurance.soak import Told

FLAT: Final = 1.15
"""How many times what was held after a third of the days may be held at the end."""


@click.command()
@click.option("--days", default=100, show_default=True)
@click.option("--tenants", default=2_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(days: int, tenants: int, seed: int) -> None:
    """Random edits, meddling and faults each day; in the end all is in sync, and memory has not grown."""
    began = time.monotonic()

    def on_day(told: Told) -> None:
        if told.days % max(1, days // 10) == 0:
            seconds = time.monotonic() - began
            click.echo(
                f"day {told.days}: {told.runs} runs, {told.peaks_mib[-1]:.0f} MiB, {seconds:.0f} s", err=True
            )

    with TemporaryDirectory() as folder, opened(Path(folder), tenants=tenants, seed=seed) as soak:
        told = soak.live(days, on_day)
    for line in summary(told):
        click.echo(line)
    sys.exit(bool(told.complaints))


def summary(told: Told) -> list[str]:
    """What was tried and what came of it, complaints last."""
    settled = told.peaks_mib[len(told.peaks_mib) // 3]
    growth = told.peaks_mib[-1] / settled
    if growth > FLAT:
        told.complaints.append(f"memory has grown from {settled:.0f} to {told.peaks_mib[-1]:.0f} MiB")
    return [
        f"{told.days} days, {told.runs} runs, {told.faults} faults, {told.deeds} changes by people",
        f"runs ended: {_counted(told.ends)}",
        f"written: {_counted(told.actions)}",
        f"memory: {settled:.0f} MiB after a third of the days, {told.peaks_mib[-1]:.0f} MiB at the end",
        f"complaints: {len(told.complaints)}",
        *told.complaints,
    ]


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


if __name__ == "__main__":
    main()

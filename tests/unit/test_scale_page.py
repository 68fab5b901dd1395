"""The arithmetic of docs/scale.md is that of the formulas that the benchmark checks.

``SCALE=write`` writes it again.
"""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path
from typing import Final

from bench.formulas import quantities
from bench.rows import ROWS
from reconciler.desired.state import Api
from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.neon.call import MOST_PAGES

PAGE: Final = Path(__file__).parents[2] / "docs/scale.md"
BEGIN, END = "<!-- calls -->\n", "<!-- end of calls -->\n"
SIZES: Final = (10_000, 100_000, 1_000_000)
SHOWN: Final = {
    "plan, in sync": "plan, in sync",
    "plan, all changed": "plan, everything changed",
    "apply, 1 % created": "apply, 1 % more tenants",
    "apply, 1 % moved": "apply, another tier for 1 %",
    "apply, all quotas changed": "apply, a new quota for everybody",
}


def minutes(calls: int, *, fleet_run: bool) -> str:
    api = Api()
    rate = api.requests_per_minute * (api.batch_share if fleet_run else 1)
    found = ceil(calls / rate)
    return f"{found:,} min" if found < 120 else f"{found / 60:,.1f} h"


def table() -> str:
    rows = {row.what: row for row in ROWS}
    lines = [f"| | {' | '.join(f'{size:,} tenants' for size in SIZES)} |\n", "|---|" + "---|" * len(SIZES) + "\n"]
    for what, told in SHOWN.items():
        calls = [rows[what].today.value(quantities(size)) for size in SIZES]
        cells = (f"{each:,} calls, {minutes(each, fleet_run=what.startswith('apply'))}" for each in calls)
        lines.append(f"| {told} | {' | '.join(cells)} |\n")
    return "".join(lines)


def test_the_page_has_the_calls_of_the_formulas() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    expected = f"{before}{BEGIN}{table()}{END}{after}"
    if os.environ.get("SCALE") == "write":
        PAGE.write_text(expected, encoding="utf-8")
        return
    assert text == expected


def test_the_longest_list_is_the_one_that_the_page_names() -> None:
    assert f"| {MOST_PAGES * PROJECTS_PER_PAGE:,} projects in an organization |" in PAGE.read_text(
        encoding="utf-8"
    )

"""The reference of variables in the docs is the table of variables."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from reconciler.policies.variables import VARIABLES

PAGE: Final = Path(__file__).parents[3] / "docs/policies.md"
_TABLE: Final = re.compile(r"(?<=\| variable \| type \| meaning \|\n\|---\|---\|---\|\n)(\|.*\n)*")


def with_variables(page: str) -> str:
    rows = (f"| `{one.name}`{'*' if one.live else ''} | `{one.type}` | {one.meaning} |\n" for one in VARIABLES)
    return _TABLE.sub(lambda _: "".join(rows), page, count=1)


def test_the_reference_shows_the_table_of_variables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("REFERENCE") == "write":
        PAGE.write_text(with_variables(page), encoding="utf-8")
        return
    assert page == with_variables(page), "write it with REFERENCE=write"
    assert page.count("| `plan.") > 10

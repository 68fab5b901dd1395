"""docs/plan.svg shows what the terminal shows.

``PAGES=write pytest tests/e2e/test_picture.py`` draws it anew.
"""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text  # noqa: TID251 - the text is the program's own output

from tests.e2e.command_line import ROOT

if TYPE_CHECKING:
    import pytest

    from tests.e2e.command_line import Shell

PICTURE: Final = ROOT / "docs/plan.svg"
WIDTH: Final = 100
PLAN: Final = ("plan", "--simulator", "sim.db")


def drawn(text: str, command: str) -> str:
    """The terminal's text with its colours, as SVG without fonts from elsewhere."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text(f"$ {command}\n"), Text.from_ansi(text), sep="")
    svg = console.export_svg(title="reconciler", unique_id="plan")
    without_fonts = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    return re.sub(r"\s*<!--.*?-->", "", without_fonts).replace("Fira Code, monospace", "monospace")


def coloured(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the plan prints on a terminal with colours."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.delenv("NO_COLOR", raising=False)
    ended = shell.run(*PLAN)
    assert ended.code == 0, ended.err
    return ended.out


def test_the_picture_shows_the_plan_of_a_price_change_and_an_upgrade(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.declare_the_fleet_of_the_repository()
    shell.applied()
    shell.write("tenants/bluebird.yaml", "tenant: bluebird\ntier: pro\n")
    tiers = (shell.folder / "tiers.yaml").read_text(encoding="utf-8")
    shell.write("tiers.yaml", tiers.replace("data_transfer: 5GiB", "data_transfer: 6GiB"))
    svg = drawn(coloured(shell, monkeypatch), "reconciler plan")
    if os.environ.get("PAGES") == "write":
        PICTURE.write_text(svg, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == svg

"""docs/plan.svg shows what the terminal shows, docs/comment.svg what a pull request shows.

``PAGES=write pytest tests/e2e/test_pictures.py`` draws them anew.
"""

from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING, Final

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from rich.console import Console
from rich.text import Text  # noqa: TID251 - the text is the program's own output

from tests.harness.lived import lived
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from tests.harness.shell import Shell

WIDTH: Final = 100
PLAN: Final = ("plan", "--simulator", "sim.db")
COMMENT: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 {height}">
<foreignObject width="900" height="{height}">
<div xmlns="http://www.w3.org/1999/xhtml">
<style>
div {{ font: 14px/1.5 sans-serif; color: #1f2328; background: #fff; padding: 8px 16px; }}
code {{ font: 12px monospace; background: #eff1f3; padding: 2px 5px; border-radius: 5px; }}
pre {{ background: #f6f8fa; padding: 12px; border-radius: 6px; overflow: hidden; }}
pre code {{ background: none; padding: 0; }}
table {{ border-collapse: collapse; }}
td, th {{ border: 1px solid #d1d9e0; padding: 4px 12px; }}
</style>
{html}</div>
</foreignObject>
</svg>
"""
"""A page of the kind that renders Markdown, as far as a picture can show it."""
LINE_HEIGHT: Final = 25
"""Units of the picture for each line and row of the page: enough for what stands between them, too."""


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


def commented(markdown: str) -> str:
    """The Markdown as GitHub renders it, as SVG."""
    html = cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    html = html.replace("<br>", "<br/>").replace("<details open>", '<details open="open">')
    return COMMENT.format(html=html, height=LINE_HEIGHT * (html.count("<br/>") + 2 * html.count("</tr>")))


@pytest.fixture
@lived
def changed(shell: Shell) -> Shell:
    """The repository's fleet, applied, then a change of a price and an upgrade."""
    shell.declare_the_fleet_of_the_repository()
    shell.applied()
    shell.write("tenants/bluebird.yaml", "tenant: bluebird\ntier: pro\n")
    tiers = (shell.folder / "tiers.yaml").read_text(encoding="utf-8")
    shell.write("tiers.yaml", tiers.replace("data_transfer: 5GiB", "data_transfer: 6GiB"))
    return shell


def assert_picture(picture: str, svg: str) -> None:
    """Asserts that the picture of the docs is this one."""
    path = ROOT / "docs" / picture
    if os.environ.get("PAGES") == "write":
        path.write_text(svg, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == svg


def test_a_picture_shows_the_plan_in_a_terminal(changed: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_picture("plan.svg", drawn(coloured(changed, monkeypatch), "reconciler plan"))


def test_a_picture_shows_the_plan_in_a_comment_of_a_pull_request(changed: Shell) -> None:
    ended = changed.run(*PLAN, "--format", "markdown")
    assert ended.code == 0, ended.err
    assert_picture("comment.svg", commented(ended.out))

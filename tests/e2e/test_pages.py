"""The README and docs/ are true: what they show is what happens.

``PAGES=write pytest tests/e2e/test_pages.py`` puts what the commands print now into them.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click
import pytest
import yaml

from reconciler.cli.command_help import MEANINGS
from reconciler.cli.main import COMMAND_GROUPS, group
from reconciler.cli.options import scope_options
from reconciler.errors import PRECEDENCE, ExitCode
from reconciler.files.load import load, parse_tenants
from reconciler.fleet import Fleet
from tests.e2e.pages import PAGES, README, REFERENCE, START, Page, Reader, anchors
from tests.harness.account import world
from tests.harness.shell import ROOT, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOT_EXECUTED: Final = (
    "git clone",
    "make ",
    "mkdir ",
    "pipx ",
    "uv tool ",
    "podman ",
    "export ",
    "eval ",
    "_RECONCILER_COMPLETE=",
    "curl ",
    "reconciler adopt",
    "reconciler simulator serve",
    "reconciler validate",
    "reconciler plan",
    "reconciler apply",
    "reconciler doctor",
    "reconciler registry",
    "reconciler drift --notify",
    "reconciler usage --notify",
    "terraform ",
)
"""How the lines of ``sh`` blocks begin: they need the network, a real account, or a second terminal."""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The repository's own fleet in a checkout whose last commit changed nothing, and a home to leave logs in."""
    home, folder = tmp_path / "home", tmp_path / "fleet"
    home.mkdir()
    folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    shell = Shell(folder)
    shell.declare_the_fleet_of_the_repository()
    git = partial(subprocess.run, cwd=folder, check=True, capture_output=True)
    git(["git", "init", "--quiet"])
    git(["git", "add", "--all"])
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.com")
    for message in ("Declare the fleet", "Change nothing"):
        git(["git", "commit", "--quiet", "--allow-empty", "--no-gpg-sign", "-m", message])
    return shell


@pytest.mark.parametrize("page", [page for page in PAGES if page.blocks("console") and page != START], ids=str)
def test_every_console_block_shows_what_happens(page: Page, checkout: Shell, tmp_path: Path) -> None:
    reader = Reader(checkout, tmp_path / "home")
    now = [reader.retypes(block) for block in page.blocks("console")]
    if os.environ.get("PAGES") == "write":
        page.rewrite("console", now)
    for shown, told in zip(now, page.blocks("console"), strict=True):
        assert shown.splitlines() == told.splitlines()


def commands_of_scripts() -> Iterator[str]:
    """Every line of a shell block or a workflow that is to run somewhere else."""
    for page in PAGES:
        for block in page.blocks("sh"):
            yield from block.splitlines()
    for workflow in workflows():
        for job in workflow["jobs"].values():
            yield from (step["run"] for step in job.get("steps", ()) if "run" in step)


def workflows() -> list[Any]:
    documents = [yaml.safe_load(block) for page in PAGES for block in page.blocks("yaml")]
    return [document for document in documents if "jobs" in document]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_is_not_executed_is_on_a_short_list(page: Page) -> None:
    for block in page.blocks("sh"):
        for line in block.splitlines():
            assert line.startswith(NOT_EXECUTED), line


@pytest.mark.parametrize("line", [line for line in commands_of_scripts() if line.startswith("reconciler ")])
def test_what_is_not_executed_is_understood_all_the_same(line: str) -> None:
    _, *args = shlex.split(line.removesuffix("&").partition(" || ")[0])
    command: click.Command = group
    while isinstance(command, click.Group):
        name, *args = args
        found = command.get_command(click.Context(command), name)
        assert found is not None, line
        command = found
    command.make_context(line, args)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_block_has_another_language(page: Page) -> None:
    languages = set(re.findall(r"^```(\w*)$", page.text, re.MULTILINE)) - {""}
    assert languages <= {"console", "sh", "yaml", "json", "python"}


def test_the_tenants_shown_are_valid() -> None:
    fleet = load(ROOT).desired
    assert fleet is not None
    shown = [
        (page, block)
        for page in PAGES
        for block in (*page.blocks("yaml"), *page.blocks("json"))
        if not re.search(
            r"^( *- (run|id)|include|jobs|repos|notify|on|policy|registry|tenants|tiers):", block, re.MULTILINE
        )
    ]
    assert len(shown) > 2
    for page, block in shown:
        assert parse_tenants(block, page.name, fleet).problems == ()


def test_the_python_shown_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (snippet,) = Page("docs/converge.md").blocks("python")
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - it is our own
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.chdir(ROOT)
    with world() as neon:
        connect = partial(Fleet.connect, environ=neon.environ, via=neon.via)
        monkeypatch.setattr(Fleet, "connect", connect)
        assert neon.run(names["sign_up"]("zoe")).startswith("postgresql://")
        assert neon.run(names["sign_up"]("zoe")) is None


def test_every_command_is_in_the_table() -> None:
    for title, commands in COMMAND_GROUPS.items():
        named = {row[0]: row[1] for row in REFERENCE.table(title)}
        assert named == {name: text for command, told in commands.items() for name, text in parts(command, told)}


def parts(name: str, told: str) -> Iterator[tuple[str, str]]:
    """The commands below a name, each with its line of help; the name itself if it is no group."""
    command = group.get_command(click.Context(group), name)
    if isinstance(command, click.Group):
        yield from ((f"{name} {part}", c.get_short_help_str(200)) for part, c in command.commands.items())
    else:
        yield name, told


def test_every_selection_flag_is_in_the_table() -> None:
    command = click.command()(scope_options(lambda: None))
    flags = {option: parameter.type for parameter in command.params for option in parameter.opts}
    rows = {row[0].split()[0]: row[1] for row in REFERENCE.table("Selection")}
    assert rows.keys() == flags.keys()
    concerns = flags["--only"]
    assert isinstance(concerns, click.Choice)
    assert f"concerns: {', '.join(concerns.choices)}." in rows["--only"]


def test_every_exit_code_is_in_the_table_and_their_order_is_said() -> None:
    assert [int(code) for code, _ in REFERENCE.table("Exit codes")] == sorted(ExitCode)
    order = ", ".join(str(int(code)) for code in PRECEDENCE)
    assert order in " ".join(REFERENCE.text.split())


def test_the_readme_has_the_exit_codes_as_help_has_them() -> None:
    assert {int(code): text for code, text in README.table("Exit codes")} == MEANINGS


def test_the_readme_is_a_page_that_one_reads_at_once() -> None:
    assert len(README.text.split()) <= 1_500


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_relative_link_leads_somewhere(page: Page) -> None:
    for path, anchor in page.links():
        assert path.exists(), path
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), f"{path}#{anchor}"


def test_every_page_can_be_found_from_the_readme() -> None:
    linked = {path.resolve() for path, _ in README.links()}
    assert [page.name for page in PAGES[1:] if page.path.resolve() not in linked] == []


QUOTED: Final = re.findall(r"^\| `([^`]+)` \|", Page("docs/troubleshooting.md").text, re.MULTILINE)


def test_every_message_of_the_troubleshooting_page_is_one_that_the_program_prints() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "reconciler").rglob("*.py")]
    program = re.sub(r'"\n\s*f?"', "", "\n\n".join(sources))  # a literal that goes on in the next line is one text
    assert QUOTED
    assert [message for message in QUOTED if message not in program] == []

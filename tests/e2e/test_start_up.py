"""What a command imports before it does anything: counted, because time depends on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from pathlib import Path

MODULES_OF_HELP: Final = 29
"""More than a process that has imported click."""
MODULES_OF_CONVERGE: Final = 651
MODULES_OF_CONVERGE_READ_BEFORE: Final = 556
"""With tiers.yaml and the file of the tenant in the cache."""
MODULES_OF_PLAN: Final = 648
OURS: Final = 239

HEAVY: Final = ("asyncio", "httpx", "msgspec", "pydantic", "pygit2", "rich", "sqlalchemy", "ssl", "yaml")
UNUSED: Final = (
    "apprise",
    "deepdiff",
    "difflib",
    "httpx._main",
    "jinja2",
    "pandas",
    "psycopg",
    "pygit2",
    "pygments",
    "rich",
    "sqlalchemy",
    "sqlite3",
    "starlette",
    "tenacity",
    "uvicorn",
    "reconciler.apply.waves.execute",
    "reconciler.neon.attempts",
    "reconciler.apply.units.transfer",
    "reconciler.fleet.applying",
    "reconciler.fleet.planning",
    "reconciler.notify",
    "reconciler.plan.guards",
    "reconciler.plan.planner",
    "reconciler.plan.unused",
    "reconciler.registry.store",
    "reconciler.simulator",
    "reconciler.files.json_schema",
    "reconciler.documents.reader",
    "reconciler.documents.writer",
    "reconciler.views.markdown",
    "reconciler.views.plain_text",
    "reconciler.views.terminal",
)
"""What a run outside of git that has printed nothing yet has no use for."""
STEPS: Final = ("reconciler.apply.units", "reconciler.apply.steps", "reconciler.apply.calls")
BUILT: Final = """
import json
from reconciler.files import tiers_schema
from reconciler.files.sections import Section

def below(section):
    return [section, *(name for one in section.__subclasses__() for name in below(one))]

print(json.dumps([one.__name__ for one in below(Section) if one.__pydantic_complete__]))
"""

AT_THE_END: Final = """
import json, sys
import click
before = set(sys.modules)
from reconciler.cli.main import run
run(json.loads(sys.argv[1]))
print("\\n" + json.dumps(sorted(set(sys.modules) - before)))
"""

AT_THE_FIRST_REQUEST: Final = """
import json, os, sys
from reconciler.neon.http import httpx

async def stop(self, request):
    print(json.dumps([str(request.url), *sorted(sys.modules)]), flush=True)
    os._exit(0)

httpx.AsyncHTTPTransport.handle_async_request = stop
from reconciler.cli.main import run
run(json.loads(sys.argv[1]))
"""


def imported(script: str, *words: str, folder: Path | None = None, **environ: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(words)],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def within(modules: list[str], packages: tuple[str, ...]) -> list[str]:
    return [name for name in modules if any(name == one or name.startswith(f"{one}.") for one in packages)]


@pytest.mark.parametrize("name", [name for name in UNUSED if name.startswith("reconciler.")])
def test_what_is_not_to_be_imported_exists(name: str) -> None:
    assert find_spec(name) is not None


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("pln",),
        ("plan", "--help"),
        ("apply", "--help"),
        ("plan", "--tenent"),
        ("converge",),
        ("plan", "--format", "pdf"),
    ],
)
def test_help_and_usage_errors_import_the_flags_alone(words: tuple[str, ...]) -> None:
    modules = imported(AT_THE_END, *words)
    assert within(modules, HEAVY) == []
    assert within(modules, ("reconciler.plan", "reconciler.files", "reconciler.desired", "reconciler.neon")) == []
    assert len(modules) <= MODULES_OF_HELP, modules


def of_a_run(folder: Path, *command: str) -> list[str]:
    """What a command on one tenant has imported when it sends its first request; its address comes first."""
    return imported(
        AT_THE_FIRST_REQUEST,
        *command,
        folder=folder,
        HOME=str(folder),
        NEON_FREE_ORG_ID="org-free-11111111",
        NEON_PAID_ORG_ID="org-paid-22222222",
        FREE_ORG_API_KEY="napi_" + "a" * 60,
        PAID_ORG_API_KEY="napi_" + "b" * 60,
        PERSONAL_API_KEY="napi_" + "c" * 60,
    )


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet of one tenant."""
    (tmp_path / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants/acme.yaml").write_text("tenant: acme\ntier: free\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "most"),
    [
        (("converge", "acme"), MODULES_OF_CONVERGE),
        (("plan", "--tenant", "acme"), MODULES_OF_PLAN),
    ],
)
def test_a_run_about_one_tenant_imports_what_it_uses(command: tuple[str, ...], most: int, fleet: Path) -> None:
    url, *modules = of_a_run(fleet, *command)
    assert "myapp-acme" in url
    assert within(modules, UNUSED) == []
    assert len(modules) <= most, len(modules)
    assert len(within(modules, ("reconciler",))) <= OURS


def test_a_run_that_changes_nothing_imports_no_step(fleet: Path) -> None:
    command = ("converge", "--simulator", "sim.db", "acme")
    environ = {"HOME": str(fleet)}
    changing = imported(AT_THE_END, *command, folder=fleet, **environ)
    modules = imported(AT_THE_END, *command, folder=fleet, **environ)
    assert within(changing, STEPS)
    assert within(modules, STEPS) == []


def test_output_that_is_no_terminal_needs_no_console(fleet: Path) -> None:
    for _ in range(2):
        modules = imported(AT_THE_END, "converge", "--simulator", "sim.db", "acme", folder=fleet, HOME=str(fleet))
        assert within(modules, ("reconciler.views.terminal",))
        assert within(modules, ("rich.console", "rich.text", "rich.style")) == []


def test_files_that_were_read_before_need_no_parser(fleet: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "reconciler", "validate"], cwd=fleet, env={"HOME": str(fleet)}, check=True
    )
    url, *modules = of_a_run(fleet, "converge", "acme")
    assert "myapp-acme" in url
    assert within(modules, ("pydantic", "pydantic_core", "yaml")) == []
    assert len(modules) <= MODULES_OF_CONVERGE_READ_BEFORE, len(modules)


def test_what_checks_a_section_is_built_with_the_document_that_is_read() -> None:
    assert imported(BUILT) == []

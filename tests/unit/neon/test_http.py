"""httpx is imported without its command line, and programs that import httpx themselves keep theirs."""

from __future__ import annotations

import builtins
import runpy
import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reconciler.neon import http

if TYPE_CHECKING:
    import pytest

COMMAND_LINE = "httpx._main"


def run(code: str) -> str:
    """What a new process prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def command_line_at_the_import(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the command line is blocked while ``neon/http.py`` imports httpx."""
    blocked: list[bool] = []
    real = builtins.__import__

    def imported(name: str, *more: Any) -> Any:
        if name == "httpx":
            blocked.append(sys.modules.get(COMMAND_LINE, "absent") is None)
            return ModuleType("httpx")
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", imported)
    runpy.run_path(str(http.__file__))
    return blocked


def test_it_comes_without_its_command_line_and_leaves_no_trace() -> None:
    code = "import sys, reconciler.neon.http; print([n in sys.modules for n in ('httpx', 'httpx._main', 'rich')])"
    assert run(code) == "[True, False, False]"


def test_a_later_import_gets_the_command_line() -> None:
    assert run("import reconciler.neon.http, httpx._main; print(httpx._main.main.name)") == "main"


def test_a_program_that_has_imported_it_keeps_its_command_line() -> None:
    code = "import httpx, sys; import reconciler.neon.http; print(httpx.main is sys.modules['httpx._main'].main)"
    assert run(code) == "True"


def test_the_first_import_blocks_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "httpx", raising=False)
    monkeypatch.delitem(sys.modules, COMMAND_LINE, raising=False)
    assert command_line_at_the_import(monkeypatch) == [True]
    assert COMMAND_LINE not in sys.modules


def test_an_import_in_progress_in_another_thread_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpx is in sys.modules from the beginning of its import, its command line only at the end."""
    monkeypatch.setitem(sys.modules, "httpx", ModuleType("httpx"))
    monkeypatch.delitem(sys.modules, COMMAND_LINE, raising=False)
    assert command_line_at_the_import(monkeypatch) == [False]

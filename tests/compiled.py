"""Compiles and imports the program once, before a parallel run starts its workers.

In a new checkout nothing is compiled. Workers start together, and each of them would compile all of it. In a run
of everything, each would start a process that imports the program, to fork commands from it: they share one.
"""

from __future__ import annotations

import compileall
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, _rewrite_test, _write_pyc, assertstate_key

from tests.harness import forks

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = ("reconciler", "tests", "bench")
FOREIGN: Final = "node_modules"


@pytest.hookimpl
def pytest_sessionstart(session: pytest.Session) -> None:
    """Of the run that starts workers; xdist starts them last."""
    if session.config.getoption("dist", "no") == "no":
        return
    if not sys.dont_write_bytecode:
        for folder in FOLDERS:
            for path in sources(_ROOT / folder):
                compile_file(path, session.config)
    if session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        os.environ[forks.ADDRESS] = forks.begin()


def sources(folder: Path) -> Iterator[Path]:
    """Every file of Python that is this project's own, and no data of a test: their folders are not packages."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name.isidentifier() and name != FOREIGN]
        yield from (Path(place, name) for name in names if name.endswith(".py"))


def compile_file(path: Path, config: pytest.Config) -> None:
    """As Python, or pytest, finds it compiled; a file that cannot be is left to whoever imports it."""
    if not any(path.match(pattern) for pattern in (*config.getini("python_files"), "conftest.py")):
        compileall.compile_file(path, quiet=2)
        return
    compiled = path.parent / "__pycache__" / f"{path.stem}{PYC_TAIL}"
    if compiled.exists() and compiled.stat().st_mtime >= path.stat().st_mtime:
        return
    with suppress(SyntaxError):
        state, code = _rewrite_test(path, config)
        compiled.parent.mkdir(exist_ok=True)
        _write_pyc(config.stash[assertstate_key], code, state, compiled)

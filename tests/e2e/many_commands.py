"""A process that runs command after command, each in an environment of its own; ``python -m`` with cases on stdin.

A variable that Python reads when it starts takes a process of its own; for all others this one is as good, and a
hundred times as fast. Prints JSON: how each case ended, and the variables that the loaded modules name.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection

NAME: Final = re.compile(
    r"""(?:environ|_environ|getenv|environb|_env)(?:\.get|\.pop|\.setdefault)?\s*[\[(]\s*f?["']([A-Za-z_]\w*)["']"""
    r"""|["']([A-Za-z_]\w*)["']\s+(?:not\s+)?in\s+(?:os\.)?_?environ"""
)
"""Where Python code looks a variable up by name."""


def run_case(case: dict[str, Any]) -> dict[str, Any]:
    """One command: its exit code and what it printed."""
    from reconciler.cli.main import run  # noqa: PLC0415 - what it imports is to be seen by ``variables_named``

    os.environ.clear()
    os.environ.update(case["environ"])
    time.tzset()
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", write_through=True) for _ in "oe")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = int(run(case["args"]))
    printed = (stream.buffer.getvalue().decode() for stream in (out, err))
    return dict(zip(("code", "out", "err"), (code, *printed), strict=True))


def variables_named() -> dict[str, str]:
    """Every variable that the source of a loaded module names, and one module that does."""
    found: dict[str, str] = {}
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py") and not name.startswith(("tests", "__main__")):
            text = Path(file).read_text(encoding="utf-8", errors="replace")
            found |= {match[1] or match[2]: name for match in NAME.finditer(text)}
    return found


def everywhere(case: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The case with its ``everything`` as the value of every variable that it does not set itself."""
    spread = dict.fromkeys(names, case["everything"]) if "everything" in case else {}
    return {**case, "environ": {**spread, **case["environ"]}}


def main() -> None:
    """The first case is an ordinary one: what it has loaded says which variables there are.

    They are looked for only where a case sets all of them: that reads the source of every module.
    """
    cases = json.load(sys.stdin)
    looked_for = any("everything" in case for case in cases)
    ended = [run_case(cases[0])]
    named = variables_named() if looked_for else {}
    ended += [run_case(everywhere(case, named)) for case in cases[1:]]
    print(json.dumps({"ended": ended, "variables": variables_named() if looked_for else {}}))


if __name__ == "__main__":
    main()

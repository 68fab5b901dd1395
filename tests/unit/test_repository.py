"""No file of the repository says where it was made, or that it is not finished."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@cache
def texts() -> dict[str, str]:
    """Every text file under version control, by its path."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    found: dict[str, str] = {}
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file() and b"\0" not in (data := (ROOT / name).read_bytes()):  # a picture has zeros
            found[name] = data.decode(errors="replace")
    return found


def places(pattern: str) -> Iterator[str]:
    """Where it is found, with the line."""
    for name, text in texts().items():
        for found in re.finditer(pattern, text):
            number = text.count("\n", 0, found.start())
            line = text.split("\n")[number]
            yield f"{name}:{number + 1}: {line.strip()}"


# The brackets keep these patterns from matching themselves.
@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"registry\.[n]pmjs|[p]ypi\.org|[p]ythonhosted|--(extra-)?[i]ndex-url", id="registry"),
        pytest.param(r'"[r]esolved":', id="download address in a lock"),
        pytest.param(r"(?<![\w.~-])/(h[o]me|r[o]ot|U[s]ers|w[o]rk)/", id="folder of somebody's machine"),
        pytest.param(r"\b(T[O]DO|F[I]XME|X[X]X)\b", id="unfinished"),
    ],
)
def test_no_file_carries_a_trace(pattern: str) -> None:
    if not texts():
        pytest.skip("not a git checkout")
    assert list(places(pattern)) == []

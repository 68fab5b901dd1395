"""No file of the repository says where it was made, or that it is not finished."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@cache
def lines() -> dict[str, str]:
    """Every line of every text file under version control, by ``path:line``."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    found: dict[str, str] = {}
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file() and b"\0" not in (data := (ROOT / name).read_bytes()):  # a picture has zeros
            text = data.decode(errors="replace")
            found |= {f"{name}:{number}": line for number, line in enumerate(text.splitlines(), start=1)}
    return found


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
    if not lines():
        pytest.skip("not a git checkout")
    search = re.compile(pattern).search
    assert not [f"{place}: {line.strip()}" for place, line in lines().items() if search(line)]

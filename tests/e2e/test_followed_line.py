"""The modules that ARCHITECTURE.md names from a changed line to its call are those that an apply runs through."""

from __future__ import annotations

import re
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tests.harness.shell import Shell

ROOT: Final = Path(__file__).parents[2]
PRODUCT: Final = f"{ROOT / 'reconciler'}/"
SECTION: Final = "## One line, followed to its call"
MODULE: Final = re.compile(r"`(\w+/[\w/]+\.py)`")
SIZE: Final = "tier: pro\noverrides: {{compute: {{max_cu: {}}}}}"


def named() -> set[str]:
    """The modules in the section."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return set(MODULE.findall(text.partition(SECTION)[2].partition("\n## ")[0]))


@contextmanager
def run_modules() -> Iterator[set[str]]:
    """The modules of the product in which a function is called; importing one does not count."""
    found: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if (
            event == "call" and code.co_flags & 1 and code.co_filename.startswith(PRODUCT)
        ):  # CO_OPTIMIZED: a function
            found.add(code.co_filename.removeprefix(PRODUCT))

    before = sys.getprofile()
    sys.setprofile(note)
    threading.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def test_a_changed_line_passes_through_each_module_of_the_walk(shell: Shell) -> None:
    shell.tenant("acme", SIZE.format(4))
    shell.applied()
    shell.tenant("acme", SIZE.format(8))
    with run_modules() as found:
        shell.applied()
    assert len(named()) > 30
    assert named() - found == set()
    (compute,) = shell.stored.rows("endpoints")
    assert compute["body"]["autoscaling_limit_max_cu"] == 8

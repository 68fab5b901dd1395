"""A name of a class means one thing in the whole product: who reads it in a message or a search knows which.

The simulator is left out: it has types of its own, on purpose.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

PRODUCT: Final = Path(__file__).parents[2] / "reconciler"
CLASS: Final = re.compile(r"^class (\w+)", re.MULTILINE)


def test_no_two_classes_of_the_product_have_one_name() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PRODUCT.rglob("*.py")):
        if PRODUCT / "simulator" not in path.parents:
            for name in classes_of(path):
                found[name].append(path.relative_to(PRODUCT).as_posix())
    assert len(found) > 300
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def classes_of(path: Path) -> list[str]:
    """The classes that a module declares for others."""
    return [name for name in CLASS.findall(path.read_text(encoding="utf-8")) if not name.startswith("_")]

"""Values are structs, of which some members may not count in a comparison."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Final

import pytest
from msgspec import NODEFAULT, Struct

from reconciler.model.values import PartlyCompared, defaults, replace

PRODUCT: Final = Path(__file__).parents[3] / "reconciler"
FUNCTIONS: Final = r"\b(?:replace|asdict|astuple|fields|is_dataclass)\b"
OF_DATACLASSES: Final = re.compile(
    rf"^from dataclasses import .*{FUNCTIONS}|\bdataclasses\.{FUNCTIONS}", re.MULTILINE
)


class Placed(PartlyCompared, frozen=True):
    not_compared: ClassVar[frozenset[str]] = frozenset({"line"})

    name: str
    line: int = 1


class Other(Placed, frozen=True):
    pass


class Mixed(Struct, frozen=True):
    name: str
    size: int = 3


def test_a_member_that_does_not_count_makes_no_difference() -> None:
    assert Placed("acme", 1) == Placed("acme", 7)
    assert hash(Placed("acme", 1)) == hash(Placed("acme", 7))


def test_other_members_and_types_make_one() -> None:
    assert Placed("acme") != Placed("ben")
    assert Placed("acme") != Other("acme")
    assert Placed("acme") != "acme"


def test_defaults_by_name() -> None:
    assert defaults(Mixed) == {"name": NODEFAULT, "size": 3}


def test_a_replaced_member_must_exist() -> None:
    assert replace(Placed("acme", 1), line=7).line == 7
    with pytest.raises(TypeError, match="lines"):
        replace(Placed("acme"), lines=7)  # type: ignore[call-arg]


def test_the_product_takes_no_struct_for_a_dataclass() -> None:
    """mypy does not see it: for the type checker, a struct is a dataclass."""
    found = {
        path.relative_to(PRODUCT).as_posix()
        for path in PRODUCT.rglob("*.py")
        if PRODUCT / "simulator" not in path.parents and OF_DATACLASSES.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"cli/simulator.py"}  # limits of the simulator

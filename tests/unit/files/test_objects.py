"""Objects of a repository, as a stranger may have made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.files.libgit import pygit2
from reconciler.files.objects import DAMAGED, Objects, TreeEntryKind
from reconciler.files.regular_files import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = b"100644 acme.yaml\0" + bytes(20)
MANY = 2**20


def tree(folder: Path, data: bytes) -> list[tuple[str, TreeEntryKind]]:
    """The entries of a tree object with these bytes."""
    database = pygit2.init_repository(str(folder), bare=True).odb
    name = str(database.write(pygit2.enums.ObjectType.TREE, data))
    return [(name, entry.kind) for name, entry in Objects(database).tree(name).items()]


def test_the_entries_of_a_tree_are_in_its_order(tmp_path: Path) -> None:
    entries = tree(tmp_path, ENTRY + b"40000 eu\0" + b"\n" * 20)
    assert entries == [("acme.yaml", TreeEntryKind.FILE), ("eu", TreeEntryKind.FOLDER)]
    assert tree(tmp_path, b"") == []


@pytest.mark.parametrize(
    "data",
    [
        *(ENTRY[:-3], b"x" + ENTRY, ENTRY + b"x", ENTRY + b"\n" + ENTRY, ENTRY * 2, b"7" + ENTRY),
        *(b"100644 \0" + bytes(20), b"100644 eu/acme.yaml\0" + bytes(20), b"40000 ..\0" + bytes(20)),
    ],
)
def test_what_is_no_tree_is_damaged(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=DAMAGED):
        tree(tmp_path, data)


@pytest.mark.parametrize("beginning", [b"7", b"7 ", b"7 a"])
def test_a_tree_that_begins_an_entry_a_million_times_is_searched_once(beginning: bytes, tmp_path: Path) -> None:
    """Time by the square of its length would be hours."""
    with pytest.raises(UnreadableError, match=DAMAGED):
        tree(tmp_path, ENTRY + beginning * MANY)

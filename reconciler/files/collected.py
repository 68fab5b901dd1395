"""Lines of tenants that sign-ups made, added to a file of JSON lines by one run at a time."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import InvalidInputError
from reconciler.files.additions import with_lines
from reconciler.files.edited import EditedFile, read_whole
from reconciler.files.json_lines import read_lines
from reconciler.files.load import OnInvalid, load_tree
from reconciler.files.overlay import Overlay
from reconciler.files.patterns import compiled
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.price_list_reader import read_price_list
from reconciler.files.reading import Reading
from reconciler.files.tree import WorkTree
from reconciler.model.problem import Problem, errors
from reconciler.model.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reconciler.model.values import Json

FILE: Final = "sign-ups"
"""The name in the place of a pattern's star."""


class CollectedFile(Struct, frozen=True):
    """The file as it becomes, and what is not in it."""

    file: EditedFile
    added: tuple[str, ...]
    invalid: Mapping[str, str] = {}
    """Messages by tenant: their documents would not be valid."""


def lines_file(directory: Path, to: str | None) -> str:
    """Return the path of the file below the folder. Raises InvalidInputError if no source reads such a file."""
    sources = [one for one in read_price_list(WorkTree(directory)).sources if one.json_lines]
    if to is not None:
        if not any(compiled(one.pattern).fullmatch(to) for one in sources):
            raise InvalidInputError(f"no source of {PRICE_LIST} reads JSON lines from {shown(to)}", hint=_HINT)
        return to
    for source in sources:
        path = source.pattern.replace("**/", "").replace("*", FILE, 1)
        if not any(sign in path for sign in "*?") and compiled(source.pattern).fullmatch(path):
            return path
    raise InvalidInputError(f"no source of {PRICE_LIST} reads JSON lines", hint=_HINT)


_HINT: Final = 'add {ndjson: "fleet/*.ndjson"} to its tenants'


@contextmanager
def one_run_at_a_time(directory: Path, path: str) -> Iterator[None]:
    """Wait until no other run on this machine adds lines to the file."""
    folder = (directory / path).parent
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def with_documents(directory: Path, path: str, documents: Mapping[str, dict[str, Json]]) -> CollectedFile:
    """Return the file with the documents of the tenants that it does not hold yet, in the order of names.

    Documents that would not be valid with all other files are left out. Raises InvalidInputError for a file that
    cannot be read.
    """
    file = directory / path
    before = read_whole(file) if file.exists() else None
    there = {entry.tenant for _, entry in read_lines(before or b"", path) if not isinstance(entry, Problem)}
    wanted = {name: document for name, document in documents.items() if name not in there}
    invalid: dict[str, str] = {}
    while True:
        after = with_lines(before or b"", wanted) if wanted else before or b""
        loaded = load_tree(
            Overlay(WorkTree(directory), {path: after}), OnInvalid.SKIP, Reading(frozenset(wanted), pins=True)
        )
        known = loaded.desired.tenants if loaded.desired is not None else {}
        wrong = [name for name in wanted if name not in known]
        if not wrong:
            return CollectedFile(EditedFile(file, before, after), tuple(wanted), invalid)
        text = "; ".join(problem.message for problem in errors(loaded.problems)[:1]) or "it does not fit the files"
        invalid.update(dict.fromkeys(wrong, text))
        wanted = {name: document for name, document in wanted.items() if name not in wrong}

"""The files of a fleet in their one form: which of them differ from it, and proof that they mean the same."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError, ReconcilerError
from reconciler.files.canonical import json_line, tenant_shape, tiers_shape
from reconciler.files.edited import EditedFile
from reconciler.files.formatting import formatted
from reconciler.files.load import OnInvalid, load_tree
from reconciler.files.overlay import Overlay
from reconciler.files.patterns import compiled, fixed_folder
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.price_list_reader import read_price_list
from reconciler.files.reading import Reading
from reconciler.files.tree import MAX_FILE_BYTES, MAX_LINES_FILE_BYTES, WorkTree
from reconciler.model.problem import errors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from reconciler.files.load import Loaded

BY_HAND: Final = "format the file by hand, and report this: the meaning of a file must not change"


def paths(directory: Path) -> dict[str, bool]:
    """Return the files of tenants, and tiers.yaml, by path below the folder: whether each has JSON lines."""
    tree = WorkTree(directory)
    found = {PRICE_LIST: False}
    for source in read_price_list(tree).sources:
        matching = compiled(source.pattern)
        for path in tree.listing(fixed_folder(source.pattern)).files:
            if matching.fullmatch(path):
                found.setdefault(path, source.json_lines)
    return found


def reformatted(directory: Path, loaded: Loaded, only: Collection[str] | None = None) -> list[EditedFile]:
    """Return the files whose form differs, sorted by path; ``only`` names files below the folder.

    ``loaded`` is the fleet as it is. Raises InvalidInputError if that has errors, and if a file would mean
    something else: nothing is written then.
    """
    if loaded.desired is None or errors(loaded.problems):
        raise InvalidInputError("the files have problems: nothing was formatted", hint="run `reconciler validate`")
    tree, changed = WorkTree(directory), {}
    for path, lines in sorted(paths(directory).items()):
        if only is not None and path not in only:
            continue
        before = tree.read(path, MAX_LINES_FILE_BYTES if lines else MAX_FILE_BYTES)
        after = _form(path, before, lines=lines)
        if after != before:
            changed[path] = EditedFile(directory / path, before, after)
    again = load_tree(
        Overlay(tree, {path: file.after for path, file in changed.items()}), OnInvalid.FAIL, Reading(pins=True)
    )
    if changed and again.desired != loaded.desired:
        raise ReconcilerError(f"{_differing(loaded, again, changed)} would change its meaning", hint=BY_HAND)
    return list(changed.values())


def _form(path: str, data: bytes, *, lines: bool) -> bytes:
    mark = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
    text = data.removeprefix(BOM_UTF8).decode()
    shape = tiers_shape() if path == PRICE_LIST else tenant_shape()
    return mark + ("".join(_lines(text)) if lines else formatted(text, shape)).encode()


def _lines(text: str) -> Iterator[str]:
    """Yield the lines in the order of the tenants."""
    documents = [json.loads(line) for line in text.split("\n") if line.strip()]
    for document in sorted(documents, key=lambda one: str(one["tenant"])):
        yield f"{json_line(document)}\n"


def _differing(before: Loaded, after: Loaded, changed: Collection[str]) -> str:
    """Return the first file of a tenant that differs; any file, if that is unknown."""
    now = after.desired.tenants if after.desired is not None else {}
    then = before.desired.tenants if before.desired is not None else {}
    files = (path for name, tenant in then.items() if now.get(name) != tenant for path in tenant.files)
    return next((path for path in files if path in changed), min(changed))

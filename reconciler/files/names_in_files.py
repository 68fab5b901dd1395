"""Tenant names in files of the fleet's folder, whether or not a run reads these files."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.files.collection import names_in
from reconciler.files.price_list import PRICE_LIST

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES: Final = 1 << 20
"""Maximum bytes of a file to search; of a longer one only its name counts."""

_TENANT_FILE: Final = re.compile(r"\.(ya?ml|ndjson)\b", re.IGNORECASE)


def tenant_names(folder: Path) -> dict[str, str]:
    """Return the file of each name, relative to the folder, with any ending. Links are not followed.

    A file mentions the tenant in its name (``acme.yaml.disabled``) and, if its name looks like a tenant file,
    those that it contains.
    """
    found: dict[str, str] = {}
    for path in _files(folder):
        shown = path.relative_to(folder).as_posix()
        for name in (*_named_after(path.name), *_named_in(path)):
            found.setdefault(name, shown)
    return found


def names_to_suggest(folder: Path) -> list[str]:
    """Return what a wrong name may have meant: the names in tenant files, and those of these files."""
    found = tenant_names(folder)
    return [name for name, file in found.items() if _may_declare(file) and not is_tenant_file(name)]


def _may_declare(file: str) -> bool:
    return file != PRICE_LIST and is_tenant_file(file.rpartition("/")[2])


def is_tenant_file(name: str) -> bool:
    """Return whether a file with this name may declare tenants, or did before it was renamed."""
    return _TENANT_FILE.search(name) is not None


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        yield from (Path(parent, name) for name in sorted(names))


def _named_after(file: str) -> Iterator[str]:
    """Yield the name, then the name without its endings."""
    name = file.lstrip("._#~")
    while name:
        yield name
        name = name.rpartition(".")[0]


def _named_in(path: Path) -> list[str]:
    if not is_tenant_file(path.name):
        return []
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            return []
        return names_in(path.read_bytes())
    except OSError:
        return []

"""A file with a change of a tenant's document: checked with all others before it is written."""

from __future__ import annotations

import json
import os
from codecs import BOM_UTF8
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.editing import changed, holds, path_of
from reconciler.files.entry import Entry, is_row
from reconciler.files.json_lines import read_lines
from reconciler.files.load import BYTE_ORDER_MARK, OnInvalid, load_tree
from reconciler.files.nodes import BY_HAND
from reconciler.files.overlay import Overlay
from reconciler.files.reading import Reading
from reconciler.files.regular_files import UnreadableError
from reconciler.files.tree import MAX_FILE_BYTES, MAX_LINES_FILE_BYTES, WorkTree
from reconciler.model.problem import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.desired.tenant import Tenant
    from reconciler.files.editing import Changes
    from reconciler.model.problem import Problem

_YAML: Final = frozenset({".yaml", ".yml"})
NOT_WRITTEN: Final = "nothing was written: these are places in the edited text"
AGAIN: Final = "run the command again"


class EditedFile(Struct, frozen=True):
    """A file as it becomes. Nothing is written before ``write``."""

    path: Path
    before: bytes | None
    """None for a new file."""
    after: bytes

    @property
    def changes(self) -> bool:
        """Whether the text differs."""
        return self.before != self.after

    def write(self) -> None:
        """Replaces the file as a whole. Raises InvalidInputError if somebody changed it meanwhile."""
        try:
            if self.before is None:
                self._create()
                return
            if read_whole(self.path) != self.before:
                raise InvalidInputError(f"{self.path}: the file has changed meanwhile", hint=AGAIN)
            descriptor, name = mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            self._replace(descriptor, Path(name))
        except OSError as error:
            raise InvalidInputError(f"{self.path}: {error.strerror}") from error

    def _create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.path.open("xb") as file:
                file.write(self.after)
        except FileExistsError as error:
            raise InvalidInputError(f"{self.path}: the file has appeared meanwhile", hint=AGAIN) from error

    def _replace(self, descriptor: int, beside: Path) -> None:
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, self.path.stat().st_mode & 0o777)
                file.write(self.after)
            beside.replace(self.path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


class EditedTenant(Struct, frozen=True):
    """A tenant's file as it becomes, and the tenant that it then declares."""

    file: EditedFile
    tenant: Tenant

    @property
    def path(self) -> Path:
        """The file."""
        return self.file.path

    @property
    def changes(self) -> bool:
        """Whether the text differs."""
        return self.file.changes

    def write(self) -> None:
        """As ``EditedFile.write``."""
        self.file.write()


def edit(directory: Path, tenant: Tenant, changes: Changes) -> EditedTenant:
    """Return the tenant's file with the changes: its YAML document, or its JSON line if there is no document.

    Raises InvalidInputError if no file declares the tenant, if the file cannot be changed in place, or if the
    result is not valid.
    """
    if any(map(is_row, tenant.files)):
        message = f"{tenant.location}: a database declares tenant {tenant.name!r}"
        raise InvalidInputError(message, hint="change the row, or write a file that overrides it")
    if not tenant.files:
        raise InvalidInputError(f"{tenant.location}: no file declares tenant {tenant.name!r}", hint=BY_HAND)
    _refuse_hidden(directory, tenant, changes)
    name = tenant.files[0]
    path = directory / name
    before = read_whole(path)
    try:
        text = before.decode().removeprefix(BYTE_ORDER_MARK)
        after = _changed(text, tenant, changes, lines=path.suffix not in _YAML)
    except InvalidInputError as error:
        raise InvalidInputError(f"{tenant.location}: {error}", hint=error.hint) from error
    mark = BOM_UTF8 if before.startswith(BOM_UTF8) else b""
    return checked(directory, name, EditedFile(path, before, mark + after.encode()), tenant.name)


def _refuse_hidden(directory: Path, tenant: Tenant, changes: Changes) -> None:
    """Raises InvalidInputError if a key that is to be removed is in the JSON line below the tenant's document."""
    removed = [path_of(key) for key, value in changes.values.items() if value is None]
    for name in tenant.files[1:] if removed else ():
        data = read_whole(directory / name)
        for _, entry in read_lines(data, str(directory / name)):
            if isinstance(entry, Entry) and entry.tenant == tenant.name:
                path = next((one for one in removed if holds(entry.value, one)), None)
                if path is not None:
                    raise InvalidInputError(f"{entry.location} also sets {'.'.join(path)}", hint="edit that line")


def checked(directory: Path, name: str, file: EditedFile, tenant: str) -> EditedTenant:
    """Return the tenant as all files declare it with this one; ``name`` is its path below the folder.

    Raises InvalidInputError if that is not valid.
    """
    tree = Overlay(WorkTree(directory), {name: file.after})
    loaded = load_tree(tree, OnInvalid.SKIP, Reading(frozenset({tenant}), pins=True))
    wrong = list(_about(loaded.problems, tree.name(name)))
    if wrong or loaded.desired is None or tenant not in loaded.desired.tenants:
        words = "; ".join(map(str, wrong or loaded.problems)) or f"{file.path} does not declare tenant {tenant!r}"
        raise InvalidInputError(words, hint=NOT_WRITTEN)
    return EditedTenant(file, loaded.desired.tenants[tenant])


def _about(problems: Iterable[Problem], name: str) -> Iterable[Problem]:
    """Yield the errors in a file."""
    return (one for one in problems if one.severity is Severity.ERROR and one.location.file == name)


def _changed(text: str, tenant: Tenant, changes: Changes, *, lines: bool) -> str:
    """Return the whole text after the change."""
    line, column = tenant.location.line, tenant.location.column
    rows = text.split("\n")
    if not lines or not _is_object(rows[line - 1]):
        return changed(text, line, column, changes, as_json=lines)
    rows[line - 1] = changed(rows[line - 1], 1, column, changes, as_json=True)
    return "\n".join(rows)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def read_whole(path: Path) -> bytes:
    """Return the bytes of a file that is to be edited. Raises InvalidInputError if it cannot be."""
    if path.is_symlink():
        raise InvalidInputError(f"{path} is a symbolic link", hint=BY_HAND)
    try:
        return regular_files.read(path, MAX_FILE_BYTES if path.suffix in _YAML else MAX_LINES_FILE_BYTES)
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from error
    except UnreadableError as error:
        raise InvalidInputError(f"{path}: {error}", hint=BY_HAND) from error

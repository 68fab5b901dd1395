"""A tenant's file with a change of the tenant's document: checked as every file before it is written."""

from __future__ import annotations

import json
import os
from codecs import BOM_UTF8
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.editing import BY_HAND, changed
from reconciler.files.load import BYTE_ORDER_MARK, parse_tenants
from reconciler.files.regular_files import UnreadableError
from reconciler.files.tree import MAX_FILE_BYTES

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.files.editing import Changes

_YAML: Final = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class EditedFile:
    """A file with the tenant as it becomes. Nothing is written before ``write``."""

    path: Path
    tenant: Tenant
    _before: bytes
    _after: bytes

    @property
    def changes(self) -> bool:
        """Whether the text differs."""
        return self._before != self._after

    def write(self) -> None:
        """Replaces the file as a whole. Raises InvalidInputError if somebody changed it meanwhile."""
        if _read(self.path) != self._before:
            raise InvalidInputError(f"{self.path}: the file has changed meanwhile", hint="run the command again")
        try:
            descriptor, name = mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            self._replace(descriptor, Path(name))
        except OSError as error:
            raise InvalidInputError(f"{self.path}: {error.strerror}") from error

    def _replace(self, descriptor: int, beside: Path) -> None:
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, self.path.stat().st_mode & 0o777)
                file.write(self._after)
            beside.replace(self.path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def edit(directory: Path, fleet: DesiredState, tenant: Tenant, changes: Changes) -> EditedFile:
    """Return the tenant's file with the changes.

    Raises InvalidInputError if several files declare the tenant, if the file cannot be changed in place, or if the
    result is not valid.
    """
    if len(tenant.files) != 1:
        raise InvalidInputError(
            f"{tenant.location}: {len(tenant.files)} files declare tenant {tenant.name!r}", hint=BY_HAND
        )
    path = directory / tenant.files[0]
    before = _read(path)
    try:
        text = before.decode().removeprefix(BYTE_ORDER_MARK)
        after, given = _changed(text, tenant, changes, lines=path.suffix not in _YAML)
    except InvalidInputError as error:
        raise InvalidInputError(f"{tenant.location}: {error}", hint=error.hint) from error
    loaded = parse_tenants(given, tenant.location.file, fleet)
    if loaded.desired is None or tenant.name not in loaded.desired.tenants:
        told = "; ".join(map(str, loaded.problems)) or f"{tenant.location}: {BY_HAND}"
        raise InvalidInputError(told, hint="nothing was written: these are places in the edited text")
    new = replace(loaded.desired.tenants[tenant.name], location=tenant.location, files=tenant.files)
    mark = BOM_UTF8 if before.startswith(BOM_UTF8) else b""
    return EditedFile(path, new, before, mark + after.encode())


def _changed(text: str, tenant: Tenant, changes: Changes, *, lines: bool) -> tuple[str, str]:
    """Return the whole text after the change, and the part of it to be checked, at its own lines."""
    line, column = tenant.location.line, tenant.location.column
    rows = text.split("\n")
    if not lines or not _is_object(rows[line - 1]):
        after = changed(text, line, column, changes, as_json=lines)
        return after, after
    rows[line - 1] = changed(rows[line - 1], 1, column, changes, as_json=True)
    return "\n".join(rows), "\n" * (line - 1) + rows[line - 1]


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _read(path: Path) -> bytes:
    if path.is_symlink():
        raise InvalidInputError(f"{path} is a symbolic link", hint=BY_HAND)
    try:
        return regular_files.read(path, MAX_FILE_BYTES)
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from error
    except UnreadableError as error:
        raise InvalidInputError(f"{path}: {error}", hint=BY_HAND) from error

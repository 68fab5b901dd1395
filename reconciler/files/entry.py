"""A document found in a text: its value, and the line and column of each of its paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.files.plain_values import text_of
from reconciler.model.problem import Location, Problem

if TYPE_CHECKING:
    from reconciler.files.events import Parsed
    from reconciler.files.finding import Finding, Path
    from reconciler.files.positions import Position, Positions
    from reconciler.files.tenant_schema import TenantDocument


ROWS: Final = "sql:"
"""Begins the name of a source of rows, where a tenant has the path of its file. No file has such a name."""


def is_row(path: str) -> bool:
    """Return whether a tenant's path is that of a row of a database."""
    return path.startswith(ROWS)


class Text(Struct):
    """One YAML file, or a part of one; locations are computed when first needed."""

    file: str
    data: bytes
    first_line: int = 1
    indent: int = 0
    """Number of characters before it on its first line."""
    path: str = ""
    """The path relative to the fleet's folder; empty for text that is not from a file."""
    _positions: dict[Position, Positions] | None = None

    def positions(self, root: Position) -> Positions:
        """Return the locations in the document that starts at ``root``."""
        from reconciler.files.positions import Positions, read_positions  # noqa: PLC0415 - only for a problem

        if self._positions is None:
            self._positions = {
                positions.values[()]: positions
                for positions in read_positions(self.data)
                if () in positions.values
            }
        return self._positions.get(root) or Positions(values={(): root})

    def location(self, line: int, column: int) -> Location:
        """Return the location in the file for a location in this text."""
        return Location(self.file, line + self.first_line - 1, column + (self.indent if line == 1 else 0))


class Entry(Struct):
    """One tenant's document. ``base`` is the document that it overrides field by field, if any."""

    value: object
    text: Text
    line: int = 1
    column: int = 1
    complete: bool = True
    sound: bool = True
    """False if it contains something that is not allowed: its tenant is held back."""
    base: Entry | None = None
    _read: TenantDocument | tuple[Finding, ...] | None = None

    def document(self) -> TenantDocument | tuple[Finding, ...]:
        """Return the document in the schema's type, or its findings; computed when first needed."""
        if self._read is None:
            from reconciler.files.tenant_schema import read_tenant  # noqa: PLC0415 - not for known tenants

            self._read = read_tenant(self.value)
        return self._read

    def past_document(self) -> TenantDocument | tuple[Finding, ...]:
        """Return the document of an earlier commit: unknown settings count as unchecked."""
        document = self.document()
        if not isinstance(document, tuple):
            return document
        from reconciler.files.tenant_schema import read_tenant, tolerant_tenant  # noqa: PLC0415 - as above

        earlier = read_tenant(tolerant_tenant(self.value))
        return document if isinstance(earlier, tuple) else earlier

    @property
    def location(self) -> Location:
        """Where the document starts."""
        return self.text.location(self.line, self.column)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it is read from, relative to the fleet's folder."""
        own = (self.text.path,) if self.text.path else ()
        return own if self.base is None else (*own, *self.base.files)

    @property
    def tenant(self) -> str | None:
        """The declared name, even if the rest is invalid."""
        return text_of(self.value.get("tenant")) if isinstance(self.value, dict) else None

    @property
    def pin(self) -> str | None:
        """The declared project_id, even if the rest is invalid."""
        return text_of(self.value.get("project_id")) if isinstance(self.value, dict) else None

    def problem(self, finding: Finding) -> Problem:
        """Return the finding with its line and column, in the text that contains the path."""
        location = self._place(finding.path, at_key=finding.at_key)
        return Problem(location, finding.message, finding.hint, finding.severity, finding.stale)

    def place(self, path: Path) -> Location:
        """Return the location of a key."""
        return self._place(path, at_key=True)

    def overriding(self, base: Entry) -> Entry:
        """Return this document on top of another one."""
        return Entry(
            merged(base.value, self.value),
            self.text,
            self.line,
            self.column,
            self.complete and base.complete,
            self.sound and base.sound,
            base,
        )

    def _place(self, path: Path, *, at_key: bool) -> Location:
        positions = self.text.positions((self.line, self.column))
        if self.base is not None and not positions.holds(path) and self.base.holds(path):
            return self.base._place(path, at_key=at_key)  # noqa: SLF001 - another entry of the same class
        return self.text.location(*positions.place(path, at_key=at_key))

    def holds(self, path: Path) -> bool:
        """Return whether the document itself contains the path."""
        return self.text.positions((self.line, self.column)).holds(path)


def merged(base: object, value: object) -> object:
    """Merge mappings field by field; for anything else ``value`` wins."""
    if isinstance(base, dict) and isinstance(value, dict):
        return base | {key: merged(base.get(key), member) for key, member in value.items()}
    return value


def entries_of(parsed: Parsed, text: Text) -> tuple[Entry, ...]:
    """Return the documents of a YAML text."""
    return tuple(
        Entry(document.value, text, document.line, document.column, document.complete, document.sound)
        for document in parsed.documents
    )

"""A document as it was found in a text: its value, and the way back from a path to its line and column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.files.marks import Marks, read_marks
from reconciler.files.readers import text_of
from reconciler.files.tenant_schema import TenantDocument, as_tombstone
from reconciler.files.wording import read
from reconciler.model.problem import Location, Problem

if TYPE_CHECKING:
    from reconciler.files.events import Parsed
    from reconciler.files.finding import Finding, Path
    from reconciler.files.marks import Place


@dataclass(slots=True)
class Text:
    """One YAML file, or a part of one; the places in it are read when they are first asked for."""

    file: str
    data: bytes
    first_line: int = 1
    indent: int = 0
    """How many characters stand before it on its first line."""
    path: str = ""
    """The file below the folder of the fleet; empty for what was handed over as text."""
    _marks: dict[Place, Marks] | None = field(default=None, repr=False)

    def marks(self, root: Place) -> Marks:
        """The places in the document that begins at ``root``."""
        if self._marks is None:
            self._marks = {marks.values[()]: marks for marks in read_marks(self.data) if () in marks.values}
        return self._marks.get(root) or Marks(values={(): root})

    def location(self, line: int, column: int) -> Location:
        """The place in the file of a place in this text."""
        return Location(self.file, line + self.first_line - 1, column + (self.indent if line == 1 else 0))


@dataclass(slots=True)
class Entry:
    """One tenant's document. ``base`` is the one that it overrides field by field, where there is one."""

    value: object
    text: Text
    line: int = 1
    column: int = 1
    whole: bool = True
    sound: bool = True
    """False where it says something that is not allowed: its tenant is held back."""
    base: Entry | None = None
    _read: TenantDocument | tuple[Finding, ...] | None = field(default=None, repr=False)

    def document(self) -> TenantDocument | tuple[Finding, ...]:
        """The document as the schema's type, or what is wrong with it; read when first asked for."""
        if self._read is None:
            self._read = read(TenantDocument, as_tombstone(self.value))
        return self._read

    @property
    def location(self) -> Location:
        """Where the document begins."""
        return self.text.location(self.line, self.column)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it is made of, below the folder of the fleet."""
        own = (self.text.path,) if self.text.path else ()
        return own if self.base is None else (*own, *self.base.files)

    @property
    def tenant(self) -> str | None:
        """The name that it states, whether or not the rest is in order."""
        return text_of(self.value.get("tenant")) if isinstance(self.value, dict) else None

    @property
    def pin(self) -> str | None:
        """The project that it states as the tenant's own, whether or not the rest is in order."""
        return text_of(self.value.get("project_id")) if isinstance(self.value, dict) else None

    def problem(self, finding: Finding) -> Problem:
        """The finding with its line and column, in whichever text states the path."""
        location = self._place(finding.path, at_key=finding.at_key)
        return Problem(location, finding.message, finding.hint, finding.severity, finding.stale)

    def place(self, path: Path) -> Location:
        """Where a key stands."""
        return self._place(path, at_key=True)

    def overriding(self, base: Entry) -> Entry:
        """The same document on top of another."""
        return Entry(
            merged(base.value, self.value),
            self.text,
            self.line,
            self.column,
            self.whole and base.whole,
            self.sound and base.sound,
            base,
        )

    def _place(self, path: Path, *, at_key: bool) -> Location:
        marks = self.text.marks((self.line, self.column))
        if self.base is not None and not marks.holds(path) and self.base.holds(path):
            return self.base._place(path, at_key=at_key)  # noqa: SLF001 (another entry of the same class)
        return self.text.location(*marks.place(path, at_key=at_key))

    def holds(self, path: Path) -> bool:
        """Whether the document itself states something there."""
        return self.text.marks((self.line, self.column)).holds(path)


def merged(base: object, value: object) -> object:
    """Mappings member by member; anything else as ``value`` says."""
    if isinstance(base, dict) and isinstance(value, dict):
        return base | {key: merged(base.get(key), member) for key, member in value.items()}
    return value


def entries_of(parsed: Parsed, text: Text) -> tuple[Entry, ...]:
    """The documents of a YAML text."""
    return tuple(
        Entry(document.value, text, document.line, document.column, document.whole, document.sound)
        for document in parsed.documents
    )

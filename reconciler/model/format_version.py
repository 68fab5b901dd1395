"""The format versions of the files that the program writes and reads again."""

from __future__ import annotations

from reconciler.model.quoting import shown


class OtherFormatError(ValueError):
    """A file has another format version than the one that is read."""

    def __init__(self, words: str, *, newer: bool) -> None:
        super().__init__(words)
        self._newer = newer

    def hint(self, again: str) -> str:
        """Return what to do; ``again`` is how to make a new file."""
        return f"upgrade reconciler, or {again}" if self._newer else again


def require_format(found: object, known: int) -> None:
    """Raises OtherFormatError unless ``found`` is the known format version."""
    if type(found) is not int:
        raise OtherFormatError(f"its format_version is {shown(found)}, not {known}", newer=False)
    if found != known:
        age = "a newer" if found > known else "an older"
        words = f"it was written by {age} version of reconciler (format {shown(found)[1:-1]}, not {known})"
        raise OtherFormatError(words, newer=found > known)

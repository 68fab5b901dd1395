"""A file with the sent notices. It is replaced as a whole: a run that dies leaves the old or the new one."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.errors import InvalidInputError, OutputError
from reconciler.files import regular_files
from reconciler.model.format_version import OtherFormatError, require_format
from reconciler.model.notice import NoticeKey, Sent
from reconciler.notify.records import Records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.notice import SentByKey

MOST_BYTES: Final = 64 * 2**20
FORMAT_VERSION: Final = 1
ANOTHER: Final = "name another file, or remove it: then every notice is sent again"
AGAIN: Final = "the next run sends the notices of this run again"


class _Line(msgspec.Struct, frozen=True):
    destination: str
    topic: str
    subject: str
    what: str
    level: int
    since: str


class _Header(msgspec.Struct, frozen=True):
    """What tells documents of other formats apart, whatever else is in them."""

    kind: str
    format_version: Any


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format_version: int
    kind: str
    fleet: str
    sent: list[_Line] = msgspec.field(name="told")


class SentFile(Records):
    """A JSON document that only its owner can read."""

    def __init__(self, path: Path, fleet: str) -> None:
        """Raises InvalidInputError for a file with other content, and for a folder that does not exist."""
        self._path, self._fleet = path, fleet
        self._read()

    async def read(self, destination: str) -> SentByKey:
        """The notices that were sent to the destination, as of now: other commands may share the file."""
        return self._read().get(destination, {})

    async def write(self, destination: str, before: SentByKey, after: SentByKey) -> None:
        """Changes what differs between the two. Raises OutputError; the file then stays as it was."""
        if before == after:
            return
        gone = before.keys() - after.keys()
        changed = {key: sent for key, sent in after.items() if before.get(key) != sent}
        try:
            with _locked(self._path.parent):
                everything = self._read()
                present = everything.get(destination, {}).items()
                everything[destination] = {key: sent for key, sent in present if key not in gone} | changed
                self._replace(_text(self._fleet, everything))
        except (OSError, regular_files.UnreadableError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"--notify-state {self._path}: {reason}", hint=AGAIN) from error

    def _read(self) -> dict[str, dict[NoticeKey, Sent]]:
        """The sent notices, by destination."""
        found: dict[str, dict[NoticeKey, Sent]] = {}
        for line in self._lines():
            found.setdefault(line.destination, {})[NoticeKey(line.topic, line.subject, line.what)] = Sent(
                line.level, line.since
            )
        return found

    def _lines(self) -> list[_Line]:
        what = f"--notify-state {self._path}"
        if not self._path.parent.is_dir():
            raise InvalidInputError(f"{what}: folder {self._path.parent} does not exist")
        try:
            data = regular_files.read(self._path, MOST_BYTES)
            _check_header(msgspec.json.decode(data, type=_Header))
            document = msgspec.json.decode(data, type=_Document)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InvalidInputError(f"{what}: {error.strerror}") from error
        except regular_files.UnreadableError as error:
            raise InvalidInputError(f"{what}: {error}", hint=regular_files.REMEDY) from error
        except OtherFormatError as error:
            raise InvalidInputError(f"{what} cannot be used: {error}", hint=error.hint(ANOTHER)) from error
        except (ValueError, RecursionError, msgspec.DecodeError) as error:
            raise _not_ours(what, "is not a record of sent notices") from error
        if document.fleet != self._fleet:
            raise _not_ours(what, "belongs to another fleet")
        return document.sent

    def _replace(self, text: str) -> None:
        regular_files.require_file(self._path)
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lets one command at a time change a file of the folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_header(header: _Header) -> None:
    """Raises OtherFormatError, and ValueError for a document of another kind."""
    if header.kind != "told":
        raise ValueError(header.kind)
    require_format(header.format_version, FORMAT_VERSION)


def _not_ours(what: str, reason: str) -> InvalidInputError:
    return InvalidInputError(f"{what} {reason}", hint=ANOTHER)


def _text(fleet: str, sent: Mapping[str, Mapping[NoticeKey, Sent]]) -> str:
    lines: list[dict[str, Any]] = [
        {"destination": destination, **key._asdict(), **one._asdict()}
        for destination, by_key in sorted(sent.items())
        for key, one in sorted(by_key.items())
    ]
    document = {"format_version": FORMAT_VERSION, "kind": "told", "fleet": fleet, "told": lines}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

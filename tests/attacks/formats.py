"""What documents in the formats for CI may hold: whatever else is in them has left its place."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

ANNOTATION: Final = re.compile(
    r"::(?:error|warning|notice) (?:file=[^,:]+,line=\d+,(?:col=\d+,)?|file=[^,:]+,)?title=[\w -]+::[^\r\n]*"
)
"""An annotation of ours, as GitHub's runner reads it."""
_OBEYED: Final = re.compile(r"^\s*(?:::[a-z-]+[ :]|##\[|##vso\[|##teamcity\[)|section_(?:start|end):")
_ELEMENTS: Final = {
    "testsuites",
    "testsuite",
    "testcase",
    "failure",
    "error",
    "skipped",
    "system-out",
    "properties",
}
_LOADING: Final = {
    "img",
    "iframe",
    "object",
    "embed",
    "base",
    "form",
    "video",
    "audio",
    "source",
    "applet",
    "frame",
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet calculates."""
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?")


def obeyed(log: str) -> Iterator[str]:
    """The lines of a log that a runner obeys and that are no annotation of ours."""
    if "\r" in log:
        yield "a carriage return: what follows may be a line of its own"
    for line in re.split(r"[\r\n]", log):
        if _OBEYED.search(line) and not ANNOTATION.fullmatch(line):
            yield f"a line for a CI runner: {line[:120]!r}"


def in_xml(text: str) -> Iterator[str]:
    """What is no element of a test report."""
    if "<!" in text:
        yield "XML with a declaration of its own"
    try:
        tree = ET.fromstring(text)  # noqa: S314 - no declaration, no entity
    except ET.ParseError as error:
        yield f"no XML: {error}"
        return
    yield from (f"<{one.tag}> in a test report" for one in tree.iter() if one.tag not in _ELEMENTS)


def in_csv(text: str) -> Iterator[str]:
    """Cells that a spreadsheet calculates."""
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell):
                yield f"a formula: {cell[:80]!r}"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.policy = ""
        self.scripts: list[tuple[bool, str]] = []
        self._script: bool | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _LOADING or "src" in given or any(name.startswith("on") for name in given):
            self.found.append(f"<{tag} {given}>"[:120])
        if not given.get("href", "#").startswith(("#", "data:,")):
            self.found.append(f"a link: {given['href'][:80]!r}")
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy += given["content"]
        if tag == "script":
            self._script = given.get("type") == "application/json"
            self.scripts.append((self._script, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self.scripts[-1] = (self._script, self.scripts[-1][1] + data)

    def handle_comment(self, data: str) -> None:
        if data.strip():
            self.found.append(f"<!--{data[:60]}")


def in_html(text: str) -> Iterator[str]:
    """What a page loads, links to and runs besides the one script that its policy names."""
    page = _Page()
    page.feed(text)
    page.close()
    yield from page.found
    for data, script in page.scripts:
        if data:
            try:
                json.loads(script)
            except ValueError as error:
                yield f"the data of a page is no JSON: {error}"
            continue
        known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        if f"'sha256-{known}'" not in page.policy:
            yield f"a script that the policy does not name: {script[:60]!r}"

"""The documentation taken apart: blocks, tables, links, and the commands that are shown."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Shell

_FENCED: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CALLS: Final = re.compile(r"\b(\d+) calls in ")
_VOLATILE: Final = (
    (r"\b[a-z]+-[a-z]+-\d{8}\b", "PROJECT"),
    (r"\bsnap-[a-z]+-[a-z]+-[0-9a-f]{8}\b", "SNAPSHOT"),
    (r"\b\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d UTC)?", "MOMENT"),
    (r"\b(at commit|compared with|From commit) [0-9a-f]{7}\b", "COMMIT"),
    (r"\brun [0-9a-f]{8}\b", "run RUN"),
    (r"\bJournal: \S+", "Journal: FILE"),
    (r"\b\d+ calls in (under a second|\d+ s)\b", "CALLS in SECONDS"),
    (r"\bin (under a second|\d+ s)\b", "SECONDS"),
    (r"\b\d[\d,]*\.\d\d(?= CU-hours| USD| each|, \d|  [a-z]| \()", "AMOUNT"),
    (r"(?m)(?<=  )\d[\d,]*\.\d\d$", "AMOUNT"),
)
"""What differs from run to run: ids, time that depends on the jitter of waits, how often one polls, and what was
used and costs until then."""


@dataclass(frozen=True, slots=True)
class Page:
    """One document for users, by its path in the repository."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """Where it is."""
        return ROOT / self.name

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks of a language, in their order."""
        return [text for found, text in _FENCED.findall(self.text) if found == language]

    def rewrite(self, language: str, texts: list[str]) -> None:
        """Replaces the blocks of a language."""
        fresh = iter(texts)

        def block(found: re.Match[str]) -> str:
            return f"```{language}\n{next(fresh)}```" if found[1] == language else found[0]

        self.path.write_text(_FENCED.sub(block, self.text), encoding="utf-8")

    def table(self, heading: str) -> list[list[str]]:
        """The rows of the first table below a heading, cell by cell, without marks of code."""
        section = self.text.partition(f"# {heading}\n")[2]
        lines = re.search(r"^\|.*\n\|[-|]+\n((?:\|.*\n)*)", section, re.MULTILINE)
        rows = lines[1].splitlines() if lines else []
        return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]

    def links(self) -> list[tuple[Path, str]]:
        """The file and the heading that each relative link leads to; an empty heading is the whole file."""
        found = re.findall(r"\]\(([^)\s]+)\)", self.text)
        parts = [link.partition("#") for link in found if "://" not in link]
        return [(self.path.parent / file if file else self.path, anchor) for file, _, anchor in parts]


def anchors(text: str) -> set[str]:
    """The names of a document's headings in links, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


README: Final = Page("README.md")
REFERENCE: Final = Page("docs/commands.md")
"""The page of commands, flags and exit codes."""
START: Final = Page("docs/start.md")
"""The page of a new user, whose commands run in an empty folder."""
PAGES: Final = (README, *(Page(f"docs/{path.name}") for path in sorted((ROOT / "docs").glob("*.md"))))
"""What users read."""


class Reader:
    """Types what a page shows, in a checkout of the fleet."""

    def __init__(self, shell: Shell, home: Path) -> None:
        self._shell = shell
        self._home = home
        self._code = 0

    def retypes(self, block: str) -> str:
        """The console block as it comes out now; where nothing of account differs, as it stands there."""
        return "".join(map(self._step, re.split(r"^(?=\$ )", block, flags=re.MULTILINE)[1:]))

    def _step(self, step: str) -> str:
        line, _, printed = step.removeprefix("$ ").partition("\n")
        now = self._types(line).replace(str(self._home), "~")
        return step if _same(now, printed) else f"$ {line}\n{now}"

    def _types(self, line: str) -> str:
        """Stdout and stderr together; only ``reconciler`` is run in this process."""
        if "reconciler" not in line:
            return self._elsewhere(["sh", "-c", line.replace("$?", str(self._code))], "")
        text = ""
        for part in line.split(" | "):
            name, *args = shlex.split(part)
            text = self._here(args, text) if name == "reconciler" else self._elsewhere([name, *args], text)
        return text

    def _here(self, args: list[str], stdin: str) -> str:
        ended = self._shell.run(*args, stdin=stdin.encode())
        self._code = ended.code
        return ended.err + ended.out

    def _elsewhere(self, args: list[str], stdin: str) -> str:
        done = subprocess.run(
            args, cwd=self._shell.folder, input=stdin, capture_output=True, text=True, check=True
        )
        return done.stdout


def _same(now: str, printed: str) -> bool:
    """Whether a command prints what the page shows, apart from what differs from run to run."""
    calls = [[int(count) for count in _CALLS.findall(text)] for text in (now, printed)]
    return _steady(now) == _steady(printed) and all(map(_about_as_many, *calls))


def _about_as_many(calls: int, shown: int) -> bool:
    """A busy machine polls once more or less in ten calls, and a run of few calls once."""
    return abs(calls - shown) <= max(1, shown // 10)


def _steady(text: str) -> list[str]:
    """The words of a text without what differs from run to run; ids differ in length, so lines break elsewhere."""
    for pattern, name in _VOLATILE:
        text = re.sub(pattern, name, text)
    return text.split()

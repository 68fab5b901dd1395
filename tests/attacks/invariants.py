"""What holds for every command of every case, whatever the case is about. Each function yields what is broken."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Final

from tests.attacks import formats, marked, rendered
from tests.attacks.commands import WRITING
from tests.attacks.stage import PRECIOUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.attacks.account import Overheard, Picture
    from tests.attacks.stage import Stage
    from tests.harness.forks import Ended

_OBEYED: Final = re.compile(r"^\s*::|##\[|##vso\[", re.MULTILINE)
"""Lines of a build that GitHub's or Azure's runner obeys."""
_UNFORESEEN: Final = ("Traceback", "a defect in reconciler")
_TENANT: Final = re.compile(r"(?<![\w-])(?:myapp-)?([\w-]+)")
"""Tenants that the name of a project can be made of."""
_FORMATS: Final = {
    ".xml": formats.in_xml,
    ".csv": formats.in_csv,
    ".html": formats.in_html,
    ".annotations": formats.obeyed,
}
_KNOWN_CODES: Final = range(10)
_STEERING: Final = re.compile(
    r"PATH|LD_\w+|DYLD_\w+|IFS|ENV|BASH_\w+|PROMPT_\w+|PS\d|PYTHON\w+|GIT_\w+|HOME|SHELL|EDITOR|PAGER"
)
"""Variables that steer a shell, and what it starts."""


def ended_in_words(ended: Ended) -> Iterator[str]:
    """It ends, with an exit code that is documented, and without a traceback."""
    if ended.code is None:
        yield "did not end"
    elif ended.code not in _KNOWN_CODES:
        yield f"ended with {ended.code}"
    said = (ended.out + ended.err).decode(errors="replace")
    yield from (f"says {word!r}: {_line(said, word)}" for word in _UNFORESEEN if word in said)


def text_is_text(arguments: tuple[str, ...], ended: Ended) -> Iterator[str]:
    """Nothing printed steers a terminal, a CI runner, a forge, a shell or a program that reads the document."""
    for name, data in (("stdout", ended.out), ("stderr", ended.err)):
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            yield f"{name} is no UTF-8: {error.reason}"
            continue
        steering = sorted({character for character in text.replace("\n", "") if not character.isprintable()})
        if steering:
            yield f"{name} holds {steering}"
        if obeyed := _OBEYED.search(text):
            yield f"{name} has a line for a CI runner: {text[obeyed.start() : obeyed.end() + 40]!r}"
    yield from _documents(arguments, ended.out.decode(errors="replace"))


def _documents(arguments: tuple[str, ...], out: str) -> Iterator[str]:
    if "json" in arguments and out:
        yield from _json("stdout", out)
    if "markdown" in arguments:
        yield from _markdown("stdout", out)
    if "env" in arguments:
        yield from (f"an export for a shell: {line!r}" for line in out.splitlines() if not _plain_export(line))


def _json(where: str, text: str) -> Iterator[str]:
    try:
        json.loads(text)
    except ValueError as error:
        yield f"{where} is no JSON: {error}"


def _markdown(where: str, text: str) -> Iterator[str]:
    if found := rendered.foreign(text):
        yield f"{where} renders with {found[:6]}"


def _plain_export(line: str) -> bool:
    try:
        words = shlex.split(line)
    except ValueError:
        return False
    return len(words) == 2 and words[0] == "export" and not _STEERING.fullmatch(words[1].partition("=")[0])


def nothing_is_told(data: Mapping[str, bytes]) -> Iterator[str]:
    """No secret, and no piece of one, stands in any of these."""
    for where, content in data.items():
        if found := marked.traces(content):
            yield f"{where} holds a secret: {found[0]!r}"


def nothing_ran(stage: Stage) -> Iterator[str]:
    """The canary is not there."""
    if stage.canary.exists():
        yield f"code of the attacker ran: {stage.canary.read_text(errors='replace').splitlines()[0]!r}"


def nothing_else_is_touched(stage: Stage) -> Iterator[str]:
    """What belongs to others is as it was, and what was not there is not there."""
    if (stage.outside / "precious.txt").read_text(encoding="utf-8") != PRECIOUS:
        yield "a file outside the repository was changed"
    yield from (f"{path} was made" for path in stage.case.environment.absent if (stage.repository / path).exists())
    expected = {"precious.txt", "credentials.yaml", "trap"}
    made = [path.name for path in stage.outside.iterdir() if path.name not in expected and "stranger" in path.name]
    yield from (f"{name} was made outside the repository" for name in made)


def neon_heard_no_secret(neon: Overheard, environ: Mapping[str, str]) -> Iterator[str]:
    """What went to Neon holds the three keys in the header where they belong, and no other secret."""
    yield from nothing_is_told({"what was sent to Neon": b"\n".join(neon.sent)})
    foreign = neon.bearers - {environ.get(name, "").encode() for name in marked.KEYS} - {b""}
    yield from (
        f"sent to Neon as a key: {bearer[:12]!r}..." for bearer in sorted(foreign) if marked.traces(bearer)
    )


def only_writers_wrote(arguments: tuple[str, ...], writes: list[str]) -> Iterator[str]:
    """A command that reads has written nothing."""
    if writes and arguments[0] not in WRITING:
        yield f"wrote to Neon: {writes[0]}"


def others_are_as_they_were(before: Picture, after: Picture, allowed: Iterable[str]) -> Iterator[str]:
    """No project is gone, and none has changed but those of tenants that the pull request may change."""
    free = set(allowed)
    for project in sorted(before.keys() | after.keys()):
        (was, looked), (called, looks) = before.get(project, ("", "")), after.get(project, ("", ""))
        if not called:
            yield f"project {was} was deleted"
        elif looked != looks and not free & set(_TENANT.findall(f"{was} {called}")):
            yield f"project {called} was {'changed' if was else 'made'}"


def as_expected(stage: Stage, command: str, ended: Ended) -> Iterator[str]:
    """What the case says of this command."""
    expectation = stage.case.expectation(command)
    if expectation is None or ended.code is None:
        return
    said = (ended.out + ended.err).decode(errors="replace").casefold()
    if ended.code not in expectation.codes:
        yield f"ended with {ended.code}, not with one of {expectation.codes}: {said.strip()[:300]!r}"
    says, never = (
        [stage.filled_in(word).casefold() for word in words] for words in (expectation.says, expectation.never)
    )
    yield from (f"does not say {word!r}" for word in says if word not in said)
    yield from (f"says {word!r}: {_line(said, word)}" for word in never if word in said)


def written_files(stage: Stage, known: Mapping[Path, tuple[int, int]]) -> Iterator[str]:
    """The documents that the commands have written hold what they are to hold."""
    for path in new_files(stage, known):
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix in (".json", ".sarif"):
            yield from _json(path.name, text)
        if path.suffix == ".md":
            yield from _markdown(path.name, text)
        for suffix, broken in _FORMATS.items():
            if path.suffix == suffix:
                yield from (f"{path.name}: {one}" for one in broken(text))


def new_files(stage: Stage, known: Mapping[Path, tuple[int, int]]) -> list[Path]:
    """Files below the stage that are not as they were when the first command began."""
    return [path for path, state in files(stage).items() if known.get(path) != state]


def files(stage: Stage) -> dict[Path, tuple[int, int]]:
    """Every regular file, with its size and the time of its last change, but for those of the suite itself."""
    found: dict[Path, tuple[int, int]] = {}
    for folder, folders, names in os.walk(stage.root):
        if Path(folder) == stage.root:
            folders[:] = [name for name in folders if name != "streams"]
        for path in (Path(folder, name) for name in names if ".db" not in name):
            status = path.lstat()
            if S_ISREG(status.st_mode) and path != stage.canary:
                found[path] = (status.st_size, status.st_mtime_ns)
    return found


def _line(text: str, word: str) -> str:
    return repr(next((line for line in text.splitlines() if word in line), "")[:200])

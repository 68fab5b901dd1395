"""Whatever becomes of a file that the product has written, a command that reads it ends with an answer."""

from __future__ import annotations

import asyncio
import atexit
import gzip
import json
import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from reconciler.errors import ExitCode
from reconciler.model.notice import NoticeKey, Sent
from reconciler.notify.sent_file import SentFile
from tests import profiles
from tests.harness.shell import TIERS, Shell
from tests.property import damage

if TYPE_CHECKING:
    from tests.harness.shell import Ended

ALWAYS: Final = ("--base", "none", "--max-age", "3650d", "--format", "json")
NOTICES: Final = ("--notify-to", "json://127.0.0.1:9", "--notify-state", "told.json")
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "plan.json": ("show", "plan.json"),
    "report.json": ("report", "merge", "report.json"),
    "live.json.gz": ("plan", "--live", "live.json.gz", *ALWAYS),
    "told.json": ("usage", "--simulator", "sim.db", *NOTICES),
    "sim.db": ("plan", "--simulator", "sim.db", "--base", "none"),
    "run.jsonl": ("audit", "--journals", "run.jsonl"),
}
"""What reads each file."""


@cache
def fleet() -> Shell:
    """Two live tenants, and each file that the product writes about them."""
    made = TemporaryDirectory(prefix="reconciler-")
    atexit.register(made.cleanup)
    folder = Path(made.name, "fleet")
    folder.mkdir()
    shell = Shell(folder)
    shell.write("tiers.yaml", f"{TIERS}registry: {{url: '${{REGISTRY_URL}}'}}\n")
    for name in ("acme", "bluebird"):
        shell.tenant(name)
    shell.simulated("apply", "--yes", "--expect-empty", "--journal", "run.jsonl", "--output", "report.json")
    shell.tenant("bluebird", "tier: pro")
    for command in (
        ("plan", "--base", "none", "--out", "plan.json"),
        ("observe", "--base", "none", "--out", "live.json.gz"),
    ):
        assert shell.simulated(*command).code == 0
    sent = SentFile(folder / "told.json", "prod")
    asyncio.run(sent.write("here", {}, {NoticeKey("quota", "acme", "active_time"): Sent(1, "2028-02-01")}))
    return shell


def ended_with(file: str, data: bytes) -> Ended:
    """What the command says that reads the file, if it has become this."""
    whole = fleet()
    with TemporaryDirectory(prefix="reconciler-") as made:
        folder = Path(made, "fleet")
        folder.mkdir()
        shell = Shell(folder)
        shutil.copytree(whole.folder, folder, dirs_exist_ok=True)
        shell.clock = deepcopy(whole.clock)
        (folder / file).write_bytes(data)
        return shell.run(*COMMANDS[file])


def original(file: str) -> bytes:
    return (fleet().folder / file).read_bytes()


def check(file: str, data: bytes) -> Ended:
    """Asserts that it ends with a documented code, and that a refusal names the file and says what to do."""
    ended = ended_with(file, data)
    told = ended.out + ended.err
    assert ended.code in {*ExitCode}, told
    assert "Traceback" not in told
    assert "a defect in reconciler" not in told, told
    if ended.code in {ExitCode.ERROR, ExitCode.INVALID}:
        assert file in told, told
        assert "hint: " in told, told
    return ended


@pytest.mark.parametrize("file", ["plan.json", "report.json", "told.json"])
@settings(max_examples=profiles.size(12, 100, 2000))
@given(data=some.data())
def test_a_document(file: str, data: some.DataObject) -> None:
    whole = original(file)
    check(file, data.draw(damage.bytes_of(whole) | damage.json_of(json.loads(whole))))


@settings(max_examples=profiles.size(12, 100, 2000))
@given(data=some.data())
def test_an_observation(data: some.DataObject) -> None:
    whole = original("live.json.gz")
    text = gzip.decompress(whole)
    packed = (damage.bytes_of(text) | damage.json_of(json.loads(text))).map(gzip.compress)
    check("live.json.gz", data.draw(damage.bytes_of(whole) | packed))


@settings(max_examples=profiles.size(12, 100, 2000))
@given(data=some.data())
def test_a_journal(data: some.DataObject) -> None:
    whole = original("run.jsonl")
    check("run.jsonl", data.draw(damage.bytes_of(whole) | damage.lines_of(whole)))


def test_a_simulated_account_that_is_none() -> None:
    assert check("sim.db", b"x" * 5000).code == ExitCode.INVALID

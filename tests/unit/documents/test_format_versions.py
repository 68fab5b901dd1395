"""What is said of a file that another version of the program has written: which one, and what to do."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.documents import observation, writer
from reconciler.documents.reader import parse_report, parse_saved_plan
from reconciler.errors import InvalidInputError
from reconciler.live.observation import Observation
from reconciler.model.notice import NoticeKey, Sent
from reconciler.notify.sent_file import SentFile
from reconciler.plan.approval import PlanOrigin
from tests.harness import json_documents
from tests.harness.builders import NOON, a_view
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME: Final = "the-file"


def sent(folder: Path) -> str:
    path = folder / NAME
    asyncio.run(SentFile(path, "prod").write("here", {}, {NoticeKey("quota", "acme", "x"): Sent(1, "2031-01-01")}))
    return path.read_text()


def read_sent(folder: Path, text: str) -> object:
    (folder / NAME).write_text(text)
    return SentFile(folder / NAME, "prod")


def observed(_: Path) -> str:
    recorded = observation.written(Observation("prod", NOON, {"free": "org-1"}, None, a_view()))
    return gzip.decompress(recorded).decode()


FILES: Final[dict[str, tuple[Callable[[Path], str], Callable[[Path, str], object], str]]] = {
    "plan": (
        lambda _: json_documents.plan(build.rich_plan(), PlanOrigin(NOON)),
        lambda _, text: parse_saved_plan(text.encode(), NAME),
        "make a new one with `reconciler plan --out`",
    ),
    "report": (
        lambda _: "".join(writer.report(build.rich_report())),
        lambda _, text: parse_report(text.encode(), NAME),
        "`reconciler apply --output report.json` writes one",
    ),
    "observation": (
        observed,
        lambda _, text: observation.parsed(gzip.compress(text.encode()), NAME),
        "record a new one with `reconciler observe --out`",
    ),
    "sent notices": (sent, read_sent, "name another file, or remove it: then every notice is sent again"),
}
OTHERS: Final[dict[str, tuple[str, str, bool]]] = {
    "newer": ("2", "it was written by a newer version of reconciler (format 2, not 1)", True),
    "much newer": ("7000000000", "written by a newer version of reconciler (format 7000000000, not 1)", True),
    "older": ("0", "it was written by an older version of reconciler (format 0, not 1)", False),
    "a flag": ("true", "its format_version is 'True', not 1", False),
    "text": ('"2"', "its format_version is '2', not 1", False),
    "a fraction": ("1.0", "its format_version is '1.0', not 1", False),
    "null": ("null", "its format_version is 'None', not 1", False),
    "nested": ('{"a": [2]}', "its format_version is ", False),
}


@pytest.mark.parametrize("more", [{}, {"of_a_later_version": {"a": [1]}}], ids=["alike", "with more members"])
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("file", FILES)
def test_the_version_and_the_remedy_are_told(tmp_path: Path, file: str, other: str, more: dict[str, Any]) -> None:
    write, read, remedy = FILES[file]
    version, words, newer = OTHERS[other]
    document = json.loads(write(tmp_path))
    read(tmp_path, json.dumps(document))
    with pytest.raises(InvalidInputError) as caught:
        read(tmp_path, json.dumps({**document, "format_version": json.loads(version), **more}))
    assert NAME in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.hint == (f"upgrade reconciler, or {remedy}" if newer else remedy)

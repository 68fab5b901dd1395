"""docs/plan-page.png shows the page of a new price, docs/report-page.png that of a run that failed in part.

Other versions of Chromium and other fonts draw other pixels, so the bytes of a picture are not compared. Each
picture carries the hash of the page that it shows instead: ``PAGES=write pytest tests/browser/test_pictures.py``
draws them anew.
"""

from __future__ import annotations

import os
import struct
import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pytest

from tests.browser.conftest import written
from tests.browser.fleets import a_plan, a_report
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.views.view import View
    from tests.browser.conftest import Opened

PAGES: Final[dict[str, tuple[Callable[[], View], bool]]] = {
    "plan-page.png": (lambda: a_plan(8_412), False),
    "report-page.png": (lambda: a_report(3_120), True),
}
"""The pages by picture, and whether it shows them by night."""
WIDTH, HEIGHT = 1000, 1180
MOST_BYTES: Final = 150_000
SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES: Final = len(SIGNATURE) + 25
"""The signature, and the chunk that every picture begins with."""


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file, as RFC 2083 describes it."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def label(page: str) -> bytes:
    """The chunk that names the page."""
    return chunk(b"tEXt", b"page\0" + sha256(page.encode()).hexdigest().encode())


@pytest.mark.parametrize("picture", PAGES)
def test_a_picture_shows_a_page_of_this_program(opened: Opened, picture: str) -> None:
    view, dark = PAGES[picture]
    path, named = ROOT / "docs" / picture, label(written(view()))
    if os.environ.get("PAGES") == "write":
        page = opened(view())
        page.medium(dark=dark)
        drawn = page.picture(WIDTH, HEIGHT)
        path.write_bytes(drawn[:HEADER_BYTES] + named + drawn[HEADER_BYTES:])
    found = path.read_bytes()
    assert found.startswith(SIGNATURE)
    assert named in found, f"{picture} shows another page: PAGES=write draws it anew"
    assert len(found) < MOST_BYTES

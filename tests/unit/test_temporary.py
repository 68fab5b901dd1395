"""Where the files of the tests are."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from tests import temporary

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_files_are_in_memory_where_it_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(temporary, "MEMORY", tmp_path)
    monkeypatch.setattr(temporary, "ROOM_BYTES", room * 2)
    monkeypatch.delenv(temporary.VARIABLE, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    temporary.pytest_configure()
    assert temporary.VARIABLE not in os.environ
    monkeypatch.setattr(temporary, "ROOM_BYTES", room // 2)
    temporary.pytest_configure()
    assert tempfile.gettempdir() == os.environ[temporary.VARIABLE] == str(tmp_path)


def test_another_place_may_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(temporary.VARIABLE, "/var/tmp")  # noqa: S108
    monkeypatch.setattr(temporary, "MEMORY", tmp_path)
    temporary.pytest_configure()
    assert os.environ[temporary.VARIABLE] == "/var/tmp"  # noqa: S108


def test_a_place_that_is_not_there_is_not_used(tmp_path: Path) -> None:
    assert not temporary.usable(tmp_path / "absent")

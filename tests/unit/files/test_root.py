"""The fleet's folder is found from a folder below it, and no parent folder of somebody else takes its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import InvalidInputError
from reconciler.files.root import fleet_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiers.yaml and folders below it, outside of the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    below = tmp_path / "fleet" / "tenants" / "agencies"
    below.mkdir(parents=True)
    (tmp_path / "fleet/tiers.yaml").touch()
    return tmp_path / "fleet"


def test_the_nearest_price_list_above_is_found(top: Path) -> None:
    assert str(fleet_folder(top / "tenants")) == ".."
    assert str(fleet_folder(top / "tenants/agencies")) == "../.."
    (top / "tenants/tiers.yaml").touch()
    assert str(fleet_folder(top / "tenants/agencies")) == ".."


def test_the_top_folder_of_a_repository_is_the_last_one(top: Path) -> None:
    (top / ".git").mkdir()
    assert str(fleet_folder(top / "tenants")) == ".."
    (top / "tenants/.git").write_text("gitdir: elsewhere")
    assert fleet_folder(top / "tenants/agencies") is None
    assert fleet_folder(top / "tenants") is None


def test_the_home_folder_and_what_is_above_it_are_not_searched(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(top))
    assert fleet_folder(top / "tenants") is None
    monkeypatch.setenv("HOME", str(top / "tenants"))
    assert fleet_folder(top / "tenants") is None
    assert fleet_folder(top / "tenants/agencies") is None


def test_another_file_system_is_not_searched(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.stat

    def on_another(path: Path, **more: bool) -> os.stat_result:
        status = found(path, **more)
        return os.stat_result((*status[:2], status.st_dev + (path == top), *status[3:10]))

    monkeypatch.setattr("reconciler.files.root.os.stat", on_another)
    assert fleet_folder(top / "tenants") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("theirs", [".", "tiers.yaml"])
def test_a_price_list_of_another_user_is_refused(top: Path, theirs: str) -> None:
    os.chown(top / theirs, 12345, -1)
    with pytest.raises(InvalidInputError, match=r"\.\./tiers\.yaml belongs to another user") as told:
        fleet_folder(top / "tenants")
    assert told.value.hint == "if it is the fleet's, name its folder: -C .."


def test_a_price_list_in_a_folder_that_everybody_can_write_to_is_refused(top: Path) -> None:
    top.chmod(0o1777)
    with pytest.raises(InvalidInputError, match="everybody can write to"):
        fleet_folder(top / "tenants")


def test_a_price_list_that_is_a_dangling_link_ends_the_search(top: Path) -> None:
    (top / "tenants/tiers.yaml").symlink_to("nowhere")
    assert str(fleet_folder(top / "tenants/agencies")) == ".."

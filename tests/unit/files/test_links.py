"""What a pull request can put in the place of a file or a folder: only files of the fleet's folder are opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.files import tree as tree_module
from reconciler.files.links import HIDDEN, LEAVES, MOST_LINKS, NOWHERE, remedy, resolved
from reconciler.files.load import load
from reconciler.files.regular_files import UnreadableError, bounded, content
from reconciler.files.tree import MAX_FOLDERS, WorkTree
from tests.unit.files.builders import TIERS, said, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.files.load import Loaded

ACME: Final = "tenant: acme\ntier: free\n"
CANARY: Final = "canary_key: canary_value\n"
LINES: Final = f'{TIERS}tenants: [{{ndjson: "fleet/*.ndjson"}}]\n'


def fleet(folder: Path) -> Path:
    """A fleet, and beside it what is none of its business."""
    root = write(folder / "fleet", {"tenants/acme.yaml": ACME, ".env": CANARY, ".git/config": CANARY})
    write(folder / "elsewhere", {"acme.yaml": ACME, "secret.yaml": CANARY}, tiers=CANARY)
    return root


def replaced(root: Path, path: str, goal: str) -> Loaded:
    """The fleet with a link in place of the file or folder."""
    (root / path).rename(root / "aside")
    (root / path).symlink_to(goal)
    return load(root)


@pytest.mark.parametrize(
    ("goal", "why"),
    [
        ("../elsewhere/tiers.yaml", LEAVES),
        ("/etc/passwd", LEAVES),
        ("/dev/zero", LEAVES),
        ("/proc/self/environ", LEAVES),
        ("tenants/../../elsewhere/tiers.yaml", LEAVES),
        ("../fleet/aside", LEAVES),
        (".env", HIDDEN),
        (".git/config", HIDDEN),
        ("tenants/../.git/config", HIDDEN),
        ("tiers.yaml", NOWHERE),
        ("nowhere.yaml", NOWHERE),
        ("tenants", "is a folder, not a file"),
    ],
)
def test_a_price_list_is_a_file_of_the_fleet(tmp_path: Path, goal: str, why: str) -> None:
    root = fleet(tmp_path)
    loaded = replaced(root, "tiers.yaml", goal)
    assert said(loaded, root)[0] == f"tiers.yaml:1:1: {why}"
    assert "canary" not in str(loaded)
    assert "root:" not in str(loaded)


@pytest.mark.parametrize(
    ("goal", "why"),
    [
        ("../elsewhere", LEAVES),
        ("/dev", LEAVES),
        (".git", HIDDEN),
        ("tenants", NOWHERE),
        ("nowhere", NOWHERE),
        ("tiers.yaml", "is a file, not a folder"),
    ],
)
def test_the_folder_of_the_tenants_is_one_of_the_fleet(tmp_path: Path, goal: str, why: str) -> None:
    """A folder that cannot be read is no empty one: its tenants would pass for gone."""
    root = fleet(tmp_path)
    loaded = replaced(root, "tenants", goal)
    told = f"{why} ({remedy(why)})" if remedy(why) else why
    assert f"tenants:1:1: {told}" in said(loaded, root)
    assert loaded.desired is None
    assert "canary" not in str(loaded)


def test_links_within_the_fleet_are_followed(tmp_path: Path) -> None:
    root = fleet(tmp_path)
    replaced(root, "tiers.yaml", "aside")
    (root / "prices").mkdir()
    (root / "aside").rename(root / "prices/of-today")
    (root / "tiers.yaml").unlink()
    (root / "tiers.yaml").symlink_to("prices/../prices/of-today")
    loaded = replaced(root, "tenants", "aside")
    assert loaded.desired is not None
    assert list(loaded.desired.tenants) == ["acme"]


@pytest.mark.parametrize(("goal", "why"), [("../elsewhere", LEAVES), (".git", HIDDEN), ("loop", None)])
def test_a_folder_on_the_way_of_a_pattern_is_one_of_the_fleet(tmp_path: Path, goal: str, why: str | None) -> None:
    line = '{"tenant": "acme", "tier": "free"}'
    root = write(tmp_path / "root", {"loop/a.ndjson": line}, tiers=LINES)
    write(tmp_path / "elsewhere", {"a.ndjson": f"{line}\n{CANARY}"})
    write(root, {".git/a.ndjson": CANARY}, tiers=LINES)
    (root / "fleet").symlink_to(goal)
    loaded = load(root)
    told = f"{why} ({remedy(why)})" if why == LEAVES else why
    assert said(loaded, root)[:1] == ([f"fleet:1:1: {told}"] if told else [])
    assert (loaded.desired is None) is bool(why)


def named_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(os.fspath(path))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (os.mkfifo, "a pipe"),
        (lambda path: path.mkdir(), "a folder"),
        (named_socket, "a socket"),
    ],
    ids=["a pipe", "a folder", "a socket"],
)
def test_what_is_no_file_is_refused_by_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], what: str
) -> None:
    root = fleet(tmp_path)
    monkeypatch.chdir(root)  # the name of a socket is short
    (root / "tiers.yaml").unlink()
    make(Path("tiers.yaml"))
    (told,) = (line for line in said(load(root), root) if line.startswith("tiers.yaml"))
    assert told.startswith(f"tiers.yaml:1:1: is {what}")
    if what != "a folder":
        (root / "tenants").rename(root / "aside")
        make(Path("tenants"))
        assert f"tenants:1:1: is {what}, not a folder" in said(load(root), root)


def test_a_link_that_is_made_between_the_look_and_the_opening_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fleet(tmp_path)

    def swapped(path: str, link: Callable[[str], str | None]) -> str:
        found = resolved(path, link)
        (root / "aside").rename(root / "gone")
        (root / "aside").symlink_to("../elsewhere/tiers.yaml")
        return found

    monkeypatch.setattr(tree_module, "resolved", swapped)
    (root / "tiers.yaml").rename(root / "aside")
    (root / "tiers.yaml").symlink_to("aside")
    with pytest.raises(UnreadableError, match="cannot be read"):
        WorkTree(root).read("tiers.yaml")


def test_what_grows_while_it_is_read_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"#" * 5000)
    descriptor = os.open(path, os.O_RDONLY)
    with pytest.raises(UnreadableError, match="larger than 4,000 bytes"):
        bounded(descriptor, 4000, expected=10)
    os.close(descriptor)


def test_a_size_that_is_not_told_is_no_way_around_the_bound() -> None:
    """Files below /proc have 0 bytes until they are read."""
    descriptor = os.open("/proc/self/maps", os.O_RDONLY)
    with pytest.raises(UnreadableError, match="larger than 100 bytes"):
        content(descriptor, 100)
    os.close(descriptor)


def test_a_sparse_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    root = fleet(tmp_path)
    os.truncate(root / "tiers.yaml", 2**40)
    assert said(load(root), root)[0] == "tiers.yaml:1:1: the file is larger than 1 MiB"


def test_folders_in_each_other_have_an_end(tmp_path: Path) -> None:
    root = fleet(tmp_path)
    deep = root / "tenants" / "/".join(["d"] * (MAX_FOLDERS + 1))
    deep.mkdir(parents=True)
    (deep / "b.yaml").write_text("tenant: b\ntier: free\n")
    loaded = load(root)
    assert loaded.desired is None
    assert f"is more than {MAX_FOLDERS} folders" in str(loaded.problems)


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    root = write(tmp_path, {f"tenants/{n}/t{n}.yaml": f"tenant: t{n}\ntier: free\n" for n in range(20)})
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert load(root).desired is not None
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_too_many_links_lead_nowhere() -> None:
    chain = {f"l{number}": f"l{number + 1}" for number in range(MOST_LINKS + 1)}
    assert resolved("l1", chain.get) == f"l{MOST_LINKS + 1}"
    with pytest.raises(UnreadableError, match=NOWHERE):
        resolved("l0", chain.get)


@pytest.mark.parametrize("step", [".git", ".GIT", ".git.", ".git ", "git~1", "GIT~1"])
def test_what_is_gits_own_is_never_read(tmp_path: Path, step: str) -> None:
    for pattern in (f"{step}/config", f"sub/{step}/*"):
        root = write(tmp_path, {f"{step}/config": CANARY}, tiers=f'{TIERS}tenants: [{{files: "{pattern}"}}]\n')
        loaded = load(root)
        assert "the pattern matches files of git's own" in str(loaded.problems)
        assert "canary" not in str(loaded)
    with pytest.raises(UnreadableError, match=HIDDEN):
        resolved("a", {"a": f"sub/{step}/config"}.get)


def test_a_hidden_folder_that_the_owner_names_is_read(tmp_path: Path) -> None:
    tiers = f'{TIERS}tenants: [{{files: "./.github//tenants/*.yaml"}}]\n'
    root = write(tmp_path, {".github/tenants/.data/acme.yaml": ACME}, tiers=tiers)
    (root / ".github/tenants/acme.yaml").symlink_to(".data/acme.yaml")
    loaded = load(root)
    assert loaded.desired is not None
    assert list(loaded.desired.tenants) == ["acme"]

"""Files that are up to no good end in a message with its place, in bounded time and memory, with no traceback."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests import figures
from tests.e2e.command_line import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEMORY_BYTES: Final = 2**30
CPU_SECONDS: Final = 120
"""No measure of speed: a hundred times what any case takes, and the end of one that would take for ever."""
ACME: Final = b"tenant: acme\ntier: free\n"
LINES: Final = f"{TIERS}tenants: [{{ndjson: fleet.ndjson}}]\n"


def bomb() -> bytes:
    """A billion laughs."""
    rows = [b"a0: &a0 [ha, ha]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]".encode() for n in range(1, 12)]
    return ACME + b"labels:\n  " + b"\n  ".join(rows) + b"\n"


def merging() -> bytes:
    """Merge keys, each of which doubles."""
    rows = [b"base0: &b0 {a: b}"]
    rows += [f"base{n}: &b{n} {{<<: [*b{n - 1}, *b{n - 1}]}}".encode() for n in range(1, 30)]
    return ACME + b"labels:\n  " + b"\n  ".join(rows) + b"\n"


FILES: Final[dict[str, bytes]] = {
    "a billion laughs": bomb(),
    "merge keys that double": merging(),
    "100,000 lists in each other": ACME + b"labels: " + b"[" * 100_000,
    "100,000 mappings in each other": ACME + b"labels: " + b"{a: " * 100_000,
    "block sequences in each other": ACME + b"labels:\n " + b"- " * 100_000,
    "a number of a hundred thousand digits": ACME
    + b"overrides: {quota: {data_transfer: "
    + b"9" * 100_000
    + b"}}\n",
    "an exponent beyond all floats": ACME + b"overrides: {compute: {max_cu: 1e999999999}}\n",
    "a key of half a megabyte": ACME + b"k" * 500_000 + b": 1\n",
    "a hundred thousand keys": ACME + b"".join(b"k%d: 1\n" % n for n in range(60_000)),
    "a million lines": ACME + b"#\n" * 1_000_000,
    "no UTF-8": ACME + b"labels: {team: \xff\xfe}\n",
    "half of a surrogate pair": ACME + b"labels: {team: \xed\xa0\x80}\n",
    "UTF-16": (ACME.decode() + "labels: {a: b}\n").encode("utf-16"),
    "a NUL": ACME + b"labels: {team: a\0b}\n",
    "a terminal's commands": ACME + b'labels: {team: "\\e[2J\\e]0;owned\\a"}\nboom: "\\e[31m"\n',
    "text that runs backwards": ACME + '"\u202etier": pro\n'.encode(),
    "a CI command": ACME + b'"::stop-commands::x": 1\n',
    "a tag that makes objects": ACME + b"labels: !!python/object/apply:os.system [id]\n",
    "a tag of nobody's": ACME + b"labels: !evil {a: b}\n",
    "an endless anchor": ACME + b"labels: &a {a: *a}\n",
    "a tenant that climbs": b"tenant: ../../etc/passwd\ntier: free\n",
    "a tenant of a dot": b"tenant: .\ntier: free\n",
    "a tenant with a slash": b"tenant: a/b\ntier: free\n",
    "a name that is a flag": b"tenant: --yes\ntier: free\n",
    "a duplicate key": ACME + b"tier: pro\n",
    "a literal key of Neon's": ACME + b"labels: {team: a}\napi_key: napi_0123456789abcdef\n",
}
STREAMS: Final[dict[str, bytes]] = {
    "lists in each other": b'{"tenant": "a", "labels": ' + b"[" * 1_000_000 + b"\n",
    "a number without end": b'{"tenant": "a", "tier": "free", "overrides": {"compute": {"max_cu": '
    + b"9" * 2_000_000,
    "a million lines of nothing": b"{\n" * 1_000_000,
    "a line of a hundred megabytes": b'{"tenant": "' + b"a" * 100_000_000 + b'"}\n',
    "two names for one member": b'{"tenant": "a", "tenant": "b", "tier": "free"}\n',
    "no UTF-8": b'{"tenant": "\xff"}\n',
    "not a number": b'{"tenant": "a", "tier": "free", "overrides": {"compute": {"max_cu": NaN}}}\n',
}


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def validated(folder: Path) -> subprocess.CompletedProcess[str]:
    """``validate`` within bounds of memory and time."""
    return subprocess.run(
        [sys.executable, "-m", "reconciler", "validate"],
        cwd=folder,
        capture_output=True,
        check=False,
        encoding="utf-8",
        preexec_fn=bounded,
        timeout=2 * CPU_SECONDS,
    )


def check(ended: subprocess.CompletedProcess[str], name: str) -> None:
    """Invalid input, said with file and line, in words that steer nothing."""
    said = ended.stdout + ended.stderr
    held = (
        ended.returncode == 3
        and name in said
        and all(word not in said for word in ("Traceback", "defect", "napi_0123"))
        and all(character.isprintable() for character in said.replace("\n", ""))
        and not any(line.lstrip().startswith("::") for line in said.splitlines())
        and len(said) < 100_000
    )
    figures.count("hostile files", held=held)
    assert held, (ended.returncode, said[:3000])


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_hostile_tenant_file_is_refused_with_its_place(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants/acme.yaml").write_bytes(data)
    check(validated(tmp_path), "tenants/acme.yaml:")


@pytest.mark.parametrize("data", STREAMS.values(), ids=STREAMS)
def test_a_hostile_stream_of_tenants_is_refused_with_its_place(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "tiers.yaml").write_text(LINES, encoding="utf-8")
    (tmp_path / "fleet.ndjson").write_bytes(data)
    check(validated(tmp_path), "fleet.ndjson:1:")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "leaves the folder of the tenants"),
        (lambda path: path.symlink_to("acme.yaml"), "leads nowhere"),
        (lambda path: path.symlink_to("../../outside.yaml"), "leaves the folder of the tenants"),
        (os.mkfifo, "is neither a file nor a folder"),
        (lambda path: path.mkdir(), None),
    ],
    ids=["a link to a system's file", "a link to itself", "a link above the folder", "a pipe", "a folder"],
)
def test_what_is_no_file_of_the_folder_is_never_read(
    make: Callable[[Path], None], why: str | None, tmp_path: Path
) -> None:
    (tmp_path.parent / "outside.yaml").write_bytes(ACME)
    (tmp_path / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    (tmp_path / "tenants").mkdir()
    make(tmp_path / "tenants/acme.yaml")
    ended = validated(tmp_path)
    held = ended.returncode == (0 if why is None else 3) and (why or "") in ended.stdout + ended.stderr
    figures.count("hostile files", held=held)
    assert held, ended
    assert "root:" not in ended.stdout + ended.stderr

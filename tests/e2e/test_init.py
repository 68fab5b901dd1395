"""``reconciler init``: what it writes is valid and belongs together, and nothing that exists is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest
import yaml

from reconciler.cli.runtime import Runtime
from reconciler.environment import Environment
from reconciler.files.starting import STATED_ON, PinnedProgram, Start, StartOrganization, of_fleet, of_repository
from reconciler.model.values import replace
from tests.harness.repository import git, needs_git
from tests.harness.shell import PassingTime, run_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Ended

from tests.harness.shell import ROOT

pytestmark = pytest.mark.drawn(18)

COMMIT: Final = "1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c"
PROGRAM: Final = ("--program", f"acme/reconciler@{COMMIT}")
USUAL: Final = Start(
    fleet="prod",
    project_name="myapp-{tenant}",
    organizations=(
        StartOrganization("free", "${NEON_FREE_ORG_ID}", "FREE_ORG_API_KEY"),
        StartOrganization("paid", "${NEON_PAID_ORG_ID}", "PAID_ORG_API_KEY"),
    ),
    personal_key="PERSONAL_API_KEY",
    version="0.1.0",
    program=PinnedProgram("acme/reconciler", COMMIT),
    reviewer="@acme/platform",
)
OWN_NAMES: Final = replace(
    USUAL,
    organizations=(
        StartOrganization("free", "org-quiet-lake-12345678", "TRIAL_KEY"),
        StartOrganization("eu", "${NEON_EU_ORG_ID}", "EU_ORG_API_KEY"),
    ),
    below="fleets/eu/",
)


def init(folder: Path, *args: str, stdin: str = "", environ: dict[str, str] | None = None) -> Ended:
    """Runs init at a terminal if ``stdin`` has answers."""
    around = Runtime(environ=Environment(environ or {}), interactive=bool(stdin), clock=PassingTime(1))
    return run_in(folder, ["init", *args], around, stdin=stdin.encode())


def run(folder: Path, *args: str) -> Ended:
    return run_in(folder, args, Runtime(environ=Environment({}), clock=PassingTime(1)))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def made(start: Start, name: str) -> Any:
    return yaml.safe_load({**dict(of_fleet(start)), **dict(of_repository(start))}[name])


def test_the_price_list_is_that_of_this_repository() -> None:
    assert made(USUAL, "tiers.yaml") == yaml.safe_load((ROOT / "tiers.yaml").read_text(encoding="utf-8"))
    assert made(USUAL, "tiers.yaml")["prices"]["as_of"] == STATED_ON


def test_limits_quotas_and_prices_are_said_to_be_of_a_day_and_of_pages() -> None:
    head = dict(of_fleet(USUAL))["tiers.yaml"].partition("version:")[0]
    assert f"looked up on {STATED_ON}" in head
    assert head.count("https://neon.com/docs/") == 4


def test_what_is_written_is_valid_and_plans_on_the_simulator(tmp_path: Path) -> None:
    ended = init(tmp_path, "fleet", *PROGRAM, "--reviewer", "@acme/platform")
    assert (ended.code, ended.err) == (0, "")
    wrote = [line.split()[1] for line in ended.out.splitlines() if line.startswith("wrote ")]
    assert sorted(wrote) == sorted(f"fleet/{name}" for name in contents(tmp_path / "fleet"))
    assert run(tmp_path / "fleet", "validate").code == 0
    (tmp_path / "fleet/tenants/acme.yaml").write_text("tenant: acme\ntier: free\n")
    planned = run(tmp_path / "fleet", "plan", "--simulator", "sim.db")
    assert planned.code == 0
    assert "Plan: 1 to create." in planned.out
    assert (
        run(tmp_path / "fleet", "apply", "--yes", "--simulator", "sim.db", "--journal", "journal.jsonl").code == 0
    )
    assert run(tmp_path / "fleet", "plan", "--simulator", "sim.db").out.startswith("In sync: 1 tenant")


def test_the_example_of_a_tenant_is_valid(tmp_path: Path) -> None:
    init(tmp_path)
    text = (tmp_path / "tenants/README.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "tenants/acme.yaml").write_text(text)
    assert run(tmp_path, "validate").out.startswith("No problems in 2 files: 1 tenant")


def test_nothing_that_exists_is_changed(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".vscode").symlink_to("elsewhere")
    (tmp_path / ".gitignore").symlink_to("elsewhere/ignored")
    first = init(tmp_path, *PROGRAM)
    assert first.code == 0
    assert {"kept      README.md  (exists)", "kept      .gitignore  (exists)"} <= {*first.out.splitlines()}
    assert (tmp_path / "README.md").read_text() == "mine"
    assert list((tmp_path / "elsewhere").iterdir()) == []
    before = contents(tmp_path)
    again = init(tmp_path, *PROGRAM)
    assert again.code == 0
    assert "wrote" not in again.out
    assert contents(tmp_path) == before


def test_a_second_run_adds_what_is_missing_to_the_price_list_that_is_there(tmp_path: Path) -> None:
    init(tmp_path, "--organization", "eu", "--key", "eu=EU_ORG_API_KEY", "--fleet", "europe")
    ended = init(tmp_path, *PROGRAM)
    assert ended.code == 0
    workflow = yaml.safe_load((tmp_path / ".github/workflows/fleet.yml").read_text())
    [*_, drift] = workflow["jobs"]["drift"]["steps"]
    assert drift["env"] == {
        "NEON_EU_ORG_ID": "${{ vars.NEON_EU_ORG_ID }}",
        "EU_ORG_API_KEY": "${{ secrets.EU_ORG_API_KEY }}",
    }
    refused = init(tmp_path, "--fleet", "asia")
    assert refused.code == 3
    assert "error: tiers.yaml exists: --fleet" in refused.err


def test_a_broken_price_list_is_not_built_upon(tmp_path: Path) -> None:
    (tmp_path / "tiers.yaml").write_text("version: 2\n")
    assert init(tmp_path).code == 3
    assert [*contents(tmp_path)] == ["tiers.yaml"]


def test_without_the_program_and_a_reviewer_their_files_are_left_out_and_said_to_be(tmp_path: Path) -> None:
    ended = init(tmp_path)
    assert "left out  .github/workflows/fleet.yml  (needs --program OWNER/NAME@COMMIT)" in ended.out
    assert "left out  .github/CODEOWNERS  (needs --reviewer @NAME)" in ended.out
    assert not (tmp_path / ".github").exists()
    [hooks] = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["entry"] for hook in hooks["hooks"]] == [
        "reconciler validate -C .",
        "reconciler fmt --check -C .",
    ]


@needs_git
def test_in_a_folder_of_a_repository_the_files_of_the_forge_go_to_its_top(tmp_path: Path) -> None:
    git(tmp_path, "init")
    init(tmp_path, "fleets/eu", *PROGRAM, "--reviewer", "@acme/platform")
    workflow = yaml.safe_load((tmp_path / ".github/workflows/fleet.yml").read_text())
    assert {job["with"]["directory"] for job in workflow["jobs"].values()} == {"fleets/eu"}
    assert "/fleets/eu/tiers.yaml @acme/platform" in (tmp_path / ".github/CODEOWNERS").read_text()
    hooks = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert {tuple(hook["args"]) for hook in hooks} == {("-C", "fleets/eu")}
    settings = json.loads((tmp_path / ".vscode/settings.json").read_text())
    schema, _ = settings["yaml.schemas"]
    assert (tmp_path / schema).is_file()


def test_questions_are_asked_at_a_terminal_and_again_after_a_wrong_answer(tmp_path: Path) -> None:
    answers = ["My Fleet", "mine", "shop-{tenant}", "free eu"]  # the first is no name
    answers += ["org-quiet-lake-12345678", "napi_0123456789abcdef", "", "", "", ""]  # a key is no variable's name
    answers += ["github", f"acme/reconciler@{COMMIT}", "@acme/platform", "none"]
    ended = init(tmp_path, stdin="\n".join(answers) + "\n")
    assert ended.code == 0, ended.err
    assert "'My Fleet' is not a name" in ended.err
    assert "this is not the name of an environment variable" in ended.err
    assert "0123456789abcdef" not in ended.err + ended.out
    tiers = yaml.safe_load((tmp_path / "tiers.yaml").read_text())
    assert (tiers["fleet"], tiers["naming"]["project"]) == ("mine", "shop-{tenant}")
    assert [(one["id"], one["api_key"]) for one in tiers["organizations"].values()] == [
        ("org-quiet-lake-12345678", "${FREE_ORG_API_KEY}"),
        ("${NEON_EU_ORG_ID}", "${EU_ORG_API_KEY}"),
    ]
    assert {*tiers["tiers"]} == {"free", "pro", "scale"}
    assert (tmp_path / ".github/CODEOWNERS").exists()


@pytest.mark.parametrize(
    ("shell", "path", "begins"),
    [
        ("bash", ".local/share/bash-completion/completions/reconciler", "_reconciler_completion()"),
        ("fish", ".config/fish/completions/reconciler.fish", "function _reconciler_completion"),
        ("zsh", ".local/share/zsh/site-functions/_reconciler", "#compdef reconciler"),
    ],
)
def test_the_completion_of_a_shell_is_written_where_the_shell_looks_and_only_if_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str, path: str, begins: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert init(tmp_path, "fleet").code == 0
    assert [*home.iterdir()] == []
    ended = init(tmp_path, "fleet", "--completion", shell)
    assert ended.code == 0, ended.err
    assert (home / path).read_text().lstrip().startswith(begins)
    assert "_RECONCILER_COMPLETE=" in (home / path).read_text()
    (home / path).write_text("mine")
    assert "kept" in init(tmp_path, "fleet", "--completion", shell).out
    assert (home / path).read_text() == "mine"


def test_the_shell_of_the_user_is_the_answer_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    ended = init(tmp_path, "fleet", stdin="\n" * 20)
    assert ended.code == 0, ended.err
    assert (tmp_path / "config/fish/completions/reconciler.fish").exists()


def test_without_a_terminal_nothing_is_asked(tmp_path: Path) -> None:
    read, write = os.pipe()  # open, and nothing ever comes
    command = [sys.executable, "-m", "reconciler", "init"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    ended = subprocess.run(
        command, cwd=tmp_path, env=environ, stdin=read, capture_output=True, text=True, timeout=300, check=False
    )
    os.close(read)
    os.close(write)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--fleet", "My Fleet"), "--fleet: 'My Fleet' is not a name"),
        (("--project-name", "app"), "--project-name: 'app' must hold {tenant} exactly once"),
        (("--organization", "free", "--organization", "free"), "names an organization twice"),
        (("--organization", "free=org one"), "is not an organization id"),
        (("--key", "free=napi_0123456789abcdef"), "--key takes NAME=VARIABLE"),
        (("--key", "free=lower_case"), "--key: this is not the name of an environment variable"),
        (("--key", "trial=TRIAL_ORG_API_KEY"), "'trial', which is no organization of the fleet"),
        (("--program", "acme/reconciler@main"), "--program: a program is [HOST/]OWNER/NAME@COMMIT"),
        (("--program", f"https://example.com/acme/reconciler.git@{'0' * 40}"), "without git+, https:// and .git"),
        (("--reviewer", "acme\n* @evil"), "--reviewer: a reviewer is a user or a team"),
    ],
)
def test_a_flag_that_cannot_be_used_is_said_and_nothing_is_written(
    tmp_path: Path, flags: tuple[str, ...], told: str
) -> None:
    ended = init(tmp_path, *flags)
    assert ended.code == 3
    assert told in ended.err
    assert "0123456789abcdef" not in ended.err
    assert contents(tmp_path) == {}


def test_variables_that_need_a_permission_get_it(tmp_path: Path) -> None:
    flags = ("--organization", "free", "--key", "free=TRIAL_KEY")
    assert "export RECONCILER_ENV=TRIAL_KEY" in init(tmp_path, *flags).out
    env = made(OWN_NAMES, ".github/workflows/fleet.yml")["jobs"]["apply"]["steps"][-1]["env"]
    assert env["RECONCILER_ENV"] == "TRIAL_KEY"


def test_the_workflow_gives_those_of_this_repository_what_they_take() -> None:
    for name, job in made(replace(USUAL, below="eu/"), ".github/workflows/fleet.yml")["jobs"].items():
        called, _, commit = job["uses"].partition("@")
        assert (called, commit) == (f"acme/reconciler/.github/workflows/{name}.yml", COMMIT)
        takes = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())[True]["workflow_call"]
        assert job["with"].keys() <= takes["inputs"].keys()
        assert job.get("secrets", {}).keys() <= takes["secrets"].keys()


def test_the_hooks_are_those_of_this_repository() -> None:
    [used] = made(USUAL, ".pre-commit-config.yaml")["repos"]
    offered = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert [hook["id"] for hook in used["hooks"]] == [*offered]
    alone = made(replace(USUAL, program=None), ".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert [hook["entry"].removesuffix(" -C .") for hook in alone] == [hook["entry"] for hook in offered.values()]


@pytest.mark.parametrize(
    ("start", "name", "schema"),
    [
        (USUAL, ".github/workflows/fleet.yml", "github-workflows"),
        (OWN_NAMES, ".github/workflows/fleet.yml", "github-workflows"),
        (replace(OWN_NAMES, forge="gitlab"), ".gitlab-ci.yml", "gitlab-ci"),
    ],
)
def test_the_schema_of_the_forge_takes_its_file(start: Start, name: str, schema: str) -> None:
    folder = resources.files("check_jsonschema") / "builtin_schemas/vendor"
    judge = jsonschema_rs.validator_for(json.loads((folder / f"{schema}.json").read_text(encoding="utf-8")))
    document = made(start, name)
    assert judge.is_valid({"on" if key is True else key: value for key, value in document.items()})


def test_a_program_may_be_on_a_server_of_ones_own(tmp_path: Path) -> None:
    init(tmp_path, "--forge", "gitlab", "--program", f"git.example.com/platform/reconciler@{COMMIT}")
    [include] = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text())["include"]
    assert include["project"] == "platform/reconciler"
    [hooks] = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"]
    assert hooks["repo"] == "https://git.example.com/platform/reconciler"
    assert (
        f"pipx install git+https://git.example.com/platform/reconciler@{COMMIT}"
        in (tmp_path / "README.md").read_text()
    )


@pytest.mark.parametrize(
    ("url", "stated"),
    [
        ("https://github.com/acme/reconciler.git", f"acme/reconciler@{COMMIT}"),
        ("https://git.example.com/platform/reconciler", f"git.example.com/platform/reconciler@{COMMIT}"),
        ("https://user:password@github.com/acme/reconciler", None),
        ("file:///srv/reconciler", None),
    ],
)
def test_the_program_is_the_one_that_was_installed(
    url: str, stated: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": COMMIT}})
    monkeypatch.setattr("importlib.metadata.PathDistribution.read_text", lambda *_: recorded)
    monkeypatch.setattr("reconciler.cli.answers.__version__", "0.1.0")
    init(tmp_path)
    [hooks] = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"]
    if stated is None:
        assert hooks["repo"] == "local"
    else:
        assert f"{hooks['repo']}@{hooks['rev']}".endswith(f"/{stated}")


def test_gitlab_gets_an_include_with_inputs_that_the_template_has() -> None:
    [include] = made(replace(USUAL, forge="gitlab"), ".gitlab-ci.yml")["include"]
    head = yaml.safe_load((ROOT / include["file"]).read_text().partition("\n---\n")[0])
    assert include["inputs"].keys() <= head["spec"]["inputs"].keys()
    assert (include["ref"], include["inputs"]["commit"]) == (COMMIT, COMMIT)


def test_no_readme_installs_a_package_of_that_name_from_an_index(tmp_path: Path) -> None:
    """None is published: whoever takes the name there would run on machines that have keys."""
    init(tmp_path)
    [installs] = [line for line in (tmp_path / "README.md").read_text().splitlines() if line.startswith("pipx")]
    assert "git+" in installs

"""One comment and one issue for a fleet on GitHub. GitHub's own description judges every call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.environment import Environment
from reconciler.forge.github import GitHub
from tests.harness.github_api import BOT, DESCRIPTION, Repository, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.shell import Ended, Shell

pytestmark = [
    pytest.mark.drawn(14),
    pytest.mark.skipif(not DESCRIPTION.exists() and "CI" not in os.environ, reason="npm ci --prefix tests/forge"),
]

MARKER = "<!-- reconciler: fleet -->"


@pytest.fixture
def repository() -> Iterator[Repository]:
    with serving(Repository()) as repository:
        yield repository
        assert repository.problems == []


def workflow(repository: Repository, **more: str) -> dict[str, str]:
    """The variables that GitHub Actions sets."""
    return {
        "GITHUB_API_URL": repository.url,
        "GITHUB_REPOSITORY": "acme/fleet",
        "GITHUB_TOKEN": repository.token,
        "GITHUB_REF": "refs/pull/7/merge",
        **more,
    }


def run(shell: Shell, repository: Repository, *args: str, **more: str) -> Ended:
    shell.environ = workflow(repository, **more)
    return shell.run("github", *args)


def bodies(repository: Repository, number: int = 7) -> list[str]:
    return [one["body"] for one in repository.comments.get(number, [])]


def test_each_push_changes_the_same_comment(shell: Shell, repository: Repository) -> None:
    repository.says(7, "Looks good")
    for text in ("first", "second", "third"):
        shell.write("plan.md", text)
        assert run(shell, repository, "comment", "plan.md").code == 0
    assert bodies(repository) == ["Looks good", f"{MARKER}\nthird"]


def test_each_fleet_has_a_comment_of_its_own(shell: Shell, repository: Repository) -> None:
    shell.write("plan.md", "a plan")
    for name in ("prod", "staging", "prod"):
        assert run(shell, repository, "comment", "plan.md", "--name", name).code == 0
    assert bodies(repository) == [f"<!-- reconciler: {name} -->\na plan" for name in ("prod", "staging")]


def test_a_person_who_writes_the_marker_is_not_edited(shell: Shell, repository: Repository) -> None:
    forged = f"{MARKER}\nall fine, merge it"
    repository.says(7, forged)
    shell.write("plan.md", "Delete (9)")
    run(shell, repository, "comment", "plan.md")
    assert bodies(repository) == [forged, f"{MARKER}\nDelete (9)"]


def test_a_marker_inside_of_a_comment_of_another_app_means_nothing(shell: Shell, repository: Repository) -> None:
    repository.says(7, f"see below\n{MARKER}\nx", BOT)
    shell.write("plan.md", "a plan")
    run(shell, repository, "comment", "plan.md")
    assert len(bodies(repository)) == 2


def test_the_comment_is_found_behind_hundreds_of_others(shell: Shell, repository: Repository) -> None:
    for number in range(250):
        repository.says(7, f"comment {number}")
    shell.write("plan.md", "a plan")
    for _ in range(2):
        run(shell, repository, "comment", "plan.md")
    assert sum(body.startswith(MARKER) for body in bodies(repository)) == 1


@pytest.mark.parametrize("fault", ["lost", "500"])
@pytest.mark.parametrize("call", range(4))
def test_a_fault_at_any_call_leaves_one_comment(repository: Repository, fault: str, call: int) -> None:
    """What a lost call has written is found by its marker: it is not written twice."""
    github = GitHub.of(Environment(workflow(repository)), lambda _: None)
    repository.faults = ["ok"] * call + [fault]
    for text in ("first", "second"):
        github.comment(7, "fleet", text)
    assert bodies(repository) == [f"{MARKER}\nsecond"]


def test_an_issue_is_opened_changed_and_closed_and_opened_anew(shell: Shell, repository: Repository) -> None:
    repository.reports("A question", f"{MARKER}\nforged")
    shell.write("drift.md", "3 tenants differ")
    assert "opened" in run(shell, repository, "issue", "drift.md").err
    shell.write("drift.md", "4 tenants differ")
    assert "changed" in run(shell, repository, "issue", "drift.md").err
    assert "closed" in run(shell, repository, "issue", "--close").err
    assert "no issue is open" in run(shell, repository, "issue", "--close").err
    assert "opened" in run(shell, repository, "issue", "drift.md").err
    assert [(one["state"], one["body"].split("\n")[-1]) for one in repository.issues] == [
        ("open", "forged"),
        ("closed", "4 tenants differ"),
        ("open", "4 tenants differ"),
    ]


def test_a_comment_names_its_commit(shell: Shell, repository: Repository) -> None:
    shell.write("plan.md", "a plan")
    assert run(shell, repository, "comment", "plan.md", "--commit", "1f2e3d4c" * 5).code == 0
    assert bodies(repository) == [f"{MARKER}\nFleet `fleet` at commit {'1f2e3d4c' * 5}:\n\na plan"]


def test_a_label_is_put_and_taken_away_and_both_can_be_done_again(shell: Shell, repository: Repository) -> None:
    label = "prod: destructive"
    for _ in range(2):
        assert run(shell, repository, "label", label).code == 0
        assert repository.labels == {7: [label]}
    assert "removed the label" in run(shell, repository, "label", label, "--remove").err
    assert "has no label" in run(shell, repository, "label", label, "--remove").err
    assert repository.labels == {7: []}


def test_a_token_that_may_not_write_is_told_and_not_shown(shell: Shell, repository: Repository) -> None:
    shell.write("plan.md", "a plan")
    ended = run(shell, repository, "comment", "plan.md", GITHUB_TOKEN="ghs_another_token")  # noqa: S106
    assert ended.code == 1
    assert "pull-requests: write" in ended.err
    assert "ghs_another_token" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("args", "more", "message"),
    [
        (("comment", "plan.md"), {"GITHUB_TOKEN": ""}, "$GITHUB_TOKEN is not set"),
        (("comment", "plan.md"), {"GITHUB_REPOSITORY": "nonsense"}, "is not OWNER/NAME"),
        (("comment", "plan.md"), {"GITHUB_REF": "refs/heads/main"}, "runs for no pull request"),
        (("comment", "nothing.md"), {}, "nothing.md: No such file"),
        (("comment", "large.md"), {}, "the forge takes 65,536"),
        (("comment", "plan.md", "--name", "a --> <b>"), {}, "is not a name"),
        (("comment", "plan.md", "--commit", "a1b2c3d -->"), {}, "--commit is not a commit"),
        (("label", "x" * 51), {}, "is not a label"),
        (("label", "a\nb"), {}, "is not a label"),
        (("issue",), {}, "either a file with the text or --close"),
        (("issue", "plan.md", "--close"), {}, "either a file with the text or --close"),
    ],
)
def test_bad_input_is_told_before_any_call(
    shell: Shell, repository: Repository, args: tuple[str, ...], more: dict[str, str], message: str
) -> None:
    shell.write("plan.md", "a plan")
    shell.write("large.md", "x" * 70_000)
    ended = run(shell, repository, *args, **more)
    assert ended.code == 3
    assert message in " ".join(ended.err.split())
    assert repository.calls == []

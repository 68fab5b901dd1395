"""Nothing gives a value of the environment out by itself."""

from __future__ import annotations

import copy
import pickle
import pydoc

import pytest

from reconciler.environment import Environment, may_be_secret
from reconciler.errors import InvalidInputError
from reconciler.fleet import Fleet

ENVIRON = Environment({"PERSONAL_API_KEY": " marked-key ", "EMPTY": " ", "HOME": "/marked-home"})


def test_a_value_is_a_secret_without_the_spaces_around_it() -> None:
    found = ENVIRON.find("PERSONAL_API_KEY")
    assert found is not None
    assert found.reveal() == "marked-key"
    assert ENVIRON.find("EMPTY") is None
    assert "marked" not in f"{ENVIRON} {ENVIRON!r} {found} {found!r}"


@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy])
def test_an_environment_is_not_written(write: object) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        write(ENVIRON)  # type: ignore[operator]


def test_an_unforeseen_text_loses_what_may_be_a_secret() -> None:
    assert ENVIRON.hide("a marked-key in /marked-home") == "a *** in /marked-home"


@pytest.mark.parametrize(
    "name", ["NEON_FREE_ORG_ID", "ACME_ORG_API_KEY", "GITHUB_TOKEN", "DATABASE_URL", "PGPASSWORD", "aws_secret"]
)
def test_what_may_be_a_secret(name: str) -> None:
    assert may_be_secret(name)


@pytest.mark.parametrize("name", ["PATH", "HOME", "GIT_ASKPASS", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "NO_COLOR"])
def test_what_the_program_and_git_need(name: str) -> None:
    assert not may_be_secret(name)


def test_a_list_of_names_takes_commas_and_spaces_and_repeats_no_value() -> None:
    assert Environment({"RECONCILER_ENV": "A, B  C,"}).names_allowed() == {"A", "B", "C"}
    with pytest.raises(InvalidInputError, match=r"\$RECONCILER_ENV contains a word") as caught:
        Environment({"RECONCILER_ENV": "A,marked-key"}).names_allowed()
    assert "marked" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("environ", "pull_request"),
    [
        ({}, False),
        ({"CI": "true"}, False),
        ({"GITHUB_HEAD_REF": ""}, False),
        ({"GITHUB_HEAD_REF": "feature"}, True),
        ({"BUILDKITE_PULL_REQUEST": "false"}, False),
        ({"BUILDKITE_PULL_REQUEST": "7"}, True),
        ({"CI_MERGE_REQUEST_ID": "1"}, True),
    ],
)
def test_whether_a_service_builds_a_pull_request(environ: dict[str, str], pull_request: bool) -> None:
    assert Environment(environ).of_a_pull_request == pull_request


def test_help_of_the_library_shows_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No default of a signature holds one."""
    monkeypatch.setenv("PERSONAL_API_KEY", "marked-key")
    assert "marked-key" not in pydoc.render_doc(Fleet)
    assert "environ" not in str(Fleet.connect.__wrapped__.__kwdefaults__["environ"])  # type: ignore[attr-defined]

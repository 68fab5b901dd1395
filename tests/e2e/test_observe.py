"""`reconciler observe` and `plan --live`: a pull request is planned without a key, and without a call."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_causes import fleet
from tests.harness.repository import git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(10)

__all__ = ["fleet"]

ALWAYS = ("--max-age", "3650d")


def observe(shell: Shell, *flags: str) -> None:
    ended = shell.simulated("observe", "--base", "applied", "--out", "live.json.gz", *flags)
    assert ended.code == 0, ended.err


def planned(shell: Shell, *flags: str) -> dict[str, Any]:
    flags = ("--base", "applied", "--live", "live.json.gz", *ALWAYS, "--format", "json", *flags)
    ended = shell.run("plan", *flags)
    assert ended.code in {0, 5}, ended.err
    document: dict[str, Any] = ended.document
    return document


def test_it_is_the_plan_that_keys_would_show(fleet: Shell) -> None:
    observe(fleet, "--depth", "deep")
    fleet.tenant("acme", "tier: pro")
    fleet.tenant("bluebird", "tier: free\nstate: absent")
    fleet.tenant("cedar")
    git(fleet.folder, "add", "--all", "tenants")
    git(fleet.folder, "commit", "--quiet", "--message", "x")
    read = fleet.simulated("plan", "--base", "applied", "--format", "json").document
    recorded = planned(fleet)
    assert recorded.pop("observed_at")
    for document in (recorded, read):
        for key in ("made_at", "budget", "coverage"):  # more was read than the plan needs
            del document[key]
        for key in ("usage_known", "usage_listed"):  # the same
            del document["forecast"][key]
    assert recorded == read
    assert recorded["counts"]["upgrade"] == recorded["counts"]["delete"] == recorded["counts"]["create"] == 1


def test_no_request_is_made_and_no_variable_is_read(fleet: Shell) -> None:
    """There is no simulator, no address and no key: a call would fail."""
    observe(fleet)
    (fleet.folder / "sim.db").unlink()
    assert fleet.environ == {}
    fleet.tenant("acme", "tier: pro")
    assert planned(fleet)["counts"]["upgrade"] == 1


def test_the_plan_says_when_its_live_state_was_recorded(fleet: Shell) -> None:
    observe(fleet)
    text = fleet.run("plan", "--live", "live.json.gz", *ALWAYS, "--output", "plan.md")
    assert text.out.startswith("Planned from the live state of ")
    assert (fleet.folder / "plan.md").read_text().startswith("Planned from the live state of ")
    assert "live.json.gz is " in text.err


def test_it_contains_no_connection_string(fleet: Shell) -> None:
    observe(fleet, "--depth", "deep")
    content = gzip.decompress((fleet.folder / "live.json.gz").read_bytes()).decode()
    assert "postgres" not in content
    assert "password" not in content


def test_the_recorded_state_has_to_be_young(fleet: Shell) -> None:
    observe(fleet)
    ended = fleet.run("plan", "--live", "live.json.gz", "--max-age", "1h")
    assert ended.code == 3
    assert "old, and --max-age is 1h" in ended.err
    assert fleet.run("plan", "--live", "live.json.gz", "--max-age", "soon").code == 3


def test_a_saved_plan_of_it_permits_what_it_shows(fleet: Shell) -> None:
    observe(fleet)
    fleet.tenant("acme", "tier: pro")
    git(fleet.folder, "add", "--all", "tenants")
    git(fleet.folder, "commit", "--quiet", "--message", "x")
    saved = fleet.run("plan", "--base", "applied", "--live", "live.json.gz", *ALWAYS, "--out", "plan.json")
    assert saved.code == 0, saved.err
    applied = fleet.simulated("apply", "plan.json", "--base", "applied", "--yes", "--journal", "journal.jsonl")
    assert applied.code == 0, applied.err + applied.out
    assert "upgraded" in applied.out


def test_what_it_does_not_contain_is_told_and_not_planned(fleet: Shell) -> None:
    observe(fleet, "--depth", "list")
    fleet.tenant("acme", "tier: free\ndev_branches: [feature]")
    fleet.tenant("bluebird", "tier: pro")
    ended = fleet.run("plan", "--base", "applied", "--live", "live.json.gz", *ALWAYS)
    told = " ".join(ended.out.split())
    assert (
        "not planned: the recorded live state does not contain its branches and computes; record it with" in told
    )
    assert "feature" not in ended.out
    assert ended.code == 9


@pytest.mark.parametrize(
    ("depth", "declared", "lacking"),
    [
        ("deep", "roles: [app]", "roles"),
        ("list", "roles: [app]", "branches and computes"),
        ("deep", "snapshots: [{name: monthly}]", "snapshots"),
    ],
)
def test_what_no_deeper_record_would_contain_takes_keys(
    fleet: Shell, depth: str, declared: str, lacking: str
) -> None:
    observe(fleet, "--depth", depth)
    fleet.tenant("acme", f"tier: free\n{declared}")
    ended = fleet.run("plan", "--base", "applied", "--live", "live.json.gz", *ALWAYS)
    told = " ".join(ended.out.split())
    assert f"does not contain its {lacking}; plan with keys" in told
    assert ended.code == 9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("fleet: prod", "fleet: other"), "is of fleet 'prod', and the files declare 'other'"),
        (("organization: paid", "organization: more"), "does not contain organization 'more'"),
    ],
)
def test_another_fleet_is_refused(fleet: Shell, change: tuple[str, str], message: str) -> None:
    observe(fleet)
    tiers = TIERS.replace(*change)
    if "more" in change[1]:
        tiers = tiers.replace("\n  paid:\n", "\n  more:\n", 1)
    fleet.write("tiers.yaml", tiers)
    ended = fleet.run("plan", "--base", "none", "--live", "live.json.gz", *ALWAYS)
    assert ended.code == 3, ended.out
    assert message in " ".join(ended.err.split())


FILES = {
    "empty": b"",
    "not compressed": b"{}",
    "a list": gzip.compress(b"[]"),
    "no header": gzip.compress(b"{}"),
    "a later version": gzip.compress(b'{"format_version": 2, "kind": "observation", "observation": {}}'),
    "nested without end": gzip.compress(
        b'{"format_version": 1, "kind": "observation", "observation": ' + b"[" * 10**5
    ),
    "a misfit": gzip.compress(b'{"format_version": 1, "kind": "observation", "observation": {"fleet": 1}}'),
    "cut off": gzip.compress(b'{"format_version": 1, "kind": "observation", "observation": null}')[:-9],
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_another_file_is_told_to_be_none(fleet: Shell, content: bytes) -> None:
    (fleet.folder / "live.json.gz").write_bytes(content)
    ended = fleet.run("plan", "--live", "live.json.gz")
    assert ended.code == 3
    assert "cannot be used as an observation" in " ".join(ended.err.split())
    assert "reconciler observe --out" in " ".join(ended.err.split())


def test_it_goes_with_no_account(fleet: Shell) -> None:
    observe(fleet)
    assert fleet.simulated("plan", "--live", "live.json.gz").code == 3
    assert fleet.run("plan", "--live", "live.json.gz", "--api-host", "http://127.0.0.1:1").code == 3

"""A fleet as a team keeps it: a repository with a remote and workflows, an account on a port, people at work."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from reconciler.cli.runtime import Runtime
from reconciler.environment import Environment
from reconciler.simulator.serve import serving
from reconciler.simulator.simulator import Simulator
from tests.harness import github_api
from tests.harness.local_http import LOCAL
from tests.harness.repository import git
from tests.harness.shell import TIERS, run_in
from tests.harness.stored import Stored
from tests.harness.workflows import REPOSITORY, Actions, Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.harness.github_api import Repository

KEYS: Final = {
    "FREE_ORG_API_KEY": "napi_of_the_free_organization_1f6c",
    "PAID_ORG_API_KEY": "napi_of_the_paid_organization_8d20",
    "PERSONAL_API_KEY": "napi_of_a_person_who_is_admin_77ab",
}
ORGANIZATION_KEYS: Final = ("FREE_ORG_API_KEY", "PAID_ORG_API_KEY")
APPLIED: Final = datetime(2024, 1, 1, tzinfo=UTC)
"""When the fleet was applied: before whatever the clock of this machine says."""
QUICK: Final = "api: {settle: 1s, batch_share: 1}\n"
PULL_REQUEST: Final = 7


@dataclass
class HostedFleet:
    """The clone of a person, the workflows, and the account."""

    clone: Path
    actions: Actions
    host: str

    @property
    def api(self) -> Repository:
        """GitHub, as it keeps comments, issues and labels."""
        return self.actions.api

    def write(self, files: Mapping[str, str]) -> None:
        """Files of the clone."""
        for name, text in files.items():
            target = self.clone / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")

    def push(self, files: Mapping[str, str], *, branch: str = "change") -> Event:
        """Files on the branch of the pull request, merged with main as GitHub does; the event."""
        git(self.clone, "checkout", "--quiet", "-B", branch, branch if self._has(branch) else "main")
        self.write(files)
        return self.push_as_it_is(branch=branch)

    def push_as_it_is(self, *, branch: str = "change", head: str = REPOSITORY) -> Event:
        """Whatever stands in the clone."""
        self.commit("Change tenants")
        sha = git(self.clone, "rev-parse", "HEAD")
        git(self.clone, "checkout", "--quiet", "--detach", "main")
        git(self.clone, "merge", "--quiet", "--no-ff", "--message", "Merge", branch)
        ref = f"refs/pull/{PULL_REQUEST}/merge"
        git(self.clone, "push", "--quiet", "--force", "origin", f"HEAD:{ref}")
        merged = git(self.clone, "rev-parse", "HEAD")
        git(self.clone, "checkout", "--quiet", branch)
        request = {"number": PULL_REQUEST, "head": {"sha": sha, "repo": {"full_name": head}}}
        return Event("pull_request", ref, merged, {"pull_request": request}, base_ref="main", head_ref=branch)

    def merge(self, *, branch: str = "change") -> Event:
        """A person merges the pull request."""
        git(self.clone, "checkout", "--quiet", "main")
        git(self.clone, "merge", "--quiet", "--no-ff", "--message", "Merge", branch)
        return self.pushed_main()

    def pushed_main(self) -> Event:
        """Main is pushed."""
        git(self.clone, "push", "--quiet", "origin", "main")
        return Event("push", "refs/heads/main", git(self.clone, "rev-parse", "main"))

    def scheduled(self) -> Event:
        """The hour has come."""
        sha = git(self.clone, "ls-remote", "origin", "refs/heads/main").split()[0]
        return Event("schedule", "refs/heads/main", sha)

    def commit(self, message: str) -> None:
        """Everything in the clone."""
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "--allow-empty", "--message", message)

    def applied(self) -> str:
        """The commit that the tag stands for, at the remote."""
        return git(self.clone, "ls-remote", "origin", "refs/tags/applied^{}").split()[0]

    def tenants(self) -> set[str]:
        """Those that have a project."""
        ids = Stored.at(self.actions.folder / "account.db").project_ids()
        return {name.removeprefix("myapp-") for name in ids}

    def in_the_console(self, tenant: str, **project: Any) -> None:
        """Somebody changes a project by hand."""
        project_id = Stored.at(self.actions.folder / "account.db").project_ids()[f"myapp-{tenant}"]
        headers = {"Authorization": f"Bearer {KEYS['PERSONAL_API_KEY']}"}
        call = httpx.patch(
            f"{self.host}/projects/{project_id}", json={"project": project}, headers=headers, **LOCAL
        )
        call.raise_for_status()

    def _has(self, branch: str) -> bool:
        return bool(git(self.clone, "branch", "--list", branch))


@contextmanager
def hosted(folder: Path, tenants: Mapping[str, str], tiers: str = TIERS) -> Iterator[HostedFleet]:
    """The fleet, applied at its first commit; by tenant, what its file says besides the name."""
    clone = folder / "clone"
    clone.mkdir()
    (clone / "tiers.yaml").write_text(tiers + QUICK, encoding="utf-8")
    (clone / "tenants").mkdir()
    for name, text in tenants.items():
        (clone / f"tenants/{name}.yaml").write_text(f"tenant: {name}\n{text}\n", encoding="utf-8")
    _apply(clone, folder / "account.db")
    remote = folder / "remote.git"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(clone, "init", "--quiet", "--initial-branch=main")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "The fleet")
    git(clone, "tag", "--annotate", "--message", "applied", "applied")
    git(clone, "remote", "add", "origin", str(remote))
    git(clone, "push", "--quiet", "origin", "main", "applied")
    with (
        Simulator.open(folder / "account.db") as neon,
        serving(neon) as host,
        github_api.serving(github_api.Repository()) as api,
    ):
        ids = {f"NEON_{name.upper()}_ORG_ID": id_ for name, id_ in neon.organization_ids.items()}
        variables = {**ids, "NEON_API_HOST": host}
        yield HostedFleet(clone, Actions(folder, remote, api, dict(KEYS), variables), host)
        assert api.problems == []


def _apply(clone: Path, account: Path) -> None:
    """As somebody did long ago, in virtual time."""
    long_ago = Runtime(environ=Environment.of({}), interactive=False, clock=APPLIED.timestamp)
    command = (
        "apply",
        "--simulator",
        str(account),
        "--yes",
        "--expect-empty",
        "--journal",
        str(account.parent / "first.jsonl"),
    )
    applied = run_in(clone, command, long_ago)
    assert applied.code == 0, applied.err + applied.out
    stored = Stored.at(account)
    stored.give_key(KEYS["PERSONAL_API_KEY"])
    for organization in stored.rows("organizations"):
        stored.give_key(KEYS[f"{organization['name'].upper()}_ORG_API_KEY"], organization["id"])

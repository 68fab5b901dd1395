"""Over random histories: whatever is checked out, nothing is taken but what a commit since the base reduced."""

from __future__ import annotations

from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reconciler.files.applied import kept
from tests.e2e.command_line import Shell
from tests.e2e.test_causes import by_hand, commit, git, grant, run, transfers

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANTS: Final = ("acme", "bluebird")
BRANCHES: Final = ("main", "one", "two")
MOST: Final = 9
ADVANCING: Final = ("--base", "refs/tags/applied", "--advance", "applied")

steps = st.one_of(
    st.tuples(st.just("grant"), st.sampled_from(TENANTS), st.integers(1, MOST)),
    st.tuples(st.sampled_from(["switch", "merge", "pick"]), st.sampled_from(BRANCHES)),
    st.tuples(st.just("apply"), st.sampled_from(["*", *TENANTS])),
    st.sampled_from([("revert",), ("base",), ("amend",)]),
)


class History:
    """A repository that lives through steps, and what its files say at each commit."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
        git(shell, "init", "--quiet", "--initial-branch=main")
        for tenant in TENANTS:
            grant(shell, tenant, 5)
        commit(shell)
        git(shell, "tag", "applied")
        for branch in BRANCHES[1:]:
            git(shell, "branch", branch)

    def take(self, step: tuple[str, ...]) -> None:
        """One step; a merge or pick that does not fit is given up."""
        match step:
            case ("grant", tenant, gib):
                grant(self.shell, tenant, int(gib))
                commit(self.shell)
            case ("switch", branch):
                git(self.shell, "checkout", "--quiet", branch)
            case ("merge", branch):
                self.try_to("merge", "--quiet", "--no-edit", "-X", "theirs", branch)
            case ("pick", branch):
                self.try_to("cherry-pick", "--allow-empty", "--keep-redundant-commits", "-X", "theirs", branch)
            case ("revert",) if " " in git(self.shell, "rev-list", "--parents", "--max-count=1", "HEAD"):
                self.try_to("revert", "--no-edit", "-X", "theirs", "HEAD")
            case ("amend",):
                git(self.shell, "commit", "--quiet", "--amend", "--allow-empty", "--message", "again")
            case ("apply", tenant):
                done = run(self.shell, "apply", *ADVANCING, "--tenant", tenant)
                assert done.code in (0, 5), done.err
            case ("base",):
                git(self.shell, "tag", "--force", "applied")
            case _:
                pass  # what nothing comes before is not reverted

    def try_to(self, *command: str) -> None:
        try:
            git(self.shell, *command)
        except Exception:
            git(self.shell, "reset", "--quiet", "--hard")

    def value(self, commit_id: str, tenant: str) -> int:
        """What the files of a commit grant."""
        return self._read(git(self.shell, "show", f"{commit_id}:tenants/{tenant}.yaml"))

    def at_hand(self, tenant: str) -> int:
        return self._read((self.shell.folder / f"tenants/{tenant}.yaml").read_text(encoding="utf-8"))

    @staticmethod
    def _read(text: str) -> int:
        return int(text.partition("data_transfer: ")[2].partition("GiB")[0])

    def reduced(self, tenant: str) -> bool:
        """Whether a commit since the merge base, or an edit since HEAD, made the tenant's limit smaller."""
        record = kept(self.shell.folder, "refs/tags/applied", "prod")
        assert record is not None
        base = record.applied.of(tenant)
        assert base is not None, "each tenant has one from the beginning"
        try:
            start = git(self.shell, "merge-base", base, "HEAD")
        except CalledProcessError:
            return False  # they have no common past, so that nobody can tell
        since = git(self.shell, "rev-list", "--parents", f"{start}..HEAD").splitlines()
        made = (line.split() for line in since)
        smaller = any(self.value(one, tenant) < self.value(p, tenant) for one, *parents in made for p in parents)
        return smaller or self.at_hand(tenant) < self.value("HEAD", tenant)


def commits(history: History) -> Iterator[str]:
    yield from sorted(git(history.shell, "rev-list", "--all").splitlines())


@pytest.mark.slow
@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    lived=st.lists(steps, min_size=2, max_size=9),
    live=st.tuples(*(st.integers(1, MOST) for _ in TENANTS)),
    edit=st.none() | st.tuples(st.sampled_from(TENANTS), st.integers(1, MOST)),
    data=st.data(),
)
def test_whatever_is_checked_out_only_what_a_commit_since_the_merge_base_reduced_is_taken(
    lived: list[tuple[str, ...]], live: tuple[int, ...], edit: tuple[str, int] | None, data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        shell = Shell(Path(folder))
        history = History(shell)
        assert run(shell, "apply", "--base", "none").code == 0
        for step in lived:
            history.take(step)
        if data.draw(st.booleans(), label="another commit"):
            git(shell, "checkout", "--quiet", data.draw(st.sampled_from([*commits(history)]), label="checked out"))
        if edit is not None:
            grant(shell, *edit)
        for tenant, gib in zip(TENANTS, live, strict=True):
            by_hand(shell, tenant, gib)
        before, reduced = transfers(shell), {tenant: history.reduced(tenant) for tenant in TENANTS}
        assert run(shell, "apply", "--base", "applied").code in (0, 5)
        after = transfers(shell)
        for tenant in TENANTS:
            if after[tenant] < before[tenant]:
                event("taken")
                assert reduced[tenant], (before, after)

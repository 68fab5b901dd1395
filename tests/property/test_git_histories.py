"""Over random histories: whatever is checked out, nothing is taken but what a commit since the base reduced."""

from __future__ import annotations

from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reconciler.files.applied import read_record
from tests import profiles
from tests.e2e.test_causes import by_hand, commit, homes, move, run, transfers
from tests.harness.repository import git
from tests.harness.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANTS: Final = ("acme", "bluebird")
BRANCHES: Final = ("main", "one", "two")
MOST: Final = 9
ADVANCING: Final = ("--base", "refs/tags/applied", "--advance", "applied")

ORGANIZATIONS: Final = ("free", "paid", "big")
"""Each grants more than the one before it, and has a tier of its name."""


def _price_list() -> str:
    limits = {"free": 1, "paid": 10, "big": 100}
    organizations = (
        f"  {name}: {{id: '${{NEON_{name.upper()}_ORG_ID}}', api_key: '${{{name.upper()}_ORG_API_KEY}}', "
        f"limits: {{branches: {most * 10}, snapshots: {most}}}}}\n"
        for name, most in limits.items()
    )
    quota = "active_time: 100h, compute_time: unlimited, written_data: unlimited, logical_size: unlimited"
    tiers = (f"  {name}: {{organization: {name}, quota: {{{quota}, data_transfer: 1GiB}}}}\n" for name in limits)
    return (
        'version: 1\nfleet: prod\nnaming: {project: "myapp-{tenant}"}\npersonal_api_key: ${PERSONAL_API_KEY}\n'
        f"organizations:\n{''.join(organizations)}tiers:\n{''.join(tiers)}"
    )


PRICE_LIST: Final = _price_list()
RENAMED: Final = PRICE_LIST.replace("  paid: {id", "  premium: {id").replace(
    "organization: paid", "organization: premium"
)

edits = st.one_of(
    st.tuples(st.just("grant"), st.sampled_from(TENANTS), st.integers(1, MOST)),
    st.tuples(st.just("tier"), st.sampled_from(TENANTS), st.sampled_from(ORGANIZATIONS)),
)
steps = st.one_of(
    edits,
    st.tuples(st.just("price list"), st.sampled_from([PRICE_LIST, RENAMED])),
    st.tuples(st.sampled_from(["switch", "merge", "pick"]), st.sampled_from(BRANCHES)),
    st.tuples(st.just("apply"), st.sampled_from(["*", *TENANTS])),
    st.sampled_from([("revert",), ("base",), ("amend",)]),
)


class History:
    """A repository that lives through steps, and what its files say at each commit."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
        shell.write("tiers.yaml", PRICE_LIST)
        git(shell.folder, "init", "--quiet", "--initial-branch=main")
        for tenant, tier in zip(TENANTS, ORGANIZATIONS, strict=False):
            self.declare(tenant, tier, 5)
        commit(shell)
        git(shell.folder, "tag", "applied")
        for branch in BRANCHES[1:]:
            git(shell.folder, "branch", branch)

    def take(self, step: tuple[str, ...]) -> None:
        """One step; a merge or pick that does not fit is given up."""
        match step:
            case ("grant" | "tier" | "price list", *_):
                self.edit(step)
                commit(self.shell)
            case ("switch", branch):
                git(self.shell.folder, "checkout", "--quiet", branch)
            case ("merge", branch):
                self.try_to("merge", "--quiet", "--no-edit", "-X", "theirs", branch)
            case ("pick", branch):
                self.try_to("cherry-pick", "--allow-empty", "--keep-redundant-commits", "-X", "theirs", branch)
            case ("revert",) if " " in git(self.shell.folder, "rev-list", "--parents", "--max-count=1", "HEAD"):
                self.try_to("revert", "--no-edit", "-X", "theirs", "HEAD")
            case ("amend",):
                git(self.shell.folder, "commit", "--quiet", "--amend", "--allow-empty", "--message", "again")
            case ("apply", tenant):
                done = run(self.shell, "apply", *ADVANCING, "--tenant", tenant)
                assert done.code in (0, 5), done.err
            case ("base",):
                git(self.shell.folder, "tag", "--force", "applied")
            case _:
                pass  # what nothing comes before is not reverted

    def edit(self, step: tuple[str, ...]) -> None:
        """What a person writes into a file."""
        match step:
            case ("grant", tenant, gib):
                self.grant(tenant, int(gib))
            case ("tier", tenant, tier):
                self.declare(tenant, tier, self.at_hand(tenant)[0])
            case (_, text):
                self.shell.write("tiers.yaml", text)

    def try_to(self, *command: str) -> None:
        try:
            git(self.shell.folder, *command)
        except Exception:
            git(self.shell.folder, "reset", "--quiet", "--hard")

    def declare(self, tenant: str, tier: str, gib: int) -> None:
        self.shell.tenant(tenant, f"tier: {tier}\noverrides: {{quota: {{data_transfer: {gib}GiB}}}}")

    def grant(self, tenant: str, gib: int) -> None:
        self.declare(tenant, ORGANIZATIONS[self.at_hand(tenant)[1]], gib)

    def value(self, commit_id: str, tenant: str) -> tuple[int, int]:
        """What the files of a commit grant, and where the tenant's organization is in their order."""
        return self._read(git(self.shell.folder, "show", f"{commit_id}:tenants/{tenant}.yaml"))

    def at_hand(self, tenant: str) -> tuple[int, int]:
        return self._read((self.shell.folder / f"tenants/{tenant}.yaml").read_text(encoding="utf-8"))

    @staticmethod
    def _read(text: str) -> tuple[int, int]:
        tier = text.partition("tier: ")[2].partition("\n")[0]
        return int(text.partition("data_transfer: ")[2].partition("GiB")[0]), ORGANIZATIONS.index(tier)

    def reduced(self, tenant: str) -> tuple[bool, bool]:
        """Whether a commit since the merge base, or an edit since HEAD, made the tenant's limit smaller, and its
        tier."""
        record = read_record(self.shell.folder, "refs/tags/applied", "prod")
        assert record is not None
        base = record.applied.of(tenant)
        assert base is not None, "each tenant has one from the beginning"
        try:
            start = git(self.shell.folder, "merge-base", base, "HEAD")
        except CalledProcessError:
            return False, False  # they have no common past, so that nobody can tell
        since = git(self.shell.folder, "rev-list", "--parents", f"{start}..HEAD").splitlines()
        made = (line.split() for line in since)
        steps = [(self.value(one, tenant), self.value(p, tenant)) for one, *parents in made for p in parents]
        steps.append((self.at_hand(tenant), self.value("HEAD", tenant)))
        return any(now[0] < was[0] for now, was in steps), any(now[1] < was[1] for now, was in steps)


def homes_known(shell: Shell) -> list[str]:
    """The names that the account has for its organizations."""
    with shell.account() as account:
        return list(account.organization_ids)


def ranks(shell: Shell) -> dict[str, int]:
    """Where the organization of each live project is in their order, whatever it is called."""
    return {
        tenant: ORGANIZATIONS.index("paid" if home == "premium" else home) for tenant, home in homes(shell).items()
    }


def commits(history: History) -> Iterator[str]:
    yield from sorted(git(history.shell.folder, "rev-list", "--all").splitlines())


@pytest.mark.slow
@settings(max_examples=profiles.size(5, 15, 150), suppress_health_check=list(HealthCheck))
@given(
    lived=st.lists(steps, min_size=2, max_size=9),
    live=st.tuples(*(st.integers(1, MOST) for _ in TENANTS)),
    places=st.tuples(*(st.none() | st.integers(0, 2) for _ in TENANTS)),
    edit=st.none() | edits,
    data=st.data(),
)
def test_whatever_is_checked_out_only_what_a_commit_since_the_merge_base_reduced_is_taken(
    lived: list[tuple[str, ...]],
    live: tuple[int, ...],
    places: tuple[int | None, ...],
    edit: tuple[str, ...] | None,
    data: st.DataObject,
) -> None:
    with TemporaryDirectory() as folder:
        shell = Shell(Path(folder))
        history = History(shell)
        assert run(shell, "apply", "--base", "none").code == 0
        for step in lived:
            history.take(step)
        if data.draw(st.booleans(), label="another commit"):
            git(
                shell.folder,
                "checkout",
                "--quiet",
                data.draw(st.sampled_from([*commits(history)]), label="checked out"),
            )
        if edit is not None:
            history.edit(edit)
        for tenant, gib in zip(TENANTS, live, strict=True):
            by_hand(shell, tenant, gib)
        names = [name if name in homes_known(shell) else "premium" for name in ORGANIZATIONS]
        for tenant, place in zip(TENANTS, places, strict=True):
            if place is not None:
                move(shell, tenant, names[place])
        before, reduced = transfers(shell), {tenant: history.reduced(tenant) for tenant in TENANTS}
        at_first = ranks(shell)
        assert run(shell, "apply", "--base", "applied").code in (0, 5)
        after, at_last = transfers(shell), ranks(shell)
        for tenant in TENANTS:
            limit, tier = reduced[tenant]
            if after[tenant] < before[tenant]:
                event("taken")
                assert limit or tier, (before, after)
            if at_last[tenant] < at_first[tenant]:
                event("moved down")
                assert tier, (at_first, at_last)

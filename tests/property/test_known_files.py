"""Whatever was kept of earlier runs: loading says the same as if nothing had been kept."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired import roster
from reconciler.desired.selection import Selection
from reconciler.files import disk_marks, tenant_cache
from reconciler.files.git import base_ref, left_out, load_at, removed_tenants
from reconciler.files.known_tenants import KnownTenants
from reconciler.files.load import Loaded, OnInvalid, load
from reconciler.files.tenant_cache import TenantCache
from reconciler.files.tracked import uncommitted
from reconciler.model.values import replace
from tests import figures, profiles
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import TIERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.desired.tenant import Tenant

FIGURE = "edits of files of which something is kept"
NAMES = ("acme", "Acme", "zoe", "kim")


class Edit(Protocol):
    """One change of a fleet's folder."""

    def carry_out(self, root: Path) -> None:
        """Make the change."""


PATHS = st.sampled_from([f"tenants/{folder}{name}.yaml" for folder in ("", "eu/") for name in NAMES])
TEXTS = st.one_of(
    st.builds(
        "tenant: {}\ntier: {}\n{}".format,
        st.sampled_from(NAMES),
        st.sampled_from(["free", "pro", "nope"]),
        st.sampled_from(
            [
                *("", "# acme\n", "labels: {of: zoe}\n", "protect: true\n", "protect: tru\n", "state: absent\n"),
                *(f"labels:\n  of: {word}\nprotect: true\n" for word in ("zoe", "kim", '"kim"', "null")),
                *("project_id: p-1\n", "recover: p-1\n", "previously: [zoe]\n", "---\ntenant: kim\ntier: free\n"),
            ]
        ),
    ),
    st.sampled_from(["", "tenant: [\n", "version https://git-lfs.github.com/spec/v1\n"]),
)
PRICES = st.sampled_from(
    [
        *(TIERS, TIERS.replace("  pro:", "  gold:"), f"{TIERS}tenants: [{{files: '**/*.yaml'}}]\n"),
        f"{TIERS}tenants: [{{files: 'tenants/eu/*.yaml'}}, {{files: 'tenants/*.yaml'}}]\n",
    ]
)


@dataclass(frozen=True)
class Write:
    """Write a file in its place, its times set back to what they were."""

    path: str
    text: str

    def carry_out(self, root: Path) -> None:
        file = root / self.path
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink():
            file.unlink()
        before = file.stat() if file.exists() else None
        while before is None or file.stat().st_ctime_ns == before.st_ctime_ns:
            file.write_text(self.text, encoding="utf-8")
            if before is None:
                return
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@dataclass(frozen=True)
class Rename:
    """Put one file in the place of another one."""

    path: str
    to: str

    def carry_out(self, root: Path) -> None:
        if (root / self.path).is_dir() and (root / self.to).exists():
            return
        if (root / self.path).exists():
            (root / self.to).parent.mkdir(parents=True, exist_ok=True)
            (root / self.path).replace(root / self.to)


@dataclass(frozen=True)
class Remove:
    """Delete a file."""

    path: str

    def carry_out(self, root: Path) -> None:
        (root / self.path).unlink(missing_ok=True)


@dataclass(frozen=True)
class Link:
    """Put a link to a file in a place."""

    path: str
    to: str

    def carry_out(self, root: Path) -> None:
        Remove(self.path).carry_out(root)
        (root / self.path).parent.mkdir(parents=True, exist_ok=True)
        (root / self.path).symlink_to(root / self.to)


@dataclass(frozen=True)
class MakeExecutable:
    """Let a file be run as a program."""

    path: str

    def carry_out(self, root: Path) -> None:
        if (root / self.path).exists():
            (root / self.path).chmod(0o755)


@dataclass(frozen=True)
class Commit:
    """Commit every file."""

    def carry_out(self, root: Path) -> None:
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--allow-empty", "--message=x")


@dataclass(frozen=True)
class CommitOtherRepository:
    """Commit every file, with another repository in the place of one of them, or of a folder."""

    path: str

    def carry_out(self, root: Path) -> None:
        git(root, "add", "--all")
        head = git(root, "rev-parse", "HEAD")
        git(root, "update-index", "--add", "--replace", "--cacheinfo", f"160000,{head},{self.path}")
        git(root, "commit", "--quiet", "--message=x")


def declaration(path: str, more: str) -> Write:
    """A file of one tenant, in its own place."""
    return Write(path, f"tenant: {Path(path).stem}\ntier: free\n{more}")


EDITS: tuple[st.SearchStrategy[Edit], ...] = (
    st.builds(Write, PATHS, TEXTS),
    st.builds(Write, st.just("tiers.yaml"), PRICES),
    st.builds(Write, st.sampled_from(["tenants/README.md", "tenants/.hidden.yaml"]), st.just("text\n")),
    st.builds(Rename, PATHS, PATHS),
    st.builds(Remove, PATHS),
    st.builds(Link, PATHS, PATHS),
)
OF_GIT: tuple[st.SearchStrategy[Edit], ...] = (
    st.builds(Commit),
    st.builds(MakeExecutable, PATHS),
    st.builds(CommitOtherRepository, st.one_of(PATHS, st.sampled_from(["tenants", "tenants/eu", "tenants/.eu"]))),
)
RUNS = st.lists(st.tuples(st.lists(st.one_of(*EDITS), max_size=4), st.booleans()), min_size=1, max_size=6)
RUNS_IN_GIT = st.lists(
    st.tuples(st.lists(st.one_of(*OF_GIT, *EDITS), max_size=4), st.sampled_from([None, *NAMES])),
    min_size=1,
    max_size=4,
)
CONCERNING_OTHERS = ("project_id: p-1", "recover: p-1", "previously: [t4]")
TENANTS = st.builds("tenants/{}/t{}.yaml".format, st.sampled_from(["eu", "eu/west", "us"]), st.integers(1, 4))
VALID: tuple[st.SearchStrategy[Edit], ...] = (
    *(st.builds(declaration, TENANTS, st.sampled_from(["", "protect: true\n"])) for _ in range(3)),
    st.builds(
        declaration, TENANTS, st.sampled_from(["project_id: p-1\n", "recover: p-1\n", "previously: [t4]\n"])
    ),
    st.builds(Rename, TENANTS, TENANTS),
    st.builds(Rename, st.just("tenants/eu"), st.sampled_from(["tenants/us", "tenants/us/west"])),
    st.builds(Remove, TENANTS),
    st.builds(MakeExecutable, TENANTS),
    st.builds(Link, TENANTS, TENANTS),
    st.builds(CommitOtherRepository, st.one_of(TENANTS, st.sampled_from(["tenants/eu", "tenants/asia"]))),
)
COMMITS = st.lists(st.lists(st.one_of(*VALID), max_size=4), min_size=1, max_size=4)


def concerned(loaded: Loaded, only: frozenset[str]) -> Loaded:
    """What a load about a few tenants has to say: of others, it may hold more or fewer."""
    if loaded.desired is None:
        return loaded
    wanted = only.union(*(loaded.desired.namesakes(name) for name in only))

    def counts(tenant: Tenant) -> bool:
        return tenant.name in wanted or tenant.project_id is not None

    tenants = {name: tenant for name, tenant in loaded.desired.tenants.items() if counts(tenant)}
    return replace(loaded, desired=replace(loaded.desired, tenants=tenants))


def assert_as_if_nothing_was_kept(root: Path, cache: Path, *, full: bool) -> None:
    """Load with what is kept, of all tenants or of one, and compare."""
    invalid = OnInvalid.SKIP
    known = KnownTenants(lambda prices: TenantCache.open(cache, prices, root))
    if full:
        found, expected = load(root, on_invalid=invalid, known=known), load(root, on_invalid=invalid)
        known.save()
        assert found == expected
        assert repr(found) == repr(expected)
        return
    for name in NAMES:
        only = frozenset((name,))
        found = load(root, on_invalid=invalid, only=only, known=known)
        expected = load(root, on_invalid=invalid, only=only)
        assert found.problems == expected.problems
        assert repr(concerned(found, only)) == repr(concerned(expected, only))


@contextmanager
def few_are_worth_nothing() -> Iterator[None]:
    """Of a small fleet, too, changed files are not worth being kept."""
    with patch.object(tenant_cache, "ENOUGH", 0):
        yield


def columns(tenants: Mapping[str, Tenant]) -> list[object]:
    """What is asked of all tenants, and how they are found."""
    named = Selection(changed=frozenset(NAMES))
    return [
        [*tenants],
        len(tenants),
        [name in tenants for name in (*NAMES, "t1")],
        named.of(tenants),
        roster.special(tenants),
        roster.protected(tenants),
        roster.revised(tenants),
        sorted({*roster.files_of(tenants)}),
        roster.number_of_places(tenants),
        [tenants.get(name) for name in (*NAMES, "t1")],
    ]


def assert_says_the_same_of_few(found: Loaded, expected: Loaded) -> None:
    """A load of a run that looks at few, in each order of its questions, and one of all tenants."""
    assert found.problems == expected.problems
    assert (found.desired is None) == (expected.desired is None)
    if found.desired is not None and expected.desired is not None:
        assert columns(found.desired.tenants) == columns(expected.desired.tenants)
        assert found.desired == expected.desired
        assert repr(found) == repr(expected)


def assert_differ_alike(found: Sequence[Mapping[str, Tenant]], expected: Sequence[Mapping[str, Tenant]]) -> None:
    """What is asked of two states of a fleet."""
    for (one, other), (first, second) in zip(permutations(found, 2), permutations(expected, 2), strict=True):
        assert roster.lacking(one, other) == roster.lacking(first, second)
        assert roster.different(one, other) == roster.different(first, second)


def assert_says_the_same(found: Loaded, expected: Loaded) -> None:
    """A load of a commit with what the run has read, and one without."""
    assert found.desired == expected.desired
    assert len(found.problems) == len(expected.problems)  # of a file on disk, they name that
    if found.desired is not None and expected.desired is not None:
        assert [*found.desired.tenants] == [*expected.desired.tenants]


@contextmanager
def a_fleet() -> Iterator[tuple[Path, Path]]:
    """A fleet's folder and that of its cache; files count as old at once."""
    with (
        TemporaryDirectory() as folder,
        patch.object(disk_marks, "SETTLED_NS", -(10**12)),
        figures.counted(FIGURE),
    ):
        root, cache = Path(folder, "fleet"), Path(folder, "cache")
        Write("tiers.yaml", TIERS).carry_out(root)
        Write("tenants/acme.yaml", "tenant: acme\ntier: free\n").carry_out(root)
        Write("tenants/zoe.yaml", "tenant: zoe\ntier: pro\n").carry_out(root)
        assert_as_if_nothing_was_kept(root, cache, full=True)
        yield root, cache


@given(RUNS)
def test_what_is_kept_changes_nothing(runs: list[tuple[list[Edit], bool]]) -> None:
    with a_fleet() as (root, cache):
        for edits, full in runs:
            for edit in edits:
                edit.carry_out(root)
            assert_as_if_nothing_was_kept(root, cache, full=full)


@needs_git
@settings(max_examples=profiles.size(5, 25, 300))
@given(RUNS_IN_GIT)
def test_what_was_read_tells_of_a_commit_what_its_files_tell(
    runs: list[tuple[list[Edit], str | None]],
) -> None:
    """Of all tenants or of one: a run about one uses what a run about all has kept before."""
    with a_fleet() as (root, cache):
        git(root, "init", "--quiet", "--initial-branch=main")
        steps = chain.from_iterable(([(edit, None) for edit in edits] + [(None, name)]) for edits, name in runs)
        for edit, name in ((Commit(), None), (Commit(), None), *steps):
            if edit is not None:
                edit.carry_out(root)
            known = KnownTenants(lambda prices: TenantCache.open(cache, prices, root), complete=name is None)
            only = None if name is None else frozenset((name,))
            loaded = load(root, on_invalid=OnInvalid.SKIP, known=known, only=only)
            known.save()
            assert base_ref(root, known) == base_ref(root)
            assert left_out(root, known) == left_out(root)
            tenants = {} if loaded.desired is None else loaded.desired.tenants
            assert uncommitted(root, tenants, tenants, known=known) == uncommitted(root, tenants, tenants)
            assert removed_tenants(root, "HEAD", known) == removed_tenants(root, "HEAD")
            for commit in git(root, "rev-list", "--max-count=4", "HEAD").split():
                assert_says_the_same(load_at(root, commit, known=known), load_at(root, commit))
            few = frozenset(NAMES[:1] if name is None else (name,))
            assert_says_the_same(load_at(root, "HEAD", only=few, known=known), load_at(root, "HEAD", only=few))


@needs_git
@settings(max_examples=profiles.size(10, 50, 600))
@given(COMMITS, st.lists(st.one_of(*VALID), max_size=2), st.booleans())
def test_a_commit_says_the_same_beside_valid_files_on_disk(
    commits: list[list[Edit]], since: list[Edit], kept: bool
) -> None:
    with a_fleet() as (root, cache):
        git(root, "init", "--quiet", "--initial-branch=main")
        for edits in ((), *commits):
            for edit in edits:
                edit.carry_out(root)
            Commit().carry_out(root)
            if kept:
                assert_as_if_nothing_was_kept(root, cache, full=True)
        for edit in since:
            edit.carry_out(root)
        known = KnownTenants(lambda prices: TenantCache.open(cache, prices, root))
        load(root, on_invalid=OnInvalid.SKIP, known=known)
        known.save()
        for commit in git(root, "rev-list", "HEAD").split():
            assert_says_the_same(load_at(root, commit, known=known), load_at(root, commit))


@needs_git
@settings(max_examples=profiles.size(15, 60, 600))
@given(COMMITS, st.lists(st.one_of(*VALID, *EDITS), max_size=2), st.integers(0, 3), st.booleans())
def test_a_run_that_looks_at_few_says_the_same_of_all(
    commits: list[list[Edit]], since: list[Edit], keeps: int, valid: bool
) -> None:
    """Whatever was kept, at whichever commit, and whatever was edited and committed since."""
    with a_fleet() as (root, cache):
        git(root, "init", "--quiet", "--initial-branch=main")
        for number, edits in enumerate([[], *commits]):
            for edit in edits:
                edit.carry_out(root)
            Commit().carry_out(root)
            if number == min(keeps, len(commits)):
                assert_as_if_nothing_was_kept(root, cache, full=True)
        for edit in since if valid else ():
            edit.carry_out(root)
        known = KnownTenants(lambda prices: TenantCache.open(cache, prices, root), few=True)
        with few_are_worth_nothing():
            found, expected = load(root, known=known), load(root)
            known.save()
        assert_says_the_same_of_few(found, expected)
        assert base_ref(root, known) == base_ref(root)
        assert left_out(root, known) == left_out(root)
        assert removed_tenants(root, "HEAD", known) == removed_tenants(root, "HEAD")
        tenants = {} if expected.desired is None else expected.desired.tenants
        if found.desired is not None:
            assert uncommitted(root, found.desired.tenants, tenants, known=known) == uncommitted(
                root, tenants, tenants
            )
        several, alone = [found], [expected]
        for commit in git(root, "rev-list", "HEAD").split():
            with few_are_worth_nothing():
                several.append(load_at(root, commit, known=known))
            alone.append(load_at(root, commit))
            assert_says_the_same(several[-1], alone[-1])
        assert_differ_alike(*([one.desired.tenants for one in those if one.desired] for those in (several, alone)))

"""Rows that somebody has edited by hand, and a damaged file: an error, and never the project of another tenant."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.environment import Environment
from reconciler.errors import RegistryError
from reconciler.live.registered import Placement
from reconciler.registry.connect import open_registry
from tests import profiles
from tests.harness.builders import NOON
from tests.harness.registry_database import required

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.registry.store import Registry

TENANTS: Final = tuple(f"tenant-{number:03}" for number in range(60))
PROJECTS: Final = {tenant: f"project-{sha256(tenant.encode()).hexdigest()[:16]}" for tenant in TENANTS}
"""No few bits turn one into another."""
OF_ONE: Final = f"neon_reconciler_tenants SET {{}} WHERE tenant = '{TENANTS[7]}'"
EDITS: Final = [
    OF_ONE.format("state = 'broken'"),
    OF_ONE.format("claimed_at = 'yesterday'"),
    OF_ONE.format("claimed_at = 5"),
    OF_ONE.format("updated_at = 'yesterday'"),
    OF_ONE.format("project_id = x'ff00'"),
    OF_ONE.format("organization = x'ff'"),
    OF_ONE.format("tenant = x'ff'"),
    "neon_reconciler_leases SET renewed_at = 'yesterday'",
    "neon_reconciler_leases SET token = x'ff'",
    "neon_reconciler_revisions SET revision = 'many'",
]
DAMAGES: Final = profiles.size(10, 40, 1000)


def opened(file: Path) -> Registry:
    """The registry in a file."""
    return open_registry(f"sqlite:///{file}", Environment({}), fleet="prod")


def filled(file: Path) -> None:
    """A registry with a row for each tenant, a lease and a revision."""
    required()
    with closing(opened(file)) as registry:
        registry.prepare()
        registry.correct([Placement(tenant, PROJECTS[tenant], "free") for tenant in TENANTS], {}, "run", NOON)
        registry.lease("all", "run", NOON, lapsed_before=NOON)
        registry.accept({TENANTS[0]: 1}, "run", NOON)


def read(file: Path) -> dict[str, str | None]:
    """The projects of all tenants, by every way of reading them."""
    with closing(opened(file)) as registry:
        registry.leases()
        registry.revisions()
        by_list = {row.tenant: row.project_id for row in registry.tenants()}
        by_name = {name: row.project_id for one in TENANTS for name, row in registry.rows([one]).items()}
        assert by_name.items() <= by_list.items()
        return by_list


@pytest.mark.parametrize("edit", EDITS)
def test_a_value_that_its_column_cannot_have_is_an_error_that_shows_it(edit: str, tmp_path: Path) -> None:
    file = tmp_path / "registry.db"
    filled(file)
    with closing(sqlite3.connect(file)) as database, database:
        assert database.execute(f"UPDATE {edit}").rowcount
    with pytest.raises(RegistryError, match=r"in a row is not .*correct it, or delete the row"):
        read(file)


@pytest.mark.parametrize("lost", ["DELETE FROM", "DROP TABLE"])
def test_tables_whose_version_was_lost_are_used_and_keep_their_rows(lost: str, tmp_path: Path) -> None:
    file = tmp_path / "registry.db"
    filled(file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"{lost} neon_reconciler_version")
        database.execute("DROP TABLE neon_reconciler_calls")
    with closing(opened(file)) as registry:
        registry.prepare()
        assert registry.version() == registry.newest
    assert read(file) == PROJECTS


def test_a_lease_without_a_time_has_lapsed(tmp_path: Path) -> None:
    file = tmp_path / "registry.db"
    filled(file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE neon_reconciler_leases SET renewed_at = NULL, since = NULL")
    with closing(opened(file)) as registry:
        assert registry.lease("all", "other", NOON, lapsed_before=NOON).run == "other"


def test_through_a_damaged_file_no_tenant_gets_the_project_of_another_one(tmp_path: Path) -> None:
    """Each damage is made to a closed file: SQLite keeps pages of an open one, and closing a second descriptor of
    it in one process drops its locks, so what a run then sees follows no rule.
    """
    file = tmp_path / "registry.db"
    filled(file)
    whole, random = file.read_bytes(), Random(profiles.seed())  # noqa: S311
    for _ in range(DAMAGES):
        damaged = bytearray(whole)
        for _ in range(random.choice((1, 1, 20))):
            damaged[random.randrange(len(whole))] ^= 1 << random.randrange(8)
        file.write_bytes(damaged)
        try:
            found = read(file)
        except RegistryError:
            continue
        others = [(name, project) for name, project in found.items() if project != PROJECTS.get(name, project)]
        assert all(project not in PROJECTS.values() for _, project in others), others


def test_an_index_that_finds_the_row_of_another_tenant_is_told(tmp_path: Path) -> None:
    file = tmp_path / "registry.db"
    filled(file)
    here, there = TENANTS[10].encode(), TENANTS[11].encode()
    whole = file.read_bytes()
    row = whole.index(here + PROJECTS[TENANTS[10]].encode())  # the index states the name alone
    parts = [whole[:row], whole[row : row + len(here)], whole[row + len(here) :]]
    parts = [
        part if number == 1 else part.replace(b"prod" + here, b"prod" + there) for number, part in enumerate(parts)
    ]
    file.write_bytes(b"".join(parts))
    assert file.read_bytes() != whole
    with pytest.raises(RegistryError, match="its file is damaged"):
        read(file)

"""Roles and databases in files: what they come to, and every mistake with its place and words."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import Accepted, Reduction
from reconciler.model.database import Database
from tests.unit.files.builders import TIERS, load_files, said

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "tenant: acme\ntier: free\n"
EXAMPLES = " (for example databases.legacy, [roles.app, databases.legacy], or 2030-01-31)"
RESERVED = "(reserved: postgres, template0, template1)"
FIVE_HUNDRED = ", ".join(f"r{number}" for number in range(500))
MISTAKES = {
    "a reserved role": (
        "roles: [app, pg_app]\n",
        (
            "3:14: the role name 'pg_app' is reserved "
            "(reserved: pg_*, neon_superuser, cloud_admin, zenith_admin, public, none)"
        ),
    ),
    "a reserved database": (
        "databases: [{name: postgres, owner: neondb_owner}]\n",
        f"3:20: the database name 'postgres' is reserved {RESERVED}",
    ),
    "a role that is too long": (
        f"roles: [{'r' * 64}]\n",
        "3:9: a role name has at most 63 bytes, this one has 64",
    ),
    "a role twice": ("roles: [app, app]\n", "3:14: duplicate role 'app' (keep one of them)"),
    "a database twice": (
        "databases: [{name: a, owner: neondb_owner}, {name: a, owner: neondb_owner}]\n",
        "3:52: duplicate database 'a' (keep one of them)",
    ),
    "a database without an owner": (
        "databases: [{name: a}]\n",
        (
            "3:13: the key 'owner' is missing (A declared role of the branch, or the role that was created with "
            "the project. A change is a patch)"
        ),
    ),
    "a misspelt owner": (
        "roles: [reporting]\ndatabases: [{name: a, owner: reportin}]\n",
        "4:30: role 'reportin' is not declared (did you mean 'reporting'?)",
    ),
    "an owner that nothing declares": (
        "databases: [{name: a, owner: zz}]\n",
        "3:30: role 'zz' is not declared (declare the role, or name another: neondb_owner)",
    ),
    "too many roles": (
        f"roles: [{FIVE_HUNDRED}]\n",
        "3:1: 501 roles: Neon allows 500 on a branch (the first one counts too)",
    ),
    "an owner that another branch has": (
        "dev_branches: [{name: a, roles: [x]}, {name: b, databases: [{name: d, owner: x}]}]\n",
        "3:78: role 'x' is not declared (declare the role, or name another: neondb_owner)",
    ),
    "an owner that a branch behind it has": (
        "dev_branches: [{name: a, databases: [{name: d, owner: x}]}, {name: b, roles: [x]}]\n",
        "3:55: role 'x' is not declared (declare the role, or name another: neondb_owner)",
    ),
    "a duplicate on a branch": (
        "dev_branches: [{name: a, roles: [x, x]}]\n",
        "3:37: duplicate role 'x' (keep one of them)",
    ),
    "a deletion of everything": (
        "accept: {deletion: true}\n",
        f"3:20: 'true' names no role and no database{EXAMPLES}",
    ),
    "a deletion of something else": (
        "accept: {deletion: [snapshots.v1]}\n",
        f"3:20: 'snapshots.v1' names no role and no database{EXAMPLES}",
    ),
    "a deletion of a mapping": (
        "accept: {deletion: {a: b}}\n",
        f"3:20: expected a role or a database, not a mapping{EXAMPLES}",
    ),
    "a day that is none": (
        "accept: {deletion: 2030-02-31}\n",
        f"3:20: the date '2030-02-31' does not exist{EXAMPLES}",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_reported_where_it_stands(case: str, tmp_path: Path) -> None:
    text, message = MISTAKES[case]
    loaded = load_files(tmp_path, {"tenants/acme.yaml": HEAD + text})
    assert said(loaded, tmp_path) == [f"tenants/acme.yaml:{message}"]


OF_TIERS = {
    "an owner of a tier's database": (
        "    databases: [{name: a, owner: zz}]\n",
        "role 'zz' is not declared (declare the role, or name another: neondb_owner)",
    ),
    "a role of a tier twice": ("    roles: [a, a]\n", "duplicate role 'a' (keep one of them)"),
}


@pytest.mark.parametrize("case", OF_TIERS)
def test_a_mistake_in_a_tier_is_reported_once(case: str, tmp_path: Path) -> None:
    text, message = OF_TIERS[case]
    loaded = load_files(tmp_path, {"tenants/acme.yaml": HEAD}, tiers=TIERS + text)
    (problem,) = loaded.problems
    assert str(problem).endswith(message)
    assert problem.location.line == TIERS.count("\n") + 1


def test_a_tiers_database_needs_an_owner_that_each_tenant_has(tmp_path: Path) -> None:
    tiers = TIERS + "    databases: [{name: a, owner: neondb_owner}]\n"
    own = "tenant: acme\ntier: pro\nrole: me\n"
    (line,) = said(load_files(tmp_path, {"tenants/acme.yaml": own}, tiers=tiers), tmp_path)
    assert (
        "database 'a' of tier 'pro' belongs to role 'neondb_owner', which this tenant's project does not" in line
    )
    assert "declare the role, or the database with another owner, such as 'me'" in line
    for remedy in ("roles: [neondb_owner]\n", "databases: [{name: a, owner: me}]\n"):
        assert not load_files(tmp_path, {"tenants/acme.yaml": own + remedy}, tiers=tiers).problems


def test_a_branch_has_the_roles_of_its_parents(tmp_path: Path) -> None:
    branches = (
        "dev_branches: [{name: a, roles: [x]}, {name: b, parent: a, databases: [{name: d, owner: x}, "
        "{name: e, owner: app}]}]\nroles: [app]\n"
    )
    loaded = load_files(tmp_path, {"tenants/acme.yaml": HEAD + branches})
    assert not loaded.problems
    assert loaded.desired is not None
    (tenant,) = loaded.desired.tenants.values()
    assert (tenant.dev_branches or ())[1].databases == (Database("d", "x"), Database("e", "app"))


@pytest.mark.parametrize(
    ("written", "accepted"),
    [
        ("databases.legacy", ["databases.legacy"]),
        ("[roles.a.b, dev_branches.x.databases.d]", ["roles.a.b", "dev_branches.x.databases.d"]),
        ("2030-01-31", date(2030, 1, 31)),
        ("false", False),
    ],
)
def test_a_deletion_is_accepted_by_its_path_or_until_a_day(
    written: str, accepted: list[str] | date | bool, tmp_path: Path
) -> None:
    loaded = load_files(tmp_path, {"tenants/acme.yaml": f"{HEAD}accept: {{deletion: {written}}}\n"})
    assert loaded.desired is not None
    (tenant,) = loaded.desired.tenants.values()
    steps = tuple(Reduction(one, "absent") for one in accepted) if isinstance(accepted, list) else accepted
    assert tenant.accept == Accepted(deletion=steps)


def test_a_tombstone_needs_none_of_it(tmp_path: Path) -> None:
    text = f"{HEAD}state: absent\nroles: [pg_x]\ndatabases: [nothing]\n"
    assert not load_files(tmp_path, {"tenants/acme.yaml": text}).problems

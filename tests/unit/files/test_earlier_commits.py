"""Tenants whom an earlier commit declared, in real repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.files.earlier_commits import removed
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import TIERS, write
from tests.unit.files.test_git import repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git

NDJSON = TIERS + "tenants: [{files: 'tenants/**/*.yaml'}, {ndjson: 'fleet/*.ndjson'}]\n"


def tenant(name: str) -> str:
    return f"tenant: {name}\ntier: free\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Acme, bob and cedar were taken out in different ways; dora never stood in a file; eve does."""
    lines = '{"tenant": "cedar", "tier": "free"}\n{"tenant": "fox", "tier": "free"}\n'
    repository(
        tmp_path,
        {
            "tiers.yaml": NDJSON,
            "tenants/acme.yaml": tenant("acme"),
            "tenants/both.yaml": f"{tenant('bob')}---\n{tenant('eve')}",
            "fleet/all.ndjson": lines,
        },
    )
    (tmp_path / "tenants/acme.yaml").unlink()
    (tmp_path / "tenants/both.yaml").write_text(tenant("eve"), encoding="utf-8")
    (tmp_path / "fleet/all.ndjson").write_text(lines.splitlines()[1] + "\n", encoding="utf-8")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=x")
    write(tmp_path, {"notes.yaml.txt": "tenant: dora"})
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=x")
    git(tmp_path, "rm", "--quiet", "notes.yaml.txt")
    git(tmp_path, "commit", "--quiet", "--message=x")
    return tmp_path


def test_a_tenant_that_a_commit_took_out_is_found_however_it_was_declared(root: Path) -> None:
    assert removed(root, ["acme", "bob", "cedar", "dora"]) == {"acme", "bob", "cedar"}
    assert removed(root, ["dora"]) == frozenset()
    assert removed(root, []) == frozenset()


def test_nobody_is_found_where_git_does_not_tell(root: Path, tmp_path: Path) -> None:
    git(root, "clone", "--quiet", "--depth=1", f"file://{root}", "clone")
    assert removed(tmp_path / "clone", ["acme"]) == frozenset()
    (root / ".git").rename(root / "elsewhere")
    assert removed(root, ["acme"]) == frozenset()

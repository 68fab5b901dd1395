"""Files that speak of a tenant, whatever their ending and wherever they stand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.files.names_in_files import names_to_suggest, tenant_names

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "file",
    [
        "tenants/acme.yaml.disabled",
        "tenants/acme.yml",
        "tenants/acme",
        "tenants/acme.yaml~",
        "tenants/_acme.yaml",
        "tenants/.acme.yaml.swp",
        "retired/2030/acme.bak",
        ".off/acme.json",
    ],
)
def test_a_file_speaks_of_the_tenant_that_it_is_named_after(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert tenant_names(tmp_path)["acme"] == file


@pytest.mark.parametrize(
    "text", ["tenant: acme\n", '{"tenant": "acme", "tier": "free"}\n', "x: 1\n---\ntenant: 'acme'\n"]
)
@pytest.mark.parametrize("file", ["off.yaml.disabled", "fleet/others.ndjson", "all.yml.old"])
def test_a_file_that_looks_like_one_of_tenants_speaks_of_those_in_it(tmp_path: Path, file: str, text: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    assert tenant_names(tmp_path)["acme"] == file


def test_reports_pipes_links_and_gits_own_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"tenant": "acme"}', encoding="utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/acme.yaml").write_text("tenant: acme", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "outside.yaml").symlink_to("/etc/hostname")
    assert "acme" not in tenant_names(tmp_path)


def test_only_names_in_tenant_files_are_suggested(tmp_path: Path) -> None:
    for file in ("tiers.yaml", "README.md", "sim.db", "tenants/acme.yaml", "tenants/birch.yaml.disabled", "zoe"):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert sorted(names_to_suggest(tmp_path)) == ["acme", "birch"]

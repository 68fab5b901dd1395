"""Scenes: what people write of an account, as seeds."""

from __future__ import annotations

import pytest

from reconciler.cli.scene import read_scene
from reconciler.model.annotations import MANAGED_BY, PRODUCT, TENANT

NOW = 1_000_000.0
TEXT = """
free:
  myapp-acme:
    created: -1d
    quota: {data_transfer: 5GiB}
    branches: {main: {ours: acme}, mine: }
    snapshots: [{name: v1, created: 1970-01-02T00:00:00Z}]
"""


def test_a_scene_tells_of_projects_in_seconds_and_bytes() -> None:
    ((organization, project),) = read_scene(TEXT, fleet="prod", now=NOW)
    assert (organization, project.name, project.branch) == ("free", "myapp-acme", "main")
    assert project.created_at == NOW - 86_400
    assert project.quota is not None
    assert project.quota.data_transfer_bytes == 5 * 2**30
    assert (project.annotations[MANAGED_BY], project.annotations[TENANT]) == (PRODUCT, "acme")
    assert [(one.name, one.with_compute) for one in project.branches] == [("mine", False)]
    assert [(one.name, one.created_at) for one in project.snapshots] == [("v1", 86_400)]


@pytest.mark.parametrize(
    "wrong", ["creatd: -1d", "branches: {main: {our: acme}}", "snapshots: [{name: v, at: x}]"]
)
def test_a_key_that_means_nothing_is_an_error(wrong: str) -> None:
    rest = "" if "branches" in wrong else "\n    branches: {main: }"
    with pytest.raises(ValueError, match="means nothing here"):
        list(read_scene(f"free:\n  a:\n    {wrong}{rest}", fleet="prod", now=NOW))

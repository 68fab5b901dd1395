"""Tenants that say the same share the objects: of a large fleet, most do."""

from __future__ import annotations

from reconciler.files.load import parse_tenants
from tests.harness.builders import a_fleet

TENANTS = """\
tenant: ada
tier: free
labels: {team: red}
overrides: {quota: {data_transfer: 4GiB}}
---
tenant: bob
tier: free
labels: {team: red}
overrides: {quota: {data_transfer: 4GiB}}
---
tenant: cyd
tier: free
labels: {team: blue}
overrides: {quota: {data_transfer: 4GiB}, settings: {hipaa: true}}
"""


def test_equal_labels_and_overrides_are_one_object() -> None:
    loaded = parse_tenants(TENANTS, "tenants.yaml", a_fleet())
    assert loaded.desired is not None, loaded.problems
    ada, bob, cyd = loaded.desired.tenants.values()
    assert ada.labels is bob.labels
    assert ada.overrides is bob.overrides
    assert (cyd.labels, cyd.overrides.quota) == ({"team": "blue"}, ada.overrides.quota)
    assert cyd.overrides.settings
    assert not ada.overrides.settings

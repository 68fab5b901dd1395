"""A selection of a large fleet looks only at the tenants that it names, and finds the same."""

from __future__ import annotations

import pytest

from reconciler.desired.selection import Selection
from tests.harness.builders import a_tenant

TENANTS = {name: a_tenant(name, tier) for name, tier in (("bob", "pro"), ("ada", "free"), ("A[1]", "free"))}


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(tenants=("ada",)),
        Selection(tenants=("ada", "nobody", "bob"), tiers=("pro",)),
        Selection(tenants=("a*",)),
        Selection(tenants=("ada", "b?b")),
        Selection(tenants=("[ab]*",)),
        Selection(tenants=("A[[]1]",)),
        Selection(changed=frozenset({"bob", "gone"})),
        Selection(changed=frozenset({"bob", "ada"}), exclude=("ada",)),
        Selection(changed=frozenset({"bob", "ada"}), tenants=("ada",)),
        Selection(changed=frozenset()),
    ],
)
def test_the_selected_tenants_are_those_that_it_includes(selection: Selection) -> None:
    assert selection.of(TENANTS) == [one for one in TENANTS.values() if selection.includes(one)]

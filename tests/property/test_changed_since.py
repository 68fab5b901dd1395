"""The quick answers about which tenants a run is for are those that comparing every field gives."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.naming import Naming
from reconciler.desired.selection import Selection
from reconciler.desired.state import Defaults, DesiredState
from reconciler.desired.tier import OrganizationLimits
from reconciler.model.values import replace
from reconciler.plan.declared_fields import changed_since
from tests.harness.builders import DAY, a_tenant
from tests.property import fleets

if TYPE_CHECKING:
    from collections.abc import Callable

GLOBS = st.lists(st.sampled_from(["acme", "a*", "*me", "[ab]*", "[!a]*", "?", "a.b", "A*", "", "**", "[", "a|b"]))


def smaller_limits(files: DesiredState) -> DesiredState:
    """The same with an organization that allows less."""
    free = replace(files.organizations["free"], limits=OrganizationLimits(branches=1))
    return replace(files, organizations={**files.organizations, "free": free})


def shorter_window(files: DesiredState) -> DesiredState:
    """The same with a tier that grants less."""
    return replace(files, tiers={**files.tiers, "pro": replace(files.tiers["pro"], restore_window_seconds=DAY)})


CHANGES = st.sampled_from(
    [
        lambda files: files,
        smaller_limits,
        shorter_window,
        lambda files: replace(files, naming=Naming("other-{tenant}")),
        lambda files: replace(files, defaults=Defaults(database="first")),
        lambda files: replace(files, held_back=frozenset({"ada"})),
        lambda files: replace(files, tenants={**files.tenants, "ada": a_tenant("ada", protect=True)}),
        lambda files: replace(files, tenants={}),
    ]
)


@given(
    fleets.desired_states(), st.lists(CHANGES, max_size=2), fleets.desired_states(), st.booleans(), st.booleans()
)
def test_what_has_changed_is_what_a_comparison_of_every_field_finds(
    desired: DesiredState,
    changes: list[Callable[[DesiredState], DesiredState]],
    other: DesiredState,
    earlier: bool,
    under: bool,
) -> None:
    base = replace(other, tenants={**desired.tenants, **other.tenants}) if earlier else desired
    for change in changes:
        base = change(base)
    base = base.with_current_names(desired) if under else base
    found = changed_since(desired, base)
    with patch.object(DesiredState, "declares_the_same", lambda *_: False):
        assert found == changed_since(desired, base)


@given(st.sampled_from(["acme", "a", "b", "a.b", "Acme", "a|b", "zoe\n", ""]), GLOBS, GLOBS)
def test_a_selection_takes_the_names_that_its_globs_match(name: str, taken: list[str], left: list[str]) -> None:
    selection = Selection(tenants=tuple(taken), exclude=tuple(left))
    expected = (not taken or any(fnmatchcase(name, glob) for glob in taken)) and not any(
        fnmatchcase(name, glob) for glob in left
    )
    assert selection.includes(a_tenant(name)) == expected


@given(fleets.desired_states(), GLOBS, st.none() | st.frozensets(st.sampled_from(fleets.TENANTS)))
def test_a_selection_of_a_fleet_is_what_it_includes(
    desired: DesiredState, globs: list[str], changed: frozenset[str] | None
) -> None:
    for selection in (Selection(), Selection(tenants=tuple(globs), changed=changed)):
        expected = [tenant for tenant in desired.tenants.values() if selection.includes(tenant)]
        assert selection.of(desired.tenants) == expected

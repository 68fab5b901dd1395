"""A commit that renames the fleet: no project would be its own any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ExitCode, RenamedFleetError
from reconciler.model.values import replace
from reconciler.plan.history import History
from reconciler.plan.renamed_fleet import require_the_same_fleet
from tests.harness.builders import a_fleet, a_project, a_tenant, a_view

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject

BEFORE = a_fleet(a_tenant("acme"))
RENAMED = replace(BEFORE, fleet="production")
UNREAD = a_project("acme", details=False)


def refused(history: History, *projects: LiveProject) -> bool:
    try:
        require_the_same_fleet(RENAMED, a_view(*projects), history)
    except RenamedFleetError as error:
        return error.exit_code is ExitCode.REFUSED and f"write fleet: {BEFORE.fleet}" in str(error.hint)
    return False


@pytest.mark.parametrize("history", [History(BEFORE), History(BEFORE, guessed=True)], ids=["named", "guessed"])
def test_is_refused_where_a_project_has_the_former_name(history: History) -> None:
    assert refused(history, a_project("acme"))


def test_is_refused_where_annotations_were_not_read_if_somebody_named_the_base() -> None:
    assert refused(History(BEFORE), UNREAD)
    assert not refused(History(BEFORE, guessed=True), UNREAD)


def test_is_allowed_before_the_first_project() -> None:
    assert not refused(History(BEFORE))


def test_is_not_asked_for_by_files_that_are_older_than_the_base_nor_without_one() -> None:
    assert not refused(History(BEFORE, fork=RENAMED), a_project("acme"))
    assert not refused(History(), a_project("acme"))
    assert not refused(History(RENAMED), a_project("acme"))

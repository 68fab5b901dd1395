"""Names to ids: seeded by what was seen, extended and renamed by answers."""

from __future__ import annotations

import pytest

from reconciler.apply.address import Address
from reconciler.errors import UnexpectedAnswerError
from tests.harness.builders import a_branch, a_project, an_endpoint

DEV = a_branch(id="br-dev", name="dev", parent_id="br-p-acme", default=False)
SEEN = Address.observed(a_project())


def test_a_project_that_was_seen_gives_its_branches_and_their_computes() -> None:
    replica = an_endpoint(id="ep-replica", kind="read_only")
    address = Address.observed(a_project(endpoints=(replica, an_endpoint())))
    assert address.branch("main") == "br-p-acme"
    assert address.endpoint("main") == "ep-p-acme"


def test_a_branch_that_was_made_is_known_with_its_compute() -> None:
    address = SEEN.with_branch(DEV, "ep-dev")
    assert (address.branch("dev"), address.endpoint("dev")) == ("br-dev", "ep-dev")
    assert (address.branch("main"), address.endpoint("main")) == ("br-p-acme", "ep-p-acme")


def test_a_renamed_branch_keeps_its_compute_and_loses_its_old_name() -> None:
    renamed = a_branch(id="br-dev", name="development", default=False)
    address = SEEN.with_branch(DEV, "ep-dev").with_branch(renamed)
    assert (address.branch("development"), address.endpoint("development")) == ("br-dev", "ep-dev")
    with pytest.raises(UnexpectedAnswerError, match="project p-acme has no branch 'dev'"):
        address.branch("dev")


def test_a_deleted_branch_is_not_known_any_more() -> None:
    address = SEEN.with_branch(DEV, "ep-dev").without_branch("br-dev")
    with pytest.raises(UnexpectedAnswerError, match="'dev'"):
        address.endpoint("dev")


def test_a_branch_without_a_compute_has_none_to_patch() -> None:
    with pytest.raises(UnexpectedAnswerError, match="no read-write compute"):
        SEEN.with_branch(DEV).endpoint("dev")


def test_a_transfer_keeps_all_ids() -> None:
    moved = SEEN.with_branch(DEV, "ep-dev").moved("paid")
    assert (moved.organization, moved.branch("dev"), moved.endpoint("dev")) == ("paid", "br-dev", "ep-dev")

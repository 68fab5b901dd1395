"""docs/not-managed.md names every settable member of the official description that no request of `apply` holds."""

from __future__ import annotations

import re
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.model.fields.table import FIELDS
from reconciler.simulator.behaviour import Behaviour
from tests.harness.builders import NOON
from tests.harness.shell import ROOT
from tests.transitions.account import an_account
from tests.transitions.fields import Kept
from tests.transitions.lanes import ALWAYS, Files, Stated
from tests.transitions.members import Member, settable
from tests.transitions.sent import members_sent
from tests.transitions.table import fields
from tests.transitions.test_branches_and_snapshots import rename

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.transitions.fields import Field

PAGE: Final = (ROOT / "docs/not-managed.md").read_text(encoding="utf-8")
ROW: Final = re.compile(r"^\| `([^`]+)` \| ((?:`\w+`(?:, )?)+) \| (.+) \|$", re.MULTILINE)
BESIDE_THE_TABLE: Final = {Member("createProject", f"project.{path}") for path in ("org_id", "branch.annotations")}
"""What a creation sends of the tier's organization, and of whom the project is."""
CALLED_TWICE: Final = 2
"""States of each field: once at creation, once changed."""


def listed() -> dict[Member, str]:
    """What the page says of each member."""
    found: dict[Member, str] = {}
    for path, operations, advice in ROW.findall(PAGE):
        for operation in re.findall(r"\w+", operations):
            member = Member(operation, path)
            assert member not in found, f"{member} is listed twice"
            found[member] = advice
    return found


@pytest.mark.slow
def test_what_is_not_sent_is_listed_and_nothing_else() -> None:
    unsent = settable().keys() - sent()
    assert {str(member) for member in listed().keys() - unsent} == set(), "managed, or not in the description"
    assert {str(member) for member in unsent - listed().keys()} == set(), "not managed: add it to the page"


@pytest.mark.slow
def test_every_member_of_a_field_is_sent() -> None:
    assert {str(member) for field in fields() for member in field.members} <= {str(member) for member in sent()}


def test_the_products_table_declares_every_other_member_of_a_new_project() -> None:
    ends = [
        (field.creation, [f".{member.key}" for member in field.members] or [""])
        for field in FIELDS
        if field.creation is not None
    ]
    declared = {
        Member("createProject", ".".join(("project", *place)) + end) for place, each in ends for end in each
    }
    managed = {member for member in settable() if member.operation == "createProject"} - listed().keys()
    assert {str(member) for member in managed} == {str(member) for member in declared | BESIDE_THE_TABLE}


def test_every_row_says_what_to_do() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(rows) == len(ROW.findall(PAGE))
    assert all(advice.endswith(".") for advice in listed().values())


def sent() -> set[Member]:
    """The members in the requests of an account in which everything is stated, and then stated otherwise."""
    if not _SENT:
        with an_account(Behaviour(rate_limit=None)) as account:
            for state in range(CALLED_TWICE):
                files = {f"t{number}": _files(field, state) for number, field in enumerate(fields())}
                tiers = {f"tier-{name}": one.tier() for name, one in files.items()}
                tenants = {name: one.tenant(name) for name, one in files.items()}
                copies = [_with_copies(state)]
                naming = {
                    "project": ("myapp-{tenant}", "app-{tenant}")[state],
                    "previous": ["myapp-{tenant}"][:state],
                }
                account.run(
                    {**tiers, "pro": {"organization": "paid"}},
                    {**tenants, **{one["tenant"]: one for one in copies}},
                    naming=naming,
                )
                account.wait(timedelta(hours=1).total_seconds())
                if state == 0:
                    rename(account, "a", "b")
            _SENT.update(members_sent(account.world.simulator.requests))
    return _SENT


_SENT: Final[set[Member]] = set()
"""Kept, because two tests ask for it."""


def _files(field: Field, state: int) -> Files:
    """One of two states of a field."""
    values = list({str(value.told): value for value in field.good(Random(1))}.values())  # noqa: S311
    value = values[1 - state if field.kept is Kept.ONE_WAY else state]
    if field.place in ALWAYS and field.place[0] != "quota":
        return Files({field: Stated(tier=value)})
    return Files({field: Stated(tier=ALWAYS.get(field.place), own=value)})


def _with_copies(state: int) -> dict[str, Any]:
    """A tenant with a branch, and later with one below it and a snapshot, both of the past."""
    then = (NOON + timedelta(minutes=30)).isoformat()
    later: Mapping[str, Any] = {"name": "c", "parent": "main", "at": then}
    snapshots = [{"name": "s", "at": then}] if state else []
    return {
        "tenant": "acme",
        "tier": "pro",
        "dev_branches": [{"name": "a"}, *([later] if state else [])],
        "snapshots": snapshots,
    }

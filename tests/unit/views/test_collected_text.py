"""What collect says of thousands of sign-ups."""

from __future__ import annotations

from reconciler.adopt.adoption import Adopted
from reconciler.adopt.collecting import LeftOutReason, NamedBy, SignUp, Uncollected
from reconciler.adopt.owners import NamedProject, NamingSource
from reconciler.views.console import as_text
from reconciler.views.formats import text_of
from reconciler.views.view import CollectedView
from tests.harness.builders import a_project

MANY = 1_200


def view() -> CollectedView:
    project = a_project("acme", details=False)
    names = [f"user_{number:04}" for number in range(MANY)]
    added = [
        SignUp(Adopted(NamedProject(project, name, NamingSource.ANNOTATION), "free"), NamedBy.JOURNAL)
        for name in names
    ]
    left = [Uncollected(f"x_{name}", f"p-{name}", LeftOutReason.YOUNG) for name in names]
    return CollectedView("fleet/sign-ups.ndjson", added, left, "10m")


def test_long_lists_are_cut_and_every_number_is_told() -> None:
    told = " ".join(as_text(text_of(view())).split())
    assert "+ user_0019 named by a journal and 1,180 more tenants (--full shows all)" in told
    assert "and 1,180 more projects (--full shows all)" in told
    assert (
        "Collected 1,200 tenants into fleet/sign-ups.ndjson: 1,200 by journals; 1,200 projects left out." in told
    )


def test_full_shows_all() -> None:
    told = as_text(text_of(view(), full=True))
    assert told.count("named by a journal") == told.count("created less than 10m ago") == MANY
    assert "more" not in told

"""Problems of files and errors as text."""

from __future__ import annotations

from reconciler.errors import InvalidInputError, PermissionDeniedError
from reconciler.model.problem import Location, Problem, Severity
from reconciler.views import problems_text
from reconciler.views.console import as_text
from tests.harness.builders import a_fleet, a_tenant

UNKNOWN_KEY = Problem(Location("tenants/acme.yaml", 3, 5), "unknown key 'overides'", "did you mean 'overrides'?")
LATE = Problem(
    Location("tenants/birch.yaml", 14, 9),
    "'at' is before the start of the restore window",
    severity=Severity.WARNING,
)


def test_problems_are_listed_by_place_with_their_hints_and_counted() -> None:
    assert as_text(problems_text.render([LATE, UNKNOWN_KEY])) == (
        "tenants/acme.yaml:3:5: unknown key 'overides'\n"
        "  hint: did you mean 'overrides'?\n"
        "tenants/birch.yaml:14:9: warning: 'at' is before the start of the restore window\n"
        "\n"
        "1 error and 1 warning in 2 files.\n"
    )


def test_a_place_and_its_message_stay_on_one_line_however_narrow_the_output() -> None:
    message = "this message is far longer than the terminal is wide " * 4
    text = as_text(problems_text.render([Problem(Location("tiers.yaml", 1, 1), message)]), 40)
    assert text.startswith(f"tiers.yaml:1:1: {message}\n")


def test_without_problems_it_says_what_was_checked() -> None:
    fleet = a_fleet(a_tenant("acme"), a_tenant("birch"))
    assert as_text(problems_text.render([], fleet)) == "No problems in 3 files: 2 tenants, 2 tiers.\n"


def test_an_error_says_what_to_do_and_which_request_it_was() -> None:
    error = PermissionDeniedError("the key may not list projects", status=403, request_id="abc", hint="make one")
    assert as_text(problems_text.render_error(error)) == (
        "error: the key may not list projects\nhint: make one\nrequest id: abc\n"
    )


def test_a_request_id_that_the_message_has_is_not_repeated() -> None:
    error = PermissionDeniedError("could not list projects: no (request abc)", status=403, request_id="abc")
    assert as_text(problems_text.render_error(error)) == "error: could not list projects: no (request abc)\n"


def test_an_error_without_a_hint_is_one_line() -> None:
    assert (
        as_text(problems_text.render_error(InvalidInputError("no tiers.yaml here")))
        == "error: no tiers.yaml here\n"
    )

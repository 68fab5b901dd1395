"""Addresses of notices: where they come from, what is said of them, and what is never shown."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.cli.flags import AccountFlags, NotifyFlags
from reconciler.cli.notices import _addresses
from reconciler.desired.tier import EnvReference
from reconciler.environment import Environment
from reconciler.errors import ExitCode, InvalidInputError, MissingKeyError, MissingPackageError, NotDeliveredError
from reconciler.model.notice import Weight
from reconciler.notify.destination import destinations
from reconciler.notify.message import Message
from reconciler.secret import Secret
from tests.harness.builders import a_fleet
from tests.harness.receiver import receiving

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGE = Message("a title", "a body", Weight.WARNING)
FILES = a_fleet(notify=(EnvReference("SLACK_NOTIFY_URL"), EnvReference("MAIL_NOTIFY_URL")))


def addresses(
    environ: Mapping[str, str], *to: str, simulator: Path | None = None, files: Any = FILES
) -> list[tuple[str, str]]:
    account = AccountFlags(simulator, postgres=False, api_host=None, trust_files=False)
    flags = NotifyFlags(notify=True, notify_to=to, notify_state=None)
    return [(name, value.reveal()) for name, value in _addresses(flags, account, files, Environment(environ))]


def test_the_flags_come_before_the_environment_and_that_before_the_files() -> None:
    environ = {"RECONCILER_NOTIFY_URLS": "json://e", "SLACK_NOTIFY_URL": "json://s", "MAIL_NOTIFY_URL": "json://m"}
    assert addresses(environ, "json://f", "json://g") == [
        ("--notify-to (1)", "json://f"),
        ("--notify-to (2)", "json://g"),
    ]
    assert addresses(environ) == [("$RECONCILER_NOTIFY_URLS", "json://e")]
    del environ["RECONCILER_NOTIFY_URLS"]
    assert addresses(environ) == [("$SLACK_NOTIFY_URL", "json://s"), ("$MAIL_NOTIFY_URL", "json://m")]


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(MissingKeyError, match=r"\$MAIL_NOTIFY_URL is not set"):
        addresses({"SLACK_NOTIFY_URL": "json://s"})


def test_without_any_address_the_three_ways_are_told() -> None:
    with pytest.raises(InvalidInputError, match="there is no address to send notices to") as raised:
        addresses({}, files=a_fleet())
    assert "RECONCILER_NOTIFY_URLS" in str(raised.value.hint)


def test_a_simulated_account_tells_nobody_but_those_who_are_named_in_the_command() -> None:
    with pytest.raises(InvalidInputError, match="notices are not sent unless --notify-to names an address"):
        addresses({"RECONCILER_NOTIFY_URLS": "json://e"}, simulator=Path("sim.db"))
    assert addresses({}, "json://f", simulator=Path("sim.db")) == [("--notify-to", "json://f")]


def test_a_variable_may_hold_several_addresses() -> None:
    found = list(destinations("$NOTIFY_URL", Secret("json://one  json://two")))
    assert [(one.name, one.address.reveal()) for one in found] == [
        ("$NOTIFY_URL (1)", "json://one"),
        ("$NOTIFY_URL (2)", "json://two"),
    ]


@pytest.mark.parametrize(
    "address", ["pigeon://marked-loft", "marked-word", "slack://marked", "mailto://", "https://marked.example/x,"]
)
def test_what_is_no_address_is_refused_and_not_shown(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidInputError) as raised:
        list(destinations("$NOTIFY_URL", Secret(address)))
    assert "marked" not in f"{raised.value}{raised.value.hint}"
    assert capfd.readouterr() == ("", "")


def test_a_message_arrives_with_its_title_and_weight() -> None:
    with receiving() as receiver:
        next(destinations("x", Secret(receiver.url()))).send(MESSAGE)
        assert [(one["title"], one["message"], one["type"]) for one in receiver.heard] == [
            ("a title", "a body", "warning")
        ]


@pytest.mark.parametrize("status", [301, 404, 500])
def test_no_part_of_an_address_is_shown_where_it_fails(status: int, capfd: pytest.CaptureFixture[str]) -> None:
    with receiving() as receiver:
        receiver.status = status
        address = Secret(f"json://marked-user:marked-password@127.0.0.1:{receiver.port}/marked-path?+X-T=marked-h")
        (one,) = destinations("$NOTIFY_URL", address)
        with pytest.raises(NotDeliveredError) as raised:
            one.send(MESSAGE)
    assert str(raised.value).startswith("no notice was delivered to $NOTIFY_URL")
    assert "marked" not in f"{raised.value}{raised.value.hint}{one!r}"
    assert capfd.readouterr() == ("", "")


def test_a_long_name_fits_into_a_registry() -> None:
    (one,) = destinations("$" + "A" * 500, Secret("json://host"))
    assert len(one.name) <= 128


def test_a_service_that_nobody_answers_for_is_told() -> None:
    with receiving() as receiver:
        url = receiver.url()
    with pytest.raises(NotDeliveredError, match="no notice was delivered to x"):
        next(destinations("x", Secret(url))).send(MESSAGE)


def test_without_the_package_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "apprise":
            raise ImportError("No module named 'apprise'", name="apprise")
        return original(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match="notices need the package apprise") as raised:
        list(destinations("x", Secret("json://host")))
    assert raised.value.hint == "pip install 'neon-reconciler[notify]'"
    assert raised.value.exit_code is ExitCode.INVALID

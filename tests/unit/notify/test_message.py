"""One message: readable, of bounded size, and harmless whatever names and messages it repeats."""

from __future__ import annotations

from typing import Final

import pytest

from reconciler.model.notice import Findings, Notice, NoticeKey, Weight
from reconciler.notify.message import harmless, message

LIMIT: Final = 2000
"""Discord takes no more characters."""


def notices(count: int, text: str = "") -> tuple[Notice, ...]:
    return tuple(
        Notice(
            key=NoticeKey("usage", f"t{number}", "quota"),
            text=text or f"t{number}: 85% used",
            heading="above a threshold",
            weight=Weight.WARNING,
        )
        for number in range(count)
    )


def body(*found: Notice) -> str:
    findings = Findings(fleet="prod", notices=found, looked_at=lambda _: True, command="reconciler usage")
    return message(findings, found).body


def test_ten_thousand_notices_are_one_message_that_says_how_many_more() -> None:
    found = notices(10_000)
    findings = Findings(fleet="prod", notices=found, looked_at=lambda _: True, command="reconciler usage")
    sent = message(findings, found)
    assert sent.title == "reconciler prod: 10,000 above a threshold"
    assert "- and 9,988 more" in sent.body.splitlines()
    assert sent.body.endswith("Details: reconciler usage")


@pytest.mark.parametrize("text", ["x" * 5000, "\u202e" * 5000, "\n" * 5000, "@here" * 1000], ids=repr)
def test_no_text_makes_a_message_longer_than_a_chat_takes(text: str) -> None:
    assert len(body(*notices(500, text))) <= LIMIT


@pytest.mark.parametrize(
    "text",
    [
        "@everyone",
        "eve@here",
        "<!channel>",
        "<https://evil.example|click>",
        "see https://evil.example",
        "line\n- another line",
        "\x1b[31mred",
        "`code`",
        "\u202egnp.exe",
        "&lt;!here&gt;",
    ],
)
def test_no_name_calls_people_or_becomes_a_link_or_a_line(text: str) -> None:
    told = harmless(text)
    for sign in ("@everyone", "@here", "<", ">", "`", "://", "\n", "\x1b", "\u202e", "&"):
        assert sign not in told


def test_an_ordinary_name_stays_as_it_is() -> None:
    assert harmless("ada@example.com (tier free): 85.0% of active_time") == (
        "ada@example.com (tier free): 85.0% of active_time"
    )

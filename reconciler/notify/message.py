"""The text of one message with any number of notices, short enough for every chat and pager."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.views.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.notice import Findings, Notice, Weight

MOST_LINES: Final = 12
LONGEST_LINE: Final = 150
"""With both, a message stays below the 2,000 characters of the strictest chat (Discord)."""
_MENTION: Final = re.compile(r"@(?=everyone|here|channel|all|group|team)", re.IGNORECASE)
_MARKUP: Final = str.maketrans({"<": "‹", ">": "›", "`": "'", "&": "+"})
"""Characters that begin a mention, a link or code in a chat: Slack's ``<!channel>``, ``&lt;``."""


class Message(Struct, frozen=True):
    """What is sent."""

    title: str
    body: str
    weight: Weight


def message(findings: Findings, news: Sequence[Notice]) -> Message:
    """One message with the notices, in their order."""
    lines = [f"- {harmless(notice.text)}" for notice in news[:MOST_LINES]]
    if len(news) > MOST_LINES:
        lines.append(f"- and {len(news) - MOST_LINES:,} more")
    body = "\n".join([*lines, "", f"Details: {findings.command}"])
    return Message(_title(findings, news), body, max(notice.weight for notice in news))


def harmless(text: str) -> str:
    """The text on one line, without mentions, markup and links."""
    text = _MENTION.sub("@\u200a", printable(text).translate(_MARKUP)).replace("://", ":/ /")
    return text if len(text) <= LONGEST_LINE else f"{text[: LONGEST_LINE - 3]}..."


def _title(findings: Findings, news: Sequence[Notice]) -> str:
    """``reconciler prod: 1 at a limit, 2 above a threshold``."""
    counts = Counter(notice.heading for notice in news)
    return f"reconciler {findings.fleet}: {', '.join(f'{count:,} {what}' for what, count in counts.items())}"

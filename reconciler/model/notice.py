"""What a person is told: notices, and what was told before. Any command can send them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Weight(IntEnum):
    """How urgent a notice is."""

    INFO = 0
    WARNING = 1
    FAILURE = 2


class NoticeKey(NamedTuple):
    """What a notice is about: it is told once, as long as that lasts."""

    topic: str
    """The kind of thing, such as ``usage``."""
    subject: str
    """The tenant or the organization."""
    what: str
    """What of it, such as the path of a quota."""


class Sent(NamedTuple):
    """What was told of a key."""

    level: int
    """A higher one is told again."""
    since: str
    """What it belongs to, such as a billing period: of another one, it is told again."""


NOTHING_SENT: Final = Sent(-1, "")
SENT_ONCE: Final = Sent(0, "")
SentByKey: TypeAlias = "Mapping[NoticeKey, Sent]"


class Notice(Struct, frozen=True, kw_only=True):
    """One thing to tell."""

    key: NoticeKey
    text: str
    """One sentence, which begins with the subject."""
    heading: str
    """What it counts as in the title, such as ``above a threshold``."""
    weight: Weight
    sent: Sent = SENT_ONCE
    """What is recorded once it was told."""


class Findings(Struct, frozen=True, kw_only=True):
    """What a run found to tell, the most important first, and what it looked at."""

    fleet: str
    notices: tuple[Notice, ...]
    covers: Callable[[NoticeKey], bool]
    """Whether the run looked at it: then it is over if there is no notice of it."""
    command: str
    """The command that shows all of it."""

    def news(self, before: SentByKey) -> tuple[Notice, ...]:
        """The notices that were not told before."""
        return tuple(notice for notice in self.notices if _is_new(notice, before))

    def remaining(self, before: SentByKey) -> dict[NoticeKey, Sent]:
        """What stays told if nothing more is told: without what is over."""
        return self._after(before, delivered=False)

    def sent(self, before: SentByKey) -> dict[NoticeKey, Sent]:
        """What is told after the news were delivered."""
        return self._after(before, delivered=True)

    def _after(self, before: SentByKey, *, delivered: bool) -> dict[NoticeKey, Sent]:
        after = {key: sent for key, sent in before.items() if not self.covers(key)}
        for notice in self.notices:
            earlier = before.get(notice.key, NOTHING_SENT)
            if delivered or not _is_new(notice, before):
                after[notice.key] = notice.sent
            elif earlier.since == notice.sent.since and earlier is not NOTHING_SENT:
                after[notice.key] = earlier
        return after


def _is_new(notice: Notice, before: SentByKey) -> bool:
    earlier = before.get(notice.key, NOTHING_SENT)
    return notice.sent.level > earlier.level or notice.sent.since != earlier.since

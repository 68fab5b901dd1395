"""Notices to people, and which of them were sent before. Any command can send them."""

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
    """What a notice is about: it is sent once, as long as that lasts."""

    topic: str
    """The kind of thing, such as ``usage``."""
    subject: str
    """The tenant or the organization."""
    what: str
    """What of it, such as the path of a quota."""


class Sent(NamedTuple):
    """What was sent about a key."""

    level: int
    """A higher level is sent again."""
    since: str
    """What it belongs to, such as a billing period: for another one, it is sent again."""


NOTHING_SENT: Final = Sent(-1, "")
SENT_ONCE: Final = Sent(0, "")
SentByKey: TypeAlias = "Mapping[NoticeKey, Sent]"


class Notice(Struct, frozen=True, kw_only=True):
    """One notice."""

    key: NoticeKey
    text: str
    """One sentence, which begins with the subject."""
    heading: str
    """What it counts as in the title, such as ``above a threshold``."""
    weight: Weight
    sent: Sent = SENT_ONCE
    """What is recorded once it was sent."""


class Findings(Struct, frozen=True, kw_only=True):
    """The notices of a run, the most important first, and what the run looked at."""

    fleet: str
    notices: tuple[Notice, ...]
    looked_at: Callable[[NoticeKey], bool]
    """Whether the run looked at it: if it did and there is no notice, the earlier notice is over."""
    command: str
    """The command that shows all of it."""

    def news(self, before: SentByKey) -> tuple[Notice, ...]:
        """The notices that were not sent before."""
        return tuple(notice for notice in self.notices if _is_new(notice, before))

    def remaining(self, before: SentByKey) -> dict[NoticeKey, Sent]:
        """What stays recorded if nothing is sent: without what is over."""
        return self._after(before, delivered=False)

    def sent(self, before: SentByKey) -> dict[NoticeKey, Sent]:
        """What is recorded after the new notices were delivered."""
        return self._after(before, delivered=True)

    def _after(self, before: SentByKey, *, delivered: bool) -> dict[NoticeKey, Sent]:
        after = {key: sent for key, sent in before.items() if not self.looked_at(key)}
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

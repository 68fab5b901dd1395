"""Where notices go: addresses of services, which contain keys. Apprise is imported when one is opened."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.errors import InvalidInputError, MissingPackageError, NotDeliveredError
from reconciler.model.notice import Weight
from reconciler.notify import INSTALL
from reconciler.secret import HIDDEN, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.notify.message import Message

EXAMPLES: Final = "slack://..., mailto://..., json://host; https://github.com/caronc/apprise lists the services"
TYPES: Final = {Weight.INFO: "info", Weight.WARNING: "warning", Weight.FAILURE: "failure"}
"""Apprise's words."""
_WORD: Final = re.compile(r"[^/:@?&=#,;\s]+")
LONGEST_NAME: Final = 100
"""Characters of a variable's name: a registry stores little more."""
SHORTEST: Final = 3
"""Characters of a part of an address that are hidden wherever they stand."""
_LOG: Final = "apprise"


class Destination(Struct, frozen=True):
    """One address. ``name`` says where it comes from, as in ``$SLACK_NOTIFY_URL``: messages show nothing else."""

    name: str
    address: Secret

    def send(self, message: Message) -> None:
        """Sends a message, within seconds and without a repetition. Raises NotDeliveredError."""
        with _Log() as log:
            sent = bool(
                _opened(self).notify(message.body, message.title, TYPES[message.weight], body_format="text")
            )
        if not sent:
            raise NotDeliveredError(
                f"no notice was delivered to {self.name}{_reason(self.address, log.lines)}",
                hint="the next run sends it again; check the address and its service",
            )


def destinations(name: str, value: Secret) -> Iterator[Destination]:
    """Every address of a value: they are separated by spaces. Raises InvalidInputError for what is none.

    Raises MachineError if Apprise is not installed.
    """
    words = value.reveal().split()
    for number, word in enumerate(words, start=1):
        one = Destination(
            f"{name[:LONGEST_NAME]} ({number})" if len(words) > 1 else name[:LONGEST_NAME], Secret(word)
        )
        with _Log():
            _opened(one)
        yield one


def _opened(destination: Destination) -> Any:
    try:
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - an optional package, and slow to import
    except ImportError as error:
        raise MissingPackageError(f"notices need the package {error.name}", hint=INSTALL) from error
    notifier = Apprise(asset=AppriseAsset(app_id="reconciler", app_desc="reconciler", secure_logging=True))
    if not notifier.add(destination.address.reveal()) or len(notifier) != 1:
        raise InvalidInputError(
            f"{destination.name} is not the address of a notification service", hint=f"for example {EXAMPLES}"
        )
    return notifier


def _reason(address: Secret, lines: Iterable[str]) -> str:
    """The last thing that Apprise said about it, without any part of the address."""
    text = next(reversed(list(lines)), "")
    words = [word for word in _WORD.findall(address.reveal())[1:] if len(word) >= SHORTEST]
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, HIDDEN)
    return f": {text.rstrip('.')}" if text else ""


class _Log(logging.Handler):
    """Collects what Apprise logs: nothing of it goes to stderr, because it may repeat addresses."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def __enter__(self) -> _Log:
        logger = logging.getLogger(_LOG)
        logger.propagate = False
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger(_LOG).removeHandler(self)

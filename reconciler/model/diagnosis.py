"""What ``reconciler doctor`` finds: one check after the other, each with what to do."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.errors import ReconcilerError


MESSAGES: Final = "docs/troubleshooting.md explains messages"
"""The remedy for an error that names none."""


class Area(Enum):
    """What a check is about, in the order in which one depends on the other."""

    VERSIONS = "versions"
    FILES = "files"
    GIT = "git"
    NETWORK = "network"
    KEYS = "keys"
    ORGANIZATIONS = "organizations"
    REGISTRY = "registry"


class Status(Enum):
    """What a check found."""

    OK = "ok"
    WARN = "warn"
    """Commands run, and do less than they could."""
    FAIL = "fail"
    """Commands end with an error."""


class Check(Struct, frozen=True):
    """One thing that was looked at."""

    area: Area
    verdict: Status
    message: str
    remedy: str | None = None
    """What to do; None if there is nothing to do."""
    denied: bool = False
    """Whether a key or an id is missing, wrong, or not permitted to do what it is for."""


class Diagnosis(Struct, frozen=True):
    """Everything that was looked at, in the order of the areas."""

    checks: tuple[Check, ...]

    def count(self, verdict: Status) -> int:
        """How many checks found this."""
        return sum(check.verdict is verdict for check in self.checks)

    @property
    def exit_code(self) -> ExitCode:
        """DENIED if a key is the cause of a failure, ERROR for any other failure."""
        failures = [check for check in self.checks if check.verdict is Status.FAIL]
        if any(check.denied for check in failures):
            return ExitCode.DENIED
        return ExitCode.ERROR if failures else ExitCode.DONE


def diagnosis(checks: Iterable[Check]) -> Diagnosis:
    """The checks in the order of their areas."""
    order = [*Area]
    return Diagnosis(tuple(sorted(checks, key=lambda check: order.index(check.area))))


def ok(area: Area, message: str) -> Check:
    """Nothing to do."""
    return Check(area, Status.OK, message)


def warn(area: Area, message: str, remedy: str) -> Check:
    """Commands run, and do less than they could."""
    return Check(area, Status.WARN, message, remedy)


def fail(area: Area, message: str, remedy: str, *, denied: bool = False) -> Check:
    """Commands end with an error."""
    return Check(area, Status.FAIL, message, remedy, denied)


def failed_by(area: Area, error: ReconcilerError) -> Check:
    """What an error says, which would end a command."""
    return fail(area, str(error), error.hint or MESSAGES, denied=error.exit_code is ExitCode.DENIED)

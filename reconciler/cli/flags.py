"""The flags of a command, packed into objects by what they are about. Needs types only, so that help is fast."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


class FilesFlags(NamedTuple):
    """Where the files are, and which branch they must be the tip of."""

    directory: Path
    on_invalid: str
    ref: str | None = None


class AccountFlags(NamedTuple):
    """Which Neon is meant."""

    simulator: Path | None
    postgres: bool
    api_host: str | None
    trust_files: bool


class ScopeFlags(NamedTuple):
    """The tenants and fields that a run looks at."""

    tenant: tuple[str, ...]
    exclude: tuple[str, ...]
    tier: tuple[str, ...]
    label: tuple[str, ...]
    changed_since: str | None
    shard: str | None
    base: str | None
    depth: str = "declared"
    only: tuple[str, ...] = ()


class PermissionFlags(NamedTuple):
    """What a person permits beyond the files, and whether less than all is good enough."""

    allow: tuple[str, ...]
    expect_empty: bool
    prune: bool
    strict: bool


class EarlierRunsFlags(NamedTuple):
    """What is known of earlier runs that may have died."""

    run_is_dead: tuple[str, ...]
    journals: tuple[Path, ...]


class OutputFlags(NamedTuple):
    """The format of the output, the files that it goes to, and what the exit code depends on."""

    format: str
    output: tuple[Path, ...]
    full: bool
    fail_on: tuple[str, ...] = ()


class CommandFlags(NamedTuple):
    """How a command is carried out that plans one task, such as `restore` or `rollback`, and asks."""

    dry_run: bool
    yes: bool
    journal: Path | None


class SinkFlags(NamedTuple):
    """Where connection strings go, and which of the two where only one fits."""

    connections_to: Path | None
    dotenv: Path | None
    to_command: str | None
    direct: bool = False
    reveal: bool = False
    to_registry: bool = False


class NotifyFlags(NamedTuple):
    """Whether notices are sent, to which addresses, and where sent notices are recorded."""

    notify: bool
    notify_to: tuple[str, ...]
    notify_state: Path | None

    @property
    def wanted(self) -> bool:
        """Whether any flag asks for notices."""
        return self.notify or bool(self.notify_to)


class TelemetryFlags(NamedTuple):
    """The metrics and traces of a run, for people on call."""

    metrics: Path | None
    trace: str | None


class RunFlags(NamedTuple):
    """How an apply is carried out."""

    waves: str | None
    bake: str | None
    harm: str | None
    rollback_on_harm: bool
    advance: str | None
    dump_to: Path | None
    dump_to_command: str | None
    yes: bool
    journal: Path | None


def packed(name: str, flags: type[Any], *options: Decorator) -> Decorator:
    """A decorator that adds the options and passes them on as one named tuple."""
    keys: tuple[str, ...] = flags._fields

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def run(**arguments: Any) -> Any:
            own = {key: arguments.pop(key) for key in keys if key in arguments}
            return command(**arguments, **{name: flags(**own)})

        decorated: Callable[..., Any] = run
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate

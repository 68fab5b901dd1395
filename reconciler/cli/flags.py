"""The flags of a command, packed into objects by what they are about. Imported when the command runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class FilesFlags(Struct, frozen=True):
    """Where the files are, and which branch they must be the tip of."""

    directory: Path
    on_invalid: str
    ref: str | None = None


class AccountFlags(Struct, frozen=True):
    """Which Neon is meant."""

    simulator: Path | None
    postgres: bool
    api_host: str | None
    trust_files: bool


class ScopeFlags(Struct, frozen=True):
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


class PermissionFlags(Struct, frozen=True):
    """What a person permits beyond the files, and whether less than all is good enough."""

    allow: tuple[str, ...]
    expect_empty: bool
    prune: bool
    strict: bool


class EarlierRunsFlags(Struct, frozen=True):
    """What is known of earlier runs that may have died."""

    run_is_dead: tuple[str, ...]
    journals: tuple[Path, ...]


class OutputFlags(Struct, frozen=True):
    """The format of the output, the files that it goes to, and what the exit code depends on."""

    format: str
    output: tuple[Path, ...]
    full: bool
    fail_on: tuple[str, ...] = ()


class CommandFlags(Struct, frozen=True):
    """How a command is carried out that plans one task, such as `restore` or `rollback`, and asks."""

    dry_run: bool
    yes: bool
    journal: Path | None


class SinkFlags(Struct, frozen=True):
    """Where connection strings go, and which of the two where only one fits."""

    connections_to: Path | None
    dotenv: Path | None
    to_command: str | None
    direct: bool = False
    reveal: bool = False
    to_registry: bool = False


class NotifyFlags(Struct, frozen=True):
    """Whether notices are sent, to which addresses, and where sent notices are recorded."""

    notify: bool
    notify_to: tuple[str, ...]
    notify_state: Path | None

    @property
    def wanted(self) -> bool:
        """Whether any flag asks for notices."""
        return self.notify or bool(self.notify_to)


class TelemetryFlags(Struct, frozen=True):
    """The metrics and traces of a run, for people on call."""

    metrics: Path | None
    trace: str | None


class RunFlags(Struct, frozen=True):
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


class AdoptFlags(Struct, frozen=True):
    """Everything that the flags of `adopt` say."""

    pattern: tuple[str, ...]
    select: tuple[str, ...]
    answers: Path | None
    questions: Path | None
    from_terraform: tuple[Path, ...]
    state_rm: Path | None
    from_neon_config: tuple[Path, ...]
    below: tuple[str, ...]
    infer_tiers: bool
    organization: tuple[str, ...]
    fleet: str
    write_as: str | None
    depth: str
    dry_run: bool


class StartFlags(Struct, frozen=True):
    """What a new fleet is to be; None for what is asked, or taken from the defaults."""

    fleet: str | None
    project_name: str | None
    organization: tuple[str, ...]
    key: tuple[str, ...]
    program: str | None
    forge: str | None
    reviewer: str | None
    completion: str | None
    yes: bool


PACKS: Final[Mapping[str, type[Struct]]] = {
    "files": FilesFlags,
    "account": AccountFlags,
    "scope": ScopeFlags,
    "permission": PermissionFlags,
    "earlier": EarlierRunsFlags,
    "output": OutputFlags,
    "command": CommandFlags,
    "sinks": SinkFlags,
    "notices": NotifyFlags,
    "telemetry": TelemetryFlags,
    "running": RunFlags,
    "adopting": AdoptFlags,
    "start": StartFlags,
}
"""By the argument of ``run`` that they are: `packed` of ``cli.command_help`` names it."""

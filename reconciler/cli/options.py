"""Flags that several commands share, each group packed into one object."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from reconciler.desired.naming import composed
from reconciler.desired.selection import Depth, Selection
from reconciler.errors import InvalidInputError
from reconciler.plan.concerns import NAMES
from reconciler.plan.guards.counted import KINDS
from reconciler.plan.permissions import Permissions
from reconciler.plan.rivals import RUN_ID

if TYPE_CHECKING:
    from reconciler.fleet import Request

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

FORMATS = ("text", "json", "markdown")
SUFFIXES = {".json": "json", ".md": "markdown", ".txt": "text"}
FAILURES = ("invalid", "stale", "refused", "conflict", "incomplete", "drift")


@dataclass(frozen=True, slots=True)
class FilesFlags:
    """Where the files are."""

    directory: Path
    on_invalid: str


@dataclass(frozen=True, slots=True)
class AccountFlags:
    """Which Neon is meant."""

    simulator: Path | None
    api_host: str | None
    trust_files: bool


@dataclass(frozen=True, slots=True)
class ScopeFlags:
    """What the run is about."""

    tenant: tuple[str, ...]
    exclude: tuple[str, ...]
    tier: tuple[str, ...]
    label: tuple[str, ...]
    only: tuple[str, ...]
    changed_since: str | None
    shard: str | None
    depth: str
    base: str | None

    def selection(self, changed: frozenset[str] | None) -> Selection:
        """The conditions on tenants; ``changed`` is what --changed-since found."""
        return Selection(
            tenants=self.tenant,
            exclude=self.exclude,
            tiers=self.tier,
            labels=tuple(map(_label, self.label)),
            shard=_shard(self.shard) if self.shard else None,
            changed=changed,
        )


@dataclass(frozen=True, slots=True)
class PermissionFlags:
    """What a person permits beyond the files, and whether less than all is good enough."""

    allow: tuple[str, ...]
    expect_empty: bool
    prune: bool
    strict: bool

    def permissions(self) -> Permissions:
        """Raises click.BadParameter for a word that permits nothing."""
        counts = dict(_count(word) for word in self.allow if word != "lowering")
        return Permissions(
            lowering="lowering" in self.allow, prune=self.prune, counts=counts, expect_empty=self.expect_empty
        )


@dataclass(frozen=True, slots=True)
class EarlierRunsFlags:
    """What is known of earlier runs that may have died."""

    run_is_dead: tuple[str, ...]
    journals: tuple[Path, ...]

    def known_to(self, request: Request, own: Path | None = None) -> Request:
        """The request with it; ``own`` is the journal of this run, which earlier ones may have written to.

        Raises InvalidInputError for a word that is no run's id.
        """
        if strange := [run for run in self.run_is_dead if not RUN_ID.fullmatch(run)]:
            raise InvalidInputError(
                f"--run-is-dead {strange[0]!r} is no id of a run",
                hint="the conflict names the run that it is about",
            )
        journals = (*self.journals, *([own] if own else []))
        return replace(request, journals=journals, dead_runs=frozenset(self.run_is_dead))


@dataclass(frozen=True, slots=True)
class OutputFlags:
    """In which form the document leaves, and where to."""

    format: str
    output: tuple[Path, ...]
    full: bool


def _packed(name: str, flags: Callable[..., object], *options: Decorator) -> Decorator:
    """A decorator that adds the options and hands them over as one argument."""
    keys = [field.name for field in fields(flags)]  # type: ignore[arg-type]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def run(**given: Any) -> Any:
            own = {key: given.pop(key) for key in keys}
            return command(**given, **{name: flags(**own)})

        decorated: Callable[..., Any] = run
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def _standing(_context: click.Context, _parameter: click.Parameter, folder: Path) -> Path:
    """The folder; raises FileNotFoundError where it is named from a current folder that is gone."""
    if not folder.is_absolute():
        Path.cwd()
    return folder


directory_option = click.option(
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    callback=_standing,
    help="Folder with tiers.yaml and tenants/.  [default: the current one]",
)

files_options = _packed(
    "files",
    FilesFlags,
    directory_option,
    click.option(
        "--on-invalid",
        type=click.Choice(["fail", "skip"]),
        default="fail",
        show_default=True,
        help="What a broken document of a tenant does: end the run, or hold back its tenant only, as one does "
        "that does not fit tiers.yaml any more.",
    ),
)

account_options = _packed(
    "account",
    AccountFlags,
    click.option(
        "--simulator",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Run against the embedded Neon kept in FILE: no account, no key, no waiting.",
    ),
    click.option("--api-host", metavar="URL", help="Base URL of the API.  [env: NEON_API_HOST]"),
    click.option(
        "--trust-files",
        is_flag=True,
        help="For the owner of the keys: send them where tiers.yaml says, also where the base says otherwise.",
    ),
)

base_option = click.option(
    "--base",
    metavar="REF",
    help="Commit that was applied last, or 'none'.  [default: HEAD while files are edited, else its parent]",
)

ref_option = click.option(
    "--ref", metavar="REF", help="Refuse (exit 5) where the files are not the tip of this branch, or are edited."
)

advance_option = click.option(
    "--advance",
    metavar="NAME",
    help="Afterwards move the tag NAME, which is the base, to this commit for every tenant that is done; with "
    "--ref also at the remote of that branch.",
)

scope_options = _packed(
    "scope",
    ScopeFlags,
    click.option("--tenant", multiple=True, metavar="GLOB", help="Only these tenants."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Not these tenants."),
    click.option("--tier", multiple=True, metavar="TIER", help="Only tenants of these tiers."),
    click.option("--label", multiple=True, metavar="KEY[=VALUE]", help="Only tenants with all of these labels."),
    click.option("--only", multiple=True, type=click.Choice(NAMES), help="Only these concerns."),
    click.option("--changed-since", metavar="REF", help="Only tenants whose settings changed since a commit."),
    click.option("--shard", metavar="I/N", help="Only the I-th of N parts of the fleet."),
    click.option(
        "--depth",
        type=click.Choice([depth.value for depth in Depth]),
        default=Depth.DECLARED.value,
        show_default=True,
        help="How much below a project is read.",
    ),
    base_option,
)

permission_options = _packed(
    "permission",
    PermissionFlags,
    click.option(
        "--allow",
        multiple=True,
        metavar="WHAT",
        help=f"Permit 'lowering', or more than a threshold by its exact number: {', '.join(KINDS)}=N.",
    ),
    click.option("--expect-empty", is_flag=True, help="No live project is no sign of a wrong key: the first run."),
    click.option("--prune", is_flag=True, help="Delete owned orphans."),
    click.option("--strict", is_flag=True, help="Apply nothing at all where anything is refused."),
)


earlier_runs_options = _packed(
    "earlier",
    EarlierRunsFlags,
    click.option(
        "--run-is-dead",
        multiple=True,
        metavar="RUN",
        help="Run RUN died before it told anybody of what it had created: a second, unused project that it left "
        "to a tenant may be deleted.",
    ),
    click.option(
        "--journals",
        multiple=True,
        type=click.Path(exists=True, path_type=Path),
        metavar="PATH",
        help="Also look for journals of runs that died in this file or folder.  [always: the user's log folder]",
    ),
)


def output_options(*forms: str) -> Decorator:
    """The options of a command whose document has these forms."""
    return _packed(
        "output",
        OutputFlags,
        click.option(
            "--format",
            type=click.Choice(forms),
            default="text",
            show_default=True,
            help="Form of the document on stdout.",
        ),
        click.option(
            "--output",
            multiple=True,
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help=f"Also write it to FILE, in the form of its ending: {', '.join(suffixes(forms))}.",
        ),
        click.option("--full", is_flag=True, help="Shorten no list."),
    )


def suffixes(forms: Collection[str]) -> list[str]:
    """The endings of files that say one of the forms."""
    return [suffix for suffix, form in SUFFIXES.items() if form in forms]


fail_on_option = click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(FAILURES),
    help="What makes the exit code other than 0: of plan and apply, drift and conflicts that this change does not "
    "touch do so only where they are named.",
)

journal_option = click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the record of every write goes.  [default: a file for each run in the user's log folder]",
)


def _label(text: str) -> tuple[str, str | None]:
    key, equals, value = composed(text).partition("=")
    return key, value if equals else None


def _shard(text: str) -> tuple[int, int]:
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise InvalidInputError(
            f"--shard takes I/N with 1 <= I <= N, not {text!r}", hint="for example --shard 2/8"
        )
    return int(index), int(count)


def _count(word: str) -> tuple[str, int]:
    kind, equals, number = word.partition("=")
    if kind not in KINDS or not equals or not number.isdecimal():
        raise InvalidInputError(
            f"--allow {word} permits nothing",
            hint=f"permit 'lowering', or an exact number: {', '.join(f'{kind}=N' for kind in KINDS)}",
        )
    return kind, int(number)

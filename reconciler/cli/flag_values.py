"""What the flags ask of a run: selection, permissions, journals of earlier runs."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.cli.options import THRESHOLDS
from reconciler.desired.naming import composed
from reconciler.desired.selection import Selection, has_label
from reconciler.errors import InvalidInputError
from reconciler.files.finding import did_you_mean_one_of
from reconciler.model.units import parse_length
from reconciler.model.values import replace
from reconciler.plan.permissions import Permissions
from reconciler.plan.rivals import RUN_ID

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.apply.run.wave_options import Bake
    from reconciler.cli.flags import EarlierRunsFlags, PermissionFlags, RunFlags, ScopeFlags
    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Request


def selection(scope: ScopeFlags, changed: frozenset[str] | None) -> Selection:
    """The tenants that the flags select; ``changed`` is what --changed-since found."""
    return Selection(
        tenants=scope.tenant,
        exclude=scope.exclude,
        tiers=scope.tier,
        labels=tuple(map(_label, scope.label)),
        shard=None if scope.shard is None else _shard(scope.shard),
        changed=changed,
    )


def names_tenants(scope: ScopeFlags) -> bool:
    """Whether the flags name the tenants of the run, or those that have changed: few of all tenants."""
    return scope.changed_since is not None or selection(scope, None).named is not None


def check_scope(scope: ScopeFlags, permission: PermissionFlags, desired: DesiredState) -> None:
    """Raises InvalidInputError for a name that matches nothing: a run with a misspelt name does too little or too
    much.
    """
    if unknown := [tier for tier in scope.tier if tier not in desired.tiers]:
        raise InvalidInputError(f"there is no tier {unknown[0]!r}", hint=f"one of {', '.join(desired.tiers)}")
    for glob in scope.tenant:
        _check_glob("--tenant", glob, desired)
    for glob in scope.exclude:
        _check_glob("--exclude", glob, desired)
    selected = selection(scope, None)
    for label in selected.labels:
        if not any(has_label(tenant, *label) for tenant in desired.tenants.values()):
            written = "=".join(word for word in label if word is not None)
            raise InvalidInputError(
                f"no tenant has a label {written!r}", hint="look at --label, and at labels in the files"
            )
    if permission.prune and not selected.everything:
        raise InvalidInputError("--prune needs the whole fleet", hint="remove the selection")


def _check_glob(flag: str, glob: str, desired: DesiredState) -> None:
    if glob in desired.tenants or any(fnmatchcase(name, glob) for name in desired.tenants):
        return
    held = sorted(name for name in desired.held_back if fnmatchcase(name, glob))
    if not held:
        hint = did_you_mean_one_of(glob, desired.tenants) or f"look at {flag}, or add its file"
        raise InvalidInputError(f"no file declares a tenant {glob!r}", hint=hint)
    if flag == "--tenant":
        raise InvalidInputError(f"the file of tenant {held[0]!r} cannot be used", hint="run `reconciler validate`")


def permissions(flags: PermissionFlags) -> Permissions:
    """Raises InvalidInputError for a word that permits nothing."""
    counts = dict(_count(word) for word in flags.allow if word != "lowering")
    return Permissions(
        lowering="lowering" in flags.allow, prune=flags.prune, counts=counts, expect_empty=flags.expect_empty
    )


def with_earlier_runs(earlier: EarlierRunsFlags, request: Request, own: Path | None = None) -> Request:
    """The request with what is known of earlier runs; ``own`` is the journal of this run, which may hold them too.

    Raises InvalidInputError for a word that is not the id of a run.
    """
    if strange := [run for run in earlier.run_is_dead if not RUN_ID.fullmatch(run)]:
        raise InvalidInputError(
            f"--run-is-dead {strange[0]!r} is not the id of a run",
            hint="copy the id from the conflict in the plan",
        )
    journals = (*earlier.journals, *([own] if own else []))
    return replace(request, journals=journals, dead_runs=frozenset(earlier.run_is_dead))


def read_bake(running: RunFlags) -> Bake | None:
    """What --bake and --harm say; None without --bake. Raises InvalidInputError."""
    if running.bake is None:
        if running.harm is not None or running.rollback_on_harm:
            raise InvalidInputError("--harm and --rollback-on-harm go with --bake", hint="for example --bake 10m")
        return None
    if running.waves is None:
        raise InvalidInputError("--bake goes with --waves", hint="for example --waves 1,1%,10%,100% --bake 10m")
    from reconciler.apply.run.wave_options import Bake  # noqa: PLC0415 - for waves only
    from reconciler.plan.harm import HarmLimit, read_harm_limit  # noqa: PLC0415

    try:
        seconds = parse_length(running.bake)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"--bake {running.bake} is no length of time", hint="for example 10m") from error
    return Bake(seconds, HarmLimit() if running.harm is None else read_harm_limit(running.harm))


def _shard(text: str) -> tuple[int, int]:
    from reconciler.cli.runtime import runtime  # noqa: PLC0415 - for shards only
    from reconciler.cli.shards import read_shard  # noqa: PLC0415 - as above

    return read_shard(text, runtime().environ)


def _label(text: str) -> tuple[str, str | None]:
    key, equals, value = composed(text).partition("=")
    return key, value if equals else None


def _count(word: str) -> tuple[str, int]:
    kind, equals, number = word.partition("=")
    if kind not in THRESHOLDS or not equals or not number.isdecimal():
        raise InvalidInputError(
            f"--allow {word} permits nothing",
            hint=f"permit 'lowering', or an exact number: {', '.join(f'{kind}=N' for kind in THRESHOLDS)}",
        )
    return kind, int(number)

"""The files of a run: now, and at the commit that they are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.selection import Depth
from reconciler.errors import ExitCode, InvalidInputError, ReconcilerError
from reconciler.files.git import base_ref, commit_id, load_at
from reconciler.files.load import OnInvalid, load
from reconciler.fleet import Request
from reconciler.plan.approval import Made
from reconciler.plan.concerns import NAMES
from reconciler.plan.wanted import changed_since
from reconciler.views.console import show, stderr_console
from reconciler.views.problems_text import render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from reconciler.cli.options import FilesFlags, PermissionFlags, ScopeFlags
    from reconciler.desired.problem import Problem
    from reconciler.desired.state import DesiredState
    from reconciler.files.load import Loaded

NO_BASE = "none"


class InvalidFilesError(ReconcilerError):
    """The files cannot be used; the problems have been shown."""

    exit_code = ExitCode.INVALID


def load_desired(files: FilesFlags) -> DesiredState:
    """The files of the run, their problems shown on stderr. Raises InvalidFilesError."""
    loaded = load(files.directory, on_invalid=OnInvalid(files.on_invalid))
    return usable(loaded)


def usable(loaded: Loaded) -> DesiredState:
    """What was loaded, its problems shown on stderr. Raises InvalidFilesError where it cannot be used."""
    show_problems(loaded.problems)
    if loaded.desired is None:
        raise InvalidFilesError(
            "the files have problems: nothing was done", hint="`reconciler validate` lists them"
        )
    return loaded.desired


def show_problems(problems: Sequence[Problem]) -> None:
    """On stderr, if there are any."""
    if problems:
        show(render(problems), stderr_console())


def request_of(
    files: FilesFlags, scope: ScopeFlags, permission: PermissionFlags, desired: DesiredState
) -> Request:
    """What the flags ask of a run."""
    changed = None
    if scope.changed_since is not None:
        changed = changed_since(desired, _at(files.directory, scope.changed_since))
    return Request(
        selection=scope.selection(changed),
        depth=Depth(scope.depth),
        only=scope.only or NAMES,
        base=base_of(files, scope.base),
        permissions=permission.permissions(),
    )


def base_of(files: FilesFlags, ref: str | None) -> DesiredState | None:
    """The files at the base: as named, else at the commit that the work tree is compared with."""
    if ref == NO_BASE:
        return None
    if ref is not None:
        return _at(files.directory, ref)
    found = base_ref(files.directory)
    return None if found is None else load_at(files.directory, found).desired


def made(files: FilesFlags, base: str | None, at: datetime) -> Made:
    """When and from which files a plan is made, for the one who reads it later."""
    ref = base or base_ref(files.directory)
    compared = None if ref is None or ref == NO_BASE else commit_id(files.directory, ref)
    return Made(at, commit=commit_of(files), base=compared)


def commit_of(files: FilesFlags) -> str | None:
    """The commit that the files are of; None outside a git checkout."""
    try:
        return commit_id(files.directory, "HEAD")
    except InvalidInputError:
        return None


def _at(directory: Path, ref: str) -> DesiredState:
    loaded = load_at(directory, ref)
    if loaded.desired is None:
        raise InvalidInputError(
            f"tiers.yaml at {ref} cannot be used: {loaded.problems[0]}",
            hint="name a commit whose files were valid",
        )
    return loaded.desired

"""``reconciler diff``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.fleet_files import CORRECT_THEM, InvalidFilesError, usable
from reconciler.cli.runtime import runtime
from reconciler.errors import ExitCode, InvalidInputError, weightiest
from reconciler.files.authors import authors
from reconciler.files.git import HEAD, commit_id, fork_point, load_at
from reconciler.files.load import load
from reconciler.model.problem import has_error
from reconciler.plan.approval import PlanOrigin
from reconciler.plan.authors import with_authors
from reconciler.plan.desired_change import desired_change
from reconciler.plan.plan import Rule
from reconciler.views.console import say_problems
from reconciler.views.view import DiffView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.flags import OutputFlags
    from reconciler.desired.state import DesiredState
    from reconciler.files.load import Loaded
    from reconciler.files.reading import Memo


def run(directory: Path, base: str, head: str | None, output: OutputFlags, detailed_exitcode: bool) -> ExitCode:
    """Shows what the files ask for since the base. Raises InvalidInputError for files that cannot be used.

    Ends with INVALID if a file in the folder has an error: its tenants are not compared; with REFUSED if a policy
    at the base denies something.
    """
    check_outputs(output, DiffView)
    memo: Memo = {}
    parted = fork_point(directory, base, head or HEAD)
    if parted is None:
        raise InvalidInputError(
            f"{base} and {head or 'HEAD'} have no merge base in this clone, or several",
            hint="fetch the whole history (fetch-depth: 0), or name the commit where they parted",
        )
    now = runtime().now
    invalid = False
    if head is None:
        loaded = load(directory, memo=memo)
        after, invalid = _current(loaded), has_error(loaded.problems)
    else:
        after = usable(load_at(directory, head, memo=memo), head)
    before = usable(load_at(directory, parted, memo=memo), parted)
    made = PlanOrigin(now, None if head is None else commit_id(directory, head), parted)
    if before.unread_policies:
        raise InvalidInputError(f"cannot use the policies at {parted}: {before.unread_policies[0]}")
    plan = desired_change(before, after, now)
    if before.policies:
        from reconciler.fleet.policies import judge_difference  # noqa: PLC0415 - its library is an extra

        plan = judge_difference(plan, before, after, now)
    find = partial(authors, directory, parted, after, at=head)
    view = DiffView(with_authors(plan, find), made)
    publish(output, view)
    codes = [ExitCode.INVALID] if invalid else []
    codes += [ExitCode.REFUSED] if any(one.rule is Rule.POLICY for one in view.plan.refusals) else []
    codes += [ExitCode.CHANGES] if detailed_exitcode and not view.plan.empty else []
    return weightiest(codes)


def _current(loaded: Loaded) -> DesiredState:
    """The files in the folder; prints their problems on stderr."""
    if loaded.problems:
        say_problems(loaded.problems)
    if loaded.desired is None:
        raise InvalidFilesError("the files have problems: nothing was compared", hint=CORRECT_THEM)
    return loaded.desired

"""``reconciler validate``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.runtime import runtime
from reconciler.cli.tenant_cache import known_tenants
from reconciler.cli.trust import unpermitted_values
from reconciler.errors import ExitCode
from reconciler.files.load import load
from reconciler.model.problem import errors, has_error
from reconciler.model.values import replace
from reconciler.views.view import ProblemsView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.flags import OutputFlags
    from reconciler.desired.state import DesiredState
    from reconciler.model.problem import Problem


def run(directory: Path, output: OutputFlags) -> ExitCode:
    """Checks the files; INVALID if one of them has an error."""
    check_outputs(output, ProblemsView)
    known = known_tenants(directory, few=True)
    loaded = load(directory, known=known)
    known.save()
    if loaded.desired is not None:
        found = unpermitted_values(loaded.desired, runtime().environ)
        loaded = replace(loaded, problems=(*loaded.problems, *found, *_of_prices(loaded.desired)))
    publish(output, ProblemsView(loaded.problems, loaded.desired))
    return ExitCode.INVALID if has_error(loaded.problems) else ExitCode.DONE


def _of_prices(desired: DesiredState) -> list[Problem]:
    """Errors only: that prices have become old is said where they are used."""
    today = datetime.fromtimestamp(runtime().clock(), UTC).date()
    return [] if desired.prices is None else errors(desired.prices.problems(today))

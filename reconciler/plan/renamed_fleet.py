"""Whether a commit renames the fleet: Neon cannot change the annotations that say which fleet a project is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import RenamedFleetError
from reconciler.model.annotations import FLEET
from reconciler.plan.identity import identify
from reconciler.plan.ownership import owner

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.history import History


def require_the_same_fleet(desired: DesiredState, live: LiveState, history: History) -> None:
    """Raise RenamedFleetError if the files left the fleet's name behind that its projects have.

    A project whose annotation was not read counts if a run has applied the base, as far as somebody named it.
    """
    base, fork = history.base, history.fork or history.base
    if base is None or fork is None or desired.fleet in (base.fleet, fork.fleet):
        return
    annotated = any((of := owner(one)) and of.get(FLEET) == base.fleet for one in live.projects)
    if annotated or (not history.guessed and identify(desired, live).projects):
        raise RenamedFleetError(
            f"tiers.yaml says fleet: {desired.fleet}, and the base says fleet: {base.fleet}, as the annotations "
            "of its projects do: under another name none of them is this fleet's",
            hint=f"write fleet: {base.fleet} in tiers.yaml; a copy of the files for another fleet needs other "
            "names in naming.project, and --base none for its first run",
        )

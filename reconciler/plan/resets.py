"""Resets of development branches that the files ask for: a number that grows asks for one.

Neon keeps no number (annotations are set at creation only), and neither does this program. The files at the base
show that the number grew; the commit that raised it shows when. A branch that was created or reset since then is
done.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.plan.concerns import branches
from reconciler.plan.concerns.branch_resets import asks_for_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.plan.history import History

BranchKey: TypeAlias = tuple[str, str]
"""A tenant and the name of a development branch."""
RaisedNumbers: TypeAlias = "Mapping[BranchKey, datetime]"
"""When the files raised the number of a branch; one whose time is unknown is missing."""
NOTHING_RAISED: Final[RaisedNumbers] = MappingProxyType({})


def asked(desired: DesiredState, history: History, tenants: Iterable[Tenant]) -> Iterator[BranchKey]:
    """Yield the branches whose number grew since the tenant's base."""
    for tenant in tenants:
        numbered = [branch for branch in tenant.dev_branches or () if branch.reset and not tenant.absent]
        if not numbered or history.same(desired, tenant):
            continue
        past = history.past(tenant.name)
        for branch in numbered:
            if asks_for_one(past, branches.path(branch.name), branch.reset):
                yield tenant.name, branch.name


def raised_for(raised: RaisedNumbers, tenant: str) -> dict[str, datetime]:
    """Return the times of one tenant, by name of the branch."""
    return {branch: at for (name, branch), at in raised.items() if name == tenant}

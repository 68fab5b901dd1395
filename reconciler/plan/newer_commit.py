"""A commit that arrives while a run carries out older files: which tenants it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState


class NewerCommit(Struct, frozen=True):
    """The commit that the branch of the files is at by now."""

    ref: str
    """The branch, as the user names it."""
    commit: str
    changed: frozenset[str] | None
    """The tenants that it declares otherwise than the files; None if it may change every tenant."""

    def changes(self, tenant: str) -> bool:
        """Return whether the run of that commit has to decide on the tenant."""
        return self.changed is None or tenant in self.changed


def changed_tenants(here: DesiredState, there: DesiredState | None) -> frozenset[str] | None:
    """Return the tenants that two versions of the files declare differently; None if that may be all.

    ``there`` is None if those files cannot be used. A tenant of a broken file counts, and so does one that only
    one version declares.
    """
    if there is None or _rules(here) != _rules(there):
        return None
    gone, come = there.differing(here), here.differing(there)
    if gone is None or come is None:
        return None
    return frozenset({*gone, *come, *here.held_back, *there.held_back})


def _rules(files: DesiredState) -> tuple[object, ...]:
    """What decides on every tenant besides its tier."""
    organizations = {name: (one.id, one.limits) for name, one in files.organizations.items()}
    policies = (files.policies, len(files.unread_policies))
    return (files.fleet, organizations, files.defaults, files.policy, policies, files.sql_sources)
